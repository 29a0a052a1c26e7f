"""Define SpikingTextClassifier: train, predict, explain and save, following scikit-learn's conventions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.predict.predictor import Predictor, check_texts

if TYPE_CHECKING:
    from snnlp_lava.files import StrPath
    from snnlp_lava.network.network import Network
    from snnlp_lava.netx.card import Card
    from snnlp_lava.run.folder import Run
    from snnlp_lava.train.methods.base import Method
    from snnlp_lava.train.trainer import TrainedModel

_LABEL_TYPES: dict[str, type] = {"str": str, "int": int, "bool": bool}
_SHOWN_CLASSES = 8
_SOURCES = ("embedding", "words", "codes")


class SpikingTextClassifier:
    """A spiking text classifier: an estimator with scikit-learn's interface, without importing scikit-learn.

    Parameters
    ----------
    method
        A training method, see ``snnlp-lava train --help``: ``spike-embedding``, ``snn-rate`` ...
    seed
        Random seed; the same seed gives the same result.
    reject_below
        Answer unknown (None) if the probability of the best class is lower.
    options
        Options of the method, and the source of its features: ``embedding``, ``words``, ``codes``.

    Attributes
    ----------
    classes_
        (classes,) the labels, sorted; after `fit` or `load`.
    n_features_in_
        Dimension of the vectors that `fit` was given.

    Examples
    --------
    >>> classifier = SpikingTextClassifier().fit(texts, labels)
    >>> classifier.predict(["the soup was cold"])
    array(['complaint'], dtype='<U9')
    """

    _estimator_type = "classifier"

    def __init__(
        self,
        method: str = "spike-embedding",
        *,
        seed: int = 42,
        reject_below: float | None = None,
        **options: Any,
    ) -> None:
        self.method = method
        self.seed = seed
        self.reject_below = reject_below
        self._options = options

    # -- parameters ---------------------------------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all parameters and their values, including defaults.

        Raises
        ------
        InputError
            If the method is unknown, or an option is wrong.
        """
        method = self._method()
        own = {"method": self.method, "seed": self.seed, "reject_below": self.reject_below}
        options = {name: self._options.get(name, value) for name, value in method.options().items() if name != "seed"}
        sources = {name: self._options.get(name) for name in _SOURCES if name in method.reads}
        return {**own, **options, **sources}

    def set_params(self, **params: Any) -> SpikingTextClassifier:
        """Set parameters, and return the classifier.

        Raises
        ------
        InputError
            If the method has no such parameter.
        """
        for name in ("method", "seed", "reject_below"):
            if name in params:
                setattr(self, name, params.pop(name))
        self._options = {**self._options, **params}
        self._method()
        return self

    def _method(self) -> Method:
        from snnlp_lava.train.methods.make import check_sources, make_method

        options = {name: value for name, value in self._options.items() if name not in _SOURCES}
        method = make_method(self.method, seed=self.seed, **options)
        check_sources(method, self._sources())
        return method

    def _sources(self) -> dict[str, Any]:
        return {name: self._options[name] for name in _SOURCES if self._options.get(name) is not None}

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags; only called by scikit-learn."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(one_d_array=True, two_d_array=False, string=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "classes_")

    def __repr__(self) -> str:
        given = {name: value for name, value in self._options.items() if value is not None}
        shown = "".join(f", {name}={value!r}" for name, value in given.items())
        return f"SpikingTextClassifier({self.method!r}, seed={self.seed}{shown})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from snnlp_lava.network.network import format_sizes
        from snnlp_lava.run.html import html_table

        if not self.__sklearn_is_fitted__():
            return html_table(repr(self), {"state": "not fitted"})
        training = self.card.training
        shown = ", ".join(map(str, self.classes_[:_SHOWN_CLASSES])) + ", ..." * (len(self.classes_) > _SHOWN_CLASSES)
        return html_table(
            repr(self),
            {
                "classes": f"{len(self.classes_):,}: {shown}",
                "network": format_sizes(self.network.sizes),
                "time steps": f"{self.card.window} per text",
                "trained on": f"{training.data.name}, {training.data.rows.train:,} texts" if training else None,
                "test accuracy": f"{training.scores.test.accuracy:.1%}" if training else None,
            },
        )

    # -- training -----------------------------------------------------------------------------------------------------

    def fit(
        self,
        texts: Sequence[str] | np.ndarray,
        labels: Sequence[Any],
        validation: float | tuple[Sequence[Any], Sequence[Any]] | None = None,
    ) -> SpikingTextClassifier:
        """Train, and return the classifier.

        Parameters
        ----------
        texts
            n texts, or vectors (n, d) for a method that takes vectors.
        labels
            n labels, all str, all int or all bool.
        validation
            Fraction of the rows to use for all choices, 0.1 by default; or separate texts and labels.

        Raises
        ------
        InputError
            If there are no rows, only one class, labels of several types, or texts that are not strings.
        """
        from snnlp_lava.train.trainer import train_rows

        names, kind = _label_names(labels)
        items = _items(texts)
        if len(items) != len(names):
            raise InputError(f"texts and labels must have equal length, got {len(items)} and {len(names)}")
        items, names, chosen = _with_validation(items, names, validation, self.seed)
        if isinstance(items, np.ndarray):
            self.n_features_in_ = items.shape[1]
        self._trained = train_rows(self._method(), items, names, chosen, self._sources(), kind)
        self._set(self._trained.network, self._trained.card, kind)
        return self

    # -- answers ------------------------------------------------------------------------------------------------------

    def predict(self, texts: Sequence[str] | np.ndarray) -> np.ndarray:
        """Return the label of each text, (n,); None if the answer is unknown.

        Raises
        ------
        InputError
            If it is not fitted, or an item is not a text.
        """
        classes = self.predictor.predict(_plain(texts)).rejected_below(self.reject_below)
        if (classes >= 0).all():
            return self.classes_[classes]
        labels = np.full(len(classes), None, dtype=object)
        labels[classes >= 0] = self.classes_[classes[classes >= 0]]
        return labels

    def predict_proba(self, texts: Sequence[str] | np.ndarray) -> np.ndarray:
        """Return probabilities (n, classes) in the order of `classes_`; all equal for an unknown text."""
        return self.predictor.predict(_plain(texts)).probabilities

    def score(self, texts: Sequence[str] | np.ndarray, labels: Sequence[Any]) -> float:
        """Return the accuracy; an unknown answer counts as wrong."""
        predicted = self.predict(texts)
        if len(predicted) != len(labels):
            raise InputError(f"texts and labels must have equal length, got {len(predicted)} and {len(labels)}")
        return float(np.mean([one == other for one, other in zip(predicted.tolist(), labels, strict=True)] or [0.0]))

    def explain(self, text: str) -> dict[str, Any]:
        """Explain the answer to a text.

        Returns
        -------
        dict
            ``label`` (None if unknown), ``probability``, ``classes`` (label to probability, score and spikes),
            ``entries`` (step, entry, label to weight, of what stands in the network), ``decided_at`` (step of the first
            output spike, None without), ``synops``, ``input_spikes``.
        """
        from snnlp_lava.predict.explain import explain

        return explain(self.predictor, self.classes_, check_texts([text])[0], self.reject_below)

    @property
    def network(self) -> Network:
        """The integer network."""
        return self.predictor.network

    @property
    def card(self) -> Card:
        """Everything in a network file besides the layers."""
        return self.predictor.card

    # -- files --------------------------------------------------------------------------------------------------------

    def save(self, folder: StrPath) -> None:
        """Write the model folder, as ``snnlp-lava train`` does.

        Raises
        ------
        InputError
            If it was not fitted here, or the folder contains other files or cannot be written.
        """
        self.predictor  # noqa: B018 (raises if it is not fitted)
        trained: TrainedModel | None = getattr(self, "_trained", None)
        if trained is None:
            raise InputError("this classifier was loaded, not fitted; use export(path) to write its network file")
        trained.save(folder)

    def export(self, path: StrPath, format: str = "netx") -> None:  # noqa: A002 (as the command's option)
        """Write the network file: ``netx`` (NetX HDF5) or ``nir``.

        Raises
        ------
        InputError
            If it is not fitted, the format is unknown, or the file cannot be written.
        """
        from snnlp_lava.files import check_choice
        from snnlp_lava.netx.network_file import write_network
        from snnlp_lava.netx.nir.own import write_nir

        check_choice("format", format, ("netx", "nir"))
        (write_network if format == "netx" else write_nir)(path, self.network, self.card)

    @classmethod
    def load(cls, path: StrPath) -> SpikingTextClassifier:
        """Load a classifier from a model folder, a network file, or ``demo`` or ``cafe``, which are included.

        Raises
        ------
        InputError
            If it is none of these, or the file cannot be used.
        """
        from snnlp_lava.predict.load import open_network

        network, card = open_network(path)
        loaded = cls(method=card.method)
        loaded._set(network, card, card.label_type)
        return loaded

    @classmethod
    def from_pretrained(cls, name: StrPath, revision: str | None = None) -> SpikingTextClassifier:
        """Load a classifier from the Hugging Face hub (or its cache), as `push_to_hub` writes it.

        Parameters
        ----------
        name
            ``OWNER/NAME``; or a cloned repository, ``./FOLDER``.
        revision
            Branch, tag or commit; the newest by default.

        Raises
        ------
        InputError
            If the name is malformed, there is no such repository, revision or network, or the hub cannot be reached.
        """
        from snnlp_lava.predict.hub import find_network

        return cls.load(find_network(name, revision))

    def push_to_hub(
        self,
        name: str,
        *,
        run: Run | None = None,
        license: str | None = None,  # noqa: A002 (as the hub calls it)
        private: bool = False,
        token: str | None = None,
    ) -> str:
        """Upload the network file and its card to the Hugging Face hub, and return the address of the commit.

        Parameters
        ----------
        name
            ``OWNER/NAME``; the repository is created if it does not exist.
        run
            A run of this network: the card then has its accuracy, spikes, synops and energy.
        license
            The hub's name of the licence, such as ``bsd-3-clause``.
        private
            Whether a repository that is created is private.
        token
            An access token; by default that of ``HF_TOKEN`` or of ``hf auth login``.

        Raises
        ------
        InputError
            If it is not fitted, the name is malformed, the run is of another network, or the hub cannot be reached or
            refuses.
        """
        from snnlp_lava.predict.hub import upload_network

        return upload_network(name, self.network, self.card, run=run, license=license, private=private, token=token)

    def _set(self, network: Network, card: Card, kind: str) -> None:
        convert = _LABEL_TYPES[kind]
        values = [name == "True" if convert is bool else convert(name) for name in card.label_names]
        self.classes_ = np.array(values)
        self._fitted = Predictor(network, card)

    @property
    def predictor(self) -> Predictor:
        """The predictor; InputError if it is not fitted."""
        if not hasattr(self, "_fitted"):
            raise _not_fitted()("this SpikingTextClassifier is not fitted; call fit(texts, labels) or load()")
        return self._fitted


def _not_fitted() -> type[InputError]:
    """Return the error of an unfitted object: also scikit-learn's own, if scikit-learn is in use."""
    exceptions = sys.modules.get("sklearn.exceptions")
    return InputError if exceptions is None else type("InputError", (InputError, exceptions.NotFittedError), {})


def _plain(items: Any) -> Any:
    """Convert items for `Predictor.features`: a list of texts, or vectors (n, d) of numbers."""
    if hasattr(items, "toarray"):
        raise InputError("vectors must not be a sparse matrix; convert it with .toarray()")
    if hasattr(items, "__array__"):
        items = np.asarray(items)
        if items.ndim < 2 and items.dtype.kind in "OUS":
            return items.tolist()
    try:
        rows = isinstance(items, str | bytes) or isinstance(items[0], str)
    except (TypeError, LookupError):
        return items
    if rows:
        return items
    try:
        return np.asarray(items, dtype=np.float32)
    except (TypeError, ValueError):
        return items


def _items(texts: Any) -> Any:
    plain = _plain(texts)
    if isinstance(plain, np.ndarray):
        if plain.ndim != 2 or plain.dtype.kind not in "fiu" or not plain.shape[1]:
            raise InputError(f"vectors must have shape (n, d), got {plain.shape} of {plain.dtype}")
        if not np.isfinite(plain).all():
            raise InputError("vectors must be finite numbers, got NaN or infinity")
        items: Any = plain.astype(np.float32)
    else:
        items = check_texts(plain)
    if not len(items):
        raise InputError("there are no rows to train on")
    return items


def _label_names(labels: Any) -> tuple[list[str], str]:
    """Convert labels to class names and sort order, and return their type."""
    try:
        rows = np.asarray(labels) if hasattr(labels, "__array__") else labels
        values = [value.item() if isinstance(value, np.generic) else value for value in rows]
    except TypeError as error:
        raise InputError(f"labels must be a list, got {type(labels).__name__}") from error
    kinds = {type(value) for value in values}
    if len(kinds) > 1:
        raise InputError(f"labels must be of one type, got {', '.join(sorted(kind.__name__ for kind in kinds))}")
    kind = next(iter(kinds), str)
    if kind not in (str, int, bool):
        raise InputError(f"labels must be text, integers or bool, got {kind.__name__}")
    return [str(value) for value in values], kind.__name__


def _with_validation(items: Any, names: list[str], validation: Any, seed: int) -> tuple[Any, list[str], np.ndarray]:
    """Return all items and names, and a bool array of the validation rows."""
    if isinstance(validation, tuple):
        more, more_names = _items(validation[0]), _label_names(validation[1])[0]
        if len(more) != len(more_names):
            raise InputError(
                f"validation texts and labels must have equal length, got {len(more)} and {len(more_names)}"
            )
        joined = np.concatenate([items, more]) if isinstance(items, np.ndarray) else [*items, *more]
        return joined, names + more_names, np.arange(len(joined)) >= len(items)
    part = 0.1 if validation is None else validation
    if not isinstance(part, float) or not 0 < part < 1:
        raise InputError(f"validation must be a number between 0 and 1, or texts and labels, got {validation!r}")
    chosen = np.zeros(len(names), dtype=bool)
    rng = np.random.default_rng(seed)
    classes = np.array(names)
    for name in sorted(set(names)):  # stratified; none of a class with one row
        rows = rng.permutation(np.flatnonzero(classes == name))
        chosen[rows[: min(len(rows) - 1, max(1, round(part * len(rows))))]] = True
    return items, names, chosen
