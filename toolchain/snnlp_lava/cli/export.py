"""snnlp-lava export."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("export")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--period",
    type=click.IntRange(min=1),
    help="Steps from one text to the next (Loihi 2 needs a power of two).  [default: the window]",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["netx", "nir"]),
    default="netx",
    show_default=True,
    help="netx: a network file; nir: a file for other simulators, of which `import` makes the same network file.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The file.  [default: netx_exports/NAME.net or .nir]"
)
def command(model: Path, period: int | None, file_format: str, output: Path | None) -> None:
    """Write the trained model in folder MODEL as a network file (NetX HDF5) or a NIR file."""
    from snnlp_lava.cli.console import print_status
    from snnlp_lava.errors import InputError
    from snnlp_lava.network.network import format_sizes
    from snnlp_lava.netx.network_file import write_network
    from snnlp_lava.netx.nir.own import write_nir
    from snnlp_lava.train.model_folder import export_model

    suffix, write, other = {"netx": (".net", write_network, ".nir"), "nir": (".nir", write_nir, ".net")}[file_format]
    if output is not None and output.suffix.lower() == other:
        raise InputError(f"file {output}: ends in {other}, but --format {file_format} writes {suffix}")
    network, card = export_model(model, period)
    path = output or Path("netx_exports") / f"{model.resolve().name}{suffix}"
    write(path, network, card)
    print_status(f"network: {path} ({format_sizes(network.sizes)}, window {card.window}, period {card.period} steps)")
