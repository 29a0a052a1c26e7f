"""Run and verify network files, and write and read run folders."""
