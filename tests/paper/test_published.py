"""The paper's grid, its numbers, and what follows from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snnlp_lava.encode.calibration import fit_calibration
from snnlp_lava.encode.saf import saf_spikes
from snnlp_lava.errors import InputError
from snnlp_lava.paper.published import DATA, claims, compare, paper_cells
from snnlp_lava.paper.table import claims_table, order_table, results_table, write_reproduction
from snnlp_lava.records import load
from snnlp_lava.sweep.results import CellRecord, DataIdentity, finished_result
from snnlp_lava.train.baselines import AnnClassifier, macs


def test_each_published_row_has_one_cell():
    cells = paper_cells(None, DATA, quick=False, seed=1)
    records = {cell.name: fake_record(cell) for cell in cells}
    rows = compare(cells, records)
    assert len(rows) == len(cells) == len(records) == 38
    assert all(row.ours is not None for row in rows)
    assert {cell.train.window for cell in cells if cell.train.name == "snn-bin"} == {513, 33}


def ann_macs(sizes):
    return macs(AnnClassifier(sizes).state_dict())


def test_the_paper_s_macs_are_those_of_its_sizes():
    """512-dimensional sentence vectors, 200-dimensional word vectors: the parity that needs no training."""
    for row in compare([], {}):
        if row.method == "ann":
            inputs = {"sentence": 512, "word": 200}[row.level]
            assert row.paper["operations"] == ann_macs((inputs, 256, 128, {"imdb": 2, "emotion": 6}[row.data]))
    assert [ann_macs((size, 256, 128, classes)) for size in (512, 200) for classes in (2, 6)] == [
        164_096,
        164_608,
        84_224,
        84_736,
    ]


def test_the_paper_s_formula_gives_its_input_spikes():
    """(v + 1) / 2 of unit vectors in 512 dimensions: half the lines' steps, less about half a spike a line."""
    vectors = np.random.default_rng(0).normal(size=(400, 512))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    values = fit_calibration("paper", vectors)(vectors)
    for row in compare([], {}):
        if (row.method, row.level) == ("snn-rate", "sentence"):
            spikes = saf_spikes(values, row.window).sum(axis=(1, 2)).mean()
            assert spikes == pytest.approx(row.paper["input_spikes"], rel=0.015)


def test_claims_that_follow_from_the_paper_s_own_rows():
    found = {claim.text: claim.paper for claim in claims(compare([], {}))}
    values = list(found.values())
    assert values[0] == pytest.approx(14.3, abs=0.05)  # mean over the four 50-step pairs
    assert values[1] == pytest.approx(np.mean([62.8, 62.6, 75.2, 72.4]), abs=0.2)  # each ratio of its energies
    assert values[3] == pytest.approx(np.mean([0.257, 0.256, 0.324, 0.318]), abs=0.002)
    assert values[4:] == pytest.approx([3.68, 7.02], abs=0.01)
    assert all(claim.ours is None for claim in claims(compare([], {})))


def test_methods_that_are_close_together_are_not_ranked():
    rows = [replace(row, ours={**row.paper, "accuracy": 0.5}) for row in compare([], {})]
    word_emotion = order_table(rows).splitlines()[5]
    equal = "ann ≈ snn-rate ≈ snn-rate-rand ≈ snn-bin"
    # The paper's networks of random rates and of word codes both have 43.15 %.
    assert word_emotion == f"| word | emotion | {equal} | ann > snn-rate > snn-rate-rand ≈ snn-bin |"


def fake_record(cell, spikes=5000, trained_spikes=900.0):
    """A record of a cell as training leaves it, each layer with so many spikes."""
    classes = 2 if cell.source.name == "imdb" else 6
    sizes = (384, 256, 128, classes)
    history = [
        {
            "epoch": epoch,
            "train_loss": 1 / epoch,
            "train_spikes": trained_spikes,
            "validation_loss": 1.0,
            "validation_accuracy": 0.5,
            "validation_mrr": 0.7,
        }
        for epoch in (1, 2, 3)
    ]
    scores = {"accuracy": 0.6, "mrr": 0.7}
    results = {"sizes": sizes, "samples": 10, "best_epoch": 1, "history": history, "validation": scores, "test": scores}
    if not cell.train.spiking:
        results["macs"] = ann_macs(sizes)
    else:
        counts = {"spikes": spikes, "synops": 18 * spikes, "synops_nonzero": 0, "neuron_updates": 0}
        counts |= {"wraps": 0, "clips": 0}
        layers = [{"name": f"layer{index}", "neurons": size, **counts} for index, size in enumerate(sizes)]
        results["emulator"] = {
            **scores,
            "window": cell.train.window,
            "period": cell.train.window,
            "paper_operations": 4 * spikes / 10,
            "layers": layers,
        }
    hashes = {"sha256": "5a" * 32, "vectors": None, "words": None, "codes": None}
    embedding = {"name": None, "sha256": None, "dimension": 384}
    return CellRecord.of(
        cell=cell.to_dict(),
        data={"name": cell.source.name, **hashes, "rows": {"test": 10}, "embedding": embedding},
        results=results,
        versions={},
        date="2024-01-31",
        seconds=1.0,
        host={"system": "Linux", "machine": "x86_64", "cores": 2, "device": "cpu"},
    )


def test_networks_that_never_spike_leave_claims_open():
    cells = paper_cells(None, DATA, quick=False, seed=1)
    silent = {cell.name: fake_record(cell, spikes=0, trained_spikes=0.0) for cell in cells}
    found = claims(compare(cells, silent))
    assert found[0].ours == 0  # points of accuracy, which need no spikes
    assert [claim.ours for claim in found[1:]] == [None] * 5
    assert claims_table(found).count(" |  | ") == 5


def test_resume_keeps_every_cell_of_the_reproduction():
    """Their data is not at hand, so each cell's identity is taken from its own file."""
    folder = Path(__file__).parents[2] / "docs" / "reproduction" / "cells"
    for cell in paper_cells(None, DATA, quick=False, seed=42):
        data = load(CellRecord, folder / f"{cell.name}.json", cell.name).data
        identity = DataIdentity(**{name: getattr(data, name) for name in DataIdentity.__struct_fields__})
        assert finished_result(folder / f"{cell.name}.json", cell, identity) is not None


def test_the_reproduction_s_table_follows_from_its_cells(tmp_path):
    """docs/reproduction/table.md, from the committed cells."""
    folder = Path(__file__).parents[2] / "docs" / "reproduction"
    cells = paper_cells(None, DATA, quick=False, seed=42)
    records = {cell.name: load(CellRecord, folder / "cells" / f"{cell.name}.json", cell.name) for cell in cells}
    rows = compare(cells, records)
    text = f"{results_table(rows)}\n\n{claims_table(claims(rows))}\n\n{order_table(rows)}\n"
    assert text == (folder / "table.md").read_text("utf-8")


@pytest.mark.parametrize("names", [pytest.param(DATA, marks=pytest.mark.slow), ("emotion",)])
def test_table_and_figures_are_written(tmp_path, names):
    cells = paper_cells(None, names, quick=True, seed=1)
    silent = "snn-rate-rand"  # a network that never spikes is drawn, too
    records = {cell.name: fake_record(cell, spikes=0 if cell.train.name == silent else 5000) for cell in cells}
    text = write_reproduction(tmp_path, cells, records)
    assert (tmp_path / "table.md").read_text("utf-8") == text
    assert text.count("| snn-rate-rand |") == 4 * len(names)
    figures = sorted(path.name[:2] for path in (tmp_path / "figures").glob("*.svg"))
    assert figures == ["F1", *(["F2"] if "imdb" in names else []), "F3", "F4", "F6", "F8"]
    for path in (tmp_path / "figures").glob("*.svg"):
        assert path.read_text("utf-8").rstrip().endswith("</svg>")


def test_missing_data_is_named(tmp_path):
    with pytest.raises(InputError, match=r"imdb\.parquet: no such file; --data-dir needs"):
        paper_cells(tmp_path, DATA, quick=False, seed=1)
