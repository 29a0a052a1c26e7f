# `make demo` and `make test` set up what is missing and then run.
BIN := .venv/bin

.PHONY: demo test test-all coverage lint docs gallery dist setup lock clean

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

# The documentation site, in build/site; warnings, broken links among them, are errors.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# The pictures of docs/gallery.md, by the commands that stand there, and README.md's animation (the page's picture needs Chromium).
gallery: setup
	$(BIN)/python scripts/gallery.py

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
