"""A package of another team: an encoder, a method that trains with it and a price book, by nothing but entry points."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tomli

EXAMPLE = Path(__file__).parent / "example"
COMMANDS = """
import json, sys
from snnlp_lava.cli.main import main
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as end:
        if end.code:
            raise
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder for PYTHONPATH with the example in it as pip would install it: the package and its entry points."""
    folder = tmp_path_factory.mktemp("site")
    project = tomli.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    info = folder / f"snnlp_latency-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [line for group, points in groups for line in (f"[{group}]", *(f"{n} = {v}" for n, v in points.items()))]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (folder / "snnlp_latency").symlink_to(EXAMPLE / "snnlp_latency")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with texts of two classes and vectors that tell them apart."""
    folder = tmp_path_factory.mktemp("own")
    splits = ["train"] * 80 + ["validation"] * 20 + ["test"] * 40
    rows = [f"text {i} {('dull', 'fine')[i % 2]},{('dull', 'fine')[i % 2]},{split}" for i, split in enumerate(splits)]
    (folder / "own.csv").write_text("\n".join(["text,label,split", *rows]) + "\n")
    vectors = np.random.default_rng(0).normal(0, 0.3, (140, 12))
    vectors[1::2] += 1
    np.save(folder / "own.npy", vectors.astype(np.float32))
    return folder


def type_in(folder, *commands, path=None):
    """Run whole commands in one process of their own."""
    arguments = json.dumps([[str(word) for word in command] for command in commands])
    environment = {**os.environ, **({"PYTHONPATH": str(path)} if path else {})}
    if path and os.environ.get("PYTHONPATH"):
        environment["PYTHONPATH"] += os.pathsep + os.environ["PYTHONPATH"]
    return subprocess.run(
        [sys.executable, "-c", COMMANDS, arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def done(installed, folder):
    """Trained, exported, run and reported with the example installed."""
    data = ("--data", "own.csv", "--vectors", "own.npy")
    result = type_in(
        folder,
        ("train", "--help"),
        (
            "train",
            *data,
            "--method",
            "snn-latency",
            "--hidden",
            "8",
            "--epochs",
            "30",
            "--batch-size",
            "8",
            "--window",
            "16",
            "-o",
            "m",
        ),
        ("export", "m", "-o", "m.net"),
        ("run", "m.net", *data, "-o", "r", "--json"),
        ("report", "r", "-o", "r.json"),
        ("report", "r", "-o", "r.html"),
        path=installed,
    )
    assert result.returncode == 0, result.stderr
    return result


def test_its_method_and_encoder_train_and_run_through_all_commands(done, folder):
    assert "snn-latency" in done.stdout
    record = json.loads((folder / "r" / "result.json").read_text("utf-8"))
    assert record["network"]["card"]["encoder"]["kind"] == "latency"
    assert record["accuracy"] >= 0.8
    first = record["layers"][0]  # each line spikes at most once a text
    assert 0 < first["spikes"] <= record["samples"] * first["neurons"]


def test_its_price_book_is_billed_and_a_cost_that_it_does_not_state_is_not_counted(done, folder):
    (run,) = json.loads((folder / "r.json").read_text("utf-8"))["runs"]
    (bill,) = (bill for bill in run["bills"] if (bill["book"], bill["of"]) == ("my-board", "this network"))
    terms = {term: values["count"] for term, values in bill["terms"].items()}
    updates = terms["active_update"] + terms.get("idle_update", 0)
    low = 20 * terms["synop"] + 50 * updates + terms["spike"]  # picojoules
    assert bill["total_pj"][0] == pytest.approx(low)
    encoding = run["preprocessing"]["steps"]["encoding"]
    assert "latency does not state its cost" in encoding["not_counted"]
    behind = [variant for variant in run["preprocessing"]["variants"] if "encoder latency" in variant["title"]]
    assert all(variant["total_pj"] is None for variant in behind)
    page = (folder / "r.html").read_text("utf-8")
    assert "not counted: encoder latency does not state its cost" in page
    assert "My board" in page


def test_without_the_package_its_network_is_refused_in_one_line(done, folder):
    again = type_in(folder, ("run", "m.net", "--data", "own.csv", "--vectors", "own.npy", "-o", "x"))
    assert again.returncode == 2
    (line,) = again.stderr.strip().splitlines()
    assert "encoder 'latency' is unknown (known: saf, " in line
    assert "is its package installed?" in line
