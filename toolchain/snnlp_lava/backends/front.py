"""What stands in front of a network: the model that makes vectors of texts, or the table that has their codes."""

from __future__ import annotations

from collections.abc import Sequence

from snnlp_lava.embed.source import Embedder
from snnlp_lava.embed.work import Work, words_of_64_bits
from snnlp_lava.netx.card import Card


def work_in_front(card: Card | None, embedder: Embedder | None, texts: Sequence[str]) -> Work:
    """Count what makes the encoder's features of the texts of a run.

    Parameters
    ----------
    card
        The network's card, None if another program wrote it.
    embedder
        What makes its vectors, None where it takes texts or where the vectors' origin is unknown.
    texts
        All texts of the run, none where spikes were given.
    """
    if card is None or not texts:
        return Work("spikes", not_counted="ready spikes were given")
    if card.encoder.takes_text:
        codes = sum(len(card.encoder.presented(text, card.window)) for text in texts)
        words = codes * words_of_64_bits(card.encoder.dimension)
        return Work(f"a table of {card.encoder.dimension}-bit codes", "codes", codes, {"table_word": words})
    if embedder is None:
        return Work("vectors", not_counted="ready vectors of unknown origin were given")
    return embedder.work(texts)
