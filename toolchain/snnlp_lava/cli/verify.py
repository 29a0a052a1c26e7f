"""snnlp-lava verify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnlp_lava.cli.options import backend_options, given_options, json_option, run_options

if TYPE_CHECKING:
    from snnlp_lava.run.verify import Verification


@click.command("verify")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--model", type=click.Path(path_type=Path), help="Model folder of the network; also compares with SLAYER."
)
@backend_options("sim")
@run_options
@json_option
def command(network: Path, as_json: bool, **options: Any) -> None:
    """Compare every spike of the emulator, Lava and SLAYER on the network file NETWORK. Exit code 1 if any differs."""
    from snnlp_lava.cli.console import Stages, progress_bars
    from snnlp_lava.errors import CheckError
    from snnlp_lava.run.verify import verify

    with progress_bars() as progress:
        found = verify(network, progress=Stages(progress), **given_options(options))
    if as_json:
        click.echo(json.dumps({**found.to_dict(), "total_differences": found.differences}))
    else:
        _print_table(found)
    if found.first is not None:
        raise CheckError(f"{found.first.peer} and emulator differ in {found.differences} spikes; {found.first}")


def _print_table(found: Verification) -> None:
    from rich.table import Table

    from snnlp_lava.cli.console import print_table

    title = f"{found.samples} samples, window {found.window}, period {found.period}: {found.differences} differences"
    table = Table(title=title, title_justify="left")
    table.add_column("layer")
    for column in ("spikes", *(f"{peer} differs" for peer in found.compared_with), "wraps", "clips"):
        table.add_column(column, justify="right")
    for layer in found.layers:
        counts = (layer.differences[peer] for peer in found.compared_with)
        differences = ("not read" if count is None else f"{count:,}" for count in counts)
        table.add_row(layer.name, f"{layer.spikes:,}", *differences, f"{layer.wraps:,}", f"{layer.clips:,}")
    print_table(table)
