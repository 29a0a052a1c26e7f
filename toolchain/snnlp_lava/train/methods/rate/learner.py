"""Train a rate-coded network of few synops and compile it: hidden layer and pairs, or a rise for many classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from snnlp_lava.encode.calibration import Calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.metrics import tie_broken_counts
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.text.dataset import TRAIN, VALIDATION
from snnlp_lava.train.baselines import standardisation, standardise
from snnlp_lava.train.loop import Finalised
from snnlp_lava.train.methods.base import SpikingModel
from snnlp_lava.train.methods.rate.network import UNIT, RateNetwork
from snnlp_lava.train.methods.rate.readout import Compiled, compile_pairs, compile_rise

if TYPE_CHECKING:
    from snnlp_lava.train.data import TrainingData
    from snnlp_lava.train.methods.rate.method import SnnRate

_AT_ONCE = 4096


class RateLearner:
    """A `RateNetwork` on standardised vectors, and the network of integers that it becomes.

    Parameters
    ----------
    data
        The training data.
    method
        The method, `SnnRate.resolved`.
    """

    def __init__(self, data: TrainingData, method: SnnRate) -> None:
        self.data, self.method = data, method
        self.mean, self.factor = standardisation(data.features[TRAIN])
        assert method.steps is not None
        assert method.kept is not None
        self.module: nn.Module = RateNetwork(
            len(self.mean),
            method.hidden[0] if method.hidden else 0,
            data.classes,
            steps=method.steps,
            levels=method.levels or 2,
            kept=method.kept,
            dropout=method.dropout,
            z_loss=method.z_loss or 0.0,
            seed=method.seed,
        )
        self.encoder: SafEncoder | None = None

    def inputs(self, features: Any) -> np.ndarray:
        """Convert vectors to standardised ones (n, d) float32; after `finalise`, to the encoder's integers."""
        if self.encoder is not None:
            return self.encoder.quantise(features, self.encoder.window)
        return standardise(features, self.mean, self.factor)

    def finalise(self) -> Finalised:
        """Return the network of integers; InputError if a value is out of the chip's range."""
        module = self.module
        assert isinstance(module, RateNetwork)
        module.eval()
        compiled = self._compile(module)
        encoder, network = self._encoder(module, compiled), Network(compiled.layers)
        self.encoder = encoder
        final = IntegerNetwork(network, encoder)
        return Finalised(final, network.sizes, encoder, encoder.arrays(), network, encoder.window)

    def _compile(self, module: RateNetwork) -> Compiled:
        weight, bias = module.integers()
        if self.method.tests is not None:
            evidence = self._codes(module, VALIDATION) @ weight[:, : weight.shape[1] // 2].T + bias
            labels, tests = self.data.labels(VALIDATION), self.method.tests
            return compile_rise(weight, bias, evidence, labels, steps=module.steps, tests=tests)
        assert module.out_weight is not None
        assert module.out_bias is not None
        return compile_pairs(
            weight,
            bias,
            module.out_weight.detach().cpu().numpy().astype(np.float64),
            module.out_bias.detach().cpu().numpy().astype(np.float64),
            self._codes(module, TRAIN),
            steps=module.steps,
            levels=module.levels,
            lift=round(module.unit * UNIT),
        )

    def _codes(self, module: RateNetwork, split: str) -> np.ndarray:
        """Compute the hidden levels, or without hidden layer the differences of input spikes, of a split's texts."""
        inputs = self.inputs(self.data.features[split])
        with torch.no_grad():
            parts = [
                module.codes(torch.from_numpy(inputs[start : start + _AT_ONCE]).to(module.gain.device))
                for start in range(0, len(inputs), _AT_ONCE)
            ]
        return torch.cat(parts).cpu().numpy().astype(np.int64)

    def _encoder(self, module: RateNetwork, compiled: Compiled) -> SafEncoder:
        gain = module.gain.detach().cpu().numpy().astype(np.float64)
        offset = module.offset.detach().cpu().numpy().astype(np.float64)
        slope = gain * self.factor  # x = +-gain (v - mean) factor + offset
        calibration = Calibration(
            "learned",
            np.concatenate([slope, -slope]),
            np.concatenate([offset - slope * self.mean, offset + slope * self.mean]),
        )
        return SafEncoder(calibration, module.steps, compiled.schedule, compiled.line_names)


class IntegerNetwork(nn.Module):
    """A network of integers as a torch module: classifies by output spikes, and is saved as its integers."""

    rate_per_logit: float | None = None
    spikes_counted = 0

    def __init__(self, network: Network, encoder: SafEncoder) -> None:
        super().__init__()
        self.network, self.encoder = network, encoder
        for number, layer in enumerate(network.layers):
            (synapses,) = layer.synapses()
            neuron = layer.neuron
            assert isinstance(neuron, Neuron)
            scalars = (neuron.current_decay, neuron.voltage_decay, neuron.threshold)
            self.register_buffer(f"layer{number}_weight", torch.from_numpy(synapses.weight.astype(np.int16)))
            self.register_buffer(f"layer{number}_bias", torch.from_numpy(neuron.bias.astype(np.int32)))
            self.register_buffer(f"layer{number}_neuron", torch.tensor(scalars, dtype=torch.int32))

    def evaluate(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute output spike counts and class scores, (n, classes) each, of the encoder's integers."""
        spikes = self.encoder.encode(inputs, self.encoder.window)
        scores = tie_broken_counts(list(self.network.run(spikes))[-1].spikes)
        return np.floor(scores).astype(np.float32), scores


def restored(sizes: tuple[int, ...], encoder: SafEncoder, tensors: Mapping[str, np.ndarray]) -> SpikingModel:
    """Restore a model from the tensors of its `IntegerNetwork`; InputError if they do not match sizes or chip."""
    from snnlp_lava.train.slayer import spikes_by_slayer

    layers = []
    for number in range(len(sizes) - 1):
        values = [tensors.get(f"layer{number}_{name}", np.zeros(0)) for name in ("weight", "bias", "neuron")]
        weight, bias, scalars = values
        shapes = [(len(weight), *weight.shape[1:2]), (len(weight),), (3,)]
        if weight.ndim != 2 or [value.shape for value in values] != shapes or any(v.dtype.kind != "i" for v in values):
            raise InputError(f"weights do not fit: layer{number} must have integers weight, bias and neuron")
        layers.append(Dense(weight.astype(np.int32), Neuron(bias, *(int(value) for value in scalars))))
    network = Network(tuple(layers))
    if network.sizes != sizes:
        raise InputError(f"weights do not fit the sizes: {network.sizes}, not {sizes}")
    return SpikingModel(network, encoder, encoder.window, lambda spikes: spikes_by_slayer(network, spikes))
