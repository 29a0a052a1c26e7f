"""The summary: means and spread over seeds, and every cell in results.csv."""

import csv
import statistics

import pytest

from snnlp_lava.records import build
from snnlp_lava.sweep.results import CellRecord, groups, varying_fields, write_csv


def test_cells_that_differ_in_their_seed_are_one_group(cell, record):
    accuracies = {1: 0.5, 2: 0.625, 3: 0.875}
    cells = [cell(window=8, seed=seed) for seed in accuracies] + [cell(window=16), cell("ann", seed=3)]
    records = {one.name: record(one, accuracies[one.train.seed], (300, 10 * one.train.seed)) for one in cells}
    found = groups(cells, records)
    assert [(g.cell.train.name, g.cell.train.options().get("window"), g.seeds) for g in found] == [
        ("snn-rate", 8, 3),
        ("snn-rate", 16, 1),
        ("ann", None, 1),
    ]
    assert found[0].accuracy == pytest.approx(2 / 3)
    assert found[0].spread == pytest.approx(statistics.stdev(accuracies.values()))
    assert found[0].mrr == pytest.approx((1 + 2 / 3) / 2)
    assert (found[0].spikes, found[0].synops) == (32, 64)
    assert (found[1].spread, found[1].spikes) == (None, 31)
    assert (found[2].accuracy, found[2].spikes, found[2].synops) == (0.875, None, None)


def test_the_emulators_scores_count_where_there_are_spikes(cell, document):
    one = document(cell(), 0.5)
    one["results"]["emulator"]["accuracy"] = 0.25
    assert groups([cell()], {cell().name: build(CellRecord, one)})[0].accuracy == 0.25


def test_cells_that_are_not_done_are_left_out(cell, record):
    cells = [cell(seed=1), cell(seed=2), cell(window=8)]
    (group,) = groups(cells, {cells[1].name: record(cells[1], 0.75)})
    assert (group.seeds, group.accuracy) == (1, 0.75)


def test_counts_are_of_one_text_over_all_layers(cell, record):
    results = record(cell(), spikes=(300, 20)).results
    assert (results.per_text("spikes"), results.per_text("clips")) == (32, 0.2)
    assert record(cell("ann")).results.per_text("spikes") is None


def test_fields_that_a_method_varies_are_named(cell):
    cells = [cell("ann"), cell(), cell(window=8), cell(seed=2)]
    assert varying_fields(cells) == []
    assert varying_fields([*cells, cell("ann", epochs=3)]) == ["epochs"]
    assert varying_fields([*cells, cell(calibration="paper"), cell(hidden=(8,))]) == ["hidden", "calibration"]


def test_every_finished_cell_is_a_row(tmp_path, cell, record):
    cells = [cell("ann"), cell(window=8, hidden=(8, 4)), cell(window=16)]
    records = {one.name: record(one, 0.1) for one in cells[:2]}
    path = write_csv(tmp_path, cells, records)
    assert path == tmp_path / "results.csv"
    with path.open(encoding="utf-8") as handle:
        ann, snn = csv.DictReader(handle)
    assert (ann["name"], snn["name"]) == (cells[0].name, cells[1].name)
    assert (ann["window"], ann["neuron_threshold"], ann["spikes"], ann["macs"]) == ("", "", "", "8")
    assert (snn["window"], snn["neuron_threshold"], snn["spikes"], snn["macs"]) == ("8", "1.25", "32.0", "")
    assert (snn["hidden"], snn["seed"], snn["test_accuracy"], snn["data"]) == ("8-4", "1", "0.1", "demo")
