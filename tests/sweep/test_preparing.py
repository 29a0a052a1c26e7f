"""Features are made once, before workers start: one set for each distinct key, wherever the cells run."""

import numpy as np
import pytest

from snnlp_lava.sweep import cell as cell_module
from snnlp_lava.sweep import runner
from snnlp_lava.sweep.cell import prepare_features, run_cell
from snnlp_lava.sweep.grid import Cell, Source
from snnlp_lava.sweep.runner import run_sweep
from snnlp_lava.train.methods.base import make_method

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
def prepared(monkeypatch):
    """Names of the cells that were prepared, instead of doing it."""
    names = []
    monkeypatch.setattr(cell_module, "prepare_cell", lambda cell, report: names.append(cell.train.feature_key()))
    return names


def test_each_set_of_features_is_made_once(prepared):
    prepare_features([Cell(Source(data), method) for data in ("demo", "other.csv") for method in METHODS])
    assert len(prepared) == 8
    assert set(prepared) == {method.feature_key() for method in METHODS}


@pytest.mark.parametrize("place", [{"jobs": 2}, {"scheduler": "tcp://host:8786"}], ids=["jobs", "scheduler"])
def test_they_are_made_before_workers_start(prepared, monkeypatch, tmp_path, place):
    seen = []

    def run(where, cells, on_event):
        seen.append(list(prepared))

    monkeypatch.setattr(runner, "run_local", run)
    monkeypatch.setattr(runner, "run_on_cluster", run)
    run_sweep([Cell(Source("demo"), method) for method in METHODS], tmp_path / "out", **place)
    assert [set(names) for names in seen] == [{method.feature_key() for method in METHODS}]


def test_cells_of_other_lines_share_their_texts_and_tell_their_own_sizes(tmp_path):
    """Of two code lengths in one process, each record has its own."""
    rows = [f"a {('dull', 'fine')[i % 2]} film {i},{i % 2},{part}" for i, part in enumerate(["train"] * 24)]
    rows += [f"a dull film {i},0,validation" for i in range(3)] + [f"a fine film {i},1,test" for i in range(3)]
    (tmp_path / "own.csv").write_text("\n".join(["text,label,split", *rows]) + "\n", "utf-8")
    cells = [
        Cell(Source(str(tmp_path / "own.csv")), make_method("spike-embedding", lines=lines, epochs=1))
        for lines in (8, 16)
    ]
    records = [run_cell(cell) for cell in cells]
    ramps = [record.results.sizes[0] - lines for record, lines in zip(records, (8, 16), strict=True)]
    assert np.all(np.array(ramps) >= 1)
    assert {record.data.embedding.dimension for record in records} == {None}
