"""A run in chunks: interrupted, gone on with, refused; what comes out is that of an undisturbed one."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from snnlp_lava.errors import InputError, StoppedError
from snnlp_lava.files import folder_lock
from snnlp_lava.network.network import Network
from snnlp_lava.netx.network_file import write_network
from snnlp_lava.run import runner as job
from snnlp_lava.run.folder import read_run
from snnlp_lava.run.inputs import Selection
from snnlp_lava.run.runner import run_network
from strategies import card_for, dense

ROWS = 50


@pytest.fixture
def given(tmp_path, random_network, monkeypatch):
    """A network file, texts with vectors, and chunks of 8 samples."""
    monkeypatch.setitem(job.CHUNK, "emulator", 8)
    monkeypatch.setitem(job.CHUNK, "sim", 20)
    network = random_network((12, 10, 3), seed=5)
    card = card_for(network, window=6, period=8, embedding=card_for(network).embedding.__class__(None, None, 12))
    write_network(tmp_path / "a.net", network, card)
    labels = [f"class {row % 3}" for row in range(ROWS)]
    parquet.write_table(
        pa.table({"text": [f"text {row}" for row in range(ROWS)], "label": labels}), tmp_path / "a.parquet"
    )
    np.save(tmp_path / "a.npy", np.random.default_rng(1).normal(size=(ROWS, 12)).astype(np.float32))
    selection = Selection(data=str(tmp_path / "a.parquet"), vectors=tmp_path / "a.npy", part="all")
    return tmp_path / "a.net", selection


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
        run_network(*given, "lava", tmp_path / "run")


def test_a_run_in_chunks_is_the_run_in_one(given, tmp_path, monkeypatch):
    run_network(*given, "emulator", tmp_path / "chunks", keep_trains=20)
    monkeypatch.setitem(job.CHUNK, "emulator", 1000)
    run_network(*given, "emulator", tmp_path / "whole", keep_trains=20)
    assert outcome(tmp_path / "chunks") == outcome(tmp_path / "whole")
    table = outcome(tmp_path / "whole")[1]
    assert table["row"].to_pylist() == list(range(ROWS))
    assert table["label"].to_pylist() == [row % 3 for row in range(ROWS)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.net", "a.npy", "a.parquet", "chunks", "whole"]


@pytest.mark.parametrize("backend", ["emulator", pytest.param("sim", marks=pytest.mark.slow)])
def test_an_interrupted_run_goes_on_where_it_was(given, tmp_path, backend):
    run_network(*given, backend, tmp_path / "whole", keep_trains=20, jobs=2)
    for after in (2, 18, 40):
        with pytest.raises(StoppedError, match=r"interrupted(; \d+ of 50 samples are done; the same|$)"):
            run_network(
                *given, backend, tmp_path / "part", keep_trains=20, resume=True, report=interrupting_after(after)
            )
        assert not (tmp_path / "part").exists()
    if backend == "emulator":
        assert len(list((tmp_path / "part.partial").glob("*.parquet"))) == 5
    run_network(*given, backend, tmp_path / "part", keep_trains=20, jobs=2, resume=True)
    found, expected = outcome(tmp_path / "part"), outcome(tmp_path / "whole")
    found[0].pop("steps"), expected[0].pop("steps")  # each start of Lava has steps at its end
    assert found == expected
    assert not (tmp_path / "part.partial").exists()


def test_what_was_interrupted_before_its_first_part_leaves_nothing(given, tmp_path):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(StoppedError, match=r"^interrupted$"):
        run_network(*given, "emulator", tmp_path / "new" / "run", report=interrupting_after(0))
    assert sorted(tmp_path.iterdir()) == before


def test_an_unfinished_run_is_neither_lost_nor_taken_for_another(given, tmp_path):
    _, selection = given
    with pytest.raises(StoppedError):
        run_network(*given, "emulator", tmp_path / "run", report=interrupting_after(20))
    kept = sorted((tmp_path / "run.partial").iterdir())
    assert len(kept) == 5  # job.json, two parts
    with pytest.raises(InputError, match=r"run .*run\.partial: is not finished; add --resume to go on, or remove it"):
        run_network(*given, "emulator", tmp_path / "run")
    np.save(selection.vectors, np.load(selection.vectors)[::-1])
    with pytest.raises(InputError, match=r"is of another vectors; remove it or choose another"):
        run_network(*given, "emulator", tmp_path / "run", resume=True)
    assert sorted((tmp_path / "run.partial").iterdir()) == kept


def test_a_damaged_part_is_named(given, tmp_path):
    with pytest.raises(StoppedError):
        run_network(*given, "emulator", tmp_path / "run", report=interrupting_after(20))
    (part,) = (tmp_path / "run.partial").glob("000000000008-*.parquet")
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    with pytest.raises(InputError, match=r"000000000008-\w+\.parquet: is damaged; remove it"):
        run_network(*given, "emulator", tmp_path / "run", resume=True)
    part.unlink()
    run_network(*given, "emulator", tmp_path / "run", resume=True)
    assert read_run(tmp_path / "run").record["samples"] == ROWS


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
            run_network(*given, "emulator", tmp_path / "run")
        holder.send_signal(signal.SIGKILL)
    run_network(*given, "emulator", tmp_path / "run")
    assert read_run(tmp_path / "run").record["samples"] == ROWS


def test_a_finished_run_is_not_run_again(given, tmp_path):
    run_network(*given, "emulator", tmp_path / "run")
    before = (tmp_path / "run" / "result.json").stat().st_mtime_ns
    run_network(*given, "emulator", tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "result.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="is of another keep_trains"):
        run_network(*given, "emulator", tmp_path / "run", keep_trains=9, resume=True)
    run_network(*given, "emulator", tmp_path / "run")
    assert (tmp_path / "run" / "result.json").stat().st_mtime_ns > before


@pytest.mark.parametrize(("weight", "wraps"), [(250, True), (60, False)])
def test_currents_that_wrap_are_warned_of(tmp_path, caplog, weight, wraps):
    """512 lines that spike bring u to 512 w 64 in a step: 2^23 / 64 is 131,072, and 512 x 250 twice is more."""
    network = Network([dense(np.full((3, 512), weight), np.zeros(3, int), 1, 4096, 1024)])
    write_network(tmp_path / "a.net", network, card_for(network, window=4, period=4))
    np.save(tmp_path / "a.npy", np.ones((2, 4, 512), dtype=np.uint8))
    run_network(tmp_path / "a.net", Selection(spikes=tmp_path / "a.npy"), "emulator", tmp_path / "run")
    assert ("currents wrapped in the chip's 24 bits" in caplog.text) == wraps


def test_texts_without_labels_are_classified(given, tmp_path):
    path, selection = given
    parquet.write_table(parquet.read_table(selection.data).drop_columns(["label"]), tmp_path / "plain.parquet")
    plain = Selection(data=str(tmp_path / "plain.parquet"), vectors=selection.vectors, part="all", limit=30)
    run_network(path, plain, "emulator", tmp_path / "plain")
    run_network(path, selection, "emulator", tmp_path / "labelled")
    record, table, _ = outcome(tmp_path / "plain")
    assert (record["samples"], record["accuracy"], record["mrr"]) == (30, None, None)
    whole = outcome(tmp_path / "labelled")[1]
    assert table.equals(whole.drop_columns(["label", "rank"])[:30])


def test_the_row_of_an_unknown_label_is_named(given, tmp_path):
    path, selection = given
    table = parquet.read_table(selection.data).to_pydict()
    table["label"][20] = "grim"
    parquet.write_table(pa.table(table), tmp_path / "grim.parquet")
    wrong = Selection(data=str(tmp_path / "grim.parquet"), vectors=selection.vectors, part="all")
    with pytest.raises(InputError, match="row 21: label 'grim' is none of the network's: class 0, class 1, class 2"):
        run_network(path, wrong, "emulator", tmp_path / "run")


def test_a_folder_that_was_made_for_nothing_goes(tmp_path):
    with folder_lock(tmp_path / "a" / "b", "run"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a").exists()
    (tmp_path / "a").mkdir()
    with folder_lock(tmp_path / "a" / "b", "run"):
        pass
    assert (tmp_path / "a").exists()


def test_a_single_text_is_not_taken_letter_by_letter():
    with pytest.raises(InputError, match=r"^texts 'how lovely' are one text; write a tuple, texts=\('how lovely',\)$"):
        Selection(texts="how lovely")
