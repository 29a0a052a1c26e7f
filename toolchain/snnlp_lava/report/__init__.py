"""Write reports of runs: one self-contained HTML page, or tables."""
