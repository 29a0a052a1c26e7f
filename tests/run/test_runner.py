"""A run in batches: interrupted, resumed, refused; what comes out is that of an undisturbed one."""

import json
import os
import re
import signal
import subprocess
import sys
from importlib.metadata import EntryPoint
from typing import Annotated

import click
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from snnlp_lava import registry
from snnlp_lava.backends import base
from snnlp_lava.backends.base import BACKENDS, Backend, Emulator, Metered, Recording
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava.sim import Simulator
from snnlp_lava.cli.options import backend_options
from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.word_codes import WordCodeEncoder
from snnlp_lava.errors import BackendError, InputError, StoppedError
from snnlp_lava.files import folder_lock
from snnlp_lava.network.network import Network
from snnlp_lava.netx.network_file import write_network
from snnlp_lava.records import Record, opt
from snnlp_lava.registry import Registry
from snnlp_lava.report.page import write_report
from snnlp_lava.run import runner
from snnlp_lava.run.folder import read_run
from snnlp_lava.run.inputs import RunInput
from snnlp_lava.run.runner import run_network
from snnlp_lava.run.verify import verify
from strategies import card_for, dense

ROWS = 50


@pytest.fixture
def given(tmp_path, random_network, monkeypatch):
    """A network file, texts with vectors as keywords of `run_network`, and batches of 8 samples."""
    monkeypatch.setattr(Emulator, "batch", 8)
    monkeypatch.setattr(Simulator, "batch", 20)
    network = random_network((12, 10, 3), seed=5)
    card = card_for(network, window=6, period=8, embedding=card_for(network).embedding.__class__(None, None, 12))
    write_network(tmp_path / "a.net", network, card)
    labels = [f"class {row % 3}" for row in range(ROWS)]
    parquet.write_table(
        pa.table({"text": [f"text {row}" for row in range(ROWS)], "label": labels}), tmp_path / "a.parquet"
    )
    np.save(tmp_path / "a.npy", np.random.default_rng(1).normal(size=(ROWS, 12)).astype(np.float32))
    return tmp_path / "a.net", {"data": tmp_path / "a.parquet", "vectors": tmp_path / "a.npy", "split": "all"}


def outcome(folder):
    """All that a run folder holds but times."""
    record = json.loads((folder / "result.json").read_text("utf-8"))
    del record["seconds"]
    return record, parquet.read_table(folder / "samples.parquet"), (folder / "trains.safetensors").read_bytes()


def interrupting_after(samples):
    def report(stage, done, total):
        if stage != "embed" and done > samples:
            raise KeyboardInterrupt

    return report


def test_an_unknown_backend_is_refused(given, tmp_path):
    with pytest.raises(InputError, match=r"backend 'lava' is unknown \(known: emulator, sim, loihi2\)"):
        run_network(given[0], backend="lava", **given[1])


def test_a_run_in_chunks_is_the_run_in_one(given, tmp_path, monkeypatch):
    run_network(given[0], **given[1], folder=tmp_path / "chunks", keep_trains=20)
    monkeypatch.setattr(Emulator, "batch", 1000)
    run_network(given[0], **given[1], folder=tmp_path / "whole", keep_trains=20)
    assert outcome(tmp_path / "chunks") == outcome(tmp_path / "whole")
    table = outcome(tmp_path / "whole")[1]
    assert table["row"].to_pylist() == list(range(ROWS))
    assert table["label"].to_pylist() == [row % 3 for row in range(ROWS)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.net", "a.npy", "a.parquet", "chunks", "whole"]


@pytest.mark.parametrize("backend", ["emulator", pytest.param("sim", marks=pytest.mark.slow)])
def test_an_interrupted_run_goes_on_where_it_was(given, tmp_path, backend):
    path, inputs = given
    jobs = {"jobs": 2} if backend == "sim" else {}
    run_network(path, **inputs, backend=backend, folder=tmp_path / "whole", keep_trains=20, **jobs)
    for after in (2, 18, 40):
        with pytest.raises(StoppedError, match=r"interrupted(; \d+ of 50 samples are done; add --resume|$)"):
            run_network(
                path,
                **inputs,
                backend=backend,
                folder=tmp_path / "part",
                keep_trains=20,
                resume=True,
                progress=interrupting_after(after),
            )
        assert not (tmp_path / "part").exists()
    if backend == "emulator":
        assert len(list((tmp_path / "part.partial").glob("*.parquet"))) == 5
    run_network(path, **inputs, backend=backend, folder=tmp_path / "part", keep_trains=20, resume=True, **jobs)
    found, expected = outcome(tmp_path / "part"), outcome(tmp_path / "whole")
    found[0].pop("steps"), expected[0].pop("steps")  # each start of Lava has steps at its end
    assert found == expected
    assert not (tmp_path / "part.partial").exists()


def test_what_was_interrupted_before_its_first_part_leaves_nothing(given, tmp_path):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(StoppedError, match=r"^interrupted$"):
        run_network(given[0], **given[1], folder=tmp_path / "new" / "run", progress=interrupting_after(0))
    assert sorted(tmp_path.iterdir()) == before


def test_an_unfinished_run_is_neither_lost_nor_taken_for_another(given, tmp_path):
    vectors = given[1]["vectors"]
    with pytest.raises(StoppedError):
        run_network(given[0], **given[1], folder=tmp_path / "run", progress=interrupting_after(20))
    kept = sorted((tmp_path / "run.partial").iterdir())
    assert len(kept) == 5  # job.json, two parts
    with pytest.raises(
        InputError, match=r"run .*run\.partial: is not finished; add --resume to continue it, or remove it"
    ):
        run_network(given[0], **given[1], folder=tmp_path / "run")
    np.save(vectors, np.load(vectors)[::-1])
    with pytest.raises(InputError, match=r"is of another vectors; remove it or choose another"):
        run_network(given[0], **given[1], folder=tmp_path / "run", resume=True)
    assert sorted((tmp_path / "run.partial").iterdir()) == kept


def test_a_damaged_part_is_named(given, tmp_path):
    with pytest.raises(StoppedError):
        run_network(given[0], **given[1], folder=tmp_path / "run", progress=interrupting_after(20))
    (part,) = (tmp_path / "run.partial").glob("000000000008-*.parquet")
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    with pytest.raises(InputError, match=r"000000000008-\w+\.parquet: is damaged; remove it"):
        run_network(given[0], **given[1], folder=tmp_path / "run", resume=True)
    part.unlink()
    run_network(given[0], **given[1], folder=tmp_path / "run", resume=True)
    assert read_run(tmp_path / "run").record.samples == ROWS


def test_two_at_once_on_one_folder_are_not_let_in(given, tmp_path):
    program = "import sys; from pathlib import Path; from snnlp_lava.files import folder_lock\n"
    program += "with folder_lock(Path(sys.argv[1]), 'run'): print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "run.partial")],
        env=os.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match=r"run\.partial: another process is writing it"):
            run_network(given[0], **given[1], folder=tmp_path / "run")
        holder.send_signal(signal.SIGKILL)
    run_network(given[0], **given[1], folder=tmp_path / "run")
    assert read_run(tmp_path / "run").record.samples == ROWS


def test_a_finished_run_is_not_run_again(given, tmp_path):
    run_network(given[0], **given[1], folder=tmp_path / "run")
    before = (tmp_path / "run" / "result.json").stat().st_mtime_ns
    run_network(given[0], **given[1], folder=tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "result.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="is of another keep_trains"):
        run_network(given[0], **given[1], folder=tmp_path / "run", keep_trains=9, resume=True)
    run_network(given[0], **given[1], folder=tmp_path / "run")
    assert (tmp_path / "run" / "result.json").stat().st_mtime_ns > before


@pytest.mark.parametrize(("weight", "wraps"), [(250, True), (60, False)])
def test_currents_that_wrap_are_warned_of(tmp_path, caplog, weight, wraps):
    """512 lines that spike bring u to 512 w 64 in a step: 2^23 / 64 is 131,072, and 512 x 250 twice is more."""
    network = Network([dense(np.full((3, 512), weight), np.zeros(3, int), 1, 4096, 1024)])
    write_network(tmp_path / "a.net", network, card_for(network, window=4, period=4))
    np.save(tmp_path / "a.npy", np.ones((2, 4, 512), dtype=np.uint8))
    run = run_network(tmp_path / "a.net", spikes=tmp_path / "a.npy")
    assert ("currents wrapped in the chip's 24 bits" in caplog.text) == wraps
    assert (run.record.wraps > 0) == wraps


def with_labels(path, labels, target):
    parquet.write_table(parquet.read_table(path).drop_columns(["label"]).append_column("label", [labels]), target)
    return target


def test_texts_without_labels_are_classified(given, tmp_path):
    path, inputs = given
    parquet.write_table(parquet.read_table(inputs["data"]).drop_columns(["label"]), tmp_path / "plain.parquet")
    run_network(path, **{**inputs, "data": tmp_path / "plain.parquet"}, limit=30, folder=tmp_path / "plain")
    run_network(path, **inputs, folder=tmp_path / "labelled")
    record, table, _ = outcome(tmp_path / "plain")
    assert (record["samples"], record["accuracy"], record["mrr"]) == (30, None, None)
    whole = outcome(tmp_path / "labelled")[1]
    assert table.equals(whole.drop_columns(["label", "rank"])[:30])


def test_labels_are_not_read_where_none_are_wanted(given, tmp_path):
    path, inputs = given
    del inputs["split"]
    odd = with_labels(inputs["data"], [row / 7 for row in range(ROWS)], tmp_path / "odd.parquet")
    run = run_network(path, **{**inputs, "data": odd}, no_labels=True, folder=tmp_path / "run")
    assert (run.record.samples, run.record.accuracy, run.labels) == (ROWS, None, None)
    assert run.record.data.split == "all"
    again = run_network(path, **{**inputs, "data": odd}, no_labels=True, folder=tmp_path / "run", resume=True)
    assert again.record == run.record


def test_a_label_that_the_network_lacks_counts_as_wrong_and_is_named(given, tmp_path, caplog):
    path, inputs = given
    labels = [f"class {row % 3}" for row in range(ROWS)]
    right = run_network(path, **inputs).predictions
    labels[20], labels[33] = "grim", "dull"
    odd = with_labels(inputs["data"], labels, tmp_path / "odd.parquet")
    run = run_network(path, **{**inputs, "data": odd}, folder=tmp_path / "run")
    expected = np.array([row % 3 for row in range(ROWS)])
    expected[[20, 33]] = -1
    assert run.labels.tolist() == expected.tolist()
    assert run.record.accuracy == (right == expected).mean()
    assert run.record.right_over_time[-1] == (right == expected).sum()
    assert (run.record.data.unknown_labels, run.record.data.unknown_labelled) == ({"grim": 1, "dull": 1}, 2)
    assert "2 of 50 samples have a label that the network lacks ('grim', 'dull')" in caplog.text
    with pytest.raises(InputError, match=r"row 21: label 'grim' is not a class of the network \(class 0, class 1, "):
        run_network(path, **{**inputs, "data": odd}, strict=True)
    write_report(tmp_path / "r.html", [run])
    assert "2 of them have a label that the network lacks (grim, dull)" in (tmp_path / "r.html").read_text("utf-8")


def test_rows_that_cannot_be_used_are_left_out_counted_and_named(given, tmp_path, caplog):
    path, inputs = given
    table = parquet.read_table(inputs["data"]).to_pydict()
    table["text"][3], table["text"][40] = " ", None
    parquet.write_table(pa.table(table), tmp_path / "holes.parquet")
    holes = {**inputs, "data": tmp_path / "holes.parquet"}
    run_network(path, **holes, folder=tmp_path / "run")
    whole = run_network(path, **inputs, folder=tmp_path / "whole")
    found, expected = outcome(tmp_path / "run"), outcome(tmp_path / "whole")
    kept = [row for row in range(ROWS) if row not in (3, 40)]
    assert found[0]["data"]["skipped"] == {"empty text": 2}
    assert found[1].equals(expected[1].take(kept))  # each text with its own vector, label and row
    assert whole.record.data.skipped == {}
    assert "empty text" in caplog.text
    with pytest.raises(StoppedError):
        run_network(path, **holes, folder=tmp_path / "part", progress=interrupting_after(20))
    run_network(path, **holes, folder=tmp_path / "part", resume=True)
    assert outcome(tmp_path / "part") == found
    with pytest.raises(InputError, match="row 4"):
        run_network(path, **holes, strict=True)


def test_a_run_in_memory_is_the_run_in_a_folder(given, tmp_path):
    path, inputs = given
    before = sorted(tmp_path.rglob("*"))
    memory = run_network(path, **inputs)
    assert sorted(tmp_path.rglob("*")) == before
    folder = run_network(path, **inputs, folder=tmp_path / "run")
    assert memory.record.replace(seconds=0) == folder.record.replace(seconds=0)
    for name in ("output_counts", "predictions", "labels"):
        np.testing.assert_array_equal(getattr(memory, name), getattr(folder, name))
    for ours, theirs in zip(memory.trains, folder.trains, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert memory.predicted_labels == [f"class {prediction}" for prediction in memory.predictions]


class OfAnotherPackage(Backend):
    """A backend of another package: reads the output alone, five samples at a time, the last of which it loses."""

    name, help, batch, hint = "theirs", "another package's", 5, "ask them"
    flip = False
    loses = False

    class options(Record):  # noqa: N801
        gain: Annotated[int, opt("Volume.", ge=1, le=9)] = 1

    def __init__(self, options):
        self.gain = options.gain

    def check(self, file, period):
        if self.gain == 9:
            raise InputError(f"network {file.path}: gain 9 is too loud for a period of {period}")

    def record(self, file, samples, period, progress):
        result = run_emulator(file.network, samples, period, keep_trains=len(samples))
        done = np.arange(len(samples) - self.loses)
        output = result.trains[-1][done].copy()
        output[-1, 3, 0] ^= 0x80 * self.flip
        meter = Metered.of(by="theirs", samples=len(done), steps=len(done) * period, joules=0.5)
        broken = "power cut" if self.loses else None
        return Recording(done, {len(file.network.layers): output}, len(done) * period, meter, broken)


@pytest.fixture
def theirs(monkeypatch):
    """The registry with that backend, declared as an entry point."""
    point = EntryPoint("theirs", f"{__name__}:OfAnotherPackage", "snnlp_lava.backends")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == "snnlp_lava.backends" else [])
    backends = Registry(BACKENDS._what, BACKENDS._group, BACKENDS._builtin)
    for module in (runner, base):
        monkeypatch.setattr(module, "BACKENDS", backends)
    monkeypatch.setattr(EntryPoint, "load", lambda point: OfAnotherPackage)


def test_a_backend_of_another_package_is_a_class_and_an_entry_point(given, theirs, tmp_path, monkeypatch):
    path, inputs = given
    run = run_network(path, backend="theirs", gain=2, **inputs, folder=tmp_path / "run")
    expected = run_network(path, **inputs)
    np.testing.assert_array_equal(run.output_counts, expected.output_counts)
    assert run.record.layers == expected.record.layers
    assert (run.record.backend, run.record.layers_read) == ("theirs", ("output",))
    assert (run.record.metered.samples, run.record.metered.joules) == (ROWS, pytest.approx(5.0))
    write_report(tmp_path / "r.html", [run])
    assert "on the theirs" in (tmp_path / "r.html").read_text("utf-8")
    assert verify(path, backend="theirs", **inputs).layers[-1].differences == {"theirs": 0}
    for options, message in (
        ({"gain": 10}, "gain must be an integer <= 9, got 10"),
        ({"gain": 9}, "gain 9 is too loud for a period of 8"),
        ({"jobs": 2}, "--jobs 2 only applies to --backend emulator or sim, not theirs"),
        ({"volume": 2}, r"volume is unknown \(known: gain\)"),
    ):
        with pytest.raises(InputError, match=message):
            run_network(path, backend="theirs", **inputs, **options)
    monkeypatch.setattr(OfAnotherPackage, "flip", True)
    message = r"theirs and emulator differ in 1 spikes; first in sample 5, layer output, neuron 0, step 3, .*; ask them"
    with pytest.raises(BackendError, match=message):
        run_network(path, backend="theirs", **inputs)


def test_what_a_broken_backend_finished_is_kept(given, theirs, tmp_path, monkeypatch):
    path, inputs = given
    monkeypatch.setattr(OfAnotherPackage, "loses", True)
    with pytest.raises(BackendError, match="power cut; 4 of 50 samples are done; add --resume to continue"):
        run_network(path, backend="theirs", **inputs, folder=tmp_path / "run")
    monkeypatch.setattr(OfAnotherPackage, "loses", False)
    run = run_network(path, backend="theirs", **inputs, folder=tmp_path / "run", resume=True)
    np.testing.assert_array_equal(run.output_counts, run_network(path, **inputs).output_counts)
    assert run.record.metered.samples == ROWS


def test_options_of_a_backend_are_options_of_the_command(theirs):
    assert "jobs" in BACKENDS["sim"].options.__struct_fields__

    @click.command()
    @backend_options("emulator")
    def command(**options):
        click.echo(f"{options['gain']} {options['jobs']}")

    shown = CliRunner().invoke(command, ["--help"]).stdout
    assert re.search(r"--gain INTEGER +Volume\.  \[default: 1\]  \(only theirs\)", shown)
    assert "theirs: another" in shown
    assert CliRunner().invoke(command, ["--gain", "3"]).stdout == "3 None\n"


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"texts": ["a"], "words": "w.txt"}, ["--words w.txt", "word vectors"]),
        ({"texts": ["a"], "split_scheme": "paper"}, ["--split-scheme paper", "--data", "--text"]),
        ({"texts": ["a"], "text_column": "nope"}, ["--text-column nope", "--data", "--text"]),
        ({"texts": ["a"], "split": "train"}, ["--split train", "--data"]),
        ({"texts": ["a"], "limit": 3}, ["--limit 3", "--data or --spikes or --values or --events"]),
        ({"texts": ["a"], "vectors": "v.npy"}, ["--vectors v.npy", "--data"]),
        ({"spikes": "s.npy", "no_labels": True}, ["--no-labels", "--data"]),
        ({"spikes": "s.npy", "strict": True}, ["--strict", "--data"]),
        ({"data": "demo", "text_column": "nope", "label_column": "no"}, ["--text-column nope", "a data file", "demo"]),
        ({"data": "demo", "label_column": "nope"}, ["--label-column nope", "a data file", "demo"]),
        ({"data": "a.csv", "no_labels": True, "label_column": "x"}, ["--label-column x", "--no-labels"]),
        ({"data": "a.csv", "no_labels": True, "split": "test"}, ["--no-labels", "--split all"]),
        ({"data": "a.csv", "split": "all", "split_scheme": "paper"}, ["--split-scheme paper", "not all"]),
        ({"data": "demo", "words": "w.txt"}, ["--words w.txt", "word vectors"]),
        ({"data": "demo", "limit": 10**30}, ["limit", "1099511627776"]),
        ({"data": "demo", "keep_trains": 10**30}, ["keep_trains", "16777216"]),
        ({"texts": [" "]}, ["text 1 is empty"]),
        ({}, ["--data", "--spikes", "--text"]),
        ({"data": "demo", "texts": ["a"]}, ["--data", "--spikes", "--text"]),
    ],
)
def test_options_that_would_not_be_used_are_refused(given, inputs, told):
    with pytest.raises(InputError) as caught:
        run_network(given[0], **inputs)
    assert [word for word in told if word not in str(caught.value)] == []


def test_vectors_and_words_are_refused_by_a_network_of_texts(tmp_path, random_network):
    encoder = WordCodeEncoder(["good", "film"], np.array([3, 5], np.uint64))
    network = random_network((64, 3), seed=0)
    embedding = EmbeddingInfo(None, None, encoder.dimension)
    write_network(tmp_path / "a.net", network, card_for(network, encoder=encoder, embedding=embedding))
    for option in ("vectors", "words"):
        with pytest.raises(InputError, match=rf"--{option} v\.npy only applies to a network that takes vectors"):
            run_network(tmp_path / "a.net", data="demo", **{option: "v.npy"})


def test_a_folder_that_was_made_for_nothing_goes(tmp_path):
    with folder_lock(tmp_path / "a" / "b", "run"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a").exists()
    (tmp_path / "a").mkdir()
    with folder_lock(tmp_path / "a" / "b", "run"):
        pass
    assert (tmp_path / "a").exists()


def test_a_single_text_is_not_taken_letter_by_letter():
    with pytest.raises(InputError, match=r"must be a tuple of texts, got the text 'how lovely'; .*\('how lovely',\)$"):
        RunInput(texts="how lovely")
