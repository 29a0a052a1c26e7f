"""Eight processes that use one cache at once: nobody fails and nothing is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKERS = 8
WORKER = Path(__file__).with_name("cache_worker.py")


@pytest.mark.parametrize("rounds", [20, pytest.param(1000, marks=pytest.mark.slow)])
def test_eight_processes_fill_and_mend_one_cache_at_once(tmp_path, rounds):
    words = tmp_path / "words.txt"
    words.write_text("".join(f"word{number} {number} {number} {number}\n" for number in range(50)))
    command = [sys.executable, str(WORKER), str(words)]
    log = tmp_path / "log.txt"  # a pipe that nobody reads would fill and block
    with log.open("w") as stderr:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": stderr}
        workers = [subprocess.Popen(command, text=True, env=os.environ, **pipes) for _ in range(WORKERS)]
    try:
        for number in range(rounds):
            folder = tmp_path / str(number - number % 4)  # three rounds of four find a cache that is damaged
            if number % 4:
                for path in (*folder.glob("word-vectors-*/vectors.npy"), *folder.glob("codes-of-*/codes.txt")):
                    path.write_bytes(path.read_bytes()[:-1])
            for worker in workers:
                worker.stdin.write(f"{folder}\n")
                worker.stdin.flush()
            for worker in workers:
                assert worker.stdout.readline() == "done\n", f"round {number}: {log.read_text()[-2000:]}"
            names = sorted(path.name.partition("-")[0] for path in folder.iterdir())
            assert names == ["codes", "embeddings", "word"]  # nothing temporary is left
    finally:
        for worker in workers:
            worker.communicate()
    assert [worker.returncode for worker in workers] == [0] * WORKERS
