"""Medians of alternating runs, so that a noisy machine treats all programs alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np


def medians(programs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each program over `rounds` rounds in which each runs once, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(rounds + 1):
        for name, program in programs.items():
            started = time.perf_counter()
            program()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return {name: float(np.median(values)) for name, values in seconds.items()}


def print_table(title: str, seconds: Mapping[str, float], reference: str) -> None:
    """Print milliseconds, and the ratio to the reference, as a Markdown table."""
    print(f"\n{title}\n\n| program | median ms | times {reference} |\n|---|---|---|")
    for name, value in seconds.items():
        print(f"| {name} | {value * 1e3:.1f} | {value / seconds[reference]:.2f} |")
