"""How many multiply-accumulates a transformer encoder takes for a text, from the files beside its weights.

One layer of hidden size h and intermediate size i, for a text of n tokens (Vaswani et al., "Attention is all you need",
2017, sections 3.2 and 3.3), as matrix products:

    queries, keys, values, output       4 n h h
    queries x keys, weights x values    2 n n h      the same for any number of heads, which divide h among them
    the two feed-forward layers         2 n h i

A token costs 4 h h + 2 h i in each layer, and 2 n h more for attending to a text of n. Additions, normalisation,
softmax and activation functions are not counted, nor is the pooling over tokens; the text alone counts, not what pads
it to the length of its batch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.embed.work import UncountedError
from snnlp_lava.errors import InputError, first_line
from snnlp_lava.files import read_json

_KINDS = ("bert", "roberta", "xlm-roberta", "camembert", "mpnet")
"""Model types of transformers whose layers are as above."""
_MODULES = ("Transformer", "Pooling", "Normalize")
_TOKENIZER = "tokenizer_config.json"
_LARGEST = 1 << 20


@dataclass(frozen=True)
class Transformer:
    """Sizes of an encoder.

    Attributes
    ----------
    layers, hidden, intermediate
        As in its config.json.
    longest
        Tokens of a text at most; the rest is cut off.
    """

    layers: int
    hidden: int
    intermediate: int
    longest: int

    def macs(self, tokens: np.ndarray) -> np.ndarray:
        """Multiply-accumulates of texts with so many tokens each, (n,) int64."""
        tokens = np.asarray(tokens, dtype=np.int64)
        of_token = 4 * self.hidden**2 + 2 * self.hidden * self.intermediate + 2 * tokens * self.hidden
        return self.layers * tokens * of_token


def read_transformer(folder: Path) -> Transformer:
    """Sizes of a sentence-transformers model in a folder.

    Raises
    ------
    UncountedError
        If it has other layers than those that are counted here, or its files do not say.
    """
    try:
        config = read_json(folder / "config.json")
        limit, tokenizer = _read_or_nothing(folder / "sentence_bert_config.json"), _read_or_nothing(folder / _TOKENIZER)
        if (kind := config.get("model_type")) not in _KINDS:
            raise UncountedError(f"the layers of model type {str(kind)[:40]!r} are not known here")
        _check_modules(folder)
        positions = config["max_position_embeddings"]  # some of which RoBERTa keeps for itself, as its tokenizer knows
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
        raise UncountedError(f"its limits on tokens are no numbers: {first_line(error)}") from error
    except InputError as error:
        raise UncountedError(str(error)) from error


def count_tokens(folder: Path, longest: int, texts: Sequence[str]) -> np.ndarray:
    """Tokens of each text, (n,) int64, those that mark its start and end included, at most `longest`.

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
    except Exception as error:  # what the library raises is a plain Exception
        raise UncountedError(f"its tokenizer.json cannot be used: {first_line(error)}") from error


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
        raise UncountedError(f"its modules.json cannot be read: {first_line(error)}") from error
    if other := [name for name in types if name not in _MODULES]:
        raise UncountedError(f"its module {other[0][:40]!r} is not known here")


def _size(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= _LARGEST:
        raise UncountedError(f"its config.json has a size of {str(value)[:40]}")
    return value
