"""Train a rate-coded network of few synops and compile it: hidden layer and pairs, or a rise for many classes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
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
from snnlp_lava.train.methods.rate.method import RateOptions, SnnRateRise, levels_of
from snnlp_lava.train.methods.rate.network import UNIT, RateNetwork
from snnlp_lava.train.methods.rate.readout import Compiled, compile_pairs, compile_rise
from snnlp_lava.train.slayer import spikes_by_slayer

if TYPE_CHECKING:
    from snnlp_lava.train.data import TrainingData

_AT_ONCE = 4096


class RateLearner:
    """A `RateNetwork` on standardised vectors, and the network of integers that it becomes."""

    def __init__(self, data: TrainingData, method: RateOptions) -> None:
        self.data, self.method = data, method
        self.mean, self.factor = standardisation(data.features[TRAIN])
        self.module: nn.Module = self._trainable()
        self.encoder: SafEncoder | None = None

    def _trainable(self) -> RateNetwork:
        method = self.method
        return RateNetwork(
            len(self.mean),
            method.hidden_neurons,
            self.data.classes,
            window=method.window,
            kept=method.kept,
            dropout=method.dropout,
            seed=method.seed,
            **levels_of(method),
        )

    def inputs(self, features: Any) -> np.ndarray:
        """Standardised vectors (n, d) float32; for the network of integers the encoder's integers."""
        if self.encoder is not None:
            return self.encoder.quantise(features, self.encoder.window)
        return standardise(features, self.mean, self.factor)

    def finalise(self) -> Finalised:
        """The network of integers.

        Raises
        ------
        InputError
            If a value is out of the chip's range.
        """
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
        if isinstance(self.method, SnnRateRise):
            evidence = self._codes(module, VALIDATION) @ weight[:, : weight.shape[1] // 2].T + bias
            labels, tests = self.data.labels(VALIDATION), self.method.tests
            return compile_rise(weight, bias, evidence, labels, window=module.window, tests=tests)
        assert module.out_weight is not None
        assert module.out_bias is not None
        return compile_pairs(
            weight,
            bias,
            module.out_weight.detach().cpu().numpy().astype(np.float64),
            module.out_bias.detach().cpu().numpy().astype(np.float64),
            self._codes(module, TRAIN),
            window=module.window,
            levels=module.levels,
            lift=round(module.unit * UNIT),
        )

    def _codes(self, module: RateNetwork, split: str) -> np.ndarray:
        """Levels of the hidden neurons, or differences of input spikes, of a split's texts."""
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
        return SafEncoder(calibration, module.window, compiled.schedule, compiled.line_names)


class IntegerNetwork(nn.Module):
    """A network of integers as a torch module, which classifies by output spikes and is saved as its integers."""

    rate_per_logit: float | None = None
    spikes_counted = 0

    def __init__(self, network: Network, encoder: SafEncoder) -> None:
        super().__init__()
        self.network, self.encoder = network, encoder
        for number, layer in enumerate(network.layers):
            (synapses,) = layer.synapses()
            neuron = layer.neuron
            scalars = (neuron.current_decay, neuron.voltage_decay, neuron.threshold)
            self.register_buffer(f"layer{number}_weight", torch.from_numpy(synapses.weight.astype(np.int16)))
            self.register_buffer(f"layer{number}_bias", torch.from_numpy(neuron.bias.astype(np.int32)))
            self.register_buffer(f"layer{number}_neuron", torch.tensor(scalars, dtype=torch.int32))

    def evaluate(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Output spike counts, and the scores that rank the classes, (n, classes) each, of the encoder's integers."""
        spikes = self.encoder.encode(inputs, self.encoder.window)
        scores = tie_broken_counts(list(self.network.run(spikes))[-1].spikes)
        return np.floor(scores).astype(np.float32), scores


def restored(sizes: tuple[int, ...], encoder: SafEncoder, tensors: Mapping[str, np.ndarray]) -> SpikingModel:
    """Inverse of `IntegerNetwork`'s tensors.

    Raises
    ------
    InputError
        If they are not of these sizes, or out of the chip's range.
    """
    layers = []
    for number, (inputs, neurons) in enumerate(pairwise(sizes)):
        shapes = {"weight": (neurons, inputs), "bias": (neurons,), "neuron": (3,)}
        found = {name: tensors.get(f"layer{number}_{name}") for name in shapes}
        for name, shape in shapes.items():
            value = found[name]
            if value is None or value.shape != shape or value.dtype.kind != "i":
                raise InputError(f"weights must have integers layer{number}_{name} of shape {shape}")
        weight, bias, scalars = (found[name] for name in shapes)
        assert weight is not None
        assert bias is not None
        assert scalars is not None
        layers.append(Dense(weight.astype(np.int32), Neuron(bias, *(int(value) for value in scalars))))
    network = Network(tuple(layers))
    return SpikingModel(network, encoder, encoder.window, lambda spikes: spikes_by_slayer(network, spikes))
