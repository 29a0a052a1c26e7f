"""What a training method is, and the registry of methods.

A method is a record of its options with what is done with them: which features it takes, how it learns, what comes
back from a model folder, what a training costs. To add one, write a subclass of `Method` in a module of its own and
name it in METHODS (or in another package's entry point of the group ``snnlp_lava.methods``). Command-line options,
grid keys and Python keywords follow from the fields.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

from msgspec import Meta

from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath
from snnlp_lava.network import limits
from snnlp_lava.progress import ProgressCallback, no_progress
from snnlp_lava.records import Record, build, check_applies, opt
from snnlp_lava.registry import Registry

if TYPE_CHECKING:
    import numpy as np

    from snnlp_lava.embed.base import EmbeddingInfo
    from snnlp_lava.embed.word_codes import WordCodes
    from snnlp_lava.encode.base import Encoder
    from snnlp_lava.network.network import Network
    from snnlp_lava.text.dataset import TextData
    from snnlp_lava.train.data import TrainingData

DEFAULT_MODEL = "all-MiniLM-L6-v2"
Size = Annotated[int, Meta(ge=1, le=limits.MAX_NEURONS)]
Level = Annotated[
    Literal["sentence", "word"],
    opt("What a vector stands for; at word, a text is the mean of its words' vectors."),
]
M = TypeVar("M", bound="Method")


@dataclass(frozen=True)
class FeatureSource:
    """Where a text's features come from.

    Attributes
    ----------
    embedding
        Name of the sentence model. At level ``word``, word vectors are distilled from it where none are given.
    vectors
        A .npy file with a vector for each row of the data. They count as the embedding's if a few computed again are
        the same.
    words
        A text file of word vectors (GloVe, word2vec).
    codes
        A text file of binary word codes; computed from the word vectors where none are given.
    """

    embedding: str = DEFAULT_MODEL
    vectors: StrPath | None = None
    words: StrPath | None = None
    codes: StrPath | None = None


@dataclass(frozen=True)
class Features:
    """What a method takes of each text.

    Attributes
    ----------
    splits
        By split: (m, d) float32 vectors of its rows, or their texts (m,).
    embedding
        The model that made the vectors, or the list of word codes; its dimension is the encoder's after training.
    metadata
        For the training record, such as how well codes keep distances.
    codes
        Word codes, of a method that learns on them.
    """

    splits: Mapping[str, Any]
    embedding: EmbeddingInfo
    metadata: Mapping[str, Any] = field(default_factory=dict)
    codes: WordCodes | None = None


@dataclass(frozen=True)
class Trained:
    """A classifier after training.

    Attributes
    ----------
    tensors
        What `Method.restore` needs beside encoder and sizes: weights, by name.
    arrays
        The encoder's arrays, or those that the features are normalised with.
    encoder
        From features to spikes; None for a method without spikes.
    sizes
        Input lines, hidden layers, classes.
    scores
        ``best_epoch``, and accuracy and MRR on ``validation`` and ``test``.
    history
        One row of numbers for each epoch; one row at least.
    network
        The integers of the chip; None for a method without spikes.
    window
        Time steps a text is presented; None for a method without spikes.
    """

    tensors: dict[str, np.ndarray]
    arrays: dict[str, np.ndarray]
    encoder: Encoder | None
    sizes: tuple[int, ...]
    scores: dict[str, Any]
    history: list[dict[str, float]]
    network: Network | None = None
    window: int | None = None


@dataclass(frozen=True)
class SpikingModel:
    """A trained spiking model as export and verify take it.

    Attributes
    ----------
    network
        The integers of the chip.
    encoder
        From features to spikes.
    window
        Time steps a text is presented.
    slayer_spikes
        Input spikes (n, T, lines) uint8 to the spikes of every layer, (n, T, neurons) uint8 each, by SLAYER's own
        forward pass; None for a method that SLAYER has no part in.
    """

    network: Network
    encoder: Encoder
    window: int
    slayer_spikes: Callable[[np.ndarray], list[np.ndarray]] | None = None


@dataclass(frozen=True)
class TrainingRun:
    """How and where one training runs; nothing here changes its result.

    Attributes
    ----------
    device
        ``auto``, ``cpu`` or ``cuda``.
    checkpoint
        File to keep the state in after every epoch, and to go on from if it exists.
    report, stage
        Progress, and what an epoch is called there.
    on_epoch
        Called with each epoch's row of the history.
    """

    device: str = "auto"
    checkpoint: Path | None = None
    report: ProgressCallback = no_progress
    stage: str = "train"
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None


class NeuronOptions(Record, frozen=True):
    """SLAYER's CUBA neuron; the defaults are the paper's (SNNLP main.py, as in its tables)."""

    threshold: Annotated[float, opt("Membrane voltage above which it spikes.", ge=1 / 64, le=2048)] = 1.25
    current_decay: Annotated[float, opt("Part of the current lost in a step.", ge=0, le=1)] = 0.25
    voltage_decay: Annotated[float, opt("Part of the voltage lost in a step.", ge=0, le=1)] = 0.03
    tau_grad: Annotated[float, opt("Width of the surrogate gradient.", ge=1e-6, le=1e6)] = 0.03
    scale_grad: Annotated[float, opt("Height of the surrogate gradient.", ge=0, le=1e6)] = 3.0

    def check_integers(self, threshold_scale: float) -> None:
        """Check what the chip stores of it: ``int(64 threshold)`` and ``round(4096 decay)``, as SLAYER computes them.

        Raises
        ------
        ValueError
            If a value cannot be stored.
        """
        threshold = int(self.threshold * threshold_scale * (1 << limits.STATE_SHIFT))
        if not 1 <= threshold <= limits.THRESHOLD_MAX:
            raise ValueError(
                f"neuron.threshold {self.threshold} times threshold_scale {threshold_scale} is {threshold} on the "
                f"chip, which stores 1 to {limits.THRESHOLD_MAX}"
            )
        if round(self.current_decay * limits.DECAY_UNITY) < limits.CURRENT_DECAY_MIN:
            least = limits.CURRENT_DECAY_MIN / limits.DECAY_UNITY
            raise ValueError(f"neuron.current_decay must be a number >= {least} on the chip, got {self.current_decay}")


class Method(Record, frozen=True):
    """A training method with its options. Two trainings of equal method, data and machine give equal weights.

    Attributes
    ----------
    name, help
        What it is called, and what it does in a clause.
    takes
        What its encoder takes of a text.
    spiking
        Whether there is a network to export.
    reads
        Fields of `FeatureSource` that it reads at some setting.
    needs
        Packages of an extra that its training imports.
    reference_values
        What ``reference=True`` sets, unless it is given.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    takes: ClassVar[Literal["vectors", "texts"]]
    spiking: ClassVar[bool] = True
    reads: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ("torch", "lava")
    reference_values: ClassVar[Mapping[str, Any]] = {}

    seed: Annotated[int, opt("Same seed, same result.", ge=0, le=(1 << 32) - 1)] = 42

    @classmethod
    def of(cls: type[M], **values: Any) -> M:
        """The method with some options; ``reference=True`` brings those of SNNLP's published code.

        Raises
        ------
        InputError
            As `Record.of`.
        """
        published = cls.reference_values if values.get("reference") is True else {}
        return super().of(**{**published, **values})

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """Names of its options."""
        return tuple(cls.__struct_fields__)

    def options(self) -> dict[str, Any]:
        """Its options by name."""
        return {name: getattr(self, name) for name in self.option_names()}

    @property
    def unit(self) -> str:
        """What a vector or code stands for: ``sentence`` or ``word``."""
        return str(getattr(self, "level", "word"))

    def sources(self) -> tuple[str, ...]:
        """Fields of `FeatureSource` that are read at these options; of all but ``vectors`` the first given."""
        return self.reads

    def feature_key(self) -> Hashable:
        """Trainings of equal key and source have equal features and share them."""
        raise NotImplementedError

    def features(
        self, data: TextData, rows: Mapping[str, np.ndarray], source: FeatureSource, report: ProgressCallback
    ) -> Features:
        """Features of the rows of each split.

        Raises
        ------
        InputError
            If the model, vectors or codes cannot be used, or no training text has a known word.
        """
        raise NotImplementedError

    def fit(self, data: TrainingData, run: TrainingRun) -> Trained:
        """Learn from the training rows, choose by the validation rows, score both and the test rows.

        Raises
        ------
        InputError
            If the options do not suit the data or the checkpoint.
        """
        raise NotImplementedError

    def restore(self, sizes: tuple[int, ...], encoder: Encoder, tensors: Mapping[str, np.ndarray]) -> SpikingModel:
        """What was trained, from a model folder; the inverse of `Trained`.

        Raises
        ------
        InputError
            If the tensors do not belong to such a model.
        """
        raise NotImplementedError

    def training_macs(self, synapses: Sequence[int], rows: Mapping[str, int]) -> dict[str, float]:
        """MACs of a training, all epochs together, by where they arise; {} where nothing is counted.

        Parameters
        ----------
        synapses
            Number of each layer's synapses, or weights.
        rows
            Number of texts by split.
        """
        return {}

    def describe_features(self, embedding: EmbeddingInfo, metadata: Mapping[str, Any]) -> str:
        """Where the features come from, in a line of the model card."""
        return f"Vectors: {embedding.name or 'from a file, of unknown origin'}"


METHODS: Registry[type[Method]] = Registry(
    "method",
    "snnlp_lava.methods",
    {
        "snn-rate": "snnlp_lava.train.methods.snn:SnnRate",
        "snn-rate-rand": "snnlp_lava.train.methods.snn:SnnRateRandom",
        "snn-bin": "snnlp_lava.train.methods.snn:SnnBinary",
        "spike-embedding": "snnlp_lava.train.methods.spike_embedding.method:SpikeEmbedding",
        "ann": "snnlp_lava.train.methods.ann:Ann",
    },
)
"""Methods by name, imported when they are first used."""

DEFAULT_METHOD = "snn-rate"


class TakesVectors:
    """Mixin of methods that take a vector of each text, and have a field ``level``: their features."""

    __slots__ = ()
    takes: ClassVar[Literal["vectors", "texts"]] = "vectors"
    reads: ClassVar[tuple[str, ...]] = ("vectors", "words", "embedding")
    level: Literal["sentence", "word"]

    def sources(self) -> tuple[str, ...]:
        """All, but for word vectors at level ``sentence``."""
        return tuple(name for name in self.reads if name != "words" or self.level == "word")

    def feature_key(self) -> Hashable:
        """The level: all methods on vectors share them."""
        return "vectors", self.level

    def features(
        self, data: TextData, rows: Mapping[str, np.ndarray], source: FeatureSource, report: ProgressCallback
    ) -> Features:
        """(m, d) float32 vectors of each split."""
        from snnlp_lava.train.data import vector_features

        return vector_features(self.level, data, rows, source, report)


class GradientOptions(Method, frozen=True):
    """Options of methods that learn by gradient descent."""

    epochs: Annotated[int, opt("Passes over the training rows.", ge=1, le=100_000)] = 20
    batch_size: Annotated[int, opt("Texts of a step of the optimizer.", ge=1, le=1 << 20)] = 64
    learning_rate: Annotated[
        float, opt("Adam's learning rate at the start; it falls to 0 along a cosine.", ge=1e-9, le=1)
    ] = 1e-2
    dropout: Annotated[float, opt("Part of the neurons left out at random in training.", ge=0, le=0.99)] = 0.3


class LayeredOptions(GradientOptions, frozen=True):
    """Options of methods that train layers, as SNNLP's published code does, too."""

    hidden: Annotated[tuple[Size, ...], opt("Neurons of the hidden layers.")] = (256, 128)
    reference: Annotated[bool, opt("Encode, train and score as the SNNLP paper's published code does.")] = False


def importable_methods() -> dict[str, type[Method]]:
    """All methods; a plug-in that cannot be imported is refused where it is chosen."""
    found = {}
    for name in METHODS:
        with contextlib.suppress(InputError):
            found[name] = METHODS[name]
    return found


def all_option_names() -> tuple[str, ...]:
    """Names of the options of all methods, each once."""
    return tuple(dict.fromkeys(name for kind in importable_methods().values() for name in kind.option_names()))


def _kind_of(method: Any) -> type[Method]:
    if not isinstance(method, str):
        raise InputError(f"method must be text, got {method!r}")
    return METHODS[method]


def make_method(method: str = DEFAULT_METHOD, *, flags: bool = False, **options: Any) -> Method:
    """A method with options.

    Parameters
    ----------
    method
        One of METHODS.
    flags
        Whether errors write names as on the command line: ``--window``.
    options
        Its options; the rest have its defaults.

    Raises
    ------
    InputError
        If the method is unknown, has no such option, or a value is of the wrong type or out of range.
    """
    kind = _kind_of(method)
    what = "--method" if flags else "method"
    if set(options) - set(kind.option_names()):
        check_applies(what, method, {name: kind.option_names() for name, kind in importable_methods().items()}, options)
    try:
        return kind.of(**options)
    except InputError as error:
        message = str(error)
        name = re.split(r"\W", message, maxsplit=1)[0]
        if flags and name in options:
            message = f"--{name.replace('_', '-')}{message[len(name) :]}"
        raise InputError(message) from error


def check_sources(method: Method, given: Mapping[str, Any], *, flags: bool = False) -> None:
    """Check that a training reads every source that was given.

    Parameters
    ----------
    method
        The method with its options.
    given
        Values of fields of `FeatureSource`, by their names.
    flags
        As for `make_method`.

    Raises
    ------
    InputError
        If it does not read one of them, at its level or beside the others.
    """
    sign = "--" if flags else ""
    check_applies(
        f"{sign}method", method.name, {name: kind.reads for name, kind in importable_methods().items()}, given
    )
    for name, value in given.items():
        if name not in method.sources():
            other = "word" if method.unit == "sentence" else "sentence"
            raise InputError(f"{sign}{name} {value} only applies to {sign}level {other}, not {method.unit}")
    read = [name for name in method.sources() if name in given and name != "vectors"]
    if len(read) > 1:
        first, second = read[:2]
        raise InputError(
            f"{sign}{second} {given[second]} is not read beside {sign}{first} {given[first]}; give one of them"
        )


def to_document(method: Method) -> dict[str, Any]:
    """Method and options, ready for JSON."""
    return {"method": method.name, **method.to_dict()}


def from_document(document: Mapping[str, Any], what: str = "", *, ignore_unknown: bool = False) -> Method:
    """Inverse of `to_document`.

    Parameters
    ----------
    document
        ``method`` and options.
    what
        What it belongs to, in front of an error.
    ignore_unknown
        Whether options that the method does not have are left out.

    Raises
    ------
    InputError
        If the method is unknown, or an option is unknown, of the wrong type or out of range.
    """
    name = document.get("method")
    try:
        kind = _kind_of(name)
    except InputError as error:
        raise InputError(f"{what}: {error}" if what else str(error)) from error
    options = {key: value for key, value in document.items() if key != "method"}
    if ignore_unknown:
        options = {key: value for key, value in options.items() if key in kind.option_names()}
    return build(kind, options, what)


def dense_macs(synapses: Sequence[int], steps: int, epochs: int, rows: Mapping[str, int]) -> dict[str, float]:
    """MACs of training layers by gradient descent.

    Dense products, as SLAYER computes them whether lines spike or not: one for each synapse and step, text and epoch,
    forward; backward once as many for the gradients of the weights, and once as many
    for those of each layer's input, but for the first layer's, which nobody needs. Each epoch also runs the
    validation texts forward. Neurons, losses and the optimizer are not counted.

    Parameters
    ----------
    synapses
        Number of each layer's synapses.
    steps
        Time steps of a text.
    epochs
        Epochs.
    rows
        Number of texts by split.
    """
    trained, validated = epochs * rows["train"], epochs * rows["validation"]
    return {
        "forward": trained * steps * sum(synapses),
        "backward": trained * steps * (2 * sum(synapses) - synapses[0]),
        "validation": validated * steps * sum(synapses),
    }
