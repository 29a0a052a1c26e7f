"""Whether a Loihi 2 does what the emulator does: the demo network on drawn samples, every output spike compared.

.venv/bin/python benchmarks/check_board.py [--host slurm|ethernet] [--partition P] [--board B] [--chip-generation G]

For the owner of a board: it needs Intel's extension lava-loihi, no text, no data and no model hub, and ends with exit
code 0 and PASS, or with 1 and what differs. Where the output differs it asks whether the adapters alone are late: it
runs again with the layers' reset up to 3 steps later and 1 sooner, and reads each output as much later or sooner.

It has run on no board yet, only on tests/fake_lava_loihi, where Lava's simulator computes the chip's part:

    PASS: 16 samples, 512 steps, 492 output spikes, all as the emulator's
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from inputs import drawn_samples

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava.job import Loihi2Board
from snnlp_lava.backends.lava.loihi2 import GENERATIONS, run_board
from snnlp_lava.errors import BackendError, SnnlpLavaError
from snnlp_lava.netx.network_file import read_network
from snnlp_lava.records import versions

SAMPLES = 16
INPUT_DELAYS = (0, 1, -1, 2, 3)
OUTPUT_DELAYS = (0, 1, 2, 3, -1)
VARIABLES = ("SLURM", "NOSLURM", "PARTITION", "BOARD", "LOIHI_GEN", "NXSDKHOST", "HOST_BINARY")


def main(path: Path, board: Loihi2Board) -> int:
    """Run, compare and print the verdict; 0 if the board is the emulator's equal."""
    file = read_network(path)
    network, card = file.network, file.require_card()
    samples = drawn_samples(card, SAMPLES)
    batches: list[np.ndarray] = []
    run_emulator(network, samples, card.period, inspect=lambda trains: batches.append(trains[-1]))
    expected = np.concatenate(batches).reshape(-1, network.outputs)
    print("versions:", ", ".join(f"{name} {version}" for name, version in versions().items()))
    print(f"network: {path.name}, {'-'.join(map(str, network.sizes))}, window {card.window}, period {card.period}")
    for late in INPUT_DELAYS:
        ran = run_board(file, samples, card.period, replace(board, input_delay=late))
        if not late:
            print("environment:", ", ".join(f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ))
        if ran.broken is not None:
            raise BackendError(ran.broken)
        found = np.unpackbits(ran.trains[len(network.layers)], axis=2, count=network.outputs).reshape(
            -1, network.outputs
        )
        counts = {shift: differences(expected, found, shift) for shift in OUTPUT_DELAYS}
        if not late and not counts[0]:
            steps, spikes = expected.shape[0], int(expected.sum())
            print(f"PASS: {SAMPLES} samples, {steps} steps, {spikes} output spikes, all as the emulator's")
            return 0
        if not late:
            print(f"FAIL: {counts[0]} output spikes differ; {place(expected, found, card.period)}")
            print(f"output spikes: the emulator's {int(expected.sum())}, the board's {int(found.sum())}")
        print(f"input delay {late}:", "; ".join(f"output delay {shift}: {n} differ" for shift, n in counts.items()))
        equal = [shift for shift, count in counts.items() if not count]
        if equal:
            print(
                "The chip computes as the emulator does; its adapters add other delays than was taken for granted. "
                f"Set input_delay = {late} and output_delay = {equal[0]} in the class Loihi2Board of "
                "toolchain/snnlp_lava/backends/lava/job.py, run this again, and tell us."
            )
            return 1
    print("No delay of the adapters explains it. Please send us all of this; docs/loihi2.md says where.")
    return 1


def differences(expected: np.ndarray, found: np.ndarray, shift: int) -> int:
    """Spikes that differ when the output is read `shift` steps later; (steps, classes) each."""
    steps = len(expected) - abs(shift)
    ours, theirs = expected[max(0, -shift) :], found[max(0, shift) :]
    return int((ours[:steps] != theirs[:steps]).sum())


def place(expected: np.ndarray, found: np.ndarray, period: int) -> str:
    """Where the first difference is."""
    step, neuron = np.argwhere(expected != found)[0]
    who = "the board" if found[step, neuron] else "the emulator"
    return f"first in sample {step // period + 1}, step {step % period}, neuron {neuron}, which {who} alone lets spike"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--host", choices=["slurm", "ethernet"])
    parser.add_argument("--partition")
    parser.add_argument("--board", dest="name")
    parser.add_argument("--chip-generation", choices=GENERATIONS)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        sys.exit(main(Path("netx_exports/demo.net"), Loihi2Board(**vars(parser.parse_args()))))
    except SnnlpLavaError as error:
        print(f"error: {error}")
        sys.exit(error.exit_code)
