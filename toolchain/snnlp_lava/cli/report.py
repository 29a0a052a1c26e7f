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
    help="An .html or .json file.",
)
def command(runs: tuple[Path, ...], output: Path) -> None:
    """Write a page on what the run folders RUNS found and cost."""
    from snnlp_lava.backends.record import read_run
    from snnlp_lava.cli.console import stderr
    from snnlp_lava.report.page import write_report

    write_report(output, [read_run(run) for run in runs])
    stderr().print(f"report: {output}", highlight=False, soft_wrap=True)
