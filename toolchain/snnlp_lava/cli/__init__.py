"""Implement the command line, one module per command: parse options, call the library, print results."""
