"""Training: what it prints and leaves, and what a finished model is."""

import json

import pytest

from cli.commands import LAYERS, OWN, contents, filled


def test_a_model_folder_is_complete(files):
    config = json.loads((files / "model" / "config.json").read_text("utf-8"))
    assert sorted(path.name for path in (files / "model").iterdir()) == [
        *("README.md", "config.json", "history.csv", "weights.safetensors")
    ]
    assert config["sizes"] == list(LAYERS.values())
    assert config["data"]["rows"] == {"train": 30, "validation": 30, "test": 30}
    assert len((files / "model" / "history.csv").read_text().splitlines()) == 2
    assert set(config["baselines"]) == {"ann", "tfidf"}


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
        f"error: model {files / 'own'}: contains a finished model; remove it or choose another folder with -o"
    ]
    resumed = snnlp_lava(*filled(OWN, files), "--resume", "-o", files / "own")
    assert resumed.exit_code == 0
    assert "is already finished" in resumed.stderr.replace("\n", " ")
    assert contents(files / "own") == before


def test_a_finished_model_of_other_options_is_no_success(files, snnlp_lava):
    refused = snnlp_lava(*filled(OWN, files), "--seed", 7, "--resume", "-o", files / "own")
    assert refused.exit_code == 2
    assert refused.stderr == (
        f"error: model {files / 'own'}: was trained with other options; choose another folder with -o\n"
    )


@pytest.mark.parametrize(
    ("change", "options", "what"),
    [
        (("film is dull no 3", "film is fine no 3"), (), "texts or labels"),
        ((",dull,train", ",fine,train"), (), "texts or labels"),
        (("dull,validation", "dull,train"), (), "split"),
        (None, ("--limit", 9), "--limit"),
        (None, ("--split-scheme", "paper"), "--split-scheme"),
    ],
)
def test_a_finished_model_of_other_data_is_no_success(files, snnlp_lava, tmp_path, change, options, what):
    text = (files / "own.csv").read_text("utf-8")
    (tmp_path / "own.csv").write_text(text.replace(*change, 1) if change else text, "utf-8")
    wanted = [argument if "own.csv" not in argument else "own.csv" for argument in filled(OWN, files)]
    refused = snnlp_lava(*wanted, *options, "--resume", "-o", files / "own")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"error: model {files / 'own'}: was trained on other data ({what}); choose another folder with -o\n"
    )


def test_the_same_data_by_another_name_are_the_same(files, snnlp_lava, tmp_path):
    (tmp_path / "renamed.csv").write_bytes((files / "own.csv").read_bytes())
    wanted = [argument if "own.csv" not in argument else "renamed.csv" for argument in filled(OWN, files)]
    assert snnlp_lava(*wanted, "--resume", "-o", files / "own").exit_code == 0


def test_the_classes_are_told_first(files, snnlp_lava):
    done = snnlp_lava(*filled(OWN, files), "-o", "m")
    assert (done.exit_code, done.stderr.splitlines()[0]) == (0, "2 classes: dull 10, fine 10")


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
    assert "the vectors do not match those of all-MiniLM-L6-v2" in caplog.text
    result = snnlp_lava("run", files / "own.net", "--data", files / "own.csv", "--vectors", files / "own.npy", "--json")
    document = json.loads(result.stdout)
    assert (document["samples"], document["window"], document["period"], document["steps"]) == (8, 8, 16, 128)
