"""Run the command `check`: print how a network file fits on a chip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.cli.options import json_option

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from snnlp_lava.chip.mapping import CoreMapping, LayerMapping

_COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")
_FILLS = "▁▂▃▄▅▆▇█"
_FILLS_ASCII = "_.-:=+*#"  # for a terminal without Unicode
_CORES_A_ROW = 16


@click.command("check")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--chip",
    type=click.Choice(list(CHIPS)),
    required=True,
    help="The chip. For a chip whose limits are partly unpublished the result is marked as an estimate.",
)
@json_option
def command(network: Path, chip: str, as_json: bool) -> None:
    """Check whether the network file NETWORK fits on a chip, and how full its cores are. Exit code 1 if not."""
    from snnlp_lava.chip.mapping import map_network
    from snnlp_lava.errors import CheckError
    from snnlp_lava.netx.network_file import read_network

    file = read_network(network)
    fit = map_network(file.network, CHIPS[chip], file.card.period if file.card else None)
    if as_json:
        click.echo(json.dumps({"network": str(network), **fit.to_dict()}, ensure_ascii=False))
    else:
        _print(fit)
    if fit.violations:
        first, *others = fit.violations
        more = f" (and {len(others)} more)" if others else ""
        raise CheckError(f"network {network} does not fit on {fit.chip.name}: {first.text}{more}")


def _print(fit: CoreMapping) -> None:
    from snnlp_lava.cli.console import print_table, stdout

    console = stdout()
    print_table(_shares(fit))
    print_table(_integers(fit))
    console.print(_drawing(fit, console), soft_wrap=True)
    for note in fit.notes:
        console.print(f"note: {note}", soft_wrap=True)
    for violation in fit.violations:
        console.print(f"violation: {violation.text}", soft_wrap=True)


def _shares(fit: CoreMapping) -> Table:
    from rich.table import Table

    chip, totals = fit.chip, fit.totals
    table = Table(
        title=f"{chip.name}: {'fits' if not fit.violations else 'does not fit'}, "
        f"{totals['cores']:,} of {chip.cores} cores ({totals['cores'] / chip.cores:.1%})",
        title_justify="left",
        caption="each layer's fullest core, and the share of a core's capacity",
        caption_justify="left",
    )
    table.add_column("layer")
    for column in ("cores", "neurons", "input axons", "output axons", "memory, words"):
        table.add_column(column, justify="right")
    for number, layer in enumerate(fit.layers, start=1):
        shares = (
            _share(layer.most(resource), getattr(chip, resource))
            for resource in ("neurons", "input_axons", "output_axons", "words")
        )
        table.add_row(f"{number} {layer.name}", f"{len(layer.cores):,}", *shares)
    return table


def _share(value: int, limit: int | None) -> str:
    return f"{value:,}" if limit is None else f"{value:,} {value / limit:4.0%}"


def _integers(fit: CoreMapping) -> Table:
    from rich.table import Table

    from snnlp_lava.network import limits

    table = Table(
        caption=f"ranges: bias {limits.BIAS_MIN} to {limits.BIAS_MAX}, current decay {limits.CURRENT_DECAY_MIN} to "
        f"{limits.DECAY_UNITY},\nvoltage decay 0 to {limits.VOLTAGE_DECAY_STORED_MAX}, threshold 1 to "
        f"{limits.THRESHOLD_MAX}, weights in {limits.WEIGHT_BITS[0]} to {limits.WEIGHT_BITS[-1]} bits",
        caption_justify="left",
    )
    table.add_column("layer")
    for column in ("weight bits", "bias", "current decay", "voltage decay", "threshold"):
        table.add_column(column, justify="right")
    for number, layer in enumerate(fit.layers, start=1):
        low, high = layer.bias
        table.add_row(
            f"{number} {layer.name}",
            f"{layer.weight_bits} {_format(layer)}" if layer.weight_bits else "-",
            str(low) if low == high else f"{low} to {high}",
            *("-" if value is None else str(value) for value in (layer.current_decay, layer.voltage_decay)),
            str(layer.threshold),
        )
    return table


def _format(layer: LayerMapping) -> str:
    return "shared" if layer.kind == "conv" else "sparse" if layer.sparse else "dense"


def _drawing(fit: CoreMapping, console: Console) -> Text:
    """Draw the cores of the chip, each with its layer number and a memory fill bar, or a dot if it is free."""
    from rich.text import Text

    ascii_only = console.options.ascii_only
    fills, free = (_FILLS_ASCII, ".") if ascii_only else (_FILLS, "·")
    cells = [
        (f"{number:>3}{fills[min(7, 8 * core.words // fit.chip.words)]}", _COLOURS[(number - 1) % len(_COLOURS)])
        for number, layer in enumerate(fit.layers, start=1)
        for core in layer.cores
    ]
    drawn = cells[: fit.chip.cores] + [(f"   {free}", "dim")] * (fit.chip.cores - len(cells))
    text = Text("cores: number of the layer, fill of the synaptic memory\n", no_wrap=True)
    for index, cell in enumerate(drawn, start=1):
        text.append(*cell)
        if index % _CORES_A_ROW == 0 and index < len(drawn):
            text.append("\n")
    if len(cells) > len(drawn):
        text.append(f"\nand {len(cells) - len(drawn):,} more cores than the chip has")
    return text
