"""A ledger of integers times prices with sources is a bill."""
