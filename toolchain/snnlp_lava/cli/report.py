"""snnlp-lava report."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="report.html",
    show_default=True,
    help="Output file: .html, .json, .csv, .md or .tex.",
)
@click.option(
    "--prices",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your own price book, a TOML file like those in the package's energy/books/; may be repeated.",
)
def command(runs: tuple[Path, ...], output: Path, prices: tuple[Path, ...]) -> None:
    """Write a report of the run folders RUNS: accuracy, activity, energy and chip resources."""
    from snnlp_lava.cli.console import print_status
    from snnlp_lava.energy.prices import read_price_books
    from snnlp_lava.report.page import write_report
    from snnlp_lava.run.folder import read_run

    write_report(output, [read_run(run) for run in runs], read_price_books(prices))
    print_status(f"report: {output}")
