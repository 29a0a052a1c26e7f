"""Which model made a vector."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Embedding:
    """The embedding model in front of a network.

    Attributes
    ----------
    name
        Name of the model, or None if the vectors were given and no known model makes them.
    sha256
        Hash of the model's weights, None with no name.
    dimension
        Length of a vector.
    """

    name: str | None
    sha256: str | None
    dimension: int
