"""snnlp-lava predict."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import click

from snnlp_lava.cli.options import json_option


@click.command("predict")
@click.argument("network")
@click.argument("texts", nargs=-1)
@json_option
@click.option(
    "--reject-below",
    type=click.FloatRange(0, 1),
    help="Answer unknown if the probability of the best class is lower.",
)
def command(network: str, texts: Sequence[str], as_json: bool, reject_below: float | None) -> None:
    """Classify texts with NETWORK: a network file, a model folder, demo or cafe.

    Prints one line per text: label, probability and text, separated by tabs. Without TEXT, or if it is -, texts are
    read from standard input, one per line, and each is answered as it arrives.
    """
    from snnlp_lava.predict.classifier import SpikingTextClassifier
    from snnlp_lava.predict.stream import Line, answers, read_lines

    classifier = SpikingTextClassifier.load(network)
    predictor = classifier.predictor
    out = sys.stdout.buffer
    typed = texts and list(texts) != ["-"]
    batches: Iterable[list[Line]] = [[Line(text) for text in texts]] if typed else read_lines(sys.stdin.buffer)
    for batch in batches:
        lines = answers(predictor, classifier.classes_, batch, reject_below, as_json=as_json)
        out.write("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
        out.flush()
