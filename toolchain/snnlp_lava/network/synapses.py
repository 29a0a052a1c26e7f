"""Groups of synapses onto a layer's neurons: what every one tells, and dense ones with weights and delays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.network.integers import check_range, integer_array


class Synapses(Protocol):
    """One group of synapses.

    Attributes
    ----------
    weight
        The weights that are stored, int32; their shape is the group's own.
    own
        Whether the lines are the layer's own neurons, whose spikes arrive one step after they were sent.
    """

    weight: np.ndarray
    own: bool

    @property
    def neurons(self) -> int:
        """Number of neurons that it reaches."""
        ...

    @property
    def lines(self) -> int:
        """Number of lines that it starts from."""
        ...

    @property
    def count(self) -> int:
        """Number of synapses, each pair of a line and a neuron for itself."""
        ...

    @property
    def fan_out(self) -> np.ndarray:
        """(lines,) int64 synapses of each line."""
        ...

    @property
    def fan_out_nonzero(self) -> np.ndarray:
        """(lines,) int64 synapses of each line whose weight is not 0."""
        ...

    @property
    def count_nonzero(self) -> int:
        """Number of synapses whose weight is not 0."""
        return int(self.fan_out_nonzero.sum())

    @property
    def longest_delay(self) -> int:
        """Steps of the longest delay; 0 if there are none."""
        return 0

    def sums(self, arriving: np.ndarray) -> np.ndarray:
        """The weights that arrive at each neuron in each step, exact.

        Parameters
        ----------
        arriving
            (n, steps, lines) uint8 spikes, 0 or 1, or int32 messages, of n samples before which nothing was under way.

        Returns
        -------
        np.ndarray
            (n, steps, neurons) int32 or float.
        """
        ...

    def sums_of(self, neuron: int, arriving: np.ndarray) -> np.ndarray:
        """As `sums` for one neuron and one sample: (steps, lines) to (steps,) int64."""
        ...


@dataclass(frozen=True, eq=False)
class DenseSynapses(Synapses):
    """Synapses from every line to every neuron.

    Attributes
    ----------
    weight
        (neurons, lines) int32.
    delay
        (neurons, lines) int32, 0 to 62: steps by which a spike reaches a synapse later. None: no delays.
    own
        Whether the lines are the layer's own neurons, whose spikes arrive one step after they were sent.

    Raises
    ------
    InputError
        If weight or delay has the wrong shape or holds something else than integers, or a delay is out of range.
    """

    weight: np.ndarray
    delay: np.ndarray | None = None
    own: bool = False

    def __post_init__(self) -> None:
        title = "recurrent weight" if self.own else "weight"
        object.__setattr__(self, "weight", integer_array(self.weight, title, "(neurons, lines)"))
        if self.own and self.neurons != self.lines:
            raise InputError(f"recurrent weight must be square, got {self.weight.shape}")
        if self.delay is None:
            return
        delay = integer_array(self.delay, "delay", "(neurons, lines)")
        if delay.shape != self.weight.shape:
            raise InputError(f"delay has the shape {delay.shape}, weight {self.weight.shape}")
        check_range("delay", delay, 0, limits.DELAY_MAX)
        object.__setattr__(self, "delay", delay if delay.any() else None)

    @property
    def neurons(self) -> int:
        """Number of neurons that it reaches."""
        return int(self.weight.shape[0])

    @property
    def lines(self) -> int:
        """Number of lines that it starts from."""
        return int(self.weight.shape[1])

    @property
    def count(self) -> int:
        """Number of synapses stored."""
        return self.weight.size

    @property
    def fan_out(self) -> np.ndarray:
        """As `Synapses.fan_out`."""
        return np.full(self.lines, self.neurons, dtype=np.int64)

    @cached_property
    def fan_out_nonzero(self) -> np.ndarray:
        """(lines,) int64 synapses of each line whose weight is not 0."""
        return np.count_nonzero(self.weight, axis=0).astype(np.int64)

    @property
    def longest_delay(self) -> int:
        """Steps of the longest delay; 0 if there are none."""
        return 0 if self.delay is None else int(self.delay.max())

    @cached_property
    def weight_by_line(self) -> np.ndarray:
        """(lines, neurons) int16: the weights of a line side by side, as a spike reads them."""
        return np.ascontiguousarray(self.weight.T, dtype=np.int16)

    def sums(self, arriving: np.ndarray) -> np.ndarray:
        """As `Synapses.sums`."""
        from snnlp_lava.network.kernels import delayed_sums, exact_sums

        if self.delay is None:
            return exact_sums(arriving, self.weight, self.weight_by_line)
        return delayed_sums(arriving, self.weight_by_line, self._delay_by_line)

    def sums_of(self, neuron: int, arriving: np.ndarray) -> np.ndarray:
        """As `Synapses.sums_of`."""
        weight, steps = self.weight[neuron].astype(np.int64), len(arriving)
        if self.delay is None:
            return arriving.astype(np.int64) @ weight
        sums = np.zeros(steps + limits.DELAY_MAX, dtype=np.int64)
        sent, lines = np.nonzero(arriving)
        np.add.at(sums, sent + self.delay[neuron, lines], arriving[sent, lines].astype(np.int64) * weight[lines])
        return sums[:steps]

    @cached_property
    def _delay_by_line(self) -> np.ndarray:
        assert self.delay is not None
        return np.ascontiguousarray(self.delay.T, dtype=np.uint8)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DenseSynapses) and (
            self.own == other.own
            and np.array_equal(self.weight, other.weight)
            and (self.delay is other.delay or np.array_equal(self.delay, other.delay))  # type: ignore[arg-type]
        )

    __hash__ = None  # type: ignore[assignment]


def check_weights(*groups: Synapses) -> None:
    """Check that NetX and Lava compute with the weights of a layer as they are.

    NetX scales all weights of a layer to 8 bits with one exponent; Lava then looks at the signs of each matrix by
    itself. With both signs in the layer: even weights, -256 to 254. Without negative ones: 0 to 255. One at least is
    above 0: of a layer without, NetX makes other weights. A matrix without positive weights holds -255 at least, so
    none of its weights may become -256 when NetX scales them.

    Source: optimize_weight_bits in lava.lib.dl.netx.utils (lava-dl 0.6.0), clip_weights in lava.utils.weightutils.

    Raises
    ------
    InputError
        If a weight would be another on Lava.
    """
    low = min(int(group.weight.min()) for group in groups)
    high = max(int(group.weight.max()) for group in groups)
    if low == high == 0:
        raise InputError("all weights are 0; NetX cannot load such a layer")
    if low >= 0:
        for group in groups:
            check_range(_title(group), group.weight, 0, limits.WEIGHT_MAX_UNSIGNED)
        return
    for group in groups:
        check_range(_title(group), group.weight, limits.WEIGHT_MIN, limits.WEIGHT_MAX)
    if high <= 0:
        raise InputError(f"no weight is above 0 (the largest is {high}); NetX would make other weights of them")
    for group in groups:
        odd = group.weight[(group.weight & 1) == 1]
        if odd.size:
            raise InputError(
                f"{_title(group)} {int(odd[0])} is odd; a layer with weights of both signs stores even ones only"
            )
    scale = limits.netx_scale(low, high)
    for group in groups:
        if group.weight.max() <= 0 and int(group.weight.min()) * scale == limits.WEIGHT_MIN:
            raise InputError(
                f"{_title(group)} {int(group.weight.min())} in a matrix without positive weights: NetX scales it to "
                f"{limits.WEIGHT_MIN}, and Lava makes {limits.WEIGHT_MIN + 1} of it; use "
                f"{int(group.weight.min()) + 2} at least, or give the matrix a positive weight"
            )


def _title(group: Synapses) -> str:
    return "recurrent weight" if group.own else "weight"
