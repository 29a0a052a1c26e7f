"""NIR files: ours read back as they were, other programs' networks quantised."""
