"""Features of a sweep's cells: made once, before any worker starts, and each cell's own."""

from dataclasses import replace

import numpy as np
import pytest

from snnlp_lava.sweep.cell import prepare_features, run_cell
from snnlp_lava.sweep.grid import Cell, Source, read_grid
from snnlp_lava.sweep.runner import run_sweep
from snnlp_lava.train.methods.make import make_method
from snnlp_lava.workers import Failed, Started

METHODS = (
    make_method("snn-rate"),
    make_method("ann", seed=7),
    make_method("snn-rate", window=8, hidden=(4,)),
    make_method("snn-rate", level="word"),
    make_method("ann", level="word"),
    make_method("snn-bin"),
    make_method("spike-embedding", lines=16),
    make_method("spike-embedding"),
)


@pytest.fixture
def grid(tmp_path):
    """Cells of a grid on 24 texts of our own, with a file of word vectors: grid(its [grid] table)."""
    rows = [f"{word} {'sun' if i % 2 else 'rain'} today,{i % 2},{split}" for i, (word, split) in enumerate(_texts())]
    (tmp_path / "own.csv").write_text("\n".join(["text,label,split", *rows]) + "\n", "utf-8")
    words = ["sun", "rain", "today", "bright", "grey", "such", "more", *"abcdefgh"]
    vectors = np.random.default_rng(0).standard_normal((len(words), 6))
    lines = [
        f"{word} {' '.join(f'{value:.4f}' for value in vector)}" for word, vector in zip(words, vectors, strict=True)
    ]
    (tmp_path / "words.txt").write_text("\n".join(lines) + "\n", "utf-8")

    def cells(table):
        (tmp_path / "g.toml").write_text(f'data = "own.csv"\nwords = "words.txt"\n[grid]\n{table}', "utf-8")
        return read_grid(tmp_path / "g.toml")

    return cells


def _texts():
    return [
        (word, split)
        for split in ("train", "train", "validation", "test")
        for word in ("bright", "grey", "such", "more", "bright", "grey")
    ]


@pytest.mark.parametrize(
    ("option", "run"), [({"jobs": 1}, "run_local"), ({"scheduler": "tcp://a:1"}, "run_on_cluster")]
)
@pytest.mark.parametrize(
    ("methods", "kept"),
    [
        (["snn-rate", "spike-embedding"], "word-vectors-*"),  # the second has no vectors
        (["snn-rate", "snn-bin"], "codes-of-*"),
    ],
)
def test_features_are_made_once_before_the_first_cell_starts(
    grid, cache_folder, tmp_path, monkeypatch, option, run, methods, kept
):
    table = f'level = "word"\nmethod = {methods}\nwindow = [8, 16]\nseed = [1, 2]\n'.replace("'", '"')
    read = grid(table)
    cells = [replace(cell, source=read[0].source) for cell in read]  # as from Python; a grid drops files not read
    kept_at, embedded = [], []

    def no_workers(_, work, common, tasks, on_event):
        for task in tasks:
            on_event(Started(task.name, 1))
            on_event(Failed(task.name, "is not run"))

    def progress(stage, done, total):
        if stage == "embed" and done == total:
            embedded.append(total)

    monkeypatch.setattr(f"snnlp_lava.sweep.runner.{run}", no_workers)
    state = run_sweep(
        cells,
        tmp_path / "out",
        **option,
        progress=progress,
        on_event=lambda event: kept_at.append(len(list(cache_folder.glob(kept)))),
    )
    assert len(state.failed) == len(cells) > 4
    assert kept_at[0] == 1
    assert embedded == [24]


def test_each_set_of_features_is_made_once(monkeypatch):
    made = []
    monkeypatch.setattr(
        "snnlp_lava.sweep.cell.prepare_cell", lambda cell, report: made.append(cell.train.feature_key())
    )
    prepare_features([Cell(Source(data), method) for data in ("demo", "other.csv") for method in METHODS])
    assert len(made) == 8
    assert set(made) == {method.feature_key() for method in METHODS}


def test_cells_of_one_process_share_no_features_that_depend_on_their_options(grid):
    few, many = grid('method = "spike-embedding"\nlines = [8, 12]\n')
    few, many = run_cell(few), run_cell(many)
    assert (few.cell.train["lines"], many.cell.train["lines"]) == (8, 12)
    assert few.results.sizes[0] <= 8
    assert many.results.sizes[0] <= 12
    assert few.data.embedding.dimension == many.data.embedding.dimension is None  # a code's length is not a vector's
