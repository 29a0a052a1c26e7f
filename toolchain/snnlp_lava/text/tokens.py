"""The words of a text as the SNNLP paper takes them: cleaned, then split by nltk's word tokenizer."""

from __future__ import annotations

import string
from functools import lru_cache

# What is read from here is small, but imports as long as `nltk` takes: only words not seen before need it.
_REMEMBERED = 1 << 19  # words; fifty thousand film reviews have 200,000

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
    space: each word is split by itself (``cannot`` into ``can`` and ``not``), once.
    """
    return [token for word in clean(text).split() for token in _tokens_of_word(word)]


@lru_cache(maxsize=_REMEMBERED)
def _tokens_of_word(word: str) -> tuple[str, ...]:
    return tuple(_tokenizer().tokenize(word))


@lru_cache(maxsize=1)
def _tokenizer():  # type: ignore[no-untyped-def]  # noqa: ANN202 (nltk carries no types)
    from nltk.tokenize.destructive import NLTKWordTokenizer

    return NLTKWordTokenizer()
