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
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.network_file import NetworkFile
from snnlp_lava.run.folder import kept_voltages, write_run
from snnlp_lava.run.record import Totals, class_scores, make_record, sample_table
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
            "config": {"method": "snn-rate", "seed": 42},
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
