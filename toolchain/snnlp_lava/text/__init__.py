"""Load and split labelled texts."""
