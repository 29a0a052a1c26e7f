"""Training methods, a module or package each."""
