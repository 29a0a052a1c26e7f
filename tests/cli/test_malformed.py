"""Full disks, killed processes, two at once, files and texts that nobody expects: one line, and nothing is lost."""

import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from cli.commands import PROGRAM
from snnlp_lava.run.folder import read_run


def start(*arguments, cwd, **options):
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.fixture
def spikes(files):
    """A network that takes any text without a model."""
    return files / "se.net"


TEXTS = {
    "unknown words": "qxzv wvvq",
    "emoji": "😀👩‍👩‍👧‍👦🏳️‍🌈",
    "right to left": "\u202e\u05d0\u05e0\u05d9 \u0645\u0631\u062d\u0628\u0627\u202c",
    "null characters": "how\x00lovely\x00",
    "a megabyte": "how lovely " * 95_000,
    "one word of a megabyte": "x" * 1_000_000,
    "control characters": "\x01\x07\x1b[31m\x7f",
    "markup": "<script>alert(1)</script>",
    "format": "%s {0} {{x}} $PATH `id`",
}


def test_texts_that_nobody_expects_are_classified_and_escaped(spikes, files, snnlp_lava, tmp_path):
    table = pa.table({"text": list(TEXTS.values())})
    parquet.write_table(table, tmp_path / "odd.parquet")
    for network in (spikes, files / "a.net"):
        done = snnlp_lava("run", network, "--data", tmp_path / "odd.parquet", "--split", "all", "-o", "odd")
        assert done.exit_code == 0, done.stderr
    done = snnlp_lava("run", spikes, *(f"--text={text}" for text in (TEXTS["markup"], TEXTS["emoji"])), "-o", "t")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0].split("\t")[1] == TEXTS["markup"]
    assert snnlp_lava("report", "odd", "t", "-o", "r.html").exit_code == 0
    page = Path("r.html").read_text("utf-8")
    assert page.lower().count("<script") == 1  # the page's own
    assert "<script>alert" not in page.lower()
    assert "&lt;script&gt;alert(1)" in page
    assert len(page) < 2_000_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text\ngr\xfcn\n".encode("latin-1"), "byte 7 is not UTF-8"),
        ("text\nfine\n".encode("utf-16"), "byte 0 is not UTF-8"),
        (b"text\nfine\n\xf0\x9f\x98\n", "byte 10 is not UTF-8"),
    ],
)
def test_texts_that_are_none_are_refused_by_row_or_byte(spikes, snnlp_lava, tmp_path, content, message):
    (tmp_path / "odd.csv").write_bytes(content)
    done = snnlp_lava("run", spikes, "--data", tmp_path / "odd.csv", "--split", "all", "-o", "odd")
    assert (done.exit_code, message in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "odd").exists()


def small_disk():
    """From here on no file may become larger than 100 KB; writing more fails as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "{files}/model", "-o", "out.net"),
        *(
            pytest.param(arguments, marks=pytest.mark.slow)
            for arguments in (
                ("run", "{spikes}", "--spikes", "{tmp}/s.npy", "--keep-trains", "4000", "-o", "out"),
                ("train", "--data", "{files}/own.csv", "--vectors", "{tmp}/wide.npy", "--epochs", "1", "-o", "out"),
            )
        ),
    ],
)
def test_a_full_disk_is_one_line_and_leaves_nothing(spikes, files, tmp_path, monkeypatch, arguments):
    rng = np.random.default_rng(0)
    lines = read_lines(spikes)
    np.save(tmp_path / "s.npy", rng.random((4000, 16, lines)) < 0.5)
    np.save(tmp_path / "wide.npy", rng.normal(size=(36, 900)).astype(np.float32))
    before = sorted(tmp_path.iterdir())
    filled = [argument.format(files=files, spikes=spikes, tmp=tmp_path) for argument in arguments]
    for name in [name for name in os.environ if name.startswith("COVERAGE")]:
        monkeypatch.delenv(name)  # else coverage fails on the full disk, too
    with start(*filled, cwd=tmp_path, preexec_fn=small_disk) as process:
        last = process.stderr.read().strip().splitlines()[-1]
    assert process.returncode == 2, last
    assert last.startswith("error: cannot write out")
    assert last.endswith(": File too large")
    assert sorted(tmp_path.iterdir()) == before


def read_lines(path):
    from snnlp_lava.netx.network_file import read_network

    return read_network(path).network.inputs


def test_two_trainings_into_one_folder_are_not_let_in(files, snnlp_lava, tmp_path):
    wanted = ("train", "--data", files / "own.csv", "--vectors", files / "own.npy", "--epochs", 100_000, "-o", "m")
    with start(*wanted, cwd=tmp_path) as first:
        while not (tmp_path / "m" / "checkpoint.safetensors").exists():
            assert first.poll() is None, first.stderr.read()
            time.sleep(0.1)
        second = snnlp_lava(*wanted, "--resume")
        assert second.exit_code == 2
        assert (
            second.stderr
            == "error: model m: another process is writing it; wait until it ends or choose another folder\n"
        )
        first.kill()
    third = snnlp_lava(*wanted)
    assert "unfinished training; add --resume" in third.stderr


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_been(spikes, tmp_path):
    """benchmarks/killed.py does this at many moments, to train, export and sweep, too."""
    from snnlp_lava.text.sources import load_texts

    texts = list(load_texts("demo").texts) * 30
    parquet.write_table(pa.table({"text": texts}), tmp_path / "long.parquet")
    wanted = ("run", spikes, "--data", "long.parquet", "--split", "all", "-o")
    with start(*wanted, "whole", cwd=tmp_path) as process:
        assert process.wait() == 0, process.stderr.read()
    with start(*wanted, "part", cwd=tmp_path) as process:
        while not list((tmp_path / "part.partial").glob("*.parquet")):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        process.kill()
    assert not (tmp_path / "part").exists()
    with start(*wanted, "part", "--resume", cwd=tmp_path) as process:
        assert process.wait() == 0, process.stderr.read()
    for name in ("samples.parquet", "trains.safetensors"):
        assert (tmp_path / "part" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    records = [json.loads((tmp_path / name / "result.json").read_text("utf-8")) for name in ("part", "whole")]
    assert records[0].pop("seconds") > 0 < records[1].pop("seconds")
    assert records[0] == records[1]
    assert read_run(tmp_path / "part").record.samples == len(texts)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.parquet", "part", "whole"]


def test_rows_that_cannot_be_used_do_not_stop_a_run_or_a_training(spikes, files, snnlp_lava, caplog):
    rows = ["how lovely", " ", "who took it", ""]
    Path("gaps.csv").write_text("text,id\n" + "".join(f"{text},{row}\n" for row, text in enumerate(rows)))
    done = snnlp_lava("run", spikes, "--data", "gaps.csv", "--split", "all", "-o", "gaps")
    assert done.exit_code == 0, done.stderr
    assert parquet.read_table("gaps/samples.parquet").column(0).to_pylist() == [0, 2]
    vectors = np.load(files / "own.npy")
    np.save("37.npy", np.concatenate([vectors, np.ones((1, 12), np.float32)]))
    training = ("train", "--data", files / "empty_text.csv", "--vectors", "37.npy", "--epochs", 1, "-o", "m")
    done = snnlp_lava(*training, "--window", 8)
    assert done.exit_code == 0, done.stderr
    assert [message for message in caplog.messages if "cannot be used" in message] == [
        "data gaps.csv: 2 rows cannot be used (empty text 2), the first is row 2; skipped",
        f"data {files / 'empty_text.csv'}: 1 rows cannot be used (empty text 1), the first is row 37; skipped",
    ]


HUGE = 30 << 30  # bytes; sparse files of that size use no disk space


def make_huge(path, first=b""):
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.write(first)
        file.truncate(HUGE)
    return path


@pytest.mark.parametrize(
    ("name", "first", "arguments", "message"),
    [
        ("p.toml", b"", ("report", "{files}/run", "-o", "r.html", "--prices", "p.toml"), "p.toml is larger than"),
        ("g.toml", b"", ("sweep", "g.toml", "-o", "out"), "g.toml is larger than"),
        ("m/config.json", b"", ("export", "m", "-o", "a.net"), "config.json is larger than"),
        ("r/result.json", b"", ("report", "r", "-o", "r.html"), "result.json is larger than"),
        ("d.csv", b"text\n", ("run", "{files}/se.net", "--data", "d.csv", "--limit", "2"), "d.csv: line 2"),
        ("d.jsonl", b"", ("train", "--data", "d.jsonl", "-o", "out"), "d.jsonl: line 1"),
    ],
)
def test_a_file_of_thirty_gigabytes_is_refused_at_once(files, snnlp_lava, name, first, arguments, message):
    make_huge(Path(name), first)
    started = time.monotonic()
    done = snnlp_lava(*(argument.format(files=files) for argument in arguments))
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert time.monotonic() - started < 20


def test_a_removed_working_folder_is_one_line(files, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"rmdir {gone}; exec {' '.join(PROGRAM)} check {files}/se.net --chip loihi1"
    done = subprocess.run(["sh", "-c", command], cwd=gone, env=os.environ, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the working folder was removed; change to one that exists\n"


def test_a_limit_on_a_hundred_million_equal_rows_reads_a_few(spikes, snnlp_lava):
    """The file has 0.1 MB; its column as a list of Python would have gigabytes."""
    equal = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10_000_000, np.int8)), ["how lovely"])
    batch = pa.table({"text": equal})
    with parquet.ParquetWriter("equal.parquet", batch.schema) as writer:
        for _ in range(10):
            writer.write_table(batch)
    started = time.monotonic()
    done = snnlp_lava("run", spikes, "--data", "equal.parquet", "--split", "all", "--limit", 5, "-o", "out")
    assert done.exit_code == 0, done.stderr
    assert read_run(Path("out")).record.samples == 5
    done = snnlp_lava("train", "--data", "equal.parquet", "--label-column", "text", "--limit", 5, "-o", "m")
    assert (done.exit_code, "more than 10,000,000 rows" in done.stderr) == (2, True), done.stderr
    assert time.monotonic() - started < 60
