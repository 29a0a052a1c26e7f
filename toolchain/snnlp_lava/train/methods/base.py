"""Everything that decides how a model comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.encode.base import MAX_WINDOW, Encoder
from snnlp_lava.encode.calibration import CALIBRATIONS
from snnlp_lava.encode.spike_embedding import MAX_LINES
from snnlp_lava.energy.bill import Entry, Ledger
from snnlp_lava.errors import InputError
from snnlp_lava.network import limits

if TYPE_CHECKING:
    import torch


ANN, SNN_RATE, SNN_RATE_RAND, SNN_BIN, SPIKE_EMBEDDING = METHODS = (
    "ann",
    "snn-rate",
    "snn-rate-rand",
    "snn-bin",
    "spike-embedding",
)


TEXT_METHODS = (SNN_BIN, SPIKE_EMBEDDING)
"""Those that take the texts themselves, not vectors."""


SENTENCE, WORD = LEVELS = ("sentence", "word")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN is outside, too
        raise InputError(f"{name} {value} is outside {low} to {high}")


_KINDS: Mapping[type, str] = {int: "whole number", float: "number", str: "text", bool: "True or False"}


def _check_kind(name: str, value: Any, kind: type) -> None:
    if type(value) is kind or (kind is float and isinstance(value, int | float) and not isinstance(value, bool)):
        return
    raise InputError(f"{name} {value!r} is no {_KINDS[kind]}")


@dataclass(frozen=True)
class NeuronConfig:
    """SLAYER's CUBA neuron; the defaults are the paper's (SNNLP main.py, as in its tables).

    Attributes
    ----------
    threshold, current_decay, voltage_decay, tau_grad, scale_grad
        As in ``lava.lib.dl.slayer.neuron.cuba.Neuron``.
    """

    threshold: float = 1.25
    current_decay: float = 0.25
    voltage_decay: float = 0.03
    tau_grad: float = 0.03
    scale_grad: float = 3.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("threshold", 1 / 64, 1000),
            ("current_decay", 0, 1),
            ("voltage_decay", 0, 1),
            ("tau_grad", 1e-6, 1e6),
            ("scale_grad", 0, 1e6),
        ):
            _check_kind(f"neuron {name}", getattr(self, name), float)
            _check_range(f"neuron {name}", getattr(self, name), low, high)


@dataclass(frozen=True)
class TrainConfig:
    """A training run. Two runs with equal configuration, data and machine give equal weights.

    The defaults are for `SNN_RATE`; `defaults_for` has each method's.

    Attributes
    ----------
    method
        One of METHODS: ``snn-rate`` codes vectors by SAF neurons, ``snn-rate-rand`` by chance, ``snn-bin`` takes a
        binary word code a step, ``spike-embedding`` learns its codes; ``ann`` takes the vectors themselves.
    level
        One of LEVELS: what a vector stands for. TEXT_METHODS work on words.
    hidden
        Neurons of the hidden layers; the paper's 256 and 128. ``spike-embedding`` has none.
    window
        Steps a sample is presented.
    calibration
        How vectors become SAF values, one of CALIBRATIONS.
    reference
        Train, encode and break ties as SNNLP's published code does, see `snnlp_lava.train.loop`.
    threshold_scale
        Factor on threshold and initial weights alike. The computation is the same, but the weights' grid of
        1/32 becomes finer against the threshold; on emotion that makes no difference (benchmarks/threshold_scale.py).
    lines
        Length of the codes of ``spike-embedding``.
    synop_budget
        Synops of non-zero weights that a training text may take on average with ``spike-embedding``.
    epochs, batch_size, learning_rate, dropout, seed
        As usual; the learning rate falls to 0 along a cosine, the dropout is of whole neurons, with
        ``spike-embedding`` of single spikes.
    """

    method: str = SNN_RATE
    level: str = "sentence"
    hidden: tuple[int, ...] = (256, 128)
    window: int = 32
    calibration: str = "onoff"
    reference: bool = False
    threshold_scale: float = 8.0
    lines: int = 32
    synop_budget: int = 1000
    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 1e-2
    dropout: float = 0.3
    seed: int = 42
    neuron: NeuronConfig = field(default_factory=NeuronConfig)

    def __post_init__(self) -> None:
        self._check_kinds()
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for name, known in (("method", METHODS), ("level", LEVELS), ("calibration", CALIBRATIONS)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} {getattr(self, name)!r} is unknown (known: {', '.join(known)})")
        if self.method in TEXT_METHODS and (self.level != WORD or self.window < 2):
            raise InputError(f"method {self.method} works at level {WORD}, in a window of 2 steps or more")
        if self.method == SPIKE_EMBEDDING:
            decays = self.neuron.current_decay, self.neuron.voltage_decay
            if self.hidden or self.reference or decays != (1, 0):
                raise InputError(
                    f"method {SPIKE_EMBEDDING} has no hidden layers and no reference, and decays of 1 and 0"
                )
        for name, low, high in (
            ("window", 1, MAX_WINDOW),
            ("epochs", 1, 100_000),
            ("batch_size", 1, 1 << 20),
            ("threshold_scale", 0.1, 100),
            ("lines", 1, MAX_LINES),
            ("synop_budget", 1, 1_000_000_000),
            ("seed", 0, (1 << 32) - 1),
            ("learning_rate", 1e-9, 1),
            ("dropout", 0, 0.99),
        ):
            _check_range(name, getattr(self, name), low, high)
        for size in self.hidden:
            _check_range("hidden layer of", size, 1, limits.MAX_NEURONS)

    def _check_kinds(self) -> None:
        for own in fields(self):
            if own.name not in ("hidden", "neuron"):
                _check_kind(own.name, getattr(self, own.name), type(own.default))
        if not isinstance(self.hidden, list | tuple):
            raise InputError(f"hidden {self.hidden!r} is no tuple of sizes, as (256, 128)")
        for size in self.hidden:
            _check_kind("hidden layer of", size, int)
        if not isinstance(self.neuron, NeuronConfig):
            raise InputError(f"neuron {self.neuron!r} is no NeuronConfig")

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        document = asdict(self)
        document["hidden"] = list(self.hidden)
        return document

    @classmethod
    def defaults_for(cls, method: str, **chosen: Any) -> TrainConfig:
        """The configuration of a method, but for what is chosen.

        With ``reference=True`` the settings of SNNLP's main.py; else ours.
        """
        own: dict[str, Any] = {"learning_rate": 1e-3} if method == ANN else {}
        if method == SNN_BIN:
            own |= {"level": WORD, "window": 33}
        if method == SPIKE_EMBEDDING:
            own |= {"level": WORD, "hidden": (), "epochs": 5, "learning_rate": 3e-4, "dropout": 0.5}
            own |= {"threshold_scale": 1.0, "neuron": NeuronConfig(16.0, current_decay=1.0, voltage_decay=0.0)}
        if chosen.get("reference"):
            own |= {
                "learning_rate": 1e-5,
                "batch_size": 15,
                "epochs": 50,
                "threshold_scale": 1.0,
                "calibration": "paper",
            }
            own |= {"dropout": 0.0 if method == ANN else 0.05}
        return cls(**{"method": method, **own, **chosen})

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> TrainConfig:
        """Inverse of `to_dict`.

        Raises
        ------
        InputError
            If a field is unknown or of the wrong type.
        """
        try:
            values = dict(document)
            values["neuron"] = NeuronConfig(**{k: float(v) for k, v in values.get("neuron", {}).items()})
            return cls(**values)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"training configuration is malformed: {error}") from error


FIELDS = tuple(field.name for field in fields(TrainConfig))
"""Fields of a configuration, in their order."""


_CODES = ("lines", "synop_budget")


_UNUSED = {
    ANN: ("window", "calibration", "threshold_scale", "neuron", *_CODES),
    SNN_RATE: _CODES,
    SNN_RATE_RAND: _CODES,
    SNN_BIN: ("calibration", *_CODES),
    SPIKE_EMBEDDING: ("calibration",),
}
"""Fields of a method's configuration that change nothing."""


def used_fields(method: str) -> tuple[str, ...]:
    """Fields of `TrainConfig` that a method uses, in their order."""
    return tuple(name for name in FIELDS if name not in _UNUSED[method])


def used_origin(method: str, level: str) -> tuple[str, ...]:
    """Fields of `snnlp_lava.train.data.Origin` that a method reads at a level.

    Of ``codes``, ``words`` and ``embedding`` it reads the first that is given.
    """
    if method == SPIKE_EMBEDDING:
        return ()
    if method == SNN_BIN:
        return ("codes", "words", "embedding")
    return ("vectors", "embedding") if level == SENTENCE else ("vectors", "words", "embedding")


def check_used(config: TrainConfig, chosen: Mapping[str, Any]) -> None:
    """Make sure that a training uses all that was chosen for it: a sweep's grid may leave things out, a person errs.

    Parameters
    ----------
    config
        The training.
    chosen
        Values of fields of `TrainConfig` and `Origin`, by their names.

    Raises
    ------
    InputError
        If the method does not use one of them, at its level or beside the others; it is named as an option.
    """

    def used(method: str, level: str) -> tuple[str, ...]:
        return (*used_fields(method), *used_origin(method, level))

    for name, value in chosen.items():
        shown = f"--{name.replace('_', '-')} {value}"
        methods = [method for method in METHODS if any(name in used(method, level) for level in LEVELS)]
        if config.method not in methods:
            raise InputError(f"{shown} belongs to --method {' or '.join(methods)}, not {config.method}")
        if name not in used(config.method, config.level):
            levels = [level for level in LEVELS if name in used(config.method, level)]
            raise InputError(f"{shown} belongs to --level {' or '.join(levels)}, not {config.level}")
    sources = [name for name in used_origin(config.method, config.level) if name in chosen and name != "vectors"]
    if len(sources) > 1:
        first, second = sources[:2]
        raise InputError(f"--{second} {chosen[second]} is not read beside --{first} {chosen[first]}; give one of them")


def training_ledger(config: TrainConfig, sizes: Sequence[int], rows: Mapping[str, int], macs_of_text: float) -> Ledger:
    """MACs of a training, all its epochs together.

    Dense products, as SLAYER computes them whether lines spike or not: T steps times the products of neighbouring
    sizes, for each text and epoch, forward; backward once as many for the gradients of the weights, and once as many
    for those of each layer's input, but for the first layer's, which nobody needs. Each epoch also runs the
    validation texts forward. A spike embedding learns from spike counts, so T is 1; the regressions that choose its
    words and codes are not counted. Nor are neurons, losses and the optimizer.

    Parameters
    ----------
    config
        How it was trained.
    sizes
        Input lines, hidden layers, classes.
    rows
        Number of texts by part, ``train``, ``validation`` and ``test``.
    macs_of_text
        MACs of making the vector of one text, each of which is made once; 0 where it is unknown.
    """
    if config.method == SPIKE_EMBEDDING:
        sizes = (config.lines, sizes[-1])
    steps = 1 if config.method in (ANN, SPIKE_EMBEDDING) else config.window
    layers = [before * after for before, after in pairwise(sizes)]
    trained, validated = config.epochs * rows["train"], config.epochs * rows["validation"]
    counts = {
        "forward": trained * steps * sum(layers),
        "backward": trained * steps * (2 * sum(layers) - layers[0]),
        "validation": validated * steps * sum(layers),
        "embedding, once": sum(rows[part] for part in ("train", "validation", "test")) * macs_of_text,
    }
    return Ledger("training", tuple(Entry(place, "mac", count) for place, count in counts.items() if count))


class _Plan(ABC):
    """What is trained, on which inputs, and what becomes of it after training.

    Attributes
    ----------
    encoder
        From features to spikes, None for an ANN.
    learner
        The module that learns.
    sizes
        Input lines, hidden layers, classes.
    """

    encoder: Encoder | None = None
    learner: torch.nn.Module
    sizes: tuple[int, ...]

    @abstractmethod
    def inputs(self, features: Any) -> np.ndarray:
        """What the module takes of features."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Arrays that belong to the model beside the module's."""
        assert self.encoder is not None
        return self.encoder.arrays()

    def finished(self) -> torch.nn.Module:
        """The module that classifies, once the learner has learned."""
        return self.learner
