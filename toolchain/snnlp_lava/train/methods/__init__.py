"""Define the training methods, one module or package each."""
