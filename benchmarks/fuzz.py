"""Damaged and malformed files for every reader: nothing but an InputError, no crash, no hang, no gigabytes.

.venv/bin/python benchmarks/fuzz.py [MINUTES] [SEED] [TARGET ...]

Real files are cut, flipped, spliced and filled with extreme values, and read in a child process: by hand with every
reader in turn, or, where the package `atheris` can be imported and --atheris TARGET is given, guided by its coverage.
Files that break a reader are kept in the folder fuzz-found.
"""

from __future__ import annotations

import gzip
import json
import logging
import mmap
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from snnlp_lava.errors import SnnlpLavaError

SECONDS = 20  # for one file; a sound one takes milliseconds
GROWTH = 1 << 20  # KB of resident memory that a batch may add
BATCH = 100
FOUND = Path("fuzz-found")
EXTREME = [
    *(b"NaN", b"Infinity", b"1e999", b"-1", b"0", b"18446744073709551616", b"-9223372036854775809", b"null", b"true"),
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"\r",
        b"\n",
        b'"',
        b"'",
        b",",
        b"\\",
        b"{}",
        b"[]",
        b"<script>",
    ),
    *(b"../../../etc/passwd", b"/etc/passwd", b"%s%n", b"__import__('os')", b"O", b"|O", b"1_0"),
    *(b"[" * 5000, b"x" * 70000),
]


def mutated(content: bytes, rng: random.Random) -> bytes:
    """A damaged copy."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        at = rng.randrange(len(data) + 1)
        length = min(int(rng.expovariate(1 / 20)) + 1, 4096)
        kind = rng.randrange(7)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at:]
        elif kind == 2:
            del data[at : at + length]
        elif kind == 3:
            data[at : at + length] = rng.choice([b"\0", b"\xff", b"\x7f", rng.randbytes(1)]) * length
        elif kind == 4:
            data[at : at + length * rng.randrange(2)] = rng.choice(EXTREME)
        elif kind == 5:
            start = rng.randrange(len(data) + 1)
            data[at:at] = data[start : start + length]
        else:
            word = rng.choice([0, 1, 255, 1 << 15, 1 << 31, (1 << 32) - 1, 1 << 62, (1 << 64) - 1])
            data[at : at + 8] = word.to_bytes(8, rng.choice(["little", "big"]))
    return bytes(data)


class Target:
    """A reader, the sound file that is damaged, and the files that must stand beside it."""

    def __init__(self, path: Path, read: Callable[[], object]) -> None:
        self.path, self.read = path, read
        self.sound = path.read_bytes()

    def attempt(self, content: bytes) -> str:
        """Read a damaged file; says how it ended, and raises what no reader may raise."""
        self.path.write_bytes(content)
        signal.alarm(SECONDS)
        try:
            self.read()
        except SnnlpLavaError as error:
            assert "\n" not in str(error).strip(), "an error of several lines"
            return "refused"
        finally:
            signal.alarm(0)
        return "read"


def targets(folder: Path) -> dict[str, Target]:
    """Every reader, each with files of its own."""
    import torch

    from snnlp_lava.embed.cache import EmbeddingCache
    from snnlp_lava.embed.embedders import VectorFile
    from snnlp_lava.embed.word_codes import read_word_codes
    from snnlp_lava.embed.word_vectors import open_word_vectors
    from snnlp_lava.energy.prices import read_price_books
    from snnlp_lava.network.network import Network
    from snnlp_lava.netx.network_file import read_network
    from snnlp_lava.netx.nir.own import read_nir
    from snnlp_lava.run.arrays import open_spikes
    from snnlp_lava.run.folder import read_run
    from snnlp_lava.run.partial import PartialResults
    from snnlp_lava.run.samples import Totals
    from snnlp_lava.sweep.grid import read_grid
    from snnlp_lava.text.sources import open_texts
    from snnlp_lava.text.table import read_file
    from snnlp_lava.train.model_folder import load_spiking

    torch.set_num_threads(1)
    made = prepare(folder)

    def whole(path: Path) -> object:
        stream = open_texts(str(path))
        return stream.read(0, len(stream))

    def vectors() -> object:
        return VectorFile(made / "v.npy", 40)[np.arange(40)]

    def spikes() -> object:
        samples = open_spikes(made / "s.npy", network)
        return samples.spikes(np.arange(min(len(samples), 10)))

    def cached() -> object:
        cache = EmbeddingCache("c" * 64, 8, made / "cache")
        return cache.get([f"text {row}" for row in range(20)])

    (part,) = (made / "run.partial").glob("*.parquet")
    network: Network = read_network(made / "a.net").network

    def parts() -> object:
        kept = PartialResults(part.parent)
        kept.finished(0), list(kept.tables([0])), kept.trains([0], 4)
        return Totals.of(network, kept.each([0]))

    return {
        "network": Target(made / "a.net", lambda: read_network(made / "a.net")),
        "spike embedding": Target(made / "se.net", lambda: read_network(made / "se.net")),
        "model: config": Target(made / "m" / "config.json", lambda: load_spiking(made / "m")),
        "model: weights": Target(made / "m" / "weights.safetensors", lambda: load_spiking(made / "m")),
        "run: result": Target(made / "r" / "result.json", lambda: read_run(made / "r")),
        "run: samples": Target(made / "r" / "samples.parquet", lambda: read_run(made / "r")),
        "run: trains": Target(made / "r" / "trains.safetensors", lambda: read_run(made / "r")),
        "parquet": Target(made / "t.parquet", lambda: read_file(made / "t.parquet")),
        "parquet stream": Target(made / "u.parquet", lambda: whole(made / "u.parquet")),
        "csv": Target(made / "t.csv", lambda: read_file(made / "t.csv")),
        "csv stream": Target(made / "u.csv", lambda: whole(made / "u.csv")),
        "json lines": Target(made / "t.jsonl", lambda: read_file(made / "t.jsonl")),
        "vectors": Target(made / "v.npy", vectors),
        "spikes": Target(made / "s.npy", spikes),
        "word vectors": Target(made / "w.txt", lambda: open_word_vectors(made / "w.txt")),
        "word vectors, gzip": Target(made / "w.txt.gz", lambda: open_word_vectors(made / "w.txt.gz")),
        "word codes": Target(made / "c.txt", lambda: read_word_codes(made / "c.txt")),
        "grid": Target(made / "g.toml", lambda: read_grid(made / "g.toml")),
        "prices": Target(made / "p.toml", lambda: read_price_books([made / "p.toml"])),
        "nir": Target(made / "a.nir", lambda: read_nir(made / "a.nir")),
        "part of a run": Target(part, parts),
        "cache": Target(made / "cache" / f"embeddings-{'c' * 16}.sqlite", cached),
    }


def prepare(folder: Path) -> Path:
    """Sound files of every kind."""
    import pyarrow as pa
    from pyarrow import parquet

    from snnlp_lava.embed.cache import EmbeddingCache

    made = folder / "made"
    made.mkdir()
    os.environ["SNNLP_LAVA_CACHE"] = str(folder / "own-cache")
    for command in (
        "train --data demo --limit 30 --epochs 1 -o m",
        "train --data demo --limit 60 --method spike-embedding -o se",
        "export m -o a.net",
        "export se -o se.net",
        "export m --format nir -o a.nir",
        "run a.net --data demo --limit 20 -o r",
    ):
        # Not in this process: threads that torch starts here its children would miss, and wait for.
        program = [sys.executable, "-m", "snnlp_lava.cli.main", *command.split()]
        subprocess.run(program, cwd=made, check=True, capture_output=True)
    keep_a_part(made)
    rows = [(f"text {row}, with a comma and ümlaut 😀", ("dull", "fine")[row % 2], "train") for row in range(40)]
    columns = dict(zip(("text", "label", "split"), map(list, zip(*rows, strict=True)), strict=True))
    for name in ("t.parquet", "u.parquet"):
        parquet.write_table(pa.table(columns), made / name, row_group_size=15)
    for name in ("t.csv", "u.csv"):
        (made / name).write_text("text,label,split\n" + "".join(f'"{a}",{b},{c}\n' for a, b, c in rows), "utf-8")
    (made / "t.jsonl").write_text("".join(json.dumps({"text": a, "label": b}) + "\n" for a, b, _ in rows), "utf-8")
    rng = np.random.default_rng(0)
    np.save(made / "v.npy", rng.normal(size=(40, 6)).astype(np.float32))
    np.save(made / "s.npy", rng.random((3, 4, 768)) < 0.1)
    words = "".join(f"word{row} " + " ".join(f"{v:.4f}" for v in rng.normal(size=8)) + "\n" for row in range(40))
    (made / "w.txt").write_text(words)
    (made / "w.txt.gz").write_bytes(gzip.compress(words.encode()))
    codes = "".join(f"word{row} {int(rng.integers(1 << 62))}\n" for row in range(40))
    (made / "c.txt").write_text(f"40 64\n{codes}")
    (made / "g.toml").write_text('data = "demo"\n[grid]\nepochs = 3\nmethod = ["snn-rate", "ann"]\nwindow = [10, 25]\n')
    source = Path(sys.modules["snnlp_lava"].__file__ or "").parent / "energy" / "books" / "loihi1.toml"
    (made / "p.toml").write_text(source.read_text("utf-8"), "utf-8")
    cache = EmbeddingCache("c" * 64, 8, made / "cache")
    cache.put([f"text {row}" for row in range(20)], rng.normal(size=(20, 8)).astype(np.float32))
    return made


def keep_a_part(made: Path) -> None:
    """The folder of a run that was ended after its first part."""
    from snnlp_lava.backends.emulator import run_emulator
    from snnlp_lava.embed.base import OpCounts
    from snnlp_lava.encode.base import SpikeSamples
    from snnlp_lava.netx.network_file import read_network
    from snnlp_lava.run.partial import PartialResults
    from snnlp_lava.run.samples import sample_table

    network = read_network(made / "a.net").network
    samples = SpikeSamples(np.random.default_rng(0).random((20, 8, network.inputs)) < 0.1)
    result = run_emulator(network, samples, 8, keep_trains=4)
    (made / "run.partial").mkdir()
    made_by = {"embedding": OpCounts("a model", "tokens", 9, {"mac": 9})}
    table = sample_table(result, result.output_scores, np.arange(20), np.arange(20) % 6, preprocessing=made_by)
    PartialResults(made / "run.partial").add(0, np.arange(20), table, result.trains)


def batch(name: str, target: Target, seed: int, place: mmap.mmap) -> Counter[str]:
    """Read damaged files, each of its own seed, whose number is written to `place` first."""
    ends: Counter[str] = Counter()
    for number in range(seed, seed + BATCH):
        place[:8] = number.to_bytes(8, "little")
        content = mutated(target.sound, random.Random(f"{name} {number}"))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            ends[target.attempt(content)] += 1
            if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before > GROWTH:
                raise MemoryError("more than a gigabyte")
        except Exception:
            ends["FAILED"] += 1
            keep(name, number, content)
            traceback.print_exc(limit=-3)
    return ends


def keep(name: str, number: int, content: bytes) -> None:
    """Keep what broke a reader."""
    FOUND.mkdir(exist_ok=True)
    (FOUND / f"{name.replace(' ', '-').replace(':', '')}-{number}").write_bytes(content)


def in_child(name: str, target: Target, seed: int) -> Counter[str]:
    """A batch in a child process; a child that dies has found something."""
    place = mmap.mmap(-1, 8)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process even inside a library
        try:
            ends = batch(name, target, seed, place)
            os.write(writing, json.dumps(ends).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if answer:
        return Counter(json.loads(answer))
    number = int.from_bytes(place[:8], "little")
    print(f"{name} {number}: the process ended with status {status}", flush=True)
    keep(name, number, mutated(target.sound, random.Random(f"{name} {number}")))
    return Counter({"DIED": 1})


def guided(name: str, target: Target, arguments: list[str]) -> None:
    """Let atheris choose the files."""
    import atheris

    signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def one(content: bytes) -> None:
        target.attempt(content)

    corpus = target.path.parent / "corpus"
    corpus.mkdir()
    (corpus / "sound").write_bytes(target.sound)
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], one)
    atheris.Fuzz()


def main() -> None:
    """Read damaged files for some minutes and print how often each reader read, refused and failed."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("error")
    arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        if arguments[:1] == ["--atheris"]:
            import atheris

            # First, because numba cannot compile what atheris has been in.
            import snnlp_lava.network.neuron
            import snnlp_lava.train.slayer  # noqa: F401

            with atheris.instrument_imports(include=["snnlp_lava"]):
                chosen = targets(Path(scratch))[arguments[1]]
            guided(arguments[1], chosen, arguments[2:])
            return
        minutes = float(arguments[0]) if arguments else 1.0
        seed = int(arguments[1]) if len(arguments) > 1 else 0
        every = targets(Path(scratch))
        wanted = {name: every[name] for name in arguments[2:]} or every
        for name, target in wanted.items():
            assert target.attempt(target.sound) == "read", f"the sound file of {name} must be read"
            target.path.write_bytes(target.sound)
        ends: dict[str, Counter[str]] = {name: Counter() for name in wanted}
        spent = Counter[str]()
        deadline = time.monotonic() + 60 * minutes
        while time.monotonic() < deadline:
            name = min(wanted, key=lambda name: spent[name])
            started = time.monotonic()
            ends[name] += in_child(name, wanted[name], seed)
            wanted[name].path.write_bytes(wanted[name].sound)
            spent[name] += time.monotonic() - started  # type: ignore[assignment]
            seed += BATCH
    print("| reader | seconds | files | read | refused | failed |\n|---|---|---|---|---|---|")
    for name, counted in ends.items():
        failed = counted["FAILED"] + counted["DIED"]
        print(
            f"| {name} | {spent[name]:.0f} | {counted.total()} | {counted['read']} | {counted['refused']} | {failed} |"
        )


if __name__ == "__main__":
    main()
