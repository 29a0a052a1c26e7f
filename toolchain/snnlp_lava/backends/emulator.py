"""The emulator: Loihi's integers for whole batches, in NumPy."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from snnlp_lava.backends.result import RunResult, tally_layers
from snnlp_lava.chip.network import Network
from snnlp_lava.chip.neuron import run_layer
from snnlp_lava.encode.saf import saf_counts, saf_spikes

_BATCH_BYTES = 1 << 27  # of the widest layer's 8-byte state over a period


def run_emulator(
    network: Network,
    values: np.ndarray,
    window: int,
    period: int,
    *,
    keep_trains: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> RunResult:
    """Run SAF values through a network, in batches of bounded size.

    Parameters
    ----------
    network
        The network.
    values
        (n, channels) int32 SAF values in [0, saf.ONE].
    window, period
        Steps a sample is presented, and steps from one sample to the next.
    keep_trains
        Number of samples, the first, whose spike trains are kept.
    progress
        Called with the number of samples done since the last call.
    """
    started = time.perf_counter()
    batch = max(1, _BATCH_BYTES // (8 * period * max(network.sizes)))
    counts: list[list[np.ndarray]] = [[] for _ in network.sizes]
    trains: list[list[np.ndarray]] = [[] for _ in network.sizes]
    wraps: list[list[np.ndarray]] = [[] for _ in network.layers]
    clips: list[list[np.ndarray]] = [[] for _ in network.layers]
    outputs = []
    for start in range(0, len(values), batch):
        chunk = values[start : start + batch]
        spikes = np.zeros((len(chunk), period, network.inputs), dtype=np.uint8)
        spikes[:, :window] = saf_spikes(chunk, window)
        for index in range(len(network.sizes)):
            if index:
                run = run_layer(network.layers[index - 1], spikes)
                spikes = run.spikes
                wraps[index - 1].append(run.wraps)
                clips[index - 1].append(run.clips)
            counts[index].append(spikes.sum(axis=1, dtype=np.int32) if index else saf_counts(chunk, window))
            trains[index].append(np.packbits(spikes[: max(0, keep_trains - start)], axis=2))
        outputs.append(spikes[:, :window].sum(axis=1, dtype=np.int64))
        progress(len(chunk))
    return RunResult(
        backend="emulator",
        window=window,
        period=period,
        steps=len(values) * period,
        output_counts=np.concatenate(outputs),
        layers=tally_layers(
            network,
            [np.concatenate(parts) for parts in counts],
            period,
            [np.concatenate(parts) for parts in wraps],
            [np.concatenate(parts) for parts in clips],
        ),
        seconds=time.perf_counter() - started,
        trains=tuple(np.concatenate(parts) for parts in trains),
    )
