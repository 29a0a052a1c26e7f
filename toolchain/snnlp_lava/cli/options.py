"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from snnlp_lava.backends.lava.job import Board

F = TypeVar("F", bound=Callable[..., Any])


def _all(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def data_options(*, required: bool) -> Callable[[F], F]:
    """--data and what says how to read it."""
    return _all(
        click.option("--data", required=required, help="demo, emotion, imdb, or a .parquet, .csv or .jsonl file."),
        click.option("--text-column", default="text", show_default=True, help="Column with the texts."),
        click.option("--label-column", default="label", show_default=True, help="Column with the labels."),
        click.option(
            "--vectors",
            type=click.Path(path_type=Path, dir_okay=False),
            help="A .npy file with one vector for each row of the data, instead of embedding the texts.",
        ),
        click.option(
            "--words",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Word vectors as text (GloVe, word2vec; .gz, too).  [default: distilled from the embedding model]",
        ),
    )


def split_scheme_option(default: str | None) -> Callable[[F], F]:
    """--split-scheme."""
    return click.option(
        "--split-scheme",
        type=click.Choice(["official", "paper"]),
        default=default,
        show_default=default or "as in training",
        help="official: the data's own split; paper: all rows pooled and cut 60/10/30 as SNNLP does.",
    )


def selection_options() -> Callable[[F], F]:
    """What a network is run on: the fields of `snnlp_lava.run.inputs.Selection`, but for texts."""
    return _all(
        data_options(required=False),
        split_scheme_option(None),
        click.option(
            "--split",
            "part",
            type=click.Choice(["train", "validation", "test", "all"]),
            default="test",
            show_default=True,
            help="Which part of the data; all takes every row in its order, and needs no labels "
            "(if one is empty, none counts).",
        ),
        click.option(
            "--spikes",
            type=click.Path(path_type=Path, dir_okay=False),
            help="A .npy file of spikes, (samples, steps, input lines), in place of data: any network takes them.",
        ),
        click.option("--limit", type=click.IntRange(min=1), help="At most so many rows, the same ones each time."),
    )


def board_options(function: F) -> F:
    """Where the Loihi 2 is; what is not given is as Lava's environment variables say."""
    return _all(
        click.option("--host", type=click.Choice(["slurm", "ethernet"]), help="loihi2: how its board is reached."),
        click.option("--partition", help="loihi2: SLURM's partition.  [default: $PARTITION]"),
        click.option(
            "--board", "board_name", metavar="BOARD", help="loihi2: SLURM's board, or the address of an Ethernet host."
        ),
        click.option(
            "--chip-generation",
            type=click.Choice(["N3B2", "N3B3", "N3C1", "N3D1"]),
            help="loihi2: the chip's.  [default: $LOIHI_GEN, or N3B3]",
        ),
    )(function)


def chosen_board(backend: str, jobs: int, options: dict[str, Any]) -> Board | None:
    """The board that the options name, taken out of them; None for another backend.

    Raises
    ------
    InputError
        If they do not belong to the backend.
    """
    from snnlp_lava.backends.lava.job import Board
    from snnlp_lava.errors import InputError

    names = ("host", "partition", "board_name", "chip_generation")
    host, partition, name, generation = (options.pop(option) for option in names)
    given = {"--host": host, "--partition": partition, "--board": name, "--chip-generation": generation}
    for option, value in given.items():
        if value is not None and backend != "loihi2":
            raise InputError(f"{option} {value} belongs to --backend loihi2")
    if backend != "loihi2":
        return None
    if jobs > 1:
        raise InputError(f"--jobs {jobs} belongs to --backend sim; one board is used at a time")
    return Board(host, partition, name, generation)


jobs_option = click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Lava runtimes at once."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


def sweep_options(function: F) -> F:
    """Where the cells of a sweep run, and whether it goes on."""
    return _all(
        click.option(
            "--jobs", type=click.IntRange(min=1), help="Cells at once, each in a process of its own.  [default: 1]"
        ),
        click.option(
            "--scheduler", metavar="tcp://HOST:PORT", help="Run on the workers of this Dask scheduler instead."
        ),
        click.option("--resume", is_flag=True, help="Keep the results in the folder and run the cells without one."),
    )(function)
