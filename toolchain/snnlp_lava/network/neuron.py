"""The parameters of a layer's integer CUBA neurons, checked against the chip's ranges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.network.integers import check_range, integer_array


class StateUnits(NamedTuple):
    """A layer's neuron parameters in the units of u and v, as the compiled code takes them."""

    keep_u: float
    keep_v: float
    bias: np.ndarray
    threshold: float


@dataclass(frozen=True, eq=False)
class Neuron:
    """The CUBA neurons of one layer: one set of decays, one threshold, a bias each.

    At every step, with a the sum of the weights whose spikes arrive, du and dv the decays, all integers:

        u = sgn(u) (|u| (4096 - du) >> 12) + (a << 6)                     wraps at 24 bits
        v = clip(sgn(v) (|v| (4096 - dv) >> 12) + u + (bias << 6), +-(2^23 - 1))
        spike iff v > threshold << 6;   a spike sets v to 0 and leaves u

    Source: AbstractPyLifModelFixed and PyLifModelBitAcc in lava-nc 0.10.0, lava.proc.lif.models.

    Attributes
    ----------
    bias
        (neurons,) int32 mantissas, -4096 to 4095.
    current_decay
        1 to 4096: u keeps (4096 - current_decay)/4096 of itself a step.
    voltage_decay
        0 to 4096: v keeps (4096 - voltage_decay)/4096 of itself a step.
    threshold
        1 to 131071.

    Raises
    ------
    InputError
        If a value is out of range; the message names it and the limit.
    """

    bias: np.ndarray
    current_decay: int
    voltage_decay: int
    threshold: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "bias", integer_array(self.bias, "bias", "(neurons,)"))
        check_range("bias", self.bias, limits.BIAS_MIN, limits.BIAS_MAX)
        for name, low, high in (
            ("current_decay", limits.CURRENT_DECAY_MIN, limits.DECAY_UNITY),
            ("voltage_decay", 0, limits.DECAY_UNITY),
            ("threshold", 1, limits.THRESHOLD_MAX),
        ):
            value, title = getattr(self, name), name.replace("_", " ")
            if not isinstance(value, int | np.integer) or isinstance(value, bool):
                raise InputError(f"{title} must be an integer, got {value!r}")
            check_range(title, value, low, high)
            object.__setattr__(self, name, int(value))

    @property
    def count(self) -> int:
        """Number of neurons."""
        return len(self.bias)

    @cached_property
    def state_units(self) -> StateUnits:
        """The parameters in the units of u and v."""
        return StateUnits(
            (limits.DECAY_UNITY - self.current_decay) / limits.DECAY_UNITY,
            (limits.DECAY_UNITY - self.voltage_decay) / limits.DECAY_UNITY,
            self.bias * float(1 << limits.BIAS_EXPONENT),
            float(self.threshold << limits.STATE_SHIFT),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Neuron) and (
            np.array_equal(self.bias, other.bias)
            and (self.current_decay, self.voltage_decay, self.threshold)
            == (other.current_decay, other.voltage_decay, other.threshold)
        )

    __hash__ = None  # type: ignore[assignment]
