"""The page: figures and one self-contained HTML file."""
