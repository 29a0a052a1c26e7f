"""Define Lava Processes and their models only: Lava imports every module of this folder to search for models."""
