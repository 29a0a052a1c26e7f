"""Describe labelled texts before training: lengths, writing and language, texts that stand in two splits."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from snnlp_lava.text.dataset import PARTS, TRAIN, TextData
from snnlp_lava.text.entries import normalise, words_of

_SAMPLED = 2000  # texts from which lengths and language are told
_SCRIPT_SHARE = 0.2  # of letters, from which a script is named
_LEAST_WORDS = 0.08  # of all words that must be function words of a language

_FUNCTION_WORDS = {
    "English": "the and to of is you that it for what",
    "German": "der die und ist nicht das ich ein zu mit",
    "French": "le la les et est des une je pas que",
    "Spanish": "el la los que y es una por con no",
    "Italian": "il che di è una per non la sono gli",
    "Portuguese": "o que de não uma os para com é do",
    "Dutch": "de het een van ik en is niet dat op",
}


def summarise(data: TextData, rows: Mapping[str, np.ndarray]) -> list[str]:
    """Describe the texts of a training in a few lines.

    Parameters
    ----------
    data
        Labelled texts.
    rows
        By split, indices of its rows.

    Returns
    -------
    list of str
        How many rows and how long; in which writing, and for Latin letters a guess of the language; and how many texts
        stand in training and in another split too, or with two labels, if any do.
    """
    counts = ", ".join(f"{len(rows[split]):,} {split}" for split in PARTS)
    texts = data.select(rows[TRAIN][:: max(1, len(rows[TRAIN]) // _SAMPLED)])
    words, characters = (np.array(each) for each in zip(*((len(words_of(t)), len(t)) for t in texts), strict=True))
    lines = [
        f"texts: {counts}; {np.median(words):.0f} words ({np.median(characters):.0f} characters) in the median, "
        f"{np.quantile(words, 0.95):.0f} in the longest twentieth",
        f"writing: {_language(texts)}",
    ]
    if found := _duplicates(data, rows):
        lines.append(f"duplicates: {', '.join(found)}")
    return lines


def _duplicates(data: TextData, rows: Mapping[str, np.ndarray]) -> list[str]:
    """Texts of training that stand in other splits, or with several labels."""
    labels: dict[str, set[int]] = {}
    for text, label in zip(data.select(rows[TRAIN]), data.labels[rows[TRAIN]].tolist(), strict=True):
        labels.setdefault(normalise(text), set()).add(label)
    found = []
    for split in PARTS:
        same = sum(normalise(text) in labels for text in data.select(rows[split])) if split != TRAIN else 0
        if same:
            found.append(f"{same:,} {split} texts are also in training")
    if several := sum(len(each) > 1 for each in labels.values()):
        found.append(f"{several:,} training texts have several labels")
    return found


def _language(texts: Sequence[str]) -> str:
    letters = Counter(char for text in texts for char in text if char.isalpha())
    scripts: Counter[str] = Counter()
    for char, count in letters.items():
        scripts[unicodedata.name(char, "unknown").split()[0].split("-")[0]] += count
    most = [name for name, count in scripts.most_common() if count >= _SCRIPT_SHARE * scripts.total()]
    if not most:
        return "no letters"
    named = " and ".join("Chinese signs" if name == "CJK" else f"{name.capitalize()} letters" for name in most)
    return f"{named}, {_latin_language(texts)}" if most == ["LATIN"] else named


def _latin_language(texts: Sequence[str]) -> str:
    words = Counter(word for text in texts for word in words_of(normalise(text)) if word[0].isalpha())
    shares = {
        language: sum(words[word] for word in some.split()) / max(1, words.total())
        for language, some in _FUNCTION_WORDS.items()
    }
    best = max(shares, key=lambda language: shares[language])
    return f"{best} by its function words" if shares[best] >= _LEAST_WORDS else "of an unknown language"
