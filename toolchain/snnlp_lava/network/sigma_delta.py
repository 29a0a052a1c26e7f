"""Sigma-delta neurons, which tell each other changes of their values in messages instead of spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.network.integers import check_integer, check_range, integer_array
from snnlp_lava.network.neuron import NeuronModel

if TYPE_CHECKING:
    from snnlp_lava.network.kernels import LayerRun

Role = Literal["delta", "sigma-delta", "sigma"]
_ROLES: tuple[Role, ...] = ("delta", "sigma-delta", "sigma")
_SHIFT = limits.SPIKE_EXPONENT + limits.STATE_SHIFT


class SigmaDeltaUnits(NamedTuple):
    """A layer's neuron parameters in the units of its states, as the compiled code takes them."""

    bias: np.ndarray
    threshold: int
    role: int


@dataclass(frozen=True, eq=False)
class SigmaDelta(NeuronModel):
    """The sigma-delta neurons of one layer: one threshold, a bias each.

    At every step, with a what arrives, all integers:

        delta (input layers)      x = a << 12
        sigma-delta               sigma = sigma + a;   x = max(0, sigma + (bias << 12))
        both                      d = x - told;   if |d| >= threshold << 12: message d >> 6, told = x; else message 0
        sigma (output)            sigma = sigma + a;   message sigma

    told is what Lava keeps in two parts: the value before less the residue. Messages are in units of 2^-6, as weights
    are, so their products are in those of the states.

    Source: PyDeltaModelFixed, PySigmaDeltaModelFixed and PySigmaModelFixed in lava-nc 0.10.0, lava.proc.sdn.models, as
    lava-dl 0.6.0 makes them (lava.lib.dl.netx.hdf5): spike_exp 6, state_exp 6, ReLU, no cumulative error.

    Attributes
    ----------
    bias
        (neurons,) int32, -4096 to 4095; 0 where they do not compute with one.
    threshold
        0 to 131071: the change from which it tells.
    role
        ``delta``, ``sigma-delta`` or ``sigma``.

    Raises
    ------
    InputError
        If a value is out of range; the message names it and the limit.
    """

    bias: np.ndarray
    threshold: int
    role: Role = "sigma-delta"

    model: ClassVar[str] = "SDNN"
    graded: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "bias", integer_array(self.bias, "bias", "(neurons,)"))
        check_range("bias", self.bias, limits.BIAS_MIN, limits.BIAS_MAX)
        if self.role not in _ROLES:
            raise InputError(f"role must be one of {', '.join(_ROLES)}, got {self.role!r}")
        if self.role != "sigma-delta" and self.bias.any():
            raise InputError(f"{self.role} neurons have no bias, which NetX 0.6 cannot load either")
        object.__setattr__(self, "threshold", check_integer("threshold", self.threshold, 0, limits.THRESHOLD_MAX))

    @property
    def count(self) -> int:
        """Number of neurons."""
        return len(self.bias)

    @property
    def reads_out(self) -> bool:
        """No: what they say are their messages."""
        return False

    @cached_property
    def units(self) -> SigmaDeltaUnits:
        """The parameters in the units of the states."""
        return SigmaDeltaUnits(self.bias.astype(np.int64) << _SHIFT, self.threshold << _SHIFT, _ROLES.index(self.role))

    def run(self, sums: np.ndarray, own: np.ndarray | None = None) -> LayerRun:
        """As `NeuronModel.run`; without synapses among themselves."""
        from snnlp_lava.network.kernels import run_sigma_delta

        assert own is None
        return run_sigma_delta(self.units, sums)

    def states(self, sums: np.ndarray, neurons: slice, *, registers: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """What they have added up, and what of it they have told; as `NeuronModel.states`."""
        from snnlp_lava.network.kernels import trace_sigma_delta

        return trace_sigma_delta(self.units._replace(bias=self.units.bias[neurons]), sums)

    def to_netx(self) -> Mapping[str, Any]:
        """As lava-dl writes it, without the bias."""
        fields: dict[str, Any] = {
            "type": np.bytes_(self.model.encode()),
            "activation": np.bytes_(b"relu"),
            "vThMant": self.threshold,
        }
        return fields | ({"sigma_output": True} if self.role == "sigma" else {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SigmaDelta) and (
            np.array_equal(self.bias, other.bias) and (self.threshold, self.role) == (other.threshold, other.role)
        )

    __hash__ = None  # type: ignore[assignment]
