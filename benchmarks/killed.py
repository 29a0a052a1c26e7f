"""SIGKILL at random moments in train, export, run and sweep; then the same command again.

.venv/bin/python benchmarks/killed.py [MOMENTS] [SEED] [COMMAND ...]

Before each kill the folder is empty. After it, nothing may look finished that is not; the command is then repeated
(with --resume where there is one), and its results must be those of an undisturbed run, byte for byte (times apart). No
process and no temporary file may be left. What it printed stands in docs/reliability.md.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from snnlp_lava.text.sources import load_texts

PROGRAM = [sys.executable, "-m", "snnlp_lava.cli.main"]
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
ROWS = 20_000
GRID = """
data = "demo"
limit = 30
[grid]
epochs = 2
method = ["snn-rate", "snn-rate-rand"]
window = [8]
seed = [1, 2]
"""


@dataclass(frozen=True)
class Case:
    """A command, what it may leave, and what it must give.

    Attributes
    ----------
    name
        As the table shows it.
    arguments
        What is typed, in a folder that holds model, network and data.
    again
        What is added the second time.
    outcome
        From the folder to what must be equal; None where there is no result that counts as finished.
    """

    name: str
    arguments: list[str]
    again: list[str]
    outcome: Callable[[Path], object]


def model(folder: Path) -> object:
    """Weights and history of a model that counts as finished."""
    if not (folder / "m" / "config.json").exists():
        return None
    return [(folder / "m" / name).read_bytes() for name in ("config.json", "weights.safetensors", "history.csv")]


def network(folder: Path) -> object:
    """A network file."""
    return (folder / "b.net").read_bytes() if (folder / "b.net").exists() else None


def run(folder: Path) -> object:
    """A run folder, but for its times."""
    if not (folder / "r" / "result.json").exists():
        return None
    record = json.loads((folder / "r" / "result.json").read_text("utf-8"))
    for varying in ("seconds", "steps"):  # each start of Lava adds the steps that drain the network
        del record[varying]
    return record, *((folder / "r" / name).read_bytes() for name in ("samples.parquet", "trains.safetensors"))


def sweep(folder: Path) -> object:
    """The results of all cells."""
    files = sorted((folder / "s").glob("*.json")) if (folder / "s").exists() else []
    return {file.name: json.loads(file.read_text("utf-8"))["results"] for file in files} or None


LAVA = ["--backend", "sim", "--jobs", "2"]
CASES = [
    Case("train", ["train", "--data", "demo", "--limit", "60", "--epochs", "6", "-o", "m"], ["--resume"], model),
    Case("export", ["export", "made", "-o", "b.net"], [], network),
    Case("run", ["run", "a.net", "--data", "long.parquet", "--split", "all", "-o", "r"], ["--resume"], run),
    Case(
        "run on Lava",
        ["run", "a.net", "--backend", "sim", "--data", "demo", "--limit", "20", "-o", "r"],
        ["--resume"],
        run,
    ),
    Case("sweep", ["sweep", "g.toml", "--jobs", "2", "-o", "s"], ["--resume"], sweep),
]


def main(moments: int, seed: int, names: list[str]) -> None:
    """Kill, repeat, compare, and print a table."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        given = Path(scratch) / "given"
        prepare(given)
        print("| command | s undisturbed | kills | while it ran | finished before | wrong |\n|---|---|---|---|---|---|")
        chosen = [case for case in CASES if case.name in names] or CASES
        for case in chosen:
            print(row(case, given, Path(scratch) / "work", max(1, moments // len(chosen)), rng), flush=True)


def prepare(given: Path) -> None:
    """A model, a network and 20,000 texts."""
    given.mkdir()
    texts = list(load_texts("demo").texts)
    parquet.write_table(pa.table({"text": (texts * (ROWS // len(texts) + 1))[:ROWS]}), given / "long.parquet")
    (given / "g.toml").write_text(GRID)
    for arguments in (
        ["train", "--data", "demo", "--method", "spike-embedding", "-o", "made"],
        ["export", "made", "-o", "a.net"],
    ):
        subprocess.run([*PROGRAM, *arguments], cwd=given, check=True, capture_output=True)


def row(case: Case, given: Path, work: Path, moments: int, rng: random.Random) -> str:
    """One line of the table."""
    fresh(given, work)
    started = time.perf_counter()
    done = subprocess.run([*PROGRAM, *case.arguments], cwd=work, env=environment(work), capture_output=True, text=True)
    seconds = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    expected = case.outcome(work)
    assert expected is not None
    running = wrong = 0
    for _ in range(moments):
        fresh(given, work)
        with subprocess.Popen(
            [*PROGRAM, *case.arguments], cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(rng.uniform(0, seconds))
            running += process.poll() is None
            process.kill()
        found = case.outcome(work)
        if not (found is None or found == expected or is_part(found, expected)):
            wrong += 1
            print(f"{case.name}: looks finished and is not", file=sys.stderr)
        again = subprocess.run(
            [*PROGRAM, *case.arguments, *case.again],
            cwd=work,
            env=environment(work),
            capture_output=True,
            text=True,
            timeout=600,
        )
        time.sleep(1)  # a worker whose parent is gone takes a moment to see it
        if again.returncode != 0 or case.outcome(work) != expected or leftovers(work):
            wrong += 1
            print(f"{case.name}: {again.returncode} {again.stderr[-500:]} {leftovers(work)}", file=sys.stderr)
    return f"| {case.name} | {seconds:.1f} | {moments} | {running} | {moments - running} | {wrong} |"


def fresh(given: Path, work: Path) -> None:
    """An empty folder with what the commands need."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(given, work)
    (work / "tmp").mkdir()


def environment(work: Path) -> dict[str, str]:
    """This environment, with temporary files where they are seen."""
    return {**os.environ, "TMPDIR": str(work / "tmp")}


def is_part(found: object, expected: object) -> bool:
    """Whether finished cells of a sweep are as they should be."""
    return (
        isinstance(found, dict)
        and isinstance(expected, dict)
        and all(expected[name] == value for name, value in found.items())
    )


def leftovers(work: Path) -> list[str]:
    """Temporary files, and processes whose folder this is."""
    files = [str(path) for path in work.rglob("*") if path.suffix in (".tmp", ".old", ".partial")]
    files += map(str, (work / "tmp").glob("snnlp-lava-*"))
    processes = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve().is_relative_to(work) and (process / "stat").read_text().split()[2] != "Z":
                processes.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has ended, or is not ours
            continue
    return files + processes


if __name__ == "__main__":
    wanted = [*sys.argv[1:], *("200", "0")[len(sys.argv) - 1 :]]
    main(int(wanted[0]), int(wanted[1]), wanted[2:])
