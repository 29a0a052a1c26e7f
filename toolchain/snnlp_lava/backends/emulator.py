"""Emulate Loihi's integer arithmetic for whole batches of samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from snnlp_lava.backends.base import LayerCounts, RunResult, concat_batches, count_layers
from snnlp_lava.encode.base import Samples
from snnlp_lava.metrics import tie_broken_counts
from snnlp_lava.network.kernels import count_spikes
from snnlp_lava.network.network import Network

_BATCH_BYTES = 1 << 27  # bytes of the widest layer's 8-byte state over a period


def run_emulator(
    network: Network,
    samples: Samples,
    period: int,
    *,
    keep_trains: int = 0,
    progress: Callable[[int], None] = lambda done: None,
    inspect: Callable[[Sequence[np.ndarray]], None] = lambda trains: None,
) -> RunResult:
    """Run samples through a network, in batches of bounded size.

    Memory is bounded by one batch, the counts (some 50 bytes per sample and layer) and the kept trains.

    Parameters
    ----------
    network
        The network.
    samples
        Samples to present, encoded batch by batch.
    period
        Steps from one sample to the next, >= the samples' window.
    keep_trains
        Number of samples, from the first, whose spike trains are kept.
    progress
        Called with the number of samples done since the last call.
    inspect
        Called with the spikes of each batch, (m, period, neurons) uint8 of the input and every layer.

    Raises
    ------
    InputError
        If a sample cannot be encoded.
    """
    started = time.perf_counter()
    rows = np.arange(len(samples))
    batch = max(1, _BATCH_BYTES // (8 * period * max(network.sizes)))
    layers: list[tuple[LayerCounts, ...]] = []
    trains: list[list[np.ndarray]] = [[] for _ in network.sizes]
    scores, first = [], []
    neuron_spikes = [np.zeros(size, dtype=np.int64) for size in network.sizes]
    for start in range(0, len(rows), batch):
        chunk = rows[start : start + batch]
        spikes = _padded(samples.spikes(chunk), period)
        shown = [spikes]
        first.append(spikes[:, 0].sum(axis=1, dtype=np.int64))
        counts, active, wraps, clips = [], [], [], []
        for index in range(len(network.sizes)):
            if index:
                run = network.layers[index - 1].run(spikes)
                spikes = run.spikes
                shown.append(spikes)
                active.append(run.active)
                wraps.append(run.wraps)
                clips.append(run.clips)
            counts.append(count_spikes(spikes))
            neuron_spikes[index] += counts[index].sum(axis=0)
            if start < keep_trains or not start:
                trains[index].append(np.packbits(spikes[: max(0, keep_trains - start)], axis=2))
        layers.append(count_layers(network, counts, period, active, wraps, clips))
        scores.append(tie_broken_counts(spikes[:, : samples.window]))
        inspect(shown)
        progress(len(chunk))
    output_scores = np.concatenate(scores)
    return RunResult(
        window=samples.window,
        period=period,
        steps=len(rows) * period,
        output_counts=output_scores.astype(np.int64),
        output_scores=output_scores,
        first_spikes=np.concatenate(first),
        layers=concat_batches(layers),
        neuron_spikes=tuple(neuron_spikes),
        seconds=time.perf_counter() - started,
        trains=tuple(np.concatenate(parts) for parts in trains),
    )


def _padded(spikes: np.ndarray, period: int) -> np.ndarray:
    samples, window, channels = spikes.shape
    if window == period:
        return spikes
    padded = np.zeros((samples, period, channels), dtype=np.uint8)
    padded[:, :window] = spikes
    return padded
