"""Run the command `import`: write a NIR file's network as a network file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import numpy as np

    from snnlp_lava.netx.nir.graph import Imported


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--time-step",
    type=click.FloatRange(min=1e-9, max=1e9),
    metavar="SECONDS",
    help="Time step of the exporting simulator, which a NIR file does not state.  [default: 0.0001]",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Network file to write.  [default: netx_exports/NAME.net]"
)
def command(file: Path, time_step: float | None, output: Path | None) -> None:
    """Convert the NIR file FILE to a network file.

    A file written by `export --format nir` converts back without loss. Dense, recurrent and convolutional layers of IF,
    LIF or CubaLIF neurons of other programs are quantised to Loihi's integers, and the quantisation errors are printed.
    """
    from snnlp_lava.cli.console import print_status
    from snnlp_lava.errors import InputError
    from snnlp_lava.network.network import format_sizes
    from snnlp_lava.netx.network_file import write_network
    from snnlp_lava.netx.nir.own import read_nir

    if output is not None and output.suffix.lower() == ".nir":
        raise InputError(f"file {output}: ends in .nir, but import writes a network file, .net")
    imported = read_nir(file, time_step)
    path = output or Path("netx_exports") / f"{file.stem}.net"
    write_network(path, imported.network, imported.card)
    if imported.changes:
        _print(imported)
    card = imported.card
    what = f"window {card.window}, period {card.period} steps" if card else "no card, so it takes spikes"
    print_status(f"network: {path} ({format_sizes(imported.network.sizes)}, {what})")


def _print(imported: Imported) -> None:
    from rich.table import Table

    from snnlp_lava.cli.console import print_table, stdout

    table = Table(
        title=f"quantised at a time step of {imported.time_step:g} s; errors are each layer's largest",
        title_justify="left",
        caption="in brackets: stored minus requested decay, in units of 1/4096",
        caption_justify="left",
    )
    layers, changes = imported.network.layers, imported.changes
    pairs = list(zip(layers, changes, strict=True))
    table.add_column("layer")
    for number in range(len(layers)):
        table.add_column(str(number + 1), justify="right")
    rows = {
        "scale": [f"{change.scale:.6g}" for change in changes],
        "threshold (kept exactly)": [str(layer.neuron.threshold) for layer in layers],
        "weights": [_span(layer.synapses()[0].weight) for layer in layers],
        "  error / largest weight": [f"{change.relative_weight_error:.2%}" for change in changes],
        "  rounded to 0": [f"{change.n_zeroed:,} of {change.weights:,}" for change in changes],
        "biases": [_span(layer.neuron.bias) for layer in layers],
        "  error / threshold": [f"{change.bias_error:.2%}" for change in changes],
        "current decay": [_decay(layer.cuba.current_decay, change.current_decay_error) for layer, change in pairs],
        "voltage decay": [_decay(layer.cuba.voltage_decay, change.voltage_decay_error) for layer, change in pairs],
    }
    for name, cells in rows.items():
        table.add_row(name, *cells)
    print_table(table)
    for note in imported.notes:
        stdout().print(f"note: {note}", soft_wrap=True, markup=False)


def _span(values: np.ndarray) -> str:
    low, high = values.min(), values.max()
    return str(low) if low == high else f"{low} to {high}"


def _decay(stored: int, error: float) -> str:
    return f"{stored} ({error:+.2f})" if abs(error) >= 0.005 else str(stored)
