"""Processes that tests start and kill, and a Dask cluster of them."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

WAIT = 120.0


def start(arguments, folder, **options):
    """Start a process that takes interrupts, which a shell's background jobs ignore."""

    def take_interrupts():
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(arguments, cwd=folder, env=os.environ, text=True, preexec_fn=take_interrupts, **options)


def wait_until(condition):
    deadline = time.monotonic() + WAIT
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


@contextmanager
def dask_cluster(folder, workers):
    """A Dask scheduler and worker processes: the scheduler's address, and the workers."""
    file = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    options = ["--scheduler-file", file, "--no-dashboard"]
    python = [sys.executable, "-m"]
    scheduler = start([*python, "distributed.cli.dask_scheduler", *options, "--port", "0"], folder, **quiet)
    options += ["--nthreads", "1", "--no-nanny", "--local-directory", folder]
    started = [start([*python, "distributed.cli.dask_worker", *options], folder, **quiet) for _ in range(workers)]
    try:
        yield json.loads(wait_until(lambda: file.exists() and file.read_text()))["address"], started
    finally:
        for process in (*started, scheduler):
            process.kill()
            process.wait()
