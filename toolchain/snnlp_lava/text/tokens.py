"""The words of a text as the SNNLP paper takes them: cleaned, then split by nltk's word tokenizer."""

from __future__ import annotations

import re
import string
from functools import lru_cache
from typing import Any

_REMEMBERED = 1 << 19  # words; fifty thousand film reviews have 180,000

# Of words in ASCII, which have no punctuation left, nltk splits only some that hold one of these.
_SPLIT_IN_ASCII = re.compile("cannot|gimme|gonna|gotta|lemme|wanna")

_CLEANING = str.maketrans("_", " ", string.punctuation.replace("_", ""))


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
