"""Emulate Loihi's integer arithmetic for whole batches of samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from snnlp_lava.backends.base import LayerCounts, RunResult, concat_batches, count_layers, packed
from snnlp_lava.encode.base import Samples
from snnlp_lava.metrics import output_scores
from snnlp_lava.network.kernels import count_spikes
from snnlp_lava.network.network import Layer, Network

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
        Called with what was sent in each batch, (m, period, neurons) of the input and every layer: uint8 spikes, int32
        messages, or, instead of the last layer's spikes, the int32 v of neurons that never spike.

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
        takes_values = network.layers[0].takes_values
        first.append(np.count_nonzero(spikes[:, 0], axis=1) * (not takes_values))
        counts, active, wraps, clips = [], [], [], []
        for index in range(len(network.sizes)):
            if index:
                layer, arrived = network.layers[index - 1], spikes
                run = layer.run(arrived)
                spikes = run.spikes
                last_voltage = index == len(network.layers) and layer.neuron.reads_out
                shown.append(_voltage(layer, arrived, spikes) if last_voltage else spikes)
                active.append(run.active)
                wraps.append(run.wraps)
                clips.append(run.clips)
            counts.append(count_spikes(spikes) * (index > 0 or not takes_values))
            neuron_spikes[index] += counts[index].sum(axis=0)
            if start < keep_trains or not start:
                trains[index].append(packed(shown[index][: max(0, keep_trains - start)]))
        layers.append(count_layers(network, counts, period, active, wraps, clips))
        scores.append(output_scores(shown[-1][:, : samples.window], network.says))
        inspect(shown)
        progress(len(chunk))
    all_scores = np.concatenate(scores)
    return RunResult(
        window=samples.window,
        period=period,
        steps=len(rows) * period,
        output_counts=all_scores.astype(np.int64),
        output_scores=all_scores,
        first_spikes=np.concatenate(first),
        layers=concat_batches(layers),
        neuron_spikes=tuple(neuron_spikes),
        seconds=time.perf_counter() - started,
        trains=tuple(np.concatenate(parts) for parts in trains),
        says=network.says,
    )


def _padded(spikes: np.ndarray, period: int) -> np.ndarray:
    samples, window, channels = spikes.shape
    if window == period:
        return spikes
    padded = np.zeros((samples, period, channels), dtype=spikes.dtype)
    padded[:, :window] = spikes
    return padded


def _voltage(layer: Layer, arrived: np.ndarray, sent: np.ndarray) -> np.ndarray:
    """The v of each neuron after each step: (n, steps, neurons) int32."""
    samples = zip(arrived, sent, strict=True)
    return np.stack([layer.states(*sample)[1] for sample in samples]).astype(np.int32)
