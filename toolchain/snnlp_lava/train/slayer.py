"""Build and run networks of SLAYER CUBA blocks, read out by spike counts, with a faster kernel on CPUs."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Mapping
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numba import njit, prange
from torch import nn
from torch.nn import functional

from snnlp_lava.encode.base import Encoder
from snnlp_lava.errors import InputError, one_line
from snnlp_lava.extras import require
from snnlp_lava.metrics import tie_broken_counts
from snnlp_lava.network import limits
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.limits import DECAY_UNITY as _UNITY
from snnlp_lava.network.network import Layer, Network, naming_layer
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.train.methods.base import SpikingModel


@njit(cache=True, parallel=True)
def _forward(
    drive: Any, kept: Any, unit: float, keep_u: float, keep_v: float, threshold: float, steepness: float, spikes: Any
) -> None:
    # drive: (n, steps, neurons) in SLAYER's units, each `unit` of the integer state; the exponent of the surrogate's
    # derivative takes its place, for that is all that backward needs. keep_*: (4096 - decay) / 4096.
    samples, steps, neurons = drive.shape
    for n in prange(samples):
        u, v = np.zeros(neurons), np.zeros(neurons)
        for t in range(steps):
            for i in range(neurons):
                u[i] = np.trunc(u[i] * keep_u) + drive[n, t, i] * unit
                raised = np.trunc(v[i] * keep_v) + u[i]
                fired = raised > threshold
                spikes[n, t, i] = kept[n, i] if fired else 0.0
                drive[n, t, i] = -steepness * abs(raised - threshold)
                v[i] = 0.0 if fired else raised


@njit(cache=True, parallel=True)
def _backward(gradient: Any, slope: Any, kept: Any, height: float, keep_u: float, keep_v: float, out: Any) -> None:
    # gradient: d loss / d spikes; slope: d spikes / d voltage, over `height`; out: d loss / d drive
    samples, steps, neurons = gradient.shape
    keep_u32, keep_v32, height32 = np.float32(keep_u), np.float32(keep_v), np.float32(height)
    for n in prange(samples):
        along_u, along_v = np.zeros(neurons, dtype=np.float32), np.zeros(neurons, dtype=np.float32)
        for t in range(steps - 1, -1, -1):
            for i in range(neurons):
                along_v[i] = keep_v32 * along_v[i] + gradient[n, t, i] * slope[n, t, i] * (height32 * kept[n, i])
                along_u[i] = keep_u32 * along_u[i] + along_v[i]
                out[n, t, i] = along_u[i]


class CubaSpikes(torch.autograd.Function):
    """Computes spikes from synaptic drive.

    ``CubaSpikes.apply(drive, kept, current_decay, voltage_decay, threshold, tau, height, scale)`` takes the drive
    (n, steps, neurons) float32 in SLAYER's units, which it overwrites; the dropout factor of each neuron's
    spikes (n, neurons) float32, 1 without dropout; the decays as integers of 4096, the threshold as an integer of the
    state, SLAYER's surrogate ``height / (2 tau) exp(-|v - threshold| / tau)``, and the state's scale. It returns spikes
    (n, steps, neurons) float32.
    """

    @staticmethod
    def forward(
        ctx: Any,
        drive: torch.Tensor,
        kept: torch.Tensor,
        current_decay: int,
        voltage_decay: int,
        threshold: int,
        tau: float,
        height: float,
        scale: int,
    ) -> torch.Tensor:
        """Compute spikes; see the class."""
        ctx.keep_u, ctx.keep_v = (_UNITY - current_decay) / _UNITY, (_UNITY - voltage_decay) / _UNITY
        ctx.height = height / (2 * tau)
        slope = drive.detach().contiguous()
        spikes = torch.empty_like(slope)
        steepness = 1 / (tau * scale)
        _forward(slope.numpy(), kept.numpy(), scale, ctx.keep_u, ctx.keep_v, threshold, steepness, spikes.numpy())
        ctx.save_for_backward(slope.exp_(), kept)
        return spikes

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Compute the surrogate gradient of the drive; None for the other arguments."""
        slope, kept = ctx.saved_tensors
        out = torch.empty_like(slope)
        _backward(
            gradient.contiguous().numpy(), slope.numpy(), kept.numpy(), ctx.height, ctx.keep_u, ctx.keep_v, out.numpy()
        )
        return out, None, None, None, None, None, None, None


def import_slayer() -> ModuleType:
    """Import ``lava.lib.dl.slayer``, suppressing its output."""
    require("lava")
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        from lava.lib.dl import slayer

    return slayer


slayer = import_slayer()


# SLAYER multiplies tau_grad and scale_grad by these (lava.lib.dl.slayer.neuron.cuba).
_TAU_MULT, _SCALE_MULT = 100.0, 0.1


_INITIAL_GAIN = 0.5
"""Factor on SLAYER's initial weights; at 1 the first layers fire so much that training starts far off."""


class SpikingClassifier(nn.Module):
    """Network of dense SLAYER CUBA blocks; the class with the most output spikes wins.

    Blocks are built with ``delay_shift=False``: layer l's time runs l steps behind the input's, just as Lava's pipeline
    places each layer's window if every layer is reset at the start of its own window. So each layer computes T steps
    per sample, none is lost to the pipeline, and Lava needs no pause between samples.

    Parameters
    ----------
    sizes
        Input lines, hidden layers, classes.
    encoder
        From features to spikes.
    window
        Time steps T of a sample.
    neuron
        Parameters of ``lava.lib.dl.slayer.neuron.cuba.Neuron``.
    weight_scale
        Factor on the initial weights.
    dropout
        Fraction of hidden neurons dropped at random in training.
    reference
        Whether initial weights and ties are as in SNNLP's published code.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        encoder: Encoder,
        window: int,
        *,
        neuron: Mapping[str, float],
        weight_scale: float = 1.0,
        dropout: float = 0.0,
        reference: bool = False,
    ) -> None:
        super().__init__()
        self.window, self.encoder, self.reference = window, encoder, reference
        last = len(sizes) - 2
        self.blocks = nn.ModuleList(
            slayer.block.cuba.Dense(
                {**neuron, "dropout": slayer.neuron.Dropout(dropout) if index < last else None},
                before,
                after,
                weight_scale=weight_scale * (1.0 if reference else _INITIAL_GAIN),
                delay_shift=False,
            )
            for index, (before, after) in enumerate(pairwise(sizes))
        )
        # Logits are counts divided by this: a lead of half the window is near certainty.
        self.temperature = max(1.0, window / 8)
        self.spikes_counted = 0
        self.rate_per_logit: float | None = self.temperature / window

    def forward(self, spikes: torch.Tensor) -> list[torch.Tensor]:
        """Compute the spikes of every layer, (n, T, out) each, from input spikes (n, T, in) float32."""
        trains = []
        for block in self.blocks:
            spikes = _by_slayer(block, spikes) if spikes.is_cuda else _on_cpu(block, spikes)
            trains.append(spikes)
        return trains

    def slayer_trains(self, spikes: torch.Tensor) -> list[torch.Tensor]:
        """Compute the spikes of every layer by SLAYER's own forward pass on every device."""
        trains = []
        for block in self.blocks:
            spikes = _by_slayer(block, spikes)
            trains.append(spikes)
        return trains

    def logits(self, inputs: np.ndarray) -> torch.Tensor:
        """Compute logits (n, classes) of the encoder's inputs of n samples: output spike counts over the temperature.

        In training, a random encoder draws new spikes each time, from torch's generator.
        """
        return self._output(inputs).sum(dim=1) / self.temperature

    def evaluate(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute logits and class scores, (n, classes) each, of the encoder's inputs of n samples.

        Ties are broken as in `snnlp_lava.metrics.tie_broken_counts`, except for a reference model.
        """
        scores = tie_broken_counts(self._output(inputs).cpu().numpy().astype(np.uint8))
        counts = np.floor(scores)
        return (counts / self.temperature).astype(np.float32), counts if self.reference else scores

    def _output(self, inputs: np.ndarray) -> torch.Tensor:
        rng = np.random.default_rng(int(torch.randint(1 << 62, ()))) if self.training else None
        spikes = self.encoder.encode(inputs, self.window, rng)
        device = self.blocks[0].synapse.weight.device
        trains = self(torch.from_numpy(spikes).to(device, torch.float32))
        if self.training:
            self.spikes_counted += int(np.count_nonzero(spikes)) + sum(int(torch.count_nonzero(t)) for t in trains)
        return trains[-1]

    def spikes_by_slayer(self, spikes: np.ndarray) -> list[np.ndarray]:
        """Compute the spikes of every layer for spikes (n, T, in) uint8, by SLAYER's own forward pass in eval mode.

        Returns
        -------
        list of np.ndarray
            (n, T, neurons) uint8 each.
        """
        self.eval()
        with torch.no_grad():
            device = self.blocks[0].synapse.weight.device
            trains = self.slayer_trains(torch.from_numpy(spikes).to(device, torch.float32))
        return [train.cpu().numpy().astype(np.uint8) for train in trains]

    def to_network(self) -> Network:
        """Return the integers that SLAYER's quantised forward pass computes with.

        Raises
        ------
        InputError
            If a layer's values cannot be stored on the chip.
        """
        return Network(tuple(_to_layer(number, block) for number, block in enumerate(self.blocks, start=1)))


def restore(build: Callable[[], SpikingClassifier], tensors: Mapping[str, np.ndarray]) -> SpikingModel:
    """Build a classifier, load its weights, and give what export and verify take.

    Raises
    ------
    InputError
        If the weights are not of its sizes, or cannot be stored on the chip.
    """
    weights = {name: torch.from_numpy(value) for name, value in tensors.items()}
    try:
        with torch.device("meta"):  # which compares shapes without memory for as many weights as the sizes say
            build().load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise InputError(f"weights do not fit the sizes: {one_line(error)}") from error
    classifier = build().eval()
    classifier.load_state_dict(weights)
    return SpikingModel(classifier.to_network(), classifier.encoder, classifier.window, classifier.spikes_by_slayer)


def _by_slayer(block: nn.Module, spikes: torch.Tensor) -> torch.Tensor:
    return block(spikes.transpose(1, 2)).transpose(1, 2)


def _on_cpu(block: nn.Module, spikes: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    neuron = block.neuron
    weight = block.synapse.pre_hook_fx(block.synapse.weight).flatten(1)
    kept = torch.ones(len(spikes), len(weight), 1)
    if neuron.drop is not None:
        kept = neuron.drop(kept)  # a neuron is dropped for the whole window
    out: torch.Tensor = CubaSpikes.apply(
        functional.linear(spikes, weight, bias),
        kept.squeeze(2),
        int(neuron.cx_current_decay),
        int(neuron.cx_voltage_decay),
        neuron.v_th_mant << limits.STATE_SHIFT,
        neuron.tau_rho * _TAU_MULT,
        neuron.scale_rho * _SCALE_MULT,
        neuron.s_scale,
    )
    return out


def spikes_by_slayer(network: Network, spikes: np.ndarray) -> list[np.ndarray]:
    """Compute the spikes of every layer of an integer network by SLAYER's own forward pass.

    SLAYER's blocks have no bias: for a layer that has one and keeps no current, our kernel computes the spikes.

    Parameters
    ----------
    network
        Dense layers without delays.
    spikes
        Input spikes (n, T, lines) uint8.

    Returns
    -------
    list of np.ndarray
        (n, T, neurons) uint8 each.
    """
    trains, last = [], torch.from_numpy(spikes).to(torch.float32)
    with torch.no_grad():
        for layer in network.layers:
            last = _through(layer, last)
            trains.append(last.numpy().astype(np.uint8))
    return trains


def _through(layer: Layer, spikes: torch.Tensor) -> torch.Tensor:
    (synapses,) = layer.synapses()
    neuron, unit = layer.neuron, 1 << limits.STATE_SHIFT
    assert isinstance(neuron, Neuron)
    weight = torch.from_numpy(synapses.weight / unit).to(torch.float32)
    parameters = {
        "threshold": neuron.threshold / unit,
        "current_decay": neuron.current_decay / _UNITY,
        "voltage_decay": neuron.voltage_decay / _UNITY,
    }
    block = slayer.block.cuba.Dense(parameters, weight.shape[1], len(weight), delay_shift=False).eval()
    block.synapse.weight.copy_(weight.view_as(block.synapse.weight))
    if not neuron.bias.any():
        return _by_slayer(block, spikes)
    assert neuron.current_decay == _UNITY
    return _on_cpu(block, spikes, torch.from_numpy(neuron.bias / unit).to(torch.float32))


def _to_layer(number: int, block: nn.Module) -> Layer:
    weight = block.synapse.pre_hook_fx(block.synapse.weight, descale=True).flatten(1)
    neuron = block.neuron
    with naming_layer(number):
        bias = np.zeros(len(weight), dtype=np.int32)
        decays = int(neuron.cx_current_decay), int(neuron.cx_voltage_decay)
        return Dense(weight.detach().cpu().numpy(), Neuron(bias, *decays, int(neuron.v_th_mant)))
