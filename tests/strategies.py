"""Random layers, networks and cards that the chip can hold, and damage to files."""

import contextlib
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st
from scipy.sparse import csc_matrix

from snnlp_lava.embed.base import EmbeddingInfo, OpCounts
from snnlp_lava.encode.base import EncodedSamples
from snnlp_lava.encode.calibration import FIXED_ONE, Calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.network.conv import Conv, Geometry
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.input import Input
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.network.sigma_delta import SigmaDelta
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.network_file import NetworkFile
from snnlp_lava.run.folder import kept_voltages, write_run
from snnlp_lava.run.samples import Totals, class_scores, make_record, sample_table
from snnlp_lava.text.entries import Occurrences

PREPROCESSING = {
    "embedding": OpCounts("a model", "tokens", 10, {"mac": 1_000}),
    "encoding": OpCounts("saf coding", "dimensions", 20, {"mac": 20, "integer_addition": 160, "comparison": 160}),
}
SEEDS = st.integers(0, 2**32 - 1)  # drawing one seed is far quicker than drawing each value of an array
DECAYS = st.integers(1, 4096) | st.sampled_from([1, 2, 4095, 4096])
THRESHOLDS = st.integers(1, (1 << 17) - 1) | st.integers(1, 300)
SCORES = {part: {"accuracy": 0.5, "mrr": 0.75} for part in ("validation", "test")}
KINDS = ("mixed", "excitatory", "inhibitory")


def dense(weight, bias=None, current_decay=1024, voltage_decay=128, threshold=80):
    """A dense layer; without biases they are 0."""
    bias = np.zeros(len(weight), dtype=int) if bias is None else bias
    return Dense(weight, Neuron(bias, current_decay, voltage_decay, threshold))


class Damage(NamedTuple):
    """What may happen to a file: bytes that are not 0 become others, or its end is cut off."""

    flips: list[tuple[int, int]]
    kept: float | None

    def of(self, good):
        """The damaged bytes of a good file."""
        if self.kept is not None:
            return good[: int(self.kept * len(good))]
        used = np.flatnonzero(np.frombuffer(good, np.uint8))
        damaged = bytearray(good)
        for place, byte in self.flips:
            damaged[used[place % len(used)]] = byte
        return bytes(damaged)

    def is_read_or_refused(self, path, read):
        """The law of damaged files: they are read, or an InputError says why not. The file is good again afterwards."""
        good = path.read_bytes()
        path.write_bytes(self.of(good))
        try:
            with contextlib.suppress(InputError):
                read(path)
        finally:
            path.write_bytes(good)


DAMAGES = st.builds(
    Damage,
    st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=6),
    st.none() | st.floats(0, 1),
)


@st.composite
def weights(draw, neurons, inputs, kinds=KINDS[:2]):
    """Weights of both signs, of none below 0 or of none above 0; the package need not take the last."""
    rng = np.random.default_rng(draw(SEEDS))
    kind = draw(st.sampled_from(kinds)) if neurons * inputs > 1 else kinds[-1]
    size = draw(st.integers(1, 8) | st.integers(1, 128) | st.just(128))
    if kind == "mixed":
        matrix = 2 * rng.integers(-size, min(size, 127) + 1, (neurons, inputs))
        matrix.flat[rng.choice(neurons * inputs, 2, replace=False)] = 2 * min(size, 127), -2 * size
        return matrix
    matrix = rng.integers(rng.integers(2), 2 * size, (neurons, inputs))
    matrix.flat[rng.integers(neurons * inputs)] = 2 * size - 1 if kind == "excitatory" else 2 * size
    return matrix if kind == "excitatory" else -matrix


@st.composite
def layers(draw, neurons, inputs):
    biased = draw(st.booleans())
    return dense(
        weight=draw(weights(neurons, inputs)),
        bias=biased * np.random.default_rng(draw(SEEDS)).integers(-4096, 4096, neurons),
        current_decay=draw(DECAYS),
        voltage_decay=draw(DECAYS | st.just(0)),
        threshold=draw(THRESHOLDS),
    )


@st.composite
def recurrent_layers(draw, neurons, inputs):
    """A recurrent layer, whose own weights have both signs or one."""
    layer = draw(layers(neurons, inputs))
    rng = np.random.default_rng(draw(SEEDS))
    size, sign = draw(st.integers(1, 20) | st.integers(1, 127)), draw(st.sampled_from([(-1, 1), (0, 1), (-1, 0)]))
    own = 2 * rng.integers(size * sign[0], size * sign[1] + 1, (neurons, neurons))
    if (layer.weight.min() >= 0) and draw(st.booleans()):
        own = np.abs(own) // 2 * 2 + 1
    weight = layer.weight if own.min() >= 0 else layer.weight // 2 * 2
    try:
        return RecurrentDense(weight, own, layer.neuron)
    except InputError:
        reject()


@st.composite
def delayed_layers(draw, neurons, inputs):
    """A dense layer with delays up to 62: one a neuron, one a line or one a synapse."""
    layer = draw(layers(neurons, inputs))
    rng = np.random.default_rng(draw(SEEDS))
    shape = draw(st.sampled_from([(neurons, 1), (1, inputs), (neurons, inputs)]))
    delay = rng.integers(0, draw(st.integers(1, 62) | st.integers(1, 8)) + 1, shape)
    return Dense(layer.weight, layer.neuron, np.broadcast_to(delay, layer.weight.shape))


LAYER_TYPES = {"dense": layers, "dense_rec": recurrent_layers, "dense with delays": delayed_layers}
"""A strategy of (neurons, inputs) for each layer type."""


@st.composite
def networks_of_any_layers(draw, max_size=8, max_layers=3):
    sizes = draw(st.lists(st.integers(1, max_size), min_size=2, max_size=max_layers + 1))
    kinds = [draw(st.sampled_from(sorted(LAYER_TYPES))) for _ in sizes[1:]]
    pairs = zip(kinds, pairwise(sizes), strict=True)
    return Network([draw(LAYER_TYPES[kind](after, before)) for kind, (before, after) in pairs])


@st.composite
def neuron_models(draw, count, model=None):
    """CUBA neurons that spike or never do, sigma-delta ones or those that put out sums."""
    model = draw(st.sampled_from(["cuba", "read-out", "sigma-delta", "sigma"])) if model is None else model
    rng = np.random.default_rng(draw(SEEDS))
    if model in ("delta", "sigma"):
        return SigmaDelta(np.zeros(count, int), draw(st.sampled_from([0, 1, 40])), model)
    bias = draw(st.booleans()) * rng.integers(-64, 64, count)
    if model == "sigma-delta":
        return SigmaDelta(bias, draw(st.sampled_from([0, 0, 1, 40])))
    if model == "read-out":
        return Neuron(bias, *draw(st.sampled_from([(0, 4096, 1 << 17), (1000, 0, (1 << 18) - 1), (4096, 0, 131071)])))
    return Neuron(bias, draw(DECAYS), draw(DECAYS | st.just(0)), draw(st.sampled_from([1, 30, 300])))


@st.composite
def conv_layers(draw, input_shape=None, model=None):
    """A convolution of any stride, padding, dilation and groups over a few places."""
    if input_shape is None:
        groups = draw(st.integers(1, 3))
        input_shape = (groups * draw(st.integers(1, 2)), draw(st.integers(1, 6)), draw(st.integers(2, 6)))
    else:
        groups = draw(st.sampled_from([part for part in range(1, input_shape[0] + 1) if input_shape[0] % part == 0]))
    kernel, stride, padding, dilation = [], [], [], []
    for size in input_shape[1:]:
        padding.append(draw(st.integers(0, 2)))
        dilation.append(draw(st.integers(1, 3)))
        kernel.append(draw(st.integers(1, (size + 2 * padding[-1] - 1) // dilation[-1] + 1)))
        stride.append(draw(st.integers(1, 3)))
    outputs = groups * draw(st.integers(1, 2))
    space = Geometry(input_shape, tuple(kernel), outputs, tuple(stride), tuple(padding), tuple(dilation), groups)
    low, high, unit = draw(st.sampled_from([(-128, 127, 2), (-128, 127, 1), (-3, 3, 1), (0, 255, 1)]))
    rng = np.random.default_rng(draw(SEEDS))
    weight = unit * rng.integers(low, high + 1, (outputs, input_shape[0] // groups, *kernel))
    return Conv(weight, draw(neuron_models(int(np.prod(space.output_shape)), model)), space)


@st.composite
def input_layers(draw, shape=None, model=None):
    """An input layer with neurons."""
    if shape is None:
        shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3).filter(lambda axes: len(axes) != 2))
    model = draw(st.sampled_from(["cuba", "delta"])) if model is None else model
    neuron = draw(neuron_models(int(np.prod(shape)), model))
    if model == "cuba":
        neuron = Neuron(0 * neuron.bias, neuron.current_decay, neuron.voltage_decay, neuron.threshold)
    return Input(tuple(shape), neuron, draw(st.integers(-90, 90)), draw(st.integers(-90, 90)))


@st.composite
def dense_layers(draw, inputs=None, kind=None):
    """A layer without channels of any type, with any neurons that it can have."""
    inputs = draw(st.integers(1, 10)) if inputs is None else inputs
    kind = draw(st.sampled_from(sorted(LAYER_TYPES))) if kind is None else kind
    layer = draw(LAYER_TYPES[kind](draw(st.integers(1, 10)), inputs))
    if kind == "dense_rec" or draw(st.booleans()):
        return layer
    return Dense(layer.weight, draw(neuron_models(layer.neurons)), layer.delay)


ALL_LAYERS = {
    **{kind: dense_layers(kind=kind) for kind in LAYER_TYPES},
    "conv": conv_layers(model="cuba"),
    "conv with any neurons": conv_layers(),
    "input": input_layers(),
}
"""A strategy of layers of any size for each layer type."""


@st.composite
def chains(draw, max_layers=4):
    """A network of layers of all types that can follow each other."""
    layers = []
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=3, max_size=3)))
    if draw(st.booleans()):
        layers.append(draw(input_layers(shape)))
    for _ in range(draw(st.integers(1, max_layers))):
        if len(shape) == 3 and draw(st.booleans()):
            layers.append(draw(conv_layers(shape)))
        else:
            layers.append(draw(dense_layers(int(np.prod(shape)))))
        shape = layers[-1].output_shape
    return Network(layers)


@st.composite
def arriving_at(draw, layer, samples=None, max_steps=20):
    """What arrives at a layer: spikes or messages of one to three samples, silent, sparse, dense or saturated."""
    samples = draw(st.integers(1, 3)) if samples is None else samples
    steps = draw(st.integers(1, max_steps))
    rng = np.random.default_rng(draw(SEEDS))
    rates = draw(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=samples, max_size=samples))
    there = rng.random((samples, steps, layer.inputs)) < np.reshape(rates, (-1, 1, 1))
    if not layer.takes_values and draw(st.booleans()):
        return there.astype(np.uint8)
    size = draw(st.sampled_from([1, 40, 4000]))
    return (there * rng.integers(-size, size + 1, there.shape)).astype(np.int32)


@st.composite
def networks(draw):
    sizes = [*draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)), draw(st.integers(2, 5))]
    return Network([draw(layers(after, before)) for before, after in pairwise(sizes)])


@st.composite
def large_networks(draw, max_size=300):
    """One to four layers of every size up to `max_size`, with weights over the whole range."""
    sizes = draw(st.lists(st.integers(1, max_size) | st.just(max_size), min_size=1, max_size=4))
    sizes.append(draw(st.integers(2, max_size)))  # a card names two classes at least
    return Network([draw(layers(after, before)) for before, after in pairwise(sizes)])


def saf_samples(values, window):
    """Samples with these SAF values, (n, channels) integers in [0, FIXED_ONE]."""
    channels = values.shape[1]
    encoder = SafEncoder(Calibration("range", np.full(channels, 1 / FIXED_ONE), np.zeros(channels)))
    return EncodedSamples(values, encoder, window)


def card_for(network, **changes):
    """A card that fits the network."""
    fields = {
        "method": "snn-rate",
        "level": "sentence",
        "label_names": [f"class {index}" for index in range(network.outputs)],
        "window": 25,
        "period": 32,
        "embedding": EmbeddingInfo("a model", "0" * 64, network.inputs),
        "encoder": SafEncoder(Calibration("paper", np.full(network.inputs, 0.5), np.full(network.inputs, 0.25))),
        "training": {
            "config": {"method": "snn-rate", "window": 32, "seed": 42},
            "data": {"name": "demo", "split_scheme": "official", "rows": {"train": 8, "validation": 3, "test": 4}},
            "scores": {"best_epoch": 3, **SCORES},
            "baselines": {
                "ann": {**SCORES, "macs": network.inputs * network.outputs, "sizes": [network.inputs, network.outputs]},
                "tfidf": {**SCORES, "macs": 60.5},
            },
        },
        "versions": {"numpy": "1.26"},
    }
    return Card(**{**fields, **changes})


def one_table(result, labels=None, card=None, **sums):
    """The table of all samples of a result."""
    return sample_table(result, class_scores(result, card), np.arange(result.samples), labels, **sums)


def write_one_run(folder, result, labels, network, card, texts=(), presented=(), preprocessing=PREPROCESSING, **sums):
    """Write the run folder of one result; gives its record."""
    table = one_table(result, labels, card, preprocessing=preprocessing, **sums)
    record = make_record(
        NetworkFile(Path("a.net"), "0" * 64, network, card),
        Totals.of(network, [table]),
        result.period,
        {"name": "demo", "split": "test", "limit": None, "skipped": {}},
        backend="emulator",
        window=result.window,
        examples=texts,
        presented=presented,
        job={},
    )
    write_run(folder, record, [table], result.trains, kept_voltages(network, result.trains))
    return record


def random_occurrences(rows=300, entries=25, classes=4, seed=0):
    """Occurrences of entries that tell classes apart a little, the same as a matrix, and the classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    there = rng.random((rows, entries)) < 0.1 + 0.3 * (np.arange(entries) % classes == labels[:, None])
    columns = csc_matrix(there)
    texts, starts = columns.indices.astype(np.int32), columns.indptr.astype(np.int64)
    return Occurrences([f"w{j}" for j in range(entries)], texts, starts, rows), there.astype(float), labels
