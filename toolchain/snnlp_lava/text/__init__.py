"""Read labelled texts, split them, and split a text into words."""
