"""What makes a method: one class; its options are those of the command line; it needs no torch to learn."""

from typing import Annotated, ClassVar

import click
import numpy as np
import pytest
from click.testing import CliRunner

import snnlp_lava
from snnlp_lava.cli.options import CommandOfChoices, derived_options
from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.records import Record, opt
from snnlp_lava.text.dataset import TEST, TRAIN, VALIDATION, TextData
from snnlp_lava.train.data import texts_of
from snnlp_lava.train.methods.base import METHODS, Features, Method, SpikingModel, Trained
from snnlp_lava.train.methods.make import importable_methods


class OneWord(Method, frozen=True):
    """A line for the first word of each class: three lines of NumPy instead of a training."""

    name: ClassVar[str] = "one-word"
    help: ClassVar[str] = "a word a class"
    takes = "texts"

    window: Annotated[int, opt("Time steps a text is presented.", ge=1, le=99)] = 4
    weight: Annotated[int, opt("Weight of every synapse.", ge=2, le=254)] = 128

    def feature_key(self):
        return "texts"

    def features(self, data, rows, source, report):
        return Features(texts_of(data, rows), EmbeddingInfo(None, None, None))

    def fit(self, data, run):
        texts, labels = data.features[TRAIN], data.labels(TRAIN)
        words = [texts[labels == label][0].split()[0] for label in range(data.classes)]
        codes = np.packbits(np.eye(len(words), dtype=bool), axis=1)
        encoder = SpikeEmbeddingEncoder(words, codes, len(words), 0)
        weights = (self.weight * np.eye(len(words), dtype=np.int64)) // 2 * 2
        network = self.restore((len(words), len(words)), encoder, {"weights": weights}).network
        scores = {}
        for split in (VALIDATION, TEST):
            counts = encoder.encode(encoder.quantise(data.features[split], self.window), self.window).sum(axis=1)
            scores[split] = accuracy_and_mrr(counts, data.labels(split))
        return Trained(
            {"weights": weights},
            encoder.arrays(),
            encoder,
            network.sizes,
            {"best_epoch": 1, **scores},
            [{"epoch": 1}],
            network,
            self.window,
        )

    def restore(self, sizes, encoder, tensors):
        neuron = Neuron(np.zeros(sizes[-1], dtype=np.int32), 4096, 0, 1)
        return SpikingModel(Network((Dense(tensors["weights"], neuron),)), encoder, self.window)


@pytest.fixture
def one_word(monkeypatch):
    """The method in the registry."""
    monkeypatch.setitem(METHODS._loaded, "one-word", OneWord)


def test_a_method_without_torch_goes_the_whole_way(one_word, tmp_path):
    rows = np.arange(40) % 2
    data = TextData("own", [f"{('dull', 'fine')[row]} film {i}" for i, row in enumerate(rows)], rows, ("dull", "fine"))
    prepared = snnlp_lava.prepare_data(data, "one-word", weight=64)
    record = snnlp_lava.train_model(prepared, tmp_path / "m")
    assert record.options == {"method": "one-word", "seed": 42, "window": 4, "weight": 64}
    assert record.scores.test.accuracy == 1
    assert set(record.baselines) == {"tfidf"}
    network, card = snnlp_lava.export_model(tmp_path / "m")
    assert network.layers[0].synapses()[0].weight.max() == 64
    snnlp_lava.write_network(tmp_path / "m.net", network, card)
    run = snnlp_lava.run_network(tmp_path / "m.net", texts=["a fine one", "dull dull"])
    assert run.predicted_labels == ["fine", "dull"]


def test_every_name_is_the_one_that_it_is_registered_under():
    methods = importable_methods()
    assert [kind.name for kind in methods.values()] == list(methods) == list(METHODS)
    for kind in methods.values():
        assert kind.help
        assert kind.of() == kind.of(**kind.of().options())


def test_an_option_of_one_name_is_of_one_type_in_all_methods():
    kinds = {}
    for method in importable_methods().values():
        for name, value in method.of().options().items():
            if value is not None:  # left to the data
                kinds.setdefault(name, set()).add(type(value))
    assert {name for name, types in kinds.items() if len(types) > 1} == set()


class Part(Record, frozen=True):
    rate: Annotated[float, opt("Rate.", ge=0, le=9)] = 1.5


class One(Record, frozen=True):
    steps: Annotated[int, opt("Steps of one.", ge=1, le=9)] = 4
    sizes: Annotated[tuple[int, ...], opt("Sizes.")] = (3, 2)
    part: Annotated[Part, opt("A part.")] = Part()


class Two(Record, frozen=True):
    steps: Annotated[int, opt("Steps of one.", ge=1, le=9)] = 5
    plain: Annotated[bool, opt("Plain.")] = False


@pytest.fixture
def typed():
    """What a command with the options of One and Two is given."""

    @click.command(cls=CommandOfChoices)
    @derived_options({"one": (One,), "two": (Two,)})
    def command(**given):
        click.echo(repr({name: value for name, value in given.items() if value is not None}))

    def run(*arguments):
        return CliRunner().invoke(command, arguments)

    return run


def test_options_follow_from_the_fields(typed):
    assert typed().output == "{}\n"
    given = typed("--steps", "7", "--sizes", "8,4", "--part", "rate=2", "--plain").output
    assert given == "{'steps': 7, 'sizes': (8, 4), 'part': {'rate': 2.0}, 'plain': True}\n"
    assert typed("--sizes", "none").output == "{'sizes': ()}\n"
    assert isinstance(typed("--sizes", "8,").exception, InputError)
    assert isinstance(typed("--part", "rate").exception, InputError)


def test_the_help_lists_together_what_the_same_choices_have(typed):
    text = " ".join(typed("--help").output.split())
    assert "[default: 4; two: 5]" in text
    assert text.index("Options of every method:") < text.index("--steps") < text.index("Options of one:")
    assert text.index("Options of one:") < text.index("--part") < text.index("Options of two:") < text.index("--plain")
