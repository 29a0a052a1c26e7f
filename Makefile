# `make demo` and `make test` set up what is missing and then run.
BIN := .venv/bin

.PHONY: demo test test-all coverage lint dist setup lock clean

demo: setup
	$(BIN)/snnlp-lava demo

test: setup
	$(BIN)/python -m pytest -m "not slow"

test-all: setup
	$(BIN)/python -m pytest

# The tests of `make test`, counting which lines and branches they run.
coverage: setup
	$(BIN)/coverage run -m pytest -m "not slow"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Wheel and source archive, in dist/.
dist: setup
	$(BIN)/python -c "from setuptools import build_meta as b; b.build_sdist('dist'); b.build_wheel('dist')"

setup:
	@scripts/setup

# Pin everything anew, with hashes and without addresses (needs uv).
lock:
	scripts/lock

clean:
	rm -rf .venv demo build dist
