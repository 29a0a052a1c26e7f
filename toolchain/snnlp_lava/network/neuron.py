"""What every neuron model can tell and do, and CUBA neurons: their integers, checked against the chip's ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np

from snnlp_lava.network import limits
from snnlp_lava.network.integers import check_integer, check_range, integer_array

if TYPE_CHECKING:
    from snnlp_lava.network.kernels import LayerRun


class NeuronModel(Protocol):
    """The neurons of one layer.

    Attributes
    ----------
    model
        Its name in a NetX file.
    graded
        Whether it sends messages, integers, instead of spikes.
    bias
        (neurons,) int32.
    threshold
        An integer, the same for all.
    """

    model: ClassVar[str]
    graded: ClassVar[bool]
    bias: np.ndarray
    threshold: int

    @property
    def count(self) -> int:
        """Number of neurons."""
        ...

    @property
    def reads_out(self) -> bool:
        """Whether the neurons never spike, so that what they say is their v."""
        ...

    def run(self, sums: np.ndarray, own: np.ndarray | None = None) -> LayerRun:
        """Run n samples, before which every state is 0; `snnlp_lava.network.kernels.run_neurons` has the arguments."""
        ...

    def states(self, sums: np.ndarray, neurons: slice, *, registers: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """The two states of some neurons of one sample after each step, before a spike resets them.

        Parameters
        ----------
        sums
            (steps, neurons) what arrives at these neurons, that of the layer's own spikes included.
        neurons
            Which of the neurons they are.
        registers
            Whether the states have the bits of Lava's, which in SLAYER they have not.

        Returns
        -------
        tuple of np.ndarray
            (steps, neurons) int64 each.
        """
        ...

    def to_netx(self) -> Mapping[str, Any]:
        """The fields of the group ``neuron`` in a NetX file."""
        ...


class StateUnits(NamedTuple):
    """A layer's neuron parameters in the units of u and v, as the compiled code takes them."""

    keep_u: float
    keep_v: float
    bias: np.ndarray
    threshold: float


@dataclass(frozen=True, eq=False)
class Neuron(NeuronModel):
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
        1 to 4096: u keeps (4096 - current_decay)/4096 of itself a step. 0, which no chip stores, only where no spike
        is possible: NetX's neurons of layers without a description.
    voltage_decay
        0 to 4096: v keeps (4096 - voltage_decay)/4096 of itself a step.
    threshold
        1 to 131071, or what v never passes: 131072 as NetX has it, 262143 as lava-dl's Affine block.

    Raises
    ------
    InputError
        If a value is out of range; the message names it and the limit.
    """

    bias: np.ndarray
    current_decay: int
    voltage_decay: int
    threshold: int

    model: ClassVar[str] = "CUBA"
    graded: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "bias", integer_array(self.bias, "bias", "(neurons,)"))
        check_range("bias", self.bias, limits.BIAS_MIN, limits.BIAS_MAX)
        silent = self.threshold in limits.THRESHOLDS_NEVER_REACHED
        for name, low, high in (
            ("current_decay", 0 if silent else limits.CURRENT_DECAY_MIN, limits.DECAY_UNITY),
            ("voltage_decay", 0, limits.DECAY_UNITY),
            ("threshold", 1, self.threshold if silent else limits.THRESHOLD_MAX),
        ):
            object.__setattr__(self, name, check_integer(name.replace("_", " "), getattr(self, name), low, high))

    @property
    def count(self) -> int:
        """Number of neurons."""
        return len(self.bias)

    @property
    def reads_out(self) -> bool:
        """Whether the threshold is the largest or beyond."""
        return self.threshold >= limits.THRESHOLD_MAX

    def run(self, sums: np.ndarray, own: np.ndarray | None = None) -> LayerRun:
        """As `NeuronModel.run`."""
        from snnlp_lava.network.kernels import run_neurons

        return run_neurons(self.state_units, sums, own)

    def states(self, sums: np.ndarray, neurons: slice, *, registers: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """U and v, as `NeuronModel.states`."""
        from snnlp_lava.network.kernels import trace_neurons

        units = self.state_units
        return trace_neurons(units._replace(bias=units.bias[neurons]), sums, registers=registers)

    def to_netx(self) -> Mapping[str, Any]:
        """As lava-dl writes it, without the bias."""
        return {
            "type": np.bytes_(self.model.encode()),
            "iDecay": self.current_decay,
            "vDecay": self.voltage_decay,
            "vThMant": self.threshold,
            "refDelay": 1,
            "gradedSpike": False,
        }

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
