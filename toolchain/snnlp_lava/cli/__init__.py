"""The command line: one module per command; it parses, calls and prints, and does no work of its own."""
