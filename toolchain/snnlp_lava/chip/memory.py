"""Lay a layer's synapses out in a core's synaptic memory, as nengo-loihi 1.1.0 does.

An input axon with n synapses takes blocks of at most 64: each has n_i (weight bits + delay bits + index bits) + 10
bits, rounded up to words of 64; there are no tags. A dense axon has a synapse for every neuron of the core and no
index; a sparse one has only those whose weight is not 0, each with an index. A convolution shares its kernel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from snnlp_lava.network import limits
from snnlp_lava.network.conv import ConvSynapses, Geometry
from snnlp_lava.network.network import Layer


def weight_bits(*weights: np.ndarray) -> int:
    """Return the fewest bits that represent every weight of a layer's matrices, with the best weight exponent.

    A layer stores w = k 2^g with one g for all weights: k is 0 to 2^b - 1 without negative weights, and -2^(b-1) to
    2^(b-1) - 1 otherwise. Any g >= 0 found here is within the chip's exponents -7 to 7.
    """
    if not weights:
        return 0
    if not any(weight.any() for weight in weights):
        return limits.WEIGHT_BITS[0]
    common = int(np.bitwise_or.reduce([np.bitwise_or.reduce(weight, axis=None) for weight in weights]))
    shift = (common & -common).bit_length() - 1
    low = min(int(weight.min()) for weight in weights) >> shift
    high = max(int(weight.max()) for weight in weights) >> shift
    needed = high.bit_length() if low >= 0 else 1 + max(high.bit_length(), (-low - 1).bit_length())
    return next(bits for bits in limits.WEIGHT_BITS if bits >= needed)


def axon_words(synapses: np.ndarray, synapse_bits: int) -> np.ndarray:
    """Return the 64-bit words of synaptic memory used by input axons.

    Parameters
    ----------
    synapses
        Number of synapses of each axon.
    synapse_bits
        Bits of one synapse: weight, plus index if the axon is sparse.
    """
    full, rest = np.divmod(synapses, limits.BLOCK_SYNAPSES)
    return full * _block_words(limits.BLOCK_SYNAPSES, synapse_bits) + (rest > 0) * _block_words(rest, synapse_bits)


def _block_words(synapses: Any, synapse_bits: int) -> Any:
    return -(-(synapses * synapse_bits + limits.BLOCK_HEADER_BITS) // limits.WORD_BITS)


class StoredSynapses(Protocol):
    """A group of synapses in one format."""

    sparse: bool
    own: bool

    def use(self, start: int, stop: int) -> tuple[int, int]:
        """Return the input axons and the words that a core with neurons `start` to `stop` uses."""
        ...

    def words_by_line(self, start: int, stop: int) -> np.ndarray:
        """Return the words that a spike of each line reads on this core; 0 where the line is not an axon."""
        ...


@dataclass(frozen=True)
class _OwnAxons(StoredSynapses):
    """Axons of their own for each line; `bits` per synapse without an index."""

    weight: np.ndarray
    bits: int
    sparse: bool
    own: bool

    def words_by_line(self, start: int, stop: int) -> np.ndarray:
        """As `StoredSynapses`; a line without synapses is not an axon."""
        if not self.sparse:
            return axon_words(np.full(self.weight.shape[1], stop - start), self.bits)
        return axon_words(np.count_nonzero(self.weight[start:stop], axis=0), self.bits + _index_bits(stop - start))

    def use(self, start: int, stop: int) -> tuple[int, int]:
        """As `StoredSynapses`."""
        words = self.words_by_line(start, stop)
        return int(np.count_nonzero(words)), int(words.sum())


@dataclass(frozen=True)
class _SharedKernel(StoredSynapses):
    """A convolution's kernel, stored once for all places that see the same part of it.

    As nengo_loihi/conv.py (`conv2d_loihi_weights`): an input axon is a place of the input, whose spikes name their
    channel; places that reach the core's neurons through the same taps of the kernel share one set of synapses, each
    with an index, for every channel. Neurons count here in the order height, width, channels.
    """

    geometry: Geometry
    bits: int
    sparse: bool = True
    own: bool = False

    def use(self, start: int, stop: int) -> tuple[int, int]:
        """As `StoredSynapses`."""
        synapses, pattern, _ = self._reached(start, stop)
        bits = self.bits + _index_bits(stop - start)
        words = 0
        for own_synapses, own_pattern in zip(synapses, pattern, strict=True):
            there = own_synapses > 0
            _, index = np.unique(own_pattern[there], return_index=True)
            words += int(axon_words(own_synapses[there][index], bits).sum())
        return int(np.count_nonzero(synapses)), words * (self.geometry.input_shape[0] // self.geometry.groups)

    def words_by_line(self, start: int, stop: int) -> np.ndarray:
        """As `StoredSynapses`."""
        synapses, _, first = self._reached(start, stop)
        words = axon_words(synapses, self.bits + _index_bits(stop - start))
        whole = np.zeros(self.geometry.input_shape, dtype=np.int64)
        whole[:, first : first + words.shape[1]] = np.repeat(words, len(whole) // len(words), axis=0)
        return whole.reshape(-1)

    def _reached(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, int]:
        """Return what the lines reach on a core, for each group of channels and each place of the rows that matter.

        (groups, rows, width) synapses of a line; the same of numbers, equal where the same taps lead to the same
        channels; and the first row.
        """
        space = self.geometry
        outputs, _, width = space.output_shape
        place, channel = np.divmod(np.arange(start, stop), outputs)
        top, bottom = int(place[0]) // width, int(place[-1]) // width + 1
        group = channel // (outputs // space.groups)
        spot = (group * (bottom - top) * width) + place - top * width
        size = space.groups * (bottom - top) * width
        random = np.random.default_rng(0).integers(1, 1 << 63, outputs + math.prod(space.kernel), dtype=np.uint64)
        there = np.bincount(spot, minlength=size).reshape(space.groups, bottom - top, width)
        named = np.zeros(size, dtype=np.uint64)
        np.add.at(named, spot, random[channel])
        named = named.reshape(there.shape)
        low = min(max(0, top * space.stride[0] - space.padding[0]), space.input_shape[1])
        high = (bottom - 1) * space.stride[0] - space.padding[0] + (space.kernel[0] - 1) * space.dilation[0] + 1
        shape = (space.groups, max(0, min(high, space.input_shape[1]) - low), space.input_shape[2])
        synapses, pattern = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.uint64)
        for j in range(space.kernel[0]):
            down, rows = space.meeting(0, j, top, bottom)
            if down.stop <= down.start:
                continue
            down, rows = slice(down.start - low, down.stop - low, down.step), slice(rows.start - top, rows.stop - top)
            for i in range(space.kernel[1]):
                across, columns = space.meeting(1, i, 0, width)
                synapses[:, down, across] += there[:, rows, columns]
                pattern[:, down, across] += named[:, rows, columns] * random[outputs + j * space.kernel[1] + i]
        return synapses, pattern, low


def _index_bits(neurons: int) -> int:
    needed = (neurons - 1).bit_length()
    return next(bits for bits in limits.INDEX_BITS if bits >= needed)


def storage_formats(layer: Layer) -> list[tuple[StoredSynapses, ...]]:
    """Return the formats in which a layer can be stored: its groups of synapses in each."""
    groups = layer.synapses()
    if not groups:
        return [()]
    bits = weight_bits(*(group.weight for group in groups))
    if isinstance(groups[0], ConvSynapses):
        return [(_SharedKernel(groups[0].geometry, bits),)]
    full = all(group.count == group.count_nonzero for group in groups)
    return [
        tuple(_OwnAxons(group.weight, bits + group.longest_delay.bit_length(), sparse, group.own) for group in groups)
        for sparse in ((False,) if full else (False, True))
    ]
