"""Split texts into words: as in the SNNLP paper, and as words and pairs of neighbours."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal

import numpy as np

_REMEMBERED = 1 << 19  # words; fifty thousand film reviews have 180,000

# Of ASCII words, which contain no punctuation here, nltk splits only some that contain one of these.
_SPLIT_IN_ASCII = re.compile("cannot|gimme|gonna|gotta|lemme|wanna")

UnicodeForm = Literal["NFC", "NFKC"]
UNICODE_FORM: UnicodeForm = "NFKC"
"""The Unicode normal form that new models apply to texts, so that equivalent spellings are one word."""

_WORD = re.compile(r"\w+")

_CLEANING = str.maketrans("_", " ", string.punctuation.replace("_", ""))


def normalise(text: str, form: UnicodeForm | None) -> str:
    """Normalise a text to a Unicode normal form; None leaves it unchanged."""
    return text if form is None or text.isascii() else unicodedata.normalize(form, text)


def clean(text: str) -> str:
    """Clean a text to lower-case words separated by single spaces: ``_`` becomes a space, other ASCII punctuation goes.

    Text on both sides of a deleted character is joined: ``don't`` becomes ``dont`` and ``good...bad`` becomes
    ``goodbad``, as in the paper. Non-ASCII punctuation stays.
    """
    return " ".join(text.lower().translate(_CLEANING).split())


def paper_tokens(text: str) -> list[str]:
    """Return the tokens of nltk's word tokenizer on the cleaned text.

    A cleaned text contains no full stop, so nltk treats it as one sentence, and none of its rules crosses a space: each
    word is split by itself (``cannot`` into ``can`` and ``not``), and cached.
    """
    return [token for word in clean(text).split() for token in _tokens_of_word(word)]


def words_and_pairs(text: str) -> list[str]:
    """Return lower-case words in order, each followed by its pair with the preceding word.

    A word is a run of letters, digits and ``_``; a pair is two words with a space between them.
    """
    entries: list[str] = []
    before = None
    for word in _WORD.findall(text.lower()):
        entries.append(word)
        if before is not None:
            entries.append(f"{before} {word}")
        before = word
    return entries


def pack_words(words: Iterable[str]) -> np.ndarray:
    """Pack words as UTF-8 bytes, each followed by a line feed: (bytes,) uint8."""
    return np.frombuffer("".join(f"{word}\n" for word in words).encode(), dtype=np.uint8)


def unpack_words(packed: np.ndarray) -> tuple[str, ...]:
    """Inverse of `pack_words`.

    Raises
    ------
    TypeError, UnicodeDecodeError
        If the array is not of that form.
    """
    return tuple(packed.astype(np.uint8, casting="equiv").tobytes().decode("utf-8").split("\n")[:-1])


@lru_cache(maxsize=_REMEMBERED)
def _tokens_of_word(word: str) -> tuple[str, ...]:
    # nltk takes seconds to import and 0.2 ms per word, so it is called only for words that it may split.
    if word.isascii() and not _SPLIT_IN_ASCII.search(word):
        return (word,)
    return tuple(_tokenizer().tokenize(word))


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    from nltk.tokenize.destructive import NLTKWordTokenizer

    return NLTKWordTokenizer()
