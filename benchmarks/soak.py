"""Many Lava runs in a row, and what they leave behind: processes, shared memory, descriptors, threads, memory.

.venv/bin/python benchmarks/soak.py [RUNS]

200 runs of the demo network on two samples each, with other programs beside them, 2,009 s:

| held | before | after |
|---|---|---|
| worker processes | 0 | 0 |
| zombies | 0 | 0 |
| blocks of shared memory | 0 | 0 |
| folders in the temporary folder | 13 | 13 |
| descriptors | 6 | 6 |
| threads | 1 | 1 |
| resident MB | 199 | 199 |
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
from inputs import drawn_samples, run_on_lava

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.netx.network_file import read_network


def main(path: Path, runs: int) -> None:
    """Run, compare each result with the emulator's, and print what is left."""
    file = read_network(path)
    network, card = file.network, file.require_card()
    samples = drawn_samples(card, 2)
    expected = run_emulator(network, samples, card.period).output_counts
    run_on_lava(file, samples, card.period)  # what the first run leaves for good is no leak
    before, started = held(), time.perf_counter()
    for done in range(1, runs + 1):
        found = run_on_lava(file, samples, card.period).output_counts
        assert np.array_equal(found, expected)
        if done % 20 == 0:
            print(f"{done} runs, {time.perf_counter() - started:.0f} s", flush=True)
    print(f"{runs} runs, all with the emulator's output")
    print("| held | before | after |\n|---|---|---|")
    for (name, first), last in zip(before.items(), held().values(), strict=True):
        print(f"| {name} | {first} | {last} |")


def held() -> dict[str, int]:
    """What this machine holds: of all processes where a leak would show there, else of this one."""
    me = Path("/proc/self")
    names = [
        (folder / "cmdline").read_bytes() for folder in Path("/proc").glob("[0-9]*") if (folder / "cmdline").exists()
    ]
    return {
        "worker processes": sum(b"lava.worker" in name for name in names),
        "zombies": sum(child_is_zombie(folder) for folder in Path("/proc").glob("[0-9]*")),
        "blocks of shared memory": len(list(Path("/dev/shm").iterdir())),
        "folders in the temporary folder": len(list(Path(os.environ.get("TMPDIR", "/tmp")).glob("snnlp-lava-*"))),
        "descriptors": len(list((me / "fd").iterdir())),
        "threads": threading.active_count(),
        "resident MB": int((me / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20,
    }


def child_is_zombie(folder: Path) -> bool:
    """Whether a process is a dead child of this one."""
    try:
        state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:  # it has just ended
        return False
    return state == "Z" and int(parent) == os.getpid()


if __name__ == "__main__":
    main(Path("netx_exports/demo.net"), int(sys.argv[1]) if len(sys.argv) > 1 else 200)
