"""Plots for notebooks: axes in, axes out, and what they show is the run."""

import csv
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from snnlp_lava import (
    InputError,
    SpikingTextClassifier,
    plot_frontier,
    plot_membrane,
    plot_spikes,
    run_network,
    write_report,
)
from snnlp_lava.predict.load import network_path

TEXTS = ("i am so happy today", "who took my sandwich")


@pytest.fixture(scope="module")
def run():
    return run_network(network_path("demo"), texts=TEXTS)


@pytest.fixture
def axes():
    return Figure().subplots()


def drawn(axes):
    return sum(len(points.get_offsets()) for points in axes.collections)


@pytest.mark.parametrize("text", [0, 1])
def test_every_spike_is_a_mark(run, axes, text):
    assert plot_spikes(run, text, ax=axes) is axes
    assert drawn(axes) == sum(int(train[text].sum()) for train in run.trains) > 20
    last = axes.collections[-1].get_offsets()
    steps, _ = np.nonzero(run.trains[-1][text])
    assert last[:, 0].tolist() == (steps + 1).tolist()  # the read-out is a step behind the input


def test_many_classes_leave_room_for_the_names_of_those_that_spike(run, axes):
    names = tuple(f"class {number}" for number in range(150))
    counts = np.zeros((2, 150), dtype=np.int64)
    output = np.zeros((2, 32, 150), dtype=np.uint8)
    output[0, 3, 77] = output[0, 5, 4] = 1
    layers = (run.record.layers[0], run.record.layers[-1].replace(neurons=150))
    network = run.record.network.replace(sizes=[run.record.network.sizes[0], 150])
    fields = {"label_names": names, "layers": layers, "network": network}
    many = replace(run, record=run.record.replace(**fields), output_counts=counts, trains=(run.trains[0], output))
    plot_spikes(many, ax=axes)
    assert [label.get_text() for label in axes.get_yticklabels()][1:] == ["class 4", "class 77"]


def test_membranes_of_a_run_are_those_of_the_classifier(run, axes):
    other = Figure().subplots()
    assert plot_membrane(run, 1, ax=axes) is axes
    plot_membrane(SpikingTextClassifier.load("demo"), TEXTS[1], ax=other)
    one, two = ({line.get_label(): line.get_ydata() for line in ax.lines} for ax in (axes, other))
    assert one.keys() == two.keys()
    assert set(run.record.label_names) <= one.keys()
    for name, place in zip(run.record.label_names, range(6), strict=True):
        np.testing.assert_allclose(one[name], two[name], atol=1e-6)
        assert one[name].max() == pytest.approx(max(0, run.voltages[1, :, place].max()), abs=1e-6)


def test_a_text_that_is_not_kept_is_refused(run):
    classifier = SpikingTextClassifier.load("demo")
    for draw, source, text in (
        (plot_spikes, run, 2),
        (plot_membrane, run, -1),
        (plot_membrane, run, "a text"),
        (plot_membrane, classifier, 0),
    ):
        with pytest.raises(InputError, match=r"text must be .*, got"):
            draw(source, text)
    with pytest.raises(InputError, match="run the network again"):
        plot_membrane(replace(run, voltages=None))


def test_a_frontier_of_runs_or_of_rows_is_the_same(axes, tmp_path):
    run = run_network(network_path("demo"), data="demo")
    write_report(tmp_path / "r.csv", [run])
    rows = list(csv.DictReader((tmp_path / "r.csv").read_text("utf-8").splitlines()))
    other = Figure().subplots()
    assert plot_frontier([run], ax=axes) is axes
    plot_frontier(rows, ax=other)
    found = [[line.get_xydata().tolist() for line in ax.lines] for ax in (axes, other)]
    assert found[0] == found[1]
    assert found[0][0] == [[pytest.approx(run.record.synops / run.record.samples), 100 * run.record.accuracy]]


def test_the_line_joins_what_is_more_accurate_than_all_that_is_cheaper(axes):
    rows = [
        {"name": "a", "test_accuracy": 0.5, "synops": 10, "data": "d"},
        {"name": "b", "test_accuracy": "0.4", "synops": "20", "data": "d"},
        {"name": "c", "test_accuracy": 0.9, "synops": 30, "data": "d"},
        {"name": "an ANN", "test_accuracy": 0.99, "synops": "", "data": "d"},
    ]
    plot_frontier(rows, ax=axes)
    (line,) = (line for line in axes.lines if line.get_drawstyle() == "steps-post")
    assert line.get_xydata().tolist() == [[10, 50], [30, 90]]
    with pytest.raises(InputError, match="no row has both"):
        plot_frontier(rows[3:])
    with pytest.raises(InputError, match="row x: could not convert"):
        plot_frontier([{"name": "x", "accuracy": "high", "synops": 3}])


def test_without_axes_a_figure_is_made(run, monkeypatch):
    monkeypatch.setattr(mpl, "rcParams", mpl.rcParams.copy())
    mpl.use("agg")
    import matplotlib.pyplot as plt

    try:
        assert drawn(plot_spikes(run)) > 0
        assert len(plt.get_fignums()) == 1
    finally:
        plt.close("all")


def test_notebooks_show_a_run_and_a_classifier_as_tables(run):
    labelled = run_network(network_path("demo"), data="demo", limit=20)
    assert f"{labelled.record.accuracy:.1%}" in labelled._repr_html_()
    assert f"{run.record.synops / 2:,.1f} per text" in run._repr_html_()
    assert "accuracy" not in run._repr_html_()
    classifier = SpikingTextClassifier.load("demo")
    assert "anger, fear, joy, love, sadness, surprise" in classifier._repr_html_()
    assert "not fitted" in SpikingTextClassifier()._repr_html_()
    named = replace(run, name="<script>")
    assert "<script>" not in named._repr_html_()
