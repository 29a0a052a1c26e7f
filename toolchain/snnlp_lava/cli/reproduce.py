"""snnlp-lava reproduce."""

from __future__ import annotations

from pathlib import Path

import click

from snnlp_lava.cli.options import sweep_options


@click.command("reproduce")
@click.option("--quick", is_flag=True, help="Part of the grid on part of the rows: a quick look, not results.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with imdb.parquet and emotion.parquet.  [default: from the Hugging Face hub]",
)
@click.option("--data", "names", multiple=True, type=click.Choice(["imdb", "emotion"]), help="Only this data set.")
@click.option(
    "--words", type=click.Path(path_type=Path, dir_okay=False), help="Word vectors; the paper uses glove.6B.200d.txt."
)
@click.option(
    "--codes", type=click.Path(path_type=Path, dir_okay=False), help="Word codes; the paper uses glove-64bit.txt."
)
@click.option("--seed", type=int, default=42, show_default=True, help="Seed of every training.")
@sweep_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="reproduction",
    show_default=True,
    help="Output folder for cells, table and figures.",
)
def command(
    quick: bool,
    data_dir: Path | None,
    names: tuple[str, ...],
    words: Path | None,
    codes: Path | None,
    seed: int,
    jobs: int | None,
    scheduler: str | None,
    resume: bool,
    output: Path,
) -> None:
    """Train the SNNLP paper's grid of 38 cells, and write its table and figures with our results beside the paper's."""
    from snnlp_lava.cli.sweep import finish, run_with_progress
    from snnlp_lava.paper.published import DATA, paper_cells
    from snnlp_lava.paper.table import write_input_raster, write_reproduction

    cells = paper_cells(data_dir, names or DATA, quick=quick, seed=seed, words=words, codes=codes)
    state = run_with_progress(cells, output / "cells", resume, jobs, scheduler)
    if state.done:
        click.echo(write_reproduction(output, cells, state.done))
        write_input_raster(output, cells)
    finish(state)
