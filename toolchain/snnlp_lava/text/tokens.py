"""Split a text into words: as the SNNLP paper does, or with the pairs of neighbours."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal

import numpy as np

_REMEMBERED = 1 << 19  # words; fifty thousand film reviews have 180,000

# Of words in ASCII, which have no punctuation left, nltk splits only some that hold one of these.
_SPLIT_IN_ASCII = re.compile("cannot|gimme|gonna|gotta|lemme|wanna")

UnicodeForm = Literal["NFC", "NFKC"]
UNICODE_FORM: UnicodeForm = "NFKC"
"""The Unicode normal form in which new models read texts, so that one spelling of a word is one word."""

_WORD = re.compile(r"\w+")

_CLEANING = str.maketrans("_", " ", string.punctuation.replace("_", ""))


def normalise(text: str, form: UnicodeForm | None) -> str:
    """The text in a Unicode normal form; as it is where the form is None."""
    return text if form is None or text.isascii() else unicodedata.normalize(form, text)


def clean(text: str) -> str:
    """Lower-case words between single spaces: ``_`` becomes a space, all other ASCII punctuation is deleted.

    What stood on both sides of a deleted character is joined: ``don't`` becomes ``dont`` and ``good...bad``
    becomes ``goodbad``, as in the paper. Punctuation beyond ASCII stays.
    """
    return " ".join(text.lower().translate(_CLEANING).split())


def paper_tokens(text: str) -> list[str]:
    """Tokens of nltk's word tokenizer on the cleaned text.

    A cleaned text has no full stop left, so it is one sentence to nltk, and none of its rules looks beyond a
    space: each word is split by itself (``cannot`` into ``can`` and ``not``), and only once.
    """
    return [token for word in clean(text).split() for token in _tokens_of_word(word)]


def words_and_pairs(text: str) -> list[str]:
    """Lower-case words in order, each followed by the pair that it makes with the word before it.

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
    """Words as bytes of UTF-8 with a line feed after each: (bytes,) uint8."""
    return np.frombuffer("".join(f"{word}\n" for word in words).encode(), dtype=np.uint8)


def unpack_words(packed: np.ndarray) -> tuple[str, ...]:
    """Inverse of `pack_words`.

    Raises
    ------
    TypeError, UnicodeDecodeError
        If the array is no such bytes.
    """
    return tuple(packed.astype(np.uint8, casting="equiv").tobytes().decode("utf-8").split("\n")[:-1])


@lru_cache(maxsize=_REMEMBERED)
def _tokens_of_word(word: str) -> tuple[str, ...]:
    # nltk takes seconds to import and a fifth of a millisecond a word, so it is asked only where it may split.
    if word.isascii() and not _SPLIT_IN_ASCII.search(word):
        return (word,)
    return tuple(_tokenizer().tokenize(word))


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    from nltk.tokenize.destructive import NLTKWordTokenizer

    return NLTKWordTokenizer()
