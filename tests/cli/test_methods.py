"""Every method and level from texts to the simulator, as one types it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from snnlp_lava.netx.network_file import read_network
from snnlp_lava.run.folder import read_run

WORDS = ("this", "film", "is", "dull", "fine", "no")
METHODS = {
    "random rates": ("--method", "snn-rate-rand"),
    "random rates as published": ("--method", "snn-rate-rand", "--reference", "--epochs", 2),
    "word level": ("--level", "word", "--words", "words.txt"),
    "random rates of words": ("--method", "snn-rate-rand", "--level", "word", "--words", "words.txt"),
    "word codes": ("--method", "snn-bin", "--codes", "codes.txt"),
    "spike embedding": ("--method", "spike-embedding"),
    "word codes as published": ("--method", "snn-bin", "--codes", "codes.txt", "--reference", "--epochs", 2),
}

SLOW = ("random rates as published", "word level", "random rates of words", "word codes as published")


@pytest.fixture
def folder(files, tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    with (tmp_path / "words.txt").open("w") as file:
        for word in WORDS:
            file.write(f"{word} {' '.join(f'{value:.4f}' for value in rng.normal(size=9))}\n")
    codes = rng.integers(1, 1 << 63, len(WORDS))
    lines = [f"{len(WORDS)} 64", *(f"{word} {code}" for word, code in zip(WORDS, codes, strict=True))]
    (tmp_path / "codes.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "own.csv").write_bytes((files / "own.csv").read_bytes())
    (tmp_path / "own.npy").write_bytes((files / "own.npy").read_bytes())
    return tmp_path


def options(arguments):
    vectors = () if {"word", "snn-bin", "spike-embedding"} & set(arguments) else ("--vectors", "own.npy")
    return ("--data", "own.csv", *vectors)


def quick(arguments):
    """Few epochs and steps; a spike embedding has none of the first, and takes one step for two classes."""
    return () if "spike-embedding" in arguments else ("--epochs", 3, "--window", 9)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(arguments, id=name, marks=[pytest.mark.slow] * (name in SLOW))
        for name, arguments in METHODS.items()
    ],
)
def test_a_method_from_texts_to_a_page(folder, snnlp_lava, arguments):
    data = options(arguments)
    trained = snnlp_lava("train", *data, *quick(arguments), *arguments, "-o", "m")
    assert trained.exit_code == 0, trained.stderr
    assert snnlp_lava("export", "m", "-o", "m.net").exit_code == 0
    first = json.loads(snnlp_lava("run", "m.net", *data, "--json", "-o", "one").stdout)
    again = json.loads(snnlp_lava("run", "m.net", *data, "--json", "--limit", 3, "-o", "two").stdout)
    assert first["layers"][0]["spikes"] > 0
    whole, part = read_run(folder / "one"), read_run(folder / "two")
    rows = dict(zip(rows_of("one"), whole.output_counts.tolist(), strict=True))
    assert [rows[row] for row in rows_of("two")] == part.output_counts.tolist()
    assert again["window"] == (1 if "spike-embedding" in arguments else 9)
    config = json.loads((folder / "m" / "config.json").read_text())
    right = (config["scores"]["test"]["accuracy"] - first["accuracy"]) * first["samples"]
    assert 0 <= round(right, 6) <= first["unknown"]  # a network that does not spike answers unknown
    assert snnlp_lava("report", "one", "-o", "r.html").exit_code == 0
    if "--vectors" not in data:
        assert snnlp_lava("run", "m.net", "--text", "This film is fine.").exit_code == 0


def rows_of(name):
    from pyarrow import parquet

    return parquet.read_table(f"{name}/samples.parquet").column("row").to_pylist()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random rates", "word codes as published", "spike embedding"])
def test_a_method_on_lava_is_spike_for_spike_what_was_trained(folder, snnlp_lava, name):
    data = options(METHODS[name])
    assert snnlp_lava("train", *data, *quick(METHODS[name]), *METHODS[name], "-o", "m").exit_code == 0
    assert snnlp_lava("export", "m", "-o", "m.net").exit_code == 0
    slayer = [] if name == "spike embedding" else ["--model", "m"]  # in which SLAYER has no part
    command = [sys.executable, "-m", "snnlp_lava.cli.main", "verify", "m.net", *slayer, *data, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=os.environ)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["sides"], document["total_differences"]) == (["lava"] + ["slayer"] * bool(slayer), 0)


def test_the_file_of_word_vectors_is_asked_for_where_the_cache_has_lost_it(folder, snnlp_lava, monkeypatch):
    word_level = METHODS["word level"]
    assert snnlp_lava("train", "--data", "own.csv", "--epochs", 1, *word_level, "-o", "m").exit_code == 0
    assert snnlp_lava("export", "m", "-o", "m.net").exit_code == 0
    monkeypatch.setenv("SNNLP_LAVA_CACHE", str(folder / "another"))
    refused = snnlp_lava("run", "m.net", "--data", "own.csv")
    assert refused.exit_code == 2
    assert "word vectors words (sha256" in refused.stderr
    assert "--words" in refused.stderr
    assert snnlp_lava("run", "m.net", "--data", "own.csv", "--words", "words.txt").exit_code == 0
    text = (folder / "words.txt").read_text().replace("0.", "1.")
    (folder / "words.txt").write_text(text)
    refused = snnlp_lava("run", "m.net", "--data", "own.csv", "--words", "words.txt")
    assert (refused.exit_code, "another version of the embedding model" in refused.stderr) == (2, True)


def test_a_network_of_word_codes_holds_them(folder, snnlp_lava):
    codes = METHODS["word codes"]
    assert snnlp_lava("train", "--data", "own.csv", "--epochs", 1, *codes, "-o", "m").exit_code == 0
    assert snnlp_lava("export", "m", "-o", "m.net").exit_code == 0
    file = read_network(folder / "m.net")
    network, card = file.network, file.card
    assert network.inputs == 64
    assert tuple(card.encoder.words) == WORDS
    assert (card.window, card.level, card.embedding.name) == (33, "word", "codes")
