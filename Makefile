# `make demo` and `make test` set up what is missing and then run.
BIN := .venv/bin

.PHONY: demo test test-fast lint setup lock clean

demo: setup
	$(BIN)/snnlp-lava demo

test: setup
	$(BIN)/python -m pytest

test-fast: setup
	$(BIN)/python -m pytest -m "not slow"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup:
	@scripts/setup

# Pin everything anew, with hashes and without addresses (needs uv).
lock:
	scripts/lock

clean:
	rm -rf .venv demo build
