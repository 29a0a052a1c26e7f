"""Commands as a user types them, and the files that several tests run them on."""

import os
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from snnlp_lava.cli.main import main

CLASSES = ("dull", "fine")


def invoke(*arguments):
    """Run the command line in this process; what it does not expect is raised."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def succeed(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


@pytest.fixture
def snnlp_lava(tmp_path, monkeypatch):
    """The command line, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return invoke


def write_csv(path, rows, header="text,label,split"):
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", "utf-8")


def own_rows(classes=CLASSES):
    parts = ["train"] * 20 + ["validation"] * 8 + ["test"] * 8
    return [(f"this film is {classes[i % 2]} no {i}", classes[i % 2], part) for i, part in enumerate(parts)]


def random_vectors(rows, dimension):
    vectors = np.random.default_rng(7).standard_normal((rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="session")
def files(tmp_path_factory, _cache_of_the_tests):
    """A folder with models, networks, runs and data, good and bad. Nothing may change in it."""
    from snnlp_lava.netx.network_file import read_network, write_network

    folder = tmp_path_factory.mktemp("files")
    before = Path.cwd()
    os.chdir(folder)
    try:
        demo = ("--data", "demo", "--limit", 30, "--epochs", 1)
        succeed("train", *demo, "-o", "model")
        succeed("train", *demo, "--method", "ann", "-o", "ann")
        succeed("export", "model", "-o", "a.net")
        succeed("run", "a.net", "--data", "demo", "--limit", 5, "-o", "run")

        succeed("train", "--data", "demo", "--limit", 60, "--method", "spike-embedding", "-o", "se")
        succeed("export", "se", "-o", "se.net")  # takes any text without a model

        write_csv(Path("own.csv"), own_rows())
        np.save("own.npy", random_vectors(36, 12))
        succeed("train", "--data", "own.csv", "--vectors", "own.npy", "--epochs", 1, "--window", 8, "-o", "own")
        succeed("export", "own", "--period", 16, "-o", "own.net")

        write_csv(Path("one_class.csv"), own_rows(("fine", "fine")))
        write_csv(Path("other_class.csv"), own_rows(("dull", "grim")))
        write_csv(Path("unseen.csv"), [*own_rows(), ("a new one", "grim", "test")])
        write_csv(Path("empty_text.csv"), [*own_rows(), (" ", "fine", "test")])
        write_csv(Path("unlabelled.csv"), [("how lovely",), ("who took it",)], "text")
        write_csv(Path("half_labelled.csv"), [("how lovely", "joy"), ("who took it", "")], "text,label")
        Path("broken.csv").write_text("text;label\nfine;joy\nfine; too;joy\n")
        Path("latin.csv").write_bytes("text,label\ngrün,fine\n".encode("latin-1"))
        vectors = random_vectors(36, 12)
        np.save("rows.npy", vectors[1:])
        np.save("flat.npy", vectors.ravel())
        np.save("wide.npy", random_vectors(36, 13))
        vectors[4, 3] = np.nan
        np.save("nan.npy", vectors)
        spikes = np.random.default_rng(0).random((5, 9, 770)) < 0.1
        np.save("spikes.npy", spikes)
        np.save("channels_first.npy", spikes.transpose(0, 2, 1))
        np.save("graded.npy", 3 * spikes)
        Path("text.net").write_text("no network")
        with h5py.File("a.net") as whole, h5py.File("layers.net", "w") as layers:
            whole.copy("layer", layers)
        file = read_network(Path("a.net"))
        other = replace(file.card, embedding=file.card.embedding.replace(sha256="0" * 64))
        write_network(Path("other_model.net"), file.network, other)
        Path("no_run").mkdir()
        Path("dangling").symlink_to("nowhere")
    finally:
        os.chdir(before)
    return folder
