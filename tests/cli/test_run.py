"""From texts and spikes to a report: what the commands print and write."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cli.commands import LAYERS, contents, python
from snnlp_lava.run.folder import read_run

KEYS = {
    *("backend", "samples", "window", "period", "steps", "seconds", "versions"),
    *("accuracy", "mrr", "right_over_time", "label_names", "predictions", "labels"),
    *("input_spikes", "layers", "synops_per_sample", "wraps", "clips", "paper_operations", "first_spikes"),
    *("data", "layers_read", "metered", "unknown"),
}


def check_document(document, samples, backend):
    """The numbers of a run's document fit together."""
    assert set(document) == KEYS
    assert (document["backend"], document["samples"]) == (backend, samples)
    assert (document["window"], document["period"]) == (7, 7)
    layers = document["layers"]
    assert {layer["name"]: layer["neurons"] for layer in layers} == LAYERS
    assert document["input_spikes"] == layers[0]["spikes"] > 0
    assert layers[0]["synops"] == layers[0]["neuron_updates"] == 0
    for before, layer in pairwise(layers):
        assert layer["synops"] == before["spikes"] * layer["neurons"]
        assert layer["synops_nonzero"] <= layer["synops"]
        assert layer["neuron_updates"] == samples * document["period"] * layer["neurons"]
        assert layer["spikes"] <= layer["active_updates"] <= layer["neuron_updates"]
    assert document["synops_per_sample"] == pytest.approx(sum(layer["synops"] for layer in layers) / samples)
    for count in ("wraps", "clips"):
        assert document[count] == sum(layer[count] for layer in layers)
    predictions, labels = document["predictions"], document["labels"]
    assert len(predictions) == len(labels) == samples
    assert set(predictions) - {-1} | set(labels) <= set(range(len(document["label_names"])))  # -1 is unknown
    assert document["accuracy"] == pytest.approx(np.mean(np.equal(predictions, labels)))
    assert document["right_over_time"][-1] == np.equal(predictions, labels).sum()
    assert max(document["accuracy"], np.mean(np.greater(predictions, -1)) / 6) <= document["mrr"] <= 1
    assert document["seconds"] >= 0
    assert {"snnlp-lava", "python", "numpy"} <= set(document["versions"])


def test_a_run_prints_one_json_document_and_nothing_else(files, tmp_path):
    done = python(
        *("-m", "snnlp_lava.cli.main", "run", files / "a.net", "--data", "demo", "--limit", 5, "--json"),
        *("-o", tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    document = json.loads(done.stdout)
    check_document(document, 5, "emulator")
    assert document["steps"] == 5 * 7
    run = read_run(tmp_path / "out")
    assert run.predictions.tolist() == document["predictions"]
    most = run.output_counts.max(axis=1)  # of equals the earlier wins, so the lower class need not
    won = run.output_counts[np.arange(5), run.predictions]
    assert np.where(run.predictions < 0, most == 0, won == most).all()  # nothing spiked: unknown
    assert run.labels.tolist() == document["labels"]
    assert run.output_counts.sum() == document["layers"][-1]["spikes"]
    assert (run.record.data.name, run.record.data.split, run.record.data.limit) == ("demo", "test", 5)
    assert [len(train) for train in run.trains] == [4] * 4
    assert done.stderr == f"run: {tmp_path / 'out'}\n"


def test_a_run_without_json_prints_the_same_numbers_for_people(files, snnlp_lava):
    result = snnlp_lava("run", files / "a.net", "--data", "demo", "--limit", 5)
    assert result.exit_code == 0
    run = read_run(files / "run")
    assert f"5 texts on emulator: accuracy {run.record.accuracy:.2%}" in result.stdout
    assert result.stderr == "run: runs/a-emulator-demo-test-n5\n"
    again = read_run(Path("runs/a-emulator-demo-test-n5"))
    np.testing.assert_array_equal(again.output_counts, run.output_counts)


def test_a_network_of_another_maker_runs_on_spikes(files, snnlp_lava):
    result = snnlp_lava("run", files / "layers.net", "--spikes", files / "spikes.npy", "--keep-trains", 5)
    assert (result.exit_code, result.stderr) == (0, "run: runs/layers-emulator-spikes\n")
    assert result.stdout.startswith("5 samples on emulator  ")
    run = read_run(Path("runs/layers-emulator-spikes"))
    assert run.record.network.card is None
    assert (run.record.window, run.record.period, run.record.samples) == (9, 9, 5)
    assert run.record.label_names == ("0", "1", "2", "3", "4", "5")
    np.testing.assert_array_equal(run.trains[0], np.load(files / "spikes.npy")[:4])
    np.testing.assert_array_equal(run.output_counts[:4], run.trains[-1].sum(axis=1))
    with_card = json.loads(snnlp_lava("run", files / "a.net", "--spikes", files / "spikes.npy", "--json").stdout)
    assert (with_card["window"], with_card["period"]) == (9, 9)
    np.testing.assert_array_equal(with_card["predictions"], run.predictions)
    result = snnlp_lava("report", "runs/layers-emulator-spikes", "-o", "r.html")
    assert (result.exit_code, "5 samples of spikes" in Path("r.html").read_text("utf-8")) == (0, True)


@pytest.mark.parametrize("kept", [2, *(pytest.param(kept, marks=pytest.mark.slow) for kept in (0, 5, 9))])
def test_as_many_trains_are_kept_as_were_asked_for(files, snnlp_lava, kept):
    from safetensors.numpy import load_file

    wanted = ("run", files / "layers.net", "--spikes", files / "spikes.npy", "--keep-trains", kept, "-o", "out")
    assert snnlp_lava(*wanted).exit_code == 0
    trains = load_file("out/trains.safetensors")
    assert trains.pop("voltages").shape == (min(kept, 4), 9, 6)
    assert {name: train.shape for name, train in trains.items()} == {
        f"layer{index}": (min(kept, 5), 9, (size + 7) // 8) for index, size in enumerate(LAYERS.values())
    }
    assert snnlp_lava("report", "out", "-o", "r.html").exit_code == 0


def test_square_brackets_in_a_path_are_no_markup(files, snnlp_lava):
    result = snnlp_lava("run", files / "layers.net", "--spikes", files / "spikes.npy", "-o", "[bold] [")
    assert (result.exit_code, result.stderr) == (0, "run: [bold] [\n")
    result = snnlp_lava("report", "[bold] [", "-o", "[/x].html")
    assert (result.exit_code, result.stderr) == (0, "report: [/x].html\n")


@pytest.mark.slow
def test_spikes_are_verified_on_lava(files, snnlp_lava, tmp_path):
    wanted = ("verify", files / "layers.net", "--spikes", files / "spikes.npy", "--json")
    done = python("-m", "snnlp_lava.cli.main", *wanted, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["samples"], document["compared_with"], document["total_differences"]) == (5, ["sim"], 0)
    assert document["layers"][0]["spikes"] == np.load(files / "spikes.npy").sum()


@pytest.mark.slow
def test_lava_counts_the_same_spikes_as_the_emulator(files, snnlp_lava, tmp_path):
    wanted = ("run", files / "a.net", "--data", "demo", "--limit", 3, "--json")
    ours = json.loads(snnlp_lava(*wanted, "-o", "emulator").stdout)
    done = python("-m", "snnlp_lava.cli.main", *wanted, "--backend", "sim", "-o", "sim", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    theirs = json.loads(done.stdout)
    for backend, document in (("emulator", ours), ("sim", theirs)):
        check_document(document, 3, backend)
    same = KEYS - {"backend", "steps", "seconds", "versions", "layers_read"}
    assert (ours["layers_read"], theirs["layers_read"]) == ([], list(LAYERS))
    assert {key: theirs[key] for key in same} == {key: ours[key] for key in same}
    runs = [read_run(tmp_path / backend) for backend in ("emulator", "sim")]
    np.testing.assert_array_equal(runs[0].output_counts, runs[1].output_counts)
    for of_emulator, of_lava in zip(runs[0].trains, runs[1].trains, strict=True):
        np.testing.assert_array_equal(of_emulator, of_lava)


def test_texts_by_hand_are_answered_with_a_label_and_every_count(files, snnlp_lava, tmp_path):
    texts = ("i did not expect that at all, wow", "he cried [bold]for[/bold] an hour\t😀")
    result = snnlp_lava("run", files / "a.net", "--text", texts[0], "--text", texts[1])
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    names = read_run(files / "run").record.label_names
    assert len(lines) == 4
    for text, answer, counted in zip(texts, lines[::2], lines[1::2], strict=True):
        label, _, shown = answer.partition("\t")
        assert shown == text
        counts = dict(pair.split() for pair in counted.strip().split("  "))
        assert sorted(counts) == sorted(names)
        most = max(map(int, counts.values()))
        assert (label, int(counts[label])) == (next(iter(counts)), most) if most else label == "unknown"
        assert list(counts.values()) == sorted(counts.values(), key=int, reverse=True)
    assert contents(tmp_path) == {}


def test_texts_by_hand_as_json_have_no_labels(files, snnlp_lava, tmp_path):
    result = snnlp_lava("run", files / "a.net", "--text", "how lovely", "--json", "-o", "out")
    document = json.loads(result.stdout)
    assert set(document) == KEYS
    assert (document["samples"], document["labels"], document["accuracy"], document["mrr"]) == (1, None, None, None)
    assert read_run(tmp_path / "out").record.examples == ("how lovely",)


def test_a_report_of_two_runs(files, snnlp_lava, tmp_path):
    assert snnlp_lava("run", files / "a.net", "--text", "<b>how</b> lovely", "-o", "by_hand").exit_code == 0
    for name in ("r.html", "r.json", "r.csv", "r.md", "r.tex"):
        result = snnlp_lava("report", files / "run", "by_hand", "-o", name)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"report: {name}\n")
    parts = json.loads((tmp_path / "r.json").read_text("utf-8"))["runs"]
    assert [part["name"] for part in parts] == ["run", "by_hand"]
    for part, folder in zip(parts, (files / "run", tmp_path / "by_hand"), strict=True):
        record = read_run(folder).record
        assert part["record"] == record.to_dict()
        assert part["synops"] == pytest.approx(record.synops / record.samples)
        assert part["baseline"]["macs"] == 384 * 512 + 512 * 6
        embedding = part["preprocessing"]["steps"]["embedding"]
        assert (embedding["title"], embedding["unit"]) == ("all-MiniLM-L6-v2", "tokens")
        alone, with_model = (variant["total_pj"] for variant in part["preprocessing"]["variants"][:2])
        macs = record.preprocessing["embedding"].counts["mac"]
        assert with_model[0] - alone[0] == pytest.approx(4.6 * macs / record.samples)
    assert embedding["units"] == 2 + 9  # two marks and < b > how < / b > lovely
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "&lt;b&gt;how&lt;/b&gt; lovely" in page
    assert "by_hand" in page
    assert f"{parts[0]['accuracy_interval'][0]:.1%}"[:-1] in page


def test_a_file_with_an_empty_label_runs_as_unlabelled(files, snnlp_lava, caplog):
    """All rows, and no accuracy; --no-labels does the same for labels that are unknown."""
    for name, options in (("half_labelled", ()), ("own", ("--no-labels",))):
        data = files / f"{name}.csv"
        done = snnlp_lava("run", files / "se.net", "--data", data, "--split", "all", *options, "--json", "-o", name)
        assert done.exit_code == 0, done.stderr
        document = json.loads(done.stdout)
        assert (document["labels"], document["accuracy"]) == (None, None)
        assert document["samples"] == len(data.read_text().splitlines()) - 1
    assert caplog.messages == ["data half_labelled: 1 of 2 labels are empty: all texts count as unlabelled"]


def test_texts_by_hand_leave_no_file_behind_not_even_for_a_while(files, snnlp_lava, tmp_path, monkeypatch):
    import tempfile

    def refuse(*args, **kwargs):
        raise AssertionError("a temporary file")

    for name in ("mkstemp", "mkdtemp", "TemporaryDirectory", "NamedTemporaryFile"):
        monkeypatch.setattr(tempfile, name, refuse)
    result = snnlp_lava("run", files / "se.net", "--text", "how lovely", "--json")
    assert result.exit_code == 0
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    kept = snnlp_lava("run", files / "se.net", "--text", "how lovely", "--json", "-o", "out")
    one, two = json.loads(result.stdout), json.loads(kept.stdout)
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_verify_fails_where_the_network_is_not_what_slayer_was_trained_to(files, snnlp_lava, tmp_path):
    """The model's own network has no difference; one with another threshold differs from SLAYER, and exits with 1."""
    from dataclasses import replace

    from snnlp_lava.netx.network_file import read_network, write_network

    data = ("--data", "demo", "--limit", 3, "--backend", "emulator", "--json")
    same = snnlp_lava("verify", files / "a.net", "--model", files / "model", *data)
    assert same.exit_code == 0, same.stderr
    assert json.loads(same.stdout)["compared_with"] == ["slayer"]
    assert json.loads(same.stdout)["layers"][1]["differences"] == {"slayer": 0}
    file = read_network(files / "a.net")
    first, *others = file.network.layers
    neuron = replace(first.neuron, threshold=first.neuron.threshold // 2)
    changed = replace(file.network, layers=(replace(first, neuron=neuron), *others))
    write_network(tmp_path / "b.net", changed, file.card)
    found = snnlp_lava("verify", "b.net", "--model", files / "model", *data)
    assert found.exit_code == 1
    document = json.loads(found.stdout)
    assert document["layers"][1]["differences"]["slayer"] > 0
    assert (document["first"]["peer"], document["first"]["layer"]) == ("slayer", "hidden1")
    assert "slayer and emulator differ in" in found.stderr
