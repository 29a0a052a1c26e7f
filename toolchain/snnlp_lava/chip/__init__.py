"""Describe chips and map networks onto their cores."""
