"""Lava Processes and their models. Lava imports every module of this folder to look for models: nothing else here."""
