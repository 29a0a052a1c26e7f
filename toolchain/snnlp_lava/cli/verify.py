"""snnlp-lava verify."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnlp_lava.cli.options import board_options, chosen_board, jobs_option, json_option, selection_options

if TYPE_CHECKING:
    from snnlp_lava.run.verify import Verification


@click.command("verify")
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="The model folder, to compare with SLAYER, too.")
@click.option(
    "--backend",
    type=click.Choice(["sim", "loihi2"]),
    default="sim",
    show_default=True,
    help="What to compare: Lava's CPU simulator, or the chip, of which the output is read.",
)
@selection_options()
@jobs_option
@board_options
@json_option
def command(network: Path, model: Path | None, backend: str, jobs: int, as_json: bool, **options: Any) -> None:
    """Compare every spike of the emulator, Lava and SLAYER on the network file NETWORK. Exit code 1 if one differs."""
    from snnlp_lava.cli.console import Stages, progress_bars
    from snnlp_lava.errors import CheckError, InputError
    from snnlp_lava.run.inputs import Selection
    from snnlp_lava.run.verify import verify

    if bool(options["data"]) == bool(options["spikes"]):
        raise InputError("give either --data or --spikes")
    board = chosen_board(backend, jobs, options)
    with progress_bars() as progress:
        found = verify(network, Selection(**options), model, jobs=jobs, board=board, report=Stages(progress))
    if as_json:
        click.echo(json.dumps({**asdict(found), "total_differences": found.differences}))
    else:
        _print_table(found)
    if found.first is not None:
        place = found.first
        other = f"{place.other} u {place.other_state[0]} v {place.other_state[1]}" if place.other_state else ""
        raise CheckError(
            f"{place.other} and emulator differ in {found.differences} spikes; first in sample {place.sample + 1}, "
            f"layer {place.layer}, neuron {place.neuron}, step {place.step}: "
            f"emulator u {place.emulator_state[0]} v {place.emulator_state[1]}, "
            f"{other or f'those of {place.other} are not read'}"
        )


def _print_table(found: Verification) -> None:
    from rich.table import Table

    from snnlp_lava.cli.console import print_table

    title = f"{found.samples} samples, window {found.window}, period {found.period}: {found.differences} differences"
    table = Table(title=title, title_justify="left")
    table.add_column("layer")
    for column in ("spikes", *(f"{side} differs" for side in found.sides), "wraps", "clips"):
        table.add_column(column, justify="right")
    for layer in found.layers:
        found_here = (layer["differences"][side] for side in found.sides)
        differences = ("not read" if count is None else f"{count:,}" for count in found_here)
        table.add_row(layer["name"], f"{layer['spikes']:,}", *differences, f"{layer['wraps']:,}", f"{layer['clips']:,}")
    print_table(table)
