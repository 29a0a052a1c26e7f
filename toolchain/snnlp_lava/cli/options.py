"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_DATA_HELP = "demo, emotion, imdb, or a .parquet, .csv or .jsonl file."


def data_options(*, required: bool) -> Callable[[F], F]:
    """--data and what says how to read it."""

    def decorate(function: F) -> F:
        for option in reversed(
            [
                click.option("--data", required=required, help=_DATA_HELP),
                click.option("--text-column", default="text", show_default=True, help="Column with the texts."),
                click.option("--label-column", default="label", show_default=True, help="Column with the labels."),
                click.option(
                    "--vectors",
                    type=click.Path(path_type=Path, dir_okay=False),
                    help="A .npy file with one vector for each row of the data, instead of embedding the texts.",
                ),
            ]
        ):
            function = option(function)
        return function

    return decorate


def split_scheme_option(default: str | None) -> Callable[[F], F]:
    """--split-scheme."""
    return click.option(
        "--split-scheme",
        type=click.Choice(["official", "paper"]),
        default=default,
        show_default=default is not None,
        help="official: the data's own split; paper: all rows pooled and cut 60/10/30 as SNNLP does."
        + ("" if default else "  [default: as in training]"),
    )
