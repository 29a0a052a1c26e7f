"""A million texts through `run --backend emulator`, interrupted half-way and gone on with: rate and memory.

.venv/bin/python benchmarks/million.py NETWORK DATA.parquet [VECTORS.npy]

"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pyarrow import parquet

from snnlp_lava.backends.base import BACKENDS

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


def main(arguments: list[str]) -> None:
    """Run, interrupt, resume, and print."""
    network, data, *vectors = arguments
    total = parquet.ParquetFile(data).metadata.num_rows
    chunks = math.ceil(total / BACKENDS["emulator"].batch)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "snnlp_lava.cli.main", "run", network, "--data", data, "--split", "all"]
        command += [*(["--vectors", *vectors] if vectors else []), "-o", str(run)]
        print("| texts done | s | resident MB | of it not files |\n|---|---|---|---|")
        seconds, code, _ = watched(command, run, chunks, until=0.5)
        assert code == 130, f"interrupted, it ended with {code}"
        more, code, written = watched([*command, "--resume"], run, chunks, until=2.0, before=seconds)
        assert code == 0, f"resumed, it ended with {code}"
        record = json.loads((run / "result.json").read_text("utf-8"))
        rows = parquet.read_table(run / "samples.parquet", columns=["row"])["row"].to_pylist()
        assert record["samples"] == total
        assert rows == list(range(total))
        size = sum(path.stat().st_size for path in run.iterdir()) / 1e6
        rate = total / (seconds + more)
        print(f"\n{total:,} texts, {rate:,.0f} a second with both starts; {size:,.0f} MB of results, {written}")


def watched(command: list[str], run: Path, chunks: int, until: float, before: float = 0.0) -> tuple[float, int, str]:
    """Run a command, print its memory as it goes on, and interrupt it when a share is done."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=listen)
    partial = run.with_name(run.name + ".partial")
    done = len(list(partial.glob("*.parquet"))) / chunks
    shares = [share for share in SHARES if share > done]
    most = 0.0
    while process.poll() is None:
        time.sleep(0.2)
        most = max(most, memory(process.pid)[0])
        done = len(list(partial.glob("*.parquet"))) / chunks
        if shares and done >= shares[0]:
            seconds = before + time.perf_counter() - started
            print(
                f"| {shares.pop(0):.0%} | {seconds:,.0f} | {' | '.join(f'{mb:,.0f}' for mb in memory(process.pid))} |"
            )
        if done >= until:
            process.send_signal(signal.SIGINT)
            process.wait()
    print(
        f"| most until {'its end' if process.returncode == 0 else 'the interruption'} | | {most:,.0f} | |", flush=True
    )
    return time.perf_counter() - started, process.returncode, process.communicate()[0].splitlines()[0].strip()


def memory(process: int) -> tuple[float, float]:
    """Resident memory of a process in MB, and what of it is no mapped file."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    found = dict(line.split(":", 1) for line in lines)
    return tuple(int(found[name].split()[0]) / 1000 if name in found else 0.0 for name in ("VmRSS", "RssAnon"))  # type: ignore[return-value]


def listen() -> None:
    """Take interrupts, which a shell's background jobs ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main(sys.argv[1:])
