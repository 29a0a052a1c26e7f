"""Arithmetic of a layer: the sums of weights that arrive, and the neurons' steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import compiled, limits

if TYPE_CHECKING:
    from snnlp_lava.network.conv import Geometry
    from snnlp_lava.network.neuron import StateUnits
    from snnlp_lava.network.sigma_delta import SigmaDeltaUnits

_FLOAT32_EXACT = 1 << 24
_STATE_LIMIT = float(limits.STATE_LIMIT)
_WIDE = 2 * limits.STATE_LIMIT >> limits.STATE_SHIFT


class LayerRun(NamedTuple):
    """What a layer did.

    Attributes
    ----------
    spikes
        (n, steps, neurons) uint8 spikes, or int32 messages of neurons that send those.
    wraps, clips
        (n,) int64: how often a u wrapped, a v was clipped; of sigma-delta neurons, how often a state passed 24 bits,
        a message 16. SLAYER does neither, so each of these is a place where trainer and chip may part.
    active
        (n,) int64: updates that do something. One is idle where u and v are 0, the sum that arrives is 0, and so is
        the bias: such a neuron is left as it was.
    """

    spikes: np.ndarray
    wraps: np.ndarray
    clips: np.ndarray
    active: np.ndarray


def is_sparse(spikes: np.ndarray) -> bool:
    """Whether so few of the spikes, an array of any shape, are not 0 that `add_weights` is quicker than BLAS."""
    return bool(np.count_nonzero(spikes) < compiled.DENSE_FROM * spikes.size)


def exact_sums(spikes: np.ndarray, weight: np.ndarray, weight_by_line: np.ndarray) -> np.ndarray:
    """The weights that arrive at each neuron in each step, exact.

    Few spikes: int32 sums of the weights of those lines that spike, 2^28 at most. Many: matrix products, in float32
    where every sum is below 2^24, else in float64. Messages: always the latter.

    Parameters
    ----------
    spikes
        (n, steps, lines) uint8, 0 or 1, or int32 messages.
    weight, weight_by_line
        (neurons, lines) int32, and the same as (lines, neurons) int16.

    Returns
    -------
    np.ndarray
        (n, steps, neurons) int32 or float.

    Raises
    ------
    InputError
        If the sum of messages reaches 2^24, from which on Lava's 32 bits may not hold it (see `check_messages`).
    """
    samples, steps, lines = spikes.shape
    flat = spikes.reshape(-1, lines)
    graded = spikes.dtype != np.uint8
    if is_sparse(flat) and not graded:
        sums = np.zeros((len(flat), len(weight)), dtype=np.int32)
        with compiled.threads_for(sums.size):
            compiled.add_weights(np.ascontiguousarray(flat), weight_by_line, sums)
    else:
        exact = int(np.abs(weight).sum(axis=1, dtype=np.int64).max()) < _FLOAT32_EXACT
        dtype = np.float32 if exact and not graded else np.float64
        sums = flat.astype(dtype) @ weight.T.astype(dtype)
        if graded:
            check_messages(sums)
            sums = sums.astype(np.float32)
    return sums.reshape(samples, steps, len(weight))


def check_messages(sums: np.ndarray) -> None:
    """Check that Lava computes these sums of messages x weights as they are.

    NetX scales weights to 8 bits; their sums of 32 bits are then those of the weights themselves below 2^24.

    Raises
    ------
    InputError
        If one is 2^24 or more.
    """
    largest = max(-float(sums.min(initial=0)), float(sums.max(initial=0)))
    if largest >= _FLOAT32_EXACT:
        raise InputError(f"a sum of messages x weights is {largest:.0f}; it must be below {_FLOAT32_EXACT}")


def delayed_sums(spikes: np.ndarray, weight_by_line: np.ndarray, delay_by_line: np.ndarray) -> np.ndarray:
    """As `exact_sums` for synapses with delays, (lines, neurons) uint8; what arrives after the last step is lost."""
    samples, steps, _ = spikes.shape
    graded = spikes.dtype != np.uint8
    sums = np.zeros((samples, steps, weight_by_line.shape[1]), dtype=np.int64 if graded else np.int32)
    with compiled.threads_for(sums.size):
        compiled.add_delayed(np.ascontiguousarray(spikes), weight_by_line, delay_by_line, sums)
    if graded:
        check_messages(sums)
    return sums.astype(np.int32, copy=False)


def conv_sums(arriving: np.ndarray, weight: np.ndarray, geometry: Geometry) -> np.ndarray:
    """What a convolution makes of spikes or messages.

    Parameters
    ----------
    arriving
        (n, steps, lines) uint8 spikes, 0 or 1, or int32 messages.
    weight
        (outputs, channels of a group, kernel height, kernel width) int32.
    geometry
        The rest.

    Returns
    -------
    np.ndarray
        (n, steps, neurons) int32, wrapped at 24 bits.

    Raises
    ------
    InputError
        If a sum of messages reaches 2^31, which Lava's 32 bits do not hold before they wrap.
    """
    samples, steps, _ = arriving.shape
    rows = np.ascontiguousarray(arriving).reshape(samples * steps, *geometry.input_shape)
    largest = max(abs(int(arriving.min(initial=0))), int(arriving.max(initial=0)))
    wraps = largest * int(np.abs(weight).sum(axis=(1, 2, 3)).max()) >= limits.STATE_LIMIT  # could, at the worst
    taps = weight.reshape(geometry.groups, -1, *weight.shape[1:]).transpose(0, 2, 3, 4, 1)
    taps = np.ascontiguousarray(taps, dtype=np.int64 if wraps else np.int32)
    sums = np.empty((len(rows), *geometry.output_shape), dtype=taps.dtype)
    with compiled.threads_for(sums.size):
        compiled.convolve(rows, taps, geometry.reached(0), geometry.reached(1), sums)
    if wraps:
        most = int(np.abs(sums).max(initial=0))
        if most >= 1 << 31:
            raise InputError(f"a sum of messages x weights is {most}; it must be below {1 << 31}")
        sums += limits.STATE_LIMIT
        sums &= 2 * limits.STATE_LIMIT - 1
        sums -= limits.STATE_LIMIT
    return sums.astype(np.int32, copy=False).reshape(samples, steps, -1)


def run_neurons(neurons: StateUnits, sums: np.ndarray, own: np.ndarray | None = None) -> LayerRun:
    """Run the neurons of a layer on what arrives from outside, for n samples whose state is 0 at the first step.

    Parameters
    ----------
    neurons
        Their parameters.
    sums
        (n, steps, neurons) weights that arrive at each step, exact.
    own
        (neurons, neurons) int16: the weight of the synapse from neuron i, the row, onto neuron j, whose spikes arrive
        one step later. None if there are none.
    """
    samples, steps, count = sums.shape
    wide = is_wide(sums)
    out = np.empty((samples, steps, count), dtype=np.uint8)
    wraps, clips, active = np.zeros((3, samples), dtype=np.int64)
    with compiled.threads_for(sums.size):
        if own is None:
            compiled.feed_forward(sums, *neurons, wide, out, wraps, clips, active)
        else:
            compiled.recurrent(sums, own, *neurons, wide, out, wraps, clips, active)
    return LayerRun(out, wraps, clips, active)


def is_wide(sums: np.ndarray) -> bool:
    """Whether a sum of weights is so large that it wraps u more than once; fewer than 1,028 spikes never make one."""
    return bool(max(-sums.min(initial=0), sums.max(initial=0)) >= _WIDE)


def drive_neurons(neurons: StateUnits, currents: np.ndarray) -> LayerRun:
    """As `run_neurons` for (n, steps, neurons) int32 currents, which take the place of the bias and of all synapses."""
    out = np.empty(currents.shape, dtype=np.uint8)
    wraps, clips, active = np.zeros((3, len(currents)), dtype=np.int64)
    with compiled.threads_for(currents.size):
        compiled.driven(currents, neurons.keep_v, neurons.threshold, out, clips, active)
    return LayerRun(out, wraps, clips, active)


def trace_neurons(neurons: StateUnits, sums: np.ndarray, *, registers: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """The u and v of neurons of one sample after each step, v before a spike resets it.

    Parameters
    ----------
    neurons
        Their parameters.
    sums
        (steps, neurons) weights that arrive at each step, those of the layer's own spikes among them.
    registers
        Whether u and v have 24 bits, which in SLAYER they have not.

    Returns
    -------
    tuple of np.ndarray
        (steps, neurons) int64 each.
    """
    u, v = np.empty((2, *sums.shape))
    wide = registers and is_wide(sums)
    compiled.trace(sums.astype(np.float64), *neurons, wide, _STATE_LIMIT if registers else np.inf, u, v)
    return u.astype(np.int64), v.astype(np.int64)


def run_sigma_delta(neurons: SigmaDeltaUnits, sums: np.ndarray) -> LayerRun:
    """Run sigma-delta neurons, as `run_neurons` without synapses among themselves."""
    samples = len(sums)
    out = np.empty(sums.shape, dtype=np.int32)
    wraps, clips, active = np.zeros((3, samples), dtype=np.int64)
    with compiled.threads_for(sums.size):
        compiled.sigma_delta(sums.astype(np.int32, copy=False), *neurons, out, wraps, clips, active)
    return LayerRun(out, wraps, clips, active)


def trace_sigma_delta(neurons: SigmaDeltaUnits, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the neurons have added up, and what of it they have told, after each step: (steps, neurons) int64 each."""
    added, told = np.empty((2, *sums.shape), dtype=np.int64)
    compiled.trace_sigma_delta(sums.astype(np.int64), *neurons, added, told)
    return added, told


def count_spikes(spikes: np.ndarray) -> np.ndarray:
    """Spikes, or messages that are not 0, of each neuron over all steps: (n, steps, neurons) to (n, neurons) int32."""
    counts = np.zeros((len(spikes), spikes.shape[2]), dtype=np.int32)
    with compiled.threads_for(spikes.size):
        compiled.add_steps(spikes, counts)
    return counts
