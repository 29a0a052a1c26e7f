"""snnlp-lava export."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from snnlp_lava.network.network import Network
    from snnlp_lava.netx.card import Card


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
    type=click.Choice(["netx", "nir", "html"]),
    default="netx",
    show_default=True,
    help="netx: a network file; nir: a file for other simulators, of which `import` makes the same network file; html: "
    "a page that computes the network in the browser (MODEL may be a network file, demo or cafe, too).",
)
@click.option("--text", "texts", multiple=True, help="A text that the page begins with; may be repeated.")
@click.option(
    "--run",
    "run_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="A run of the network whose texts the page offers: for networks that are no spike embeddings.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Output file.  [default: netx_exports/NAME.net, .nir or .html]",
)
def command(
    model: Path,
    period: int | None,
    file_format: str,
    texts: tuple[str, ...],
    run_folder: Path | None,
    output: Path | None,
) -> None:
    """Write the trained model in folder MODEL as a network file (NetX HDF5), a NIR file or a page."""
    from snnlp_lava.browser.page import write_page
    from snnlp_lava.cli.console import print_status
    from snnlp_lava.errors import InputError
    from snnlp_lava.network.network import format_sizes
    from snnlp_lava.netx.network_file import write_network
    from snnlp_lava.netx.nir.own import write_nir
    from snnlp_lava.predict.load import open_network
    from snnlp_lava.run.folder import read_run
    from snnlp_lava.train.model_folder import export_model

    for option, value in (("--text", texts), ("--run", run_folder)):
        if value and file_format != "html":
            raise InputError(f"{option} only applies to --format html, not {file_format}")
    run = read_run(run_folder) if run_folder is not None else None
    writers: dict[str, Callable[[Path, Network, Card], None]]
    writers = {"netx": write_network, "nir": write_nir, "html": partial(write_page, examples=texts, run=run)}
    suffixes = {"netx": ".net", "nir": ".nir", "html": ".html"}
    suffix = suffixes[file_format]
    if output is not None and output.suffix.lower() in set(suffixes.values()) - {suffix}:
        raise InputError(f"file {output}: ends in {output.suffix}, but --format {file_format} writes {suffix}")
    if file_format == "html" and period is None:
        network, card = open_network(model)
    else:
        network, card = export_model(model, period)
    name = model.stem if model.suffix == ".net" else model.resolve().name
    path = output or Path("netx_exports") / f"{name}{suffix}"
    writers[file_format](path, network, card)
    print_status(f"network: {path} ({format_sizes(network.sizes)}, window {card.window}, period {card.period} steps)")
