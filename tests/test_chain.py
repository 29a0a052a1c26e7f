"""The whole chain as a user types it: every method with every source of its features, from texts to Lava."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from snnlp_lava.cli.main import main
from snnlp_lava.encode.base import EncodedSamples
from snnlp_lava.netx.network_file import read_network
from snnlp_lava.train.methods.make import importable_methods
from snnlp_lava.train.model_folder import load_spiking

CLASSES = ("dull", "fine")
WORDS = ("this", "film", "is", "dull", "fine", "no", "a", "b", "c", "d", "e", "f")
SMALL = ("--hidden", "8")
LEVEL = ("--level", "word")
VECTORS, FILE_OF_WORDS = ("--vectors", "own.npy"), ("--words", "words.txt")
CHAINS = {
    "snn-rate, sentence model": ("snn-rate", SMALL, ()),
    "snn-rate, vectors": ("snn-rate", SMALL, VECTORS),
    "snn-rate, words": ("snn-rate", (*SMALL, *LEVEL), FILE_OF_WORDS),
    "snn-rate, vectors of words": ("snn-rate", (*SMALL, *LEVEL), VECTORS),
    "snn-rate, as published": ("snn-rate", (*SMALL, "--reference"), VECTORS),
    "snn-rate-rand, vectors": ("snn-rate-rand", SMALL, VECTORS),
    "snn-rate-rand, words": ("snn-rate-rand", (*SMALL, *LEVEL), FILE_OF_WORDS),
    "snn-rate-rand, as published": ("snn-rate-rand", (*SMALL, "--reference"), VECTORS),
    "snn-bin, 64-bit codes": ("snn-bin", SMALL, ("--codes", "codes64.txt")),
    "snn-bin, 32-bit codes": ("snn-bin", SMALL, ("--codes", "codes32.txt")),
    "snn-bin, 5-bit codes": ("snn-bin", SMALL, ("--codes", "codes5.txt")),
    "snn-bin, codes of words": ("snn-bin", SMALL, FILE_OF_WORDS),
    "snn-bin, as published": ("snn-bin", (*SMALL, "--reference"), ("--codes", "codes32.txt")),
    "spike-embedding": ("spike-embedding", (), ()),
    "ann, vectors": ("ann", SMALL, VECTORS),
    "ann, words": ("ann", (*SMALL, *LEVEL), FILE_OF_WORDS),
}
SLOW = ("snn-rate, vectors of words",)  # the words of the whole vocabulary are embedded first


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Texts of two classes, and for them vectors, word vectors and word codes of several lengths."""
    monkeypatch.chdir(tmp_path)
    splits = ["train"] * 20 + ["validation"] * 8 + ["test"] * 8
    rows = [f"this film is {CLASSES[i % 2]} no {i},{CLASSES[i % 2]},{split}" for i, split in enumerate(splits)]
    (tmp_path / "own.csv").write_text("\n".join(["text,label,split", *rows]) + "\n", "utf-8")
    rng = np.random.default_rng(7)
    np.save("own.npy", rng.standard_normal((36, 9)).astype(np.float32))
    table = "".join(f"{word} {' '.join(f'{value:.4f}' for value in rng.normal(size=9))}\n" for word in WORDS)
    (tmp_path / "words.txt").write_text(table)
    for bits in (64, 32, 5):
        codes = rng.integers(1, 1 << min(bits, 62), len(WORDS))
        lines = [f"{len(WORDS)} {bits}", *(f"{word} {code}" for word, code in zip(WORDS, codes, strict=True))]
        (tmp_path / f"codes{bits}.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def snnlp_lava(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def succeed(*arguments):
    result = snnlp_lava(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def train(method, options, source):
    window = () if method in ("ann", "spike-embedding") else ("--window", 9)
    epochs = () if method == "spike-embedding" else ("--epochs", 1)
    return succeed(*("train", "--data", "own.csv", "--method", method, *options, *source, *epochs, *window, "-o", "m"))


def of_run(source):
    """What of a training's sources `run` takes; codes are in the network file."""
    return source if source[:1] in (("--vectors",), ("--words",)) else ()


def test_every_method_has_a_chain():
    assert {method for method, _, _ in CHAINS.values()} == set(importable_methods())


@pytest.mark.parametrize(
    ("method", "options", "source"),
    [pytest.param(*chain, id=name, marks=[pytest.mark.slow] if name in SLOW else []) for name, chain in CHAINS.items()],
)
def test_from_texts_to_the_emulator(folder, method, options, source):
    """The scores of training are those of the exported network, and its spikes are SLAYER's."""
    train(method, options, source)
    scores = json.loads((folder / "m" / "config.json").read_text())["scores"]["test"]
    if method == "ann":
        refused = snnlp_lava("export", "m")
        assert (refused.exit_code, "has no spikes" in refused.stderr) == (2, True)
        return
    succeed("export", "m", "-o", "m.net")
    if method == "snn-bin":
        source = ()
    run = json.loads(succeed("run", "m.net", "--data", "own.csv", *of_run(source), "--json", "-o", "r").stdout)
    # Training takes the first class of a network that does not spike; a run answers unknown, which counts as wrong.
    assert 0 <= round((scores["accuracy"] - run["accuracy"]) * run["samples"], 6) <= run["unknown"]
    if not run["unknown"]:
        assert (run["accuracy"], run["mrr"]) == (scores["accuracy"], scores["mrr"])
    assert run["layers"][0]["spikes"] > 0

    file = read_network(folder / "m.net")
    network, card = file.network, file.card
    _, model = load_spiking(folder / "m")
    assert model.network == network
    texts = np.array([f"this film is {CLASSES[i % 2]} no {i}" for i in range(4)], dtype=object)
    vectors = np.random.default_rng(0).normal(size=(4, card.encoder.dimension or 1))
    features = texts if card.encoder.takes == "texts" else vectors
    if model.slayer_spikes is None:
        return
    spikes = EncodedSamples(features, card.encoder, card.window).spikes(np.arange(4))
    for layer, expected in zip(network.layers, model.slayer_spikes(spikes), strict=True):
        spikes = layer.run(spikes).spikes
        np.testing.assert_array_equal(spikes, expected)


@pytest.mark.parametrize(
    ("method", "options", "source"),
    [pytest.param(*chain, id=name) for name, chain in CHAINS.items() if chain[0] != "ann"],
)
@pytest.mark.slow
def test_on_lava_spike_for_spike(folder, method, options, source):
    train(method, options, source)
    succeed("export", "m", "-o", "m.net")
    if method == "snn-bin":
        source = ()
    done = succeed(*("verify", "m.net", "--model", "m", "--data", "own.csv", *of_run(source), "--limit", 2, "--json"))
    document = json.loads(done.stdout)
    assert (document["samples"], document["total_differences"]) == (2, 0)
