"""Map a network onto the neuro cores of a chip, count resources as nengo-loihi does, and check the chip's limits.

Each core has consecutive neurons of one layer. Every line that reaches one of them is an input axon of the core, and
every pair of a neuron and a core it sends to is an output axon; a recurrent layer also sends to its own cores. A layer
is kept in the format (`snnlp_lava.chip.memory`) that takes fewer cores, then fewer words.

The counts of each core equal those of nengo-loihi 1.1.0 (table in tests/chip/test_mapping.py), with two differences:
nengo-loihi uses 8 bits for every weight, whereas here a layer uses the fewest bits that represent its weights, as NetX
does; and it refuses a layer with more output axons than a core allows, whereas here the layer is split further.

A convolution is an estimate on both chips, since nengo-loihi splits its neurons over cores by channels. An input
layer's neurons have no axons; the host sets their biases.

The network's input comes from a Process on the host or the embedded cores: its lines are input axons of the first
layer's cores, its own output axons are on no neuro core. The spikes of the last layer are read out by probes, which
take no output axon. Profiles of compartments, thresholds and synapses are never short: a layer needs one of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from snnlp_lava.chip.chips import RESOURCES, Chip
from snnlp_lava.chip.memory import StoredSynapses, storage_formats, weight_bits
from snnlp_lava.files import check_int
from snnlp_lava.network import limits
from snnlp_lava.network.network import Layer, Network
from snnlp_lava.network.neuron import Neuron

_SETTLING_ROUNDS = 16  # each pass may add cores to a recurrent layer; two passes have been enough


@dataclass(frozen=True)
class Core:
    """Resources used on one core.

    Attributes
    ----------
    first
        Index of its first neuron in the layer; the others follow. Neurons of (channels, height, width) count in the
        order height, width, channels, so that a core has all channels of a part of the image.
    neurons, input_axons, output_axons
        Their number.
    words
        64-bit words of synaptic memory.
    """

    first: int
    neurons: int
    input_axons: int
    output_axons: int
    words: int


@dataclass(frozen=True)
class LayerMapping:
    """One layer on its cores.

    Attributes
    ----------
    name, kind
        As `Network.layer_names` and `Layer.kind` have it.
    inputs, neurons
        Their number.
    sparse
        Whether its axons store only non-zero weights.
    weight_bits
        Of each synapse.
    longest_delay
        Steps of the longest delay of a synapse.
    bias
        The smallest and the largest.
    current_decay, voltage_decay, threshold
        As in `Neuron`; sigma-delta neurons have no decays.
    cores
        In order; each neuron is on one of them.
    """

    name: str
    kind: str
    inputs: int
    neurons: int
    sparse: bool
    weight_bits: int
    longest_delay: int
    bias: tuple[int, int]
    current_decay: int | None
    voltage_decay: int | None
    threshold: int
    cores: tuple[Core, ...]

    def most(self, resource: str) -> int:
        """Return the maximum of a resource (a name of `RESOURCES`) over its cores."""
        return max(getattr(core, resource) for core in self.cores)

    @property
    def words(self) -> int:
        """Return the 64-bit words of synaptic memory on all its cores."""
        return sum(core.words for core in self.cores)


@dataclass(frozen=True)
class Violation:
    """A violated limit.

    Attributes
    ----------
    subject
        The layer's name, or ``network``.
    quantity
        ``cores``, a resource, ``current_decay``, ``voltage_decay``, ``threshold``, ``message_bits`` or ``period``.
    value
        Value of the network.
    limit
        Nearest value that the chip allows.
    text
        One sentence with the remedy.
    """

    subject: str
    quantity: str
    value: int
    limit: int
    text: str


@dataclass(frozen=True)
class CoreMapping:
    """A network mapped onto a chip.

    Attributes
    ----------
    chip
        The chip.
    period
        Steps from one sample to the next; None if the network file does not state it.
    layers
        One for each layer, in order.
    violations
        Violated limits; empty if the network fits.
    notes
        Caveats for the reader.
    """

    chip: Chip
    period: int | None
    layers: tuple[LayerMapping, ...]
    violations: tuple[Violation, ...]
    notes: tuple[str, ...]

    @property
    def totals(self) -> dict[str, int]:
        """Return the sums of cores, neurons, axons and words over all layers."""
        cores = [core for layer in self.layers for core in layer.cores]
        return {
            "cores": len(cores),
            **{resource: sum(getattr(core, resource) for core in cores) for resource in RESOURCES},
        }

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain JSON types."""
        layers = [{**asdict(layer), "words": layer.words} for layer in self.layers]
        return {
            "chip": asdict(self.chip),
            "estimate": self.chip.estimate,
            "fits": not self.violations,
            "period": self.period,
            "totals": self.totals,
            "layers": layers,
            "violations": [asdict(violation) for violation in self.violations],
            "notes": list(self.notes),
        }


def map_network(network: Network, chip: Chip, period: int | None = None) -> CoreMapping:
    """Split a network over the cores of a chip and check the chip's limits.

    Each layer gets the fewest cores on which its neurons, kept in order, violate no limit, given the cores of the next
    layer; they are spread evenly over these cores if that violates none. A limit that a single neuron exceeds is
    reported as a violation, and the layer is split as if the limit were what that neuron needs.

    Parameters
    ----------
    network
        The network.
    chip
        One of `snnlp_lava.chip.chips.CHIPS`.
    period
        Steps from one sample to the next, if known.

    Raises
    ------
    InputError
        If the period is not an integer >= 1.
    """
    check_int("period", period)
    mapped: list[LayerMapping] = []
    fan_out = np.zeros(network.outputs, dtype=np.int64)
    for name, layer in zip(network.layer_names[:0:-1], network.layers[::-1], strict=True):
        stored, cores = _place(layer, fan_out, chip)
        mapped.append(_layer_mapping(name, layer, any(group.sparse for group in stored), cores))
        outside = [_targets(group, cores) for group in stored if not group.own]
        fan_out = np.sum(outside, axis=0) if outside else np.zeros(layer.inputs, dtype=np.int64)
    layers = tuple(reversed(mapped))
    violations = (*_violations(layers, chip), *_period_violations(period, chip))
    return CoreMapping(chip, period, layers, violations, _notes(layers, chip, period))


def words_read(layer: Layer, mapped: LayerMapping, arrived: np.ndarray, sent: np.ndarray) -> int:
    """Return the 64-bit words of synaptic memory that spikes read: each spike reads its line's axons on all cores.

    Parameters
    ----------
    layer, mapped
        A layer and its mapping.
    arrived, sent
        (lines,) and (neurons,) spikes of each input line and of each of the layer's neurons.
    """
    words = 0
    for stored in next(
        groups for groups in storage_formats(layer) if all(group.sparse == mapped.sparse for group in groups)
    ):
        taken = sum(stored.words_by_line(core.first, core.first + core.neurons) for core in mapped.cores)
        words += int((sent if stored.own else arrived) @ taken)
    return words


def _targets(group: StoredSynapses, cores: Sequence[Core]) -> np.ndarray:
    """Return how many of these cores each line reaches."""
    return np.sum([group.words_by_line(core.first, core.first + core.neurons) > 0 for core in cores], axis=0)


@dataclass(frozen=True)
class _Filling:
    """Splits a layer over cores; `fan_out` is the number of cores that each neuron sends to."""

    groups: tuple[StoredSynapses, ...]
    fan_out: np.ndarray

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return len(self.fan_out)

    @property
    def sparse(self) -> bool:
        """Whether only non-zero weights are stored."""
        return any(group.sparse for group in self.groups)

    def core(self, start: int, stop: int) -> Core:
        """Return the resources that neurons `start` to `stop` use on one core."""
        used = [group.use(start, stop) for group in self.groups]
        inputs, words = (sum(amounts) for amounts in zip(*used, strict=True)) if used else (0, 0)
        return Core(start, stop - start, inputs, int(self.fan_out[start:stop].sum()), words)


def _place(layer: Layer, fan_out: np.ndarray, chip: Chip) -> tuple[tuple[StoredSynapses, ...], tuple[Core, ...]]:
    if len(layer.output_shape) == 3:
        fan_out = fan_out.reshape(layer.output_shape).transpose(1, 2, 0).reshape(-1)
    places = [(format_, _settle(format_, fan_out, chip)) for format_ in storage_formats(layer)]
    return min(places, key=lambda place: _cost(place[1], chip))


def _settle(groups: tuple[StoredSynapses, ...], fan_out: np.ndarray, chip: Chip) -> tuple[Core, ...]:
    """Split a layer; a layer that sends to its own cores is split again until the fan-out is consistent."""
    own = [group for group in groups if group.own]
    cores = _split(_Filling(groups, fan_out), chip)
    for _ in range(_SETTLING_ROUNDS if own else 0):
        filling = _Filling(groups, fan_out + sum(_targets(group, cores) for group in own))
        before, cores = cores, _split(filling, chip)
        if [core.first for core in before] == [core.first for core in cores]:
            break
    return cores


def _cost(cores: Sequence[Core], chip: Chip) -> tuple[bool, int, int]:
    return not all(_within(core, chip) for core in cores), len(cores), sum(core.words for core in cores)


def _split(stored: _Filling, chip: Chip) -> tuple[Core, ...]:
    cores, neurons = _fill_cores(stored, chip), stored.neurons
    bounds = [neurons * index // len(cores) for index in range(len(cores) + 1)]
    even = tuple(stored.core(start, stop) for start, stop in pairwise(bounds))
    return even if all(_within(core, chip, stored.core(core.first, core.first + 1)) for core in even) else cores


def _fill_cores(stored: _Filling, chip: Chip) -> tuple[Core, ...]:
    """Fill one core after another with as many neurons as fit."""
    cores: list[Core] = []
    start, neurons = 0, stored.neurons
    most = min(chip.neurons, 1 << limits.INDEX_BITS[-1]) if stored.sparse else chip.neurons
    while start < neurons:
        alone = stored.core(start, start + 1)
        low, high, last = start + 1, start + 2, min(start + most, neurons)
        while high <= last and _within(stored.core(start, high), chip, alone):
            low, high = high, 2 * high - start
        high = min(high, last + 1)
        while high - low > 1:  # invariant: `low` neurons fit, `high` do not
            middle = (low + high) // 2
            low, high = (middle, high) if _within(stored.core(start, middle), chip, alone) else (low, middle)
        cores.append(stored.core(start, low))
        start = low
    return tuple(cores)


def _within(core: Core, chip: Chip, alone: Core | None = None) -> bool:
    """Return whether no limit is exceeded, or none by more than the core's first neuron alone exceeds it."""
    for resource in RESOURCES:
        limit = getattr(chip, resource)
        if limit is not None and getattr(core, resource) > max(limit, getattr(alone, resource) if alone else 0):
            return False
    return True


def _layer_mapping(name: str, layer: Layer, sparse: bool, cores: tuple[Core, ...]) -> LayerMapping:
    neuron = layer.neuron
    return LayerMapping(
        name=name,
        kind=layer.kind,
        inputs=layer.inputs,
        neurons=layer.neurons,
        sparse=sparse,
        weight_bits=weight_bits(*(group.weight for group in layer.synapses())),
        longest_delay=max((group.longest_delay for group in layer.synapses()), default=0),
        bias=(int(neuron.bias.min()), int(neuron.bias.max())),
        current_decay=neuron.current_decay if isinstance(neuron, Neuron) else None,
        voltage_decay=neuron.voltage_decay if isinstance(neuron, Neuron) else None,
        threshold=neuron.threshold,
        cores=cores,
    )


def _violations(layers: Sequence[LayerMapping], chip: Chip) -> list[Violation]:
    found: list[Violation] = []
    number = sum(len(layer.cores) for layer in layers)
    if number > chip.cores:
        text = f"network: {number:,} cores, {chip.name} has {chip.cores:,}; train with fewer neurons in its layers"
        found.append(Violation("network", "cores", number, chip.cores, text))
    smaller = ["use fewer input lines"]
    smaller += [f"train with fewer neurons in {layer.name}" for layer in layers]
    for index, layer in enumerate(layers):
        for resource, words in RESOURCES.items():
            value, limit = layer.most(resource), getattr(chip, resource)
            if limit is None or value <= limit:
                continue
            # Output axons follow from the layer behind; those of the last layer, from its own feedback.
            remedy = smaller[min(index + 2, len(layers)) if resource == "output_axons" else index]
            text = f"{layer.name}: {value:,} {words} on a core, {chip.name} has {limit:,}; {remedy}"
            found.append(Violation(layer.name, resource, value, limit, text))
        found.extend(_neuron_violations(layer, chip))
    return found


def _neuron_violations(layer: LayerMapping, chip: Chip) -> Iterator[Violation]:
    """Yield what the neurons of a layer need and the chip does not store."""
    current, voltage, threshold = layer.current_decay, layer.voltage_decay, layer.threshold
    if current is None or voltage is None:
        if not chip.graded_spikes:
            text = f"{layer.name}: messages of 16 bits, {chip.name} sends spikes only; train with CUBA neurons"
            yield Violation(layer.name, "message_bits", limits.MESSAGE_MAX.bit_length() + 1, 0, text)
        return
    if current < limits.CURRENT_DECAY_MIN:
        text = f"{layer.name}: current decay {current}, {chip.name} stores at least {limits.CURRENT_DECAY_MIN}"
        yield Violation(layer.name, "current_decay", current, limits.CURRENT_DECAY_MIN, text)
    if voltage > (limit := limits.VOLTAGE_DECAY_STORED_MAX):
        text = f"{layer.name}: voltage decay {voltage}, {chip.name} stores at most {limit}; train with a smaller one"
        yield Violation(layer.name, "voltage_decay", voltage, limit, text)
    if threshold > (limit := limits.THRESHOLD_MAX):
        text = f"{layer.name}: threshold {threshold}, {chip.name} stores at most {limit}, which v saturates just above"
        yield Violation(layer.name, "threshold", threshold, limit, text)


def _period_violations(period: int | None, chip: Chip) -> list[Violation]:
    if period is None or not chip.period_power_of_two or period & (period - 1) == 0:
        return []
    power = 1 << period.bit_length()
    text = (
        f"network: period must be a power of two on {chip.name}, got {period}, the next is {power}; "
        f"export again with snnlp-lava export --period {power}"
    )
    return [Violation("network", "period", period, power, text)]


def _notes(layers: Sequence[LayerMapping], chip: Chip, period: int | None) -> tuple[str, ...]:
    notes: list[str] = []
    if chip.estimate:
        notes.append(
            f"{chip.name}: the limits of axons and the layout of synapses are not published; synapses are counted as "
            "on Loihi 1, assuming that they can use all of a core's memory."
        )
    if convolutions := [layer.name for layer in layers if layer.kind == "conv"]:
        notes.append(
            f"{', '.join(convolutions)}: an estimate. A kernel is stored once for all places that see the same part of "
            "it, as nengo-loihi stores it, on cores that have all channels of a part of the image."
        )
    for layer in layers:
        if chip.neurons_seen is not None and layer.most("neurons") > chip.neurons_seen:
            notes.append(
                f"{layer.name}: {layer.most('neurons'):,} neurons on a core; the most seen on {chip.name} so far is "
                f"{chip.neurons_seen:,}."
            )
    if chip.period_power_of_two and period is None:
        notes.append(f"The network file states no period; on {chip.name} it must be a power of two.")
    return tuple(notes)
