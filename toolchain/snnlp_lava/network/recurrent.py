"""The recurrent dense layer: its spikes come back to it one step later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network.dense import bias_of, check_counts, dense_fields, weight_matrix
from snnlp_lava.network.network import Layer, Shape
from snnlp_lava.network.neuron import NeuronModel
from snnlp_lava.network.synapses import DenseSynapses, check_weights

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, eq=False)
class RecurrentDense(Layer):
    """A dense layer whose neurons also send to each other.

    The sum of weights that arrives in step t is a[t] = W s_in[t] + R s[t-1], with s the layer's own spikes; s[-1] = 0.
    Source: RecurrentDense in lava.lib.dl.netx.blocks.process (lava-dl 0.6.0), slayer.block.cuba.Recurrent.

    Attributes
    ----------
    weight
        (neurons, lines) int32, W.
    recurrent
        (neurons, neurons) int32, R: from neuron, column, to neuron, row. Both together follow the rules of
        `snnlp_lava.network.synapses.check_weights`.
    neuron
        The neurons.

    Raises
    ------
    InputError
        If a value is out of range; the message names it and the limit.
    """

    weight: np.ndarray
    recurrent: np.ndarray
    neuron: NeuronModel

    kind: ClassVar[str] = "dense_rec"
    fields: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "shape": (0, 1),
        "weight": (1, 2),
        "weight_rec": (1, 2),
        "bias": (1,),
        "delay": (0, 1, 2),
    }

    def __post_init__(self) -> None:
        outside, own = self.synapses()
        object.__setattr__(self, "weight", outside.weight)
        object.__setattr__(self, "recurrent", own.weight)
        if self.neuron.graded:
            raise InputError(f"{self.neuron.model} neurons cannot be recurrent; lava-dl has no such block")
        check_counts(self.neuron, outside, own)
        check_weights(outside, own)

    @cached_property
    def _synapses(self) -> tuple[DenseSynapses, ...]:
        return DenseSynapses(self.weight), DenseSynapses(self.recurrent, own=True)

    def synapses(self) -> tuple[DenseSynapses, ...]:
        """Those from outside, and those of the layer's own neurons."""
        return self._synapses

    def to_netx(self) -> Mapping[str, Any]:
        """As ``slayer.block.cuba.Recurrent`` exports itself."""
        return dense_fields(self, weight=self.weight, weight_rec=self.recurrent)

    @classmethod
    def from_netx(
        cls, fields: Mapping[str, np.ndarray], neuron: Callable[[np.ndarray], NeuronModel], inputs: Shape | None
    ) -> Self:
        """Inverse of `to_netx`."""
        if "delay" in fields and fields["delay"].any():
            raise InputError(
                "is recurrent with delays, which NetX 0.6 does not run right: it forgets the exponent of the weights"
            )
        weight, recurrent = (weight_matrix(fields, name) for name in ("weight", "weight_rec"))
        return cls(weight, recurrent, neuron(bias_of(fields, len(weight))))
