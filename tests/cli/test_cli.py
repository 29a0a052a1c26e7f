"""Whole commands: what they print, what they write, and what they refuse in one line."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from snnlp_lava.backends.record import read_run

HEAVY = (
    "distributed",
    "torch",
    "lava",
    "sentence_transformers",
    "transformers",
    "matplotlib",
    "datasets",
    "sklearn",
    "numba",
    "h5py",
)
LAYERS = {"input": 768, "hidden1": 256, "hidden2": 128, "output": 6}
KEYS = {
    *(
        "backend",
        "samples",
        "accuracy",
        "mrr",
        "right_over_time",
        "window",
        "period",
        "steps",
        "input_spikes",
        "layers",
        "paper_operations",
    ),
    *(
        "right_over_time",
        "synops_per_sample",
        "wraps",
        "clips",
        "label_names",
        "predictions",
        "labels",
        "seconds",
        "versions",
    ),
}


def python(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, env=os.environ, capture_output=True, text=True, timeout=120
    )


def contents(*folders):
    """Every file below the folders, hidden ones included, with what it holds."""
    return {
        path: path.read_bytes() if path.is_file() else None for folder in folders for path in sorted(folder.rglob("*"))
    }


# Help


def test_help_is_shown_without_importing_what_computes():
    program = f"""if True:
        import sys
        from snnlp_lava.cli.main import COMMANDS, main
        for arguments in (["--help"], *([command, "--help"] for command in COMMANDS)):
            main(arguments, standalone_mode=False)
        print(*sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
    """
    done = python("-c", program)
    assert done.returncode == 0
    assert done.stderr.split() == []
    for command in ("demo", "train", "export", "run", "report"):
        assert f"Usage: {command} " in done.stdout or f" {command} [OPTIONS]" in done.stdout


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("run", "--help")])
def test_every_command_is_listed_with_its_help(snnlp_lava, arguments):
    result = snnlp_lava(*arguments)
    assert result.exit_code == 0
    assert result.stderr == ""
    for word in ("--backend", "--json") if "run" in arguments else ("demo", "train", "export", "run", "report"):
        assert word in result.stdout


def test_version(snnlp_lava):
    from snnlp_lava.version import VERSION

    lines = snnlp_lava("--version").stdout.splitlines()
    assert lines[0] == f"snnlp-lava {VERSION}"
    assert {line.split()[0] for line in lines} >= {"python", "lava-nc", "lava-dl", "torch"}


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ru", {"run"}),
        ("run --back", {"--backend"}),
        ("run --backend e", {"emulator"}),
        ("check a --chip l", {"loihi1", "loihi2"}),
    ],
)
def test_the_shell_completes_commands_options_and_choices(typed, offered):
    words = f"snnlp-lava {typed}"
    environment = {"_SNNLP_LAVA_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(typed.split()))}
    program = "from snnlp_lava.cli.main import main; main(prog_name='snnlp-lava')"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    assert {line.removeprefix("plain,") for line in done.stdout.splitlines()} == offered


# From texts to a report


def check_document(document, samples, backend):
    """The numbers of a run's document fit together."""
    assert set(document) == KEYS
    assert (document["backend"], document["samples"]) == (backend, samples)
    assert (document["window"], document["period"]) == (32, 32)
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
    assert set(predictions) | set(labels) <= set(range(len(document["label_names"])))
    assert document["accuracy"] == pytest.approx(np.mean(np.equal(predictions, labels)))
    assert document["right_over_time"][-1] == np.equal(predictions, labels).sum()
    assert max(document["accuracy"], 1 / 6) <= document["mrr"] <= 1
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
    assert document["steps"] == 5 * 32
    run = read_run(tmp_path / "out")
    assert run.predictions.tolist() == document["predictions"]
    most = run.output_counts.max(axis=1)  # of equals the earlier wins, so the lower class need not
    assert (run.output_counts[np.arange(5), run.predictions] == most).all()
    assert run.labels.tolist() == document["labels"]
    assert run.output_counts.sum() == document["layers"][-1]["spikes"]
    assert run.record["data"] == {"name": "demo", "part": "test", "limit": 5}
    assert [len(train) for train in run.trains] == [4] * 4
    assert done.stderr == f"run: {tmp_path / 'out'}\n"


def test_a_run_without_json_prints_the_same_numbers_for_people(files, snnlp_lava):
    result = snnlp_lava("run", files / "a.net", "--data", "demo", "--limit", 5)
    assert result.exit_code == 0
    run = read_run(files / "run")
    assert f"5 texts on emulator: accuracy {run.record['accuracy']:.2%}" in result.stdout
    assert result.stderr == "run: runs/a-emulator-demo-test-n5\n"
    again = read_run(Path("runs/a-emulator-demo-test-n5"))
    np.testing.assert_array_equal(again.output_counts, run.output_counts)


def test_a_network_of_another_maker_runs_on_spikes(files, snnlp_lava):
    result = snnlp_lava("run", files / "layers.net", "--spikes", files / "spikes.npy", "--keep-trains", 5)
    assert (result.exit_code, result.stderr) == (0, "run: runs/layers-emulator-spikes\n")
    assert result.stdout.startswith("5 samples on emulator  ")
    run = read_run(Path("runs/layers-emulator-spikes"))
    assert run.record["network"]["card"] is None
    assert (run.record["window"], run.record["period"], run.record["samples"]) == (9, 9, 5)
    assert run.record["label_names"] == ["0", "1", "2", "3", "4", "5"]
    np.testing.assert_array_equal(run.trains[0], np.load(files / "spikes.npy")[:4])
    np.testing.assert_array_equal(run.output_counts[:4], run.trains[-1].sum(axis=1))
    with_card = json.loads(snnlp_lava("run", files / "a.net", "--spikes", files / "spikes.npy", "--json").stdout)
    assert (with_card["window"], with_card["period"]) == (9, 32)
    np.testing.assert_array_equal(with_card["predictions"], run.predictions)
    result = snnlp_lava("report", "runs/layers-emulator-spikes", "-o", "r.html")
    assert (result.exit_code, "5 samples of spikes" in Path("r.html").read_text("utf-8")) == (0, True)


@pytest.mark.parametrize("kept", [2, *(pytest.param(kept, marks=pytest.mark.slow) for kept in (0, 5, 9))])
def test_as_many_trains_are_kept_as_were_asked_for(files, snnlp_lava, kept):
    from safetensors.numpy import load_file

    wanted = ("run", files / "layers.net", "--spikes", files / "spikes.npy", "--keep-trains", kept, "-o", "out")
    assert snnlp_lava(*wanted).exit_code == 0
    trains = load_file("out/trains.safetensors")
    assert {name: train.shape for name, train in trains.items()} == {
        f"layer{index}": (min(kept, 5), 9, (size + 7) // 8) for index, size in enumerate((768, 256, 128, 6))
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
    assert (document["samples"], document["sides"], document["total_differences"]) == (5, ["lava"], 0)
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
    same = KEYS - {"backend", "steps", "seconds", "versions"}
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
    names = read_run(files / "run").record["label_names"]
    assert len(lines) == 4
    for text, answer, counted in zip(texts, lines[::2], lines[1::2], strict=True):
        label, _, shown = answer.partition("\t")
        assert shown == text
        counts = dict(pair.split() for pair in counted.strip().split("  "))
        assert sorted(counts) == sorted(names)
        assert int(counts[label]) == max(map(int, counts.values()))
        assert next(iter(counts)) == label
        assert list(counts.values()) == sorted(counts.values(), key=int, reverse=True)
    assert contents(tmp_path) == {}


def test_texts_by_hand_as_json_have_no_labels(files, snnlp_lava, tmp_path):
    result = snnlp_lava("run", files / "a.net", "--text", "how lovely", "--json", "-o", "out")
    document = json.loads(result.stdout)
    assert set(document) == KEYS
    assert (document["samples"], document["labels"], document["accuracy"], document["mrr"]) == (1, None, None, None)
    assert read_run(tmp_path / "out").record["examples"] == ["how lovely"]


def test_a_report_of_two_runs(files, snnlp_lava, tmp_path):
    assert snnlp_lava("run", files / "a.net", "--text", "<b>how</b> lovely", "-o", "by_hand").exit_code == 0
    for name in ("r.html", "r.json", "r.csv", "r.md", "r.tex"):
        result = snnlp_lava("report", files / "run", "by_hand", "-o", name)
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"report: {name}\n")
    parts = json.loads((tmp_path / "r.json").read_text("utf-8"))["runs"]
    assert [part["name"] for part in parts] == ["run", "by_hand"]
    for part, folder in zip(parts, (files / "run", tmp_path / "by_hand"), strict=True):
        record = read_run(folder).record
        assert part["record"] == record
        assert part["synops"] == pytest.approx(record["synops_per_sample"])
        assert part["rival"]["macs"] == 384 * 256 + 256 * 128 + 128 * 6
        assert (part["in_front"]["title"], part["in_front"]["unit"]) == ("all-MiniLM-L6-v2", "tokens")
        alone, with_model = (variant["total_pj"] for variant in part["in_front"]["variants"][:2])
        assert with_model[0] - alone[0] == pytest.approx(4.6 * record["work"]["counts"]["mac"] / record["samples"])
    assert parts[1]["in_front"]["units"] == 2 + 9  # two marks and < b > how < / b > lovely
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "&lt;b&gt;how&lt;/b&gt; lovely" in page
    assert "by_hand" in page
    assert f"{parts[0]['accuracy_interval'][0]:.1%}"[:-1] in page


# Training


def test_a_model_folder_is_complete(files):
    config = json.loads((files / "model" / "config.json").read_text("utf-8"))
    assert sorted(path.name for path in (files / "model").iterdir()) == [
        *("README.md", "config.json", "history.csv", "weights.safetensors")
    ]
    assert config["sizes"] == list(LAYERS.values())
    assert config["data"]["rows"] == {"train": 30, "validation": 30, "test": 30}
    assert len((files / "model" / "history.csv").read_text().splitlines()) == 2
    assert set(config["baselines"]) == {"ann", "tfidf"}


OWN = ("train", "--data", "{files}/own.csv", "--vectors", "{files}/own.npy", "--epochs", 1, "--window", 8)


def filled(arguments, files):
    return [str(argument).replace("{files}", str(files)) for argument in arguments]


@pytest.mark.slow
def test_equal_seeds_give_equal_weights(files, snnlp_lava, tmp_path):
    for folder, seed in (("a", 42), ("b", 43)):
        assert snnlp_lava(*filled(OWN, files), "--seed", seed, "-o", folder).exit_code == 0
    weights = [
        (folder / "weights.safetensors").read_bytes() for folder in (files / "own", tmp_path / "a", tmp_path / "b")
    ]
    assert weights[0] == weights[1] != weights[2]


def test_a_finished_model_is_kept(files, snnlp_lava):
    before = contents(files / "own")
    refused = snnlp_lava(*filled(OWN, files), "-o", files / "own")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.splitlines() == [
        f"error: model {files / 'own'}: holds a finished model; remove it or choose another folder with -o"
    ]
    resumed = snnlp_lava(*filled(OWN, files), "--resume", "-o", files / "own")
    assert resumed.exit_code == 0
    assert "is already finished" in resumed.stderr.replace("\n", " ")
    assert contents(files / "own") == before


def test_a_finished_model_of_other_options_is_no_success(files, snnlp_lava):
    refused = snnlp_lava(*filled(OWN, files), "--seed", 7, "--resume", "-o", files / "own")
    assert refused.exit_code == 2
    assert refused.stderr == (
        f"error: model {files / 'own'}: is finished, with other options; choose another folder with -o\n"
    )


def test_no_spiking_result_stands_without_its_baselines(files, snnlp_lava):
    """The table on stdout has the model and both baselines, with the accuracies of config.json."""
    table = snnlp_lava(*filled(OWN, files), "--resume", "-o", files / "own").stdout
    config = json.loads((files / "own" / "config.json").read_text("utf-8"))
    for title, scores in (
        ("snn-rate", config["scores"]),
        ("ANN of the same sizes", config["baselines"]["ann"]),
        ("TF-IDF + logistic regression", config["baselines"]["tfidf"]),
    ):
        (line,) = [line for line in table.splitlines() if title in line]
        assert f"{scores['validation']['accuracy']:.1%}" in line
        assert f"{scores['test']['accuracy']:.1%}" in line


def test_vectors_of_unknown_origin_serve_data_but_not_texts(files, snnlp_lava, caplog):
    assert snnlp_lava(*filled(OWN, files), "-o", "m").exit_code == 0
    assert "the vectors are not those of all-MiniLM-L6-v2" in caplog.text
    result = snnlp_lava("run", files / "own.net", "--data", files / "own.csv", "--vectors", files / "own.npy", "--json")
    document = json.loads(result.stdout)
    assert (document["samples"], document["window"], document["period"], document["steps"]) == (8, 8, 16, 128)


# What is refused

RUN = ("run", "{files}/a.net", "-o", "new/out")
RUN_OWN = ("run", "{files}/own.net", "-o", "new/out")
TRAIN = ("train", "--epochs", 1, "-o", "new/out")
DATA = ("--data", "{files}/own.csv")
REFUSED = {
    "train: no data file": ((*TRAIN, "--data", "none.csv"), "data none.csv: no such file"),
    "train: no data name": ((*TRAIN, "--data", "none"), "data none: neither a file nor one of demo, emotion, imdb"),
    "train: text column": ((*TRAIN, *DATA, "--text-column", "body"), "own.csv: no column 'body' (found 'text',"),
    "train: label column": ((*TRAIN, *DATA, "--label-column", "stars"), "own.csv: no column 'stars'"),
    "train: one class": (
        (*TRAIN, "--data", "{files}/one_class.csv"),
        "data one_class: training needs two classes, the training rows have only 'fine'",
    ),
    "train: not UTF-8": ((*TRAIN, "--data", "{files}/latin.csv"), "latin.csv: byte 13 is not UTF-8"),
    "train: empty text": ((*TRAIN, "--data", "{files}/empty_text.csv"), "data empty_text: the text of row 37 is empty"),
    "train: label only in test": (
        (*TRAIN, "--data", "{files}/unseen.csv"),
        "data unseen: the test part has labels that training never saw: 'grim'",
    ),
    "train: vectors NaN": ((*TRAIN, *DATA, "--vectors", "{files}/nan.npy"), "nan.npy: row 5 holds NaN or infinity"),
    "train: vectors flat": ((*TRAIN, *DATA, "--vectors", "{files}/flat.npy"), "flat.npy: is float32 of shape (432,)"),
    "train: vectors' rows": ((*TRAIN, *DATA, "--vectors", "{files}/rows.npy"), "rows.npy: has 35 rows, the data 36"),
    "train: no vectors": ((*TRAIN, *DATA, "--vectors", "none.npy"), "vectors none.npy: no such file"),
    "train: no vectors at all": ((*TRAIN, *DATA, "--vectors", "{files}/own.csv"), "own.csv: is no .npy file"),
    "train: embedding model": ((*TRAIN, *DATA, "--embedding", "{files}/no_run"), "no_run has no model.safetensors"),
    "train: epochs": (("train", *DATA, "--epochs", 0, "-o", "new/out"), "epochs 0 is outside 1 to 100000"),
    "train: window": ((*TRAIN, *DATA, "--window", 0), "window 0 is outside 1 to 16384"),
    "train: output a file": ((*OWN, "-o", "{files}/own.csv"), "own.csv: is a file"),
    "run: no network": (("run", "none.net", "--data", "demo"), "network none.net: no such file"),
    "run: no HDF5": (("run", "{files}/text.net", "--data", "demo"), "text.net: is no readable HDF5 file"),
    "run: no card": (("run", "{files}/layers.net", "--data", "demo"), "layers.net: has no group /snnlp"),
    "run: another embedding model": (
        ("run", "{files}/other_model.net", "--data", "demo"),
        "the network was made with another embedding model: all-MiniLM-L6-v2 had weights 000000000000...",
    ),
    "run: nothing to run on": (RUN, "give either --data, or --spikes, or one or more --text"),
    "run: data and text": (
        (*RUN, "--data", "demo", "--text", "a"),
        "give either --data, or --spikes, or one or more --text",
    ),
    "run: a board for the simulator": ((*RUN, "--text", "a", "--board", "b"), "--board b belongs to --backend loihi2"),
    "run: a partition for the simulator": (
        (*RUN, "--text", "a", "--backend", "sim", "--partition", "p"),
        "--partition p belongs to --backend loihi2",
    ),
    "run: a chip for the emulator": (
        (*RUN, "--text", "a", "--chip-generation", "N3C1"),
        "--chip-generation N3C1 belongs to --backend loihi2",
    ),
    "run: two boards": ((*RUN, "--text", "a", "--backend", "loihi2", "--jobs", 2), "--jobs 2 belongs to --backend sim"),
    "run: no extension": ((*RUN, "--text", "a", "--backend", "loihi2"), "closed extension lava-loihi"),
    "verify: a host for the simulator": (
        ("verify", "{files}/a.net", "--data", "demo", "--host", "slurm"),
        "--host slurm belongs to --backend loihi2",
    ),
    "verify: no extension": (
        ("verify", "{files}/a.net", "--data", "demo", "--backend", "loihi2"),
        "closed extension lava-loihi",
    ),
    "run: text and limit": ((*RUN, "--text", "a", "--limit", 3), "--limit 3 belongs to --data or --spikes"),
    "run: text and vectors": ((*RUN, "--text", "a", "--vectors", "{files}/own.npy"), "--vectors belongs to --data"),
    "run: spikes and text": (
        (*RUN, "--spikes", "{files}/spikes.npy", "--text", "a"),
        "give either --data, or --spikes, or one or more --text",
    ),
    "run: no spikes": ((*RUN, "--spikes", "none.npy"), "spikes none.npy: no such file"),
    "run: spikes the other way round": (
        (*RUN, "--spikes", "{files}/channels_first.npy"),
        "channels_first.npy: is bool of shape (5, 768, 9); numbers of shape (samples, steps, 768) are needed",
    ),
    "run: graded spikes": ((*RUN, "--spikes", "{files}/graded.npy"), "sample 1 holds 3; spikes are 0 or 1"),
    "verify: nothing to run on": (("verify", "{files}/a.net"), "give either --data or --spikes"),
    "run: no data file": ((*RUN, "--data", "none.csv"), "data none.csv: no such file"),
    "run: unknown words": ((*RUN, "--text", "☃☃☃"), "text '☃☃☃': all-MiniLM-L6-v2 knows no word of it"),
    "run: empty text": ((*RUN, "--text", " "), "text 1 is empty"),
    "run: unknown label": (
        (*RUN_OWN, "--data", "{files}/other_class.csv", "--vectors", "{files}/own.npy"),
        "label 'grim' is none of the network's: dull, fine",
    ),
    "run: text without model": ((*RUN_OWN, "--text", "fine"), "trained on vectors of unknown origin"),
    "run: data without model": (
        (*RUN_OWN, *DATA),
        "the network was trained on vectors of unknown origin, so text cannot be embedded; give --vectors",
    ),
    "run: vectors NaN": ((*RUN_OWN, *DATA, "--vectors", "{files}/nan.npy"), "nan.npy: row 5 holds NaN or infinity"),
    "run: vectors' width": (
        (*RUN_OWN, *DATA, "--vectors", "{files}/wide.npy"),
        "vectors of shape (8, 13): this network takes 12 dimensions",
    ),
    "run: vectors' rows": ((*RUN_OWN, *DATA, "--vectors", "{files}/rows.npy"), "rows.npy: has 35 rows, the data 36"),
    "run: output no run folder": (
        (*RUN_OWN, *DATA, "--vectors", "{files}/own.npy", "-o", "{files}/model"),
        "model exists and is no run folder; choose another with -o",
    ),
    "export: no folder": (("export", "none", "-o", "new/a.net"), "model none: no such folder"),
    "export: ANN": (
        ("export", "{files}/ann", "-o", "new/a.net"),
        "ann: is an ann, which has no spikes; train with --method snn-rate",
    ),
    "export: period": (
        ("export", "{files}/model", "--period", 31, "-o", "new/a.net"),
        "model: period 31 is outside the window, 32, to 16384 steps",
    ),
    "report: no folder": (("report", "none", "-o", "new/r.html"), "run none: no such folder"),
    "report: no run": (
        ("report", "{files}/run", "{files}/no_run", "-o", "new/r.html"),
        "cannot read {files}/no_run/result.json: No such file",
    ),
    "report: a model": (
        ("report", "{files}/model", "-o", "new/r.html"),
        "cannot read {files}/model/result.json: No such file",
    ),
}


def check_refusal(result, message):
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("\n")
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_in_one_line_and_nothing_is_written(files, snnlp_lava, tmp_path, arguments, message):
    before = contents(files)
    check_refusal(snnlp_lava(*filled(arguments, files)), message.replace("{files}", str(files)))
    assert contents(tmp_path) == {}
    assert contents(files) == before


def test_a_device_that_is_absent_is_refused(files, snnlp_lava, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    check_refusal(
        snnlp_lava(*filled(OWN, files), "--device", "cuda", "-o", "new/out"),
        "device cuda: torch sees no CUDA device here",
    )
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ("walk",),
        ("train",),
        ("train", "--data", "demo", "--method", "lstm"),
        ("train", "--data", "demo", "--limit", "0"),
        ("run", "a.net", "--data", "demo", "--backend", "loihi"),
        ("run", "a.net", "--data", "demo", "--jobs", "0"),
        ("export",),
        ("report",),
    ],
)
def test_what_no_command_takes_is_a_usage_error(snnlp_lava, tmp_path, arguments):
    result = snnlp_lava(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: ")
    assert "Traceback" not in result.stderr
    assert contents(tmp_path) == {}
