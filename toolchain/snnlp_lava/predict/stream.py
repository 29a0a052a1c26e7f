"""Answer texts of a stream: in batches under load, immediately when the sender waits."""

from __future__ import annotations

import json
import select
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from snnlp_lava.predict.predictor import UNKNOWN

if TYPE_CHECKING:
    import numpy as np

    from snnlp_lava.predict.predictor import Predictor

MAX_LINE_BYTES = 1 << 20
"""Longest line that is answered; a longer one is refused, and reading continues with the next line."""
_BATCH = 2048
_READ_BYTES = 1 << 18


@dataclass(frozen=True)
class Line:
    """A line of input: its text, or why it is refused."""

    text: str | None
    refusal: str | None = None


def read_lines(stream: IO[bytes]) -> Iterator[list[Line]]:
    """Yield the lines of a binary stream in batches of what has arrived, between one and `_BATCH` lines.

    Only a line that is longer than MAX_LINE_BYTES or not UTF-8 is refused; memory stays bounded.
    """
    raw = getattr(stream, "raw", stream)
    buffer, skipping, batch = b"", False, []
    while True:
        chunk = raw.read(_READ_BYTES)
        if not chunk:
            break
        pieces = (buffer + chunk).split(b"\n")
        buffer = pieces.pop()
        for piece in pieces:
            batch.append(Line(None, "the line is too long") if skipping else _line(piece))
            skipping = False
            if len(batch) >= _BATCH:
                yield batch
                batch = []
        if len(buffer) > MAX_LINE_BYTES:
            buffer, skipping = b"", True
        if batch and not _ready(raw):
            yield batch
            batch = []
    if buffer or skipping:
        batch.append(Line(None, "the line is too long") if skipping else _line(buffer))
    if batch:
        yield batch


def _line(content: bytes) -> Line:
    if len(content) > MAX_LINE_BYTES:
        return Line(None, f"the line must have at most {MAX_LINE_BYTES:,} bytes, got {len(content):,}")
    try:
        return Line(content.removesuffix(b"\r").decode("utf-8"))
    except UnicodeDecodeError as error:
        return Line(None, f"the line is not UTF-8 (byte {error.start + 1})")


def _ready(stream: Any) -> bool:
    """Return whether more can be read without waiting; False if unknown."""
    try:
        return bool(select.select([stream], [], [], 0)[0])
    except (OSError, ValueError, AttributeError):
        return False


def answers(
    predictor: Predictor, labels: np.ndarray, lines: list[Line], reject_below: float | None, *, as_json: bool
) -> Iterator[str]:
    """Yield a line of output for each line: ``label<TAB>probability<TAB>text``, or a JSON object.

    A refused line has the label ``error`` and the reason instead of the text; in JSON the key ``error``.
    """
    texts = [line.text or "" for line in lines]
    predicted = predictor.predict(texts)
    chosen = predicted.rejected_below(reject_below)
    best = predicted.probabilities.max(axis=1)
    names = [str(label) for label in labels.tolist()]
    for index, line in enumerate(lines):
        unknown = chosen[index] == UNKNOWN
        name = "unknown" if unknown else names[chosen[index]]
        if not as_json:
            shown = (line.refusal or "") if line.text is None else " ".join(line.text.split())
            first = "error" if line.text is None else name
            yield f"{first}\t{0.0 if line.text is None else best[index]:.4f}\t{shown}"
            continue
        if line.text is None:
            yield json.dumps({"error": line.refusal})
            continue
        yield json.dumps(
            {
                "label": name if unknown else labels[chosen[index]].item(),
                "probability": round(float(best[index]), 6),
                "classes": dict(zip(names, predicted.probabilities[index].round(6).tolist(), strict=True)),
                "synops": int(predicted.synops[index]),
                "spikes": int(predicted.input_spikes[index] + predicted.output_spikes[index]),
                "steps": predicted.steps,
                "text": line.text,
            },
            ensure_ascii=False,
        )
