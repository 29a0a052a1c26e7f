"""Define the Method base class, option records and the registry of methods.

A method is a record of its options plus methods that compute features, train, restore a model from its folder and
count the training's operations. To add one, subclass `Method` in its own module and name it in METHODS (or in another
package's entry point in the group ``snnlp_lava.methods``). Command-line options, grid keys and Python keywords are
derived from its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

from msgspec import Meta

from snnlp_lava.files import StrPath
from snnlp_lava.network import limits
from snnlp_lava.progress import ProgressCallback, no_progress
from snnlp_lava.records import Record, opt
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
    opt("What is embedded: whole sentences, or words, whose vectors are averaged."),
]
M = TypeVar("M", bound="Method")


@dataclass(frozen=True)
class FeatureSource:
    """The source of features.

    Attributes
    ----------
    embedding
        Name of the sentence model. At level ``word``, word vectors are distilled from it if none are given.
    vectors
        A .npy file with a vector for each row of the data. They are attributed to the embedding if a few recomputed
        vectors match.
    words
        A text file of word vectors (GloVe, word2vec).
    codes
        A text file of binary word codes; computed from the word vectors if none are given.
    """

    embedding: str = DEFAULT_MODEL
    vectors: StrPath | None = None
    words: StrPath | None = None
    codes: StrPath | None = None


@dataclass(frozen=True)
class Features:
    """The features of a method.

    Attributes
    ----------
    splits
        By split, (m, d) float32 vectors of its rows, or their texts (m,).
    embedding
        The embedding model, or the list of word codes; its dimension is the encoder's after training.
    metadata
        Metadata for the training record, such as how well codes preserve distances.
    codes
        Word codes, for a method that uses them.
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
        Weights by name, which `Method.restore` needs besides encoder and sizes.
    arrays
        Arrays of the encoder, or of the normalisation of features.
    encoder
        The encoder; None for a method without spikes.
    sizes
        Input lines, hidden layers, classes.
    scores
        ``best_epoch``, and accuracy and MRR on ``validation`` and ``test``.
    history
        One row of numbers per epoch; at least one row.
    network
        The integer network; None for a method without spikes.
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
    """A trained spiking model, for export and verify.

    Attributes
    ----------
    network
        The integer network.
    encoder
        The encoder.
    slayer_spikes
        Computes the spikes of every layer, (n, T, neurons) uint8 each, from input spikes (n, T, lines) uint8 by
        SLAYER's own forward pass; None for a method that does not use SLAYER.
    """

    network: Network
    encoder: Encoder
    window: int
    slayer_spikes: Callable[[np.ndarray], list[np.ndarray]] | None = None


@dataclass(frozen=True)
class TrainingRun:
    """How and where one training runs; none of this changes its result.

    Attributes
    ----------
    device
        ``auto``, ``cpu`` or ``cuda``.
    checkpoint
        File that stores the state after every epoch; training continues from it if it exists.
    report, stage
        Progress callback, and name of the training stage.
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

    threshold: Annotated[float, opt("Membrane voltage above which a neuron spikes.", ge=1 / 64, le=2048)] = 1.25
    current_decay: Annotated[float, opt("Fraction of the current lost per step.", ge=0, le=1)] = 0.25
    voltage_decay: Annotated[float, opt("Fraction of the voltage lost per step.", ge=0, le=1)] = 0.03
    tau_grad: Annotated[float, opt("Width of the surrogate gradient.", ge=1e-6, le=1e6)] = 0.03
    scale_grad: Annotated[float, opt("Height of the surrogate gradient.", ge=0, le=1e6)] = 3.0

    def check_integers(self, threshold_scale: float) -> None:
        """Check the chip's values, ``int(64 threshold)`` and ``round(4096 decay)``, as SLAYER computes them.

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
    """A training method with its options. Trainings with equal method, data and machine give equal weights.

    Attributes
    ----------
    name, help
        Name, and a short description for ``--help``.
    takes
        Kind of features that its encoder takes.
    spiking
        Whether it trains a network that can be exported.
    reads
        Fields of `FeatureSource` that it reads with some options.
    needs
        Optional packages that its training imports.
    reference_values
        Options that ``reference=True`` sets by default.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    takes: ClassVar[Literal["vectors", "texts"]]
    spiking: ClassVar[bool] = True
    reads: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ("torch", "lava")
    reference_values: ClassVar[Mapping[str, Any]] = {}

    seed: Annotated[int, opt("Random seed; the same seed gives the same result.", ge=0, le=(1 << 32) - 1)] = 42

    @classmethod
    def of(cls: type[M], **values: Any) -> M:
        """Create the method with some options; ``reference=True`` sets those of SNNLP's published code.

        Raises
        ------
        InputError
            As `Record.of`.
        """
        published = cls.reference_values if values.get("reference") is True else {}
        return super().of(**{**published, **values})

    @classmethod
    def variants(cls) -> tuple[type[Method], ...]:
        """All classes of this name; the options that are given choose one."""
        return (cls,)

    @classmethod
    def variant(cls, options: Mapping[str, Any]) -> type[Method]:
        """Return the one of `variants` that has the given options; InputError if they exclude each other."""
        return cls

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """Return the names of the options of all variants."""
        return tuple(dict.fromkeys(name for kind in cls.variants() for name in kind.__struct_fields__))

    def resolved(self: M, classes: int) -> M:
        """Return the method with the options that follow from the number of classes; InputError if one does not fit."""
        return self

    def options(self) -> dict[str, Any]:
        """Its options by name."""
        return {name: getattr(self, name) for name in self.__struct_fields__}

    @property
    def unit(self) -> str:
        """What is embedded: ``sentence`` or ``word``."""
        return str(getattr(self, "level", "word"))

    def sources(self) -> tuple[str, ...]:
        """Fields of `FeatureSource` read with these options; of all but ``vectors`` only the first given."""
        return self.reads

    def feature_key(self) -> Hashable:
        """Key of the features: trainings of equal key and source share them."""
        raise NotImplementedError

    def features(
        self, data: TextData, rows: Mapping[str, np.ndarray], source: FeatureSource, report: ProgressCallback
    ) -> Features:
        """Compute the features of the rows of each split.

        Raises
        ------
        InputError
            If the model, vectors or codes cannot be used, or no training text has a known word.
        """
        raise NotImplementedError

    def fit(self, data: TrainingData, run: TrainingRun) -> Trained:
        """Train on the training rows, choose by the validation rows, and score validation and test rows.

        Raises
        ------
        InputError
            If the options do not match the data or the checkpoint.
        """
        raise NotImplementedError

    def restore(self, sizes: tuple[int, ...], encoder: Encoder, tensors: Mapping[str, np.ndarray]) -> SpikingModel:
        """Restore a trained model from a model folder; the inverse of `Trained`.

        Raises
        ------
        InputError
            If the tensors do not belong to such a model.
        """
        raise NotImplementedError

    def training_macs(self, synapses: Sequence[int], rows: Mapping[str, int]) -> dict[str, float]:
        """Count the MACs of a training over all epochs, by place; {} if nothing is counted.

        Parameters
        ----------
        synapses
            Number of each layer's synapses, or weights.
        rows
            Number of texts by split.
        """
        return {}

    def describe_features(self, embedding: EmbeddingInfo, metadata: Mapping[str, Any]) -> str:
        """Describe the source of the features in a line of the model card."""
        return f"Vectors: {embedding.name or 'from a file, of unknown origin'}"


METHODS: Registry[type[Method]] = Registry(
    "method",
    "snnlp_lava.methods",
    {
        "snn-rate": "snnlp_lava.train.methods.rate.method:SnnRate",
        "snn-rate-rand": "snnlp_lava.train.methods.snn:SnnRateRandom",
        "snn-bin": "snnlp_lava.train.methods.snn:SnnBinary",
        "spike-embedding": "snnlp_lava.train.methods.spike_embedding.method:SpikeEmbedding",
        "ann": "snnlp_lava.train.methods.ann:Ann",
    },
)
"""Methods by name, imported on first use."""

DEFAULT_METHOD = "snn-rate"


class TakesVectors:
    """Mixin for methods on vectors with a field ``level``."""

    __slots__ = ()
    takes: ClassVar[Literal["vectors", "texts"]] = "vectors"
    reads: ClassVar[tuple[str, ...]] = ("vectors", "words", "embedding")
    level: Literal["sentence", "word"]

    def sources(self) -> tuple[str, ...]:
        """All fields, except word vectors at level ``sentence``."""
        return tuple(name for name in self.reads if name != "words" or self.level == "word")

    def feature_key(self) -> Hashable:
        """The level, since all methods on vectors share features."""
        return "vectors", self.level

    def features(
        self, data: TextData, rows: Mapping[str, np.ndarray], source: FeatureSource, report: ProgressCallback
    ) -> Features:
        """Compute the vectors of each split, (m, d) float32."""
        from snnlp_lava.train.data import vector_features

        return vector_features(self.level, data, rows, source, report)


class GradientOptions(Method, frozen=True):
    """Options of methods that learn by gradient descent."""

    epochs: Annotated[int, opt("Passes over the training rows.", ge=1, le=100_000)] = 20
    batch_size: Annotated[int, opt("Texts per optimizer step.", ge=1, le=1 << 20)] = 64
    learning_rate: Annotated[
        float, opt("Adam's learning rate at the start; it falls to 0 along a cosine.", ge=1e-9, le=1)
    ] = 1e-2
    dropout: Annotated[float, opt("Fraction of neurons dropped at random in training.", ge=0, le=0.99)] = 0.3


class LayeredOptions(GradientOptions, frozen=True):
    """Options of methods that train layers, as SNNLP's published code does."""

    hidden: Annotated[tuple[Size, ...], opt("Sizes of the hidden layers.")] = (256, 128)
    reference: Annotated[bool, opt("Encode, train and score as the SNNLP paper's published code does.")] = False


def dense_macs(synapses: Sequence[int], steps: int, epochs: int, rows: Mapping[str, int]) -> dict[str, float]:
    """Count the MACs of training layers by gradient descent.

    SLAYER computes dense products whether lines spike or not. Forward: one for each synapse, step, text and epoch.
    Backward: as many for the gradients of the weights, and as many for those of each layer's input except the first
    layer's, which is not needed. Each epoch also runs the validation texts forward. Neurons, losses and the optimizer
    are not counted.

    Parameters
    ----------
    synapses
        Number of each layer's synapses.
    steps
        Time steps per text.
    epochs
        Number of epochs.
    rows
        Number of texts by split.
    """
    trained, validated = epochs * rows["train"], epochs * rows["validation"]
    return {
        "forward": trained * steps * sum(synapses),
        "backward": trained * steps * (2 * sum(synapses) - synapses[0]),
        "validation": validated * steps * sum(synapses),
    }
