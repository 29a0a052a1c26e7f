"""snnlp-lava run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from snnlp_lava.cli.options import board_options, chosen_board, jobs_option, json_option, selection_options

if TYPE_CHECKING:
    from snnlp_lava.run.folder import Run
    from snnlp_lava.run.inputs import Selection

# What of result.json is no part of what --json prints.
_ELSEWHERE = ("format", "network", "data", "job", "examples", "presented", "preprocessing", "placement")


@click.command("run")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--backend",
    type=click.Choice(["emulator", "sim", "loihi2"]),
    default="emulator",
    show_default=True,
    help="emulator: NumPy, the same integers; sim: Lava's CPU simulator; loihi2: the chip, with Intel's extension.",
)
@selection_options()
@click.option("--text", "texts", multiple=True, help="A text to classify; may be given several times.")
@click.option(
    "--keep-trains",
    type=click.IntRange(min=0),
    default=4,
    show_default=True,
    help="Keep every spike of so many samples, the first, in the run folder (trains.safetensors, bit-packed).",
)
@jobs_option
@board_options
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted.")
@json_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Run folder.  [default without --text: runs/...]")
def command(network: Path, as_json: bool, output: Path | None, texts: Sequence[str], **options: Any) -> None:
    """Run the network file NETWORK on texts, on a part of a data set, or on spikes."""
    from snnlp_lava.cli.console import Stages, print_status, progress_bars
    from snnlp_lava.errors import InputError
    from snnlp_lava.run.folder import read_run
    from snnlp_lava.run.inputs import Selection
    from snnlp_lava.run.runner import run_network

    if [bool(texts), bool(options["data"]), bool(options["spikes"])].count(True) != 1:
        raise InputError("give either --data, or --spikes, or one or more --text")
    of_run = {name: options.pop(name) for name in ("backend", "jobs", "keep_trains", "resume")}
    board = chosen_board(of_run["backend"], of_run["jobs"], options)
    selection = Selection(texts=tuple(texts), **options)
    kept = output or (None if texts else Path("runs") / _run_name(network, selection, of_run["backend"]))
    with contextlib.ExitStack() as stack:
        folder = kept or Path(stack.enter_context(TemporaryDirectory(prefix="snnlp-lava-"))) / "run"
        progress = stack.enter_context(progress_bars())
        run_network(network, selection, folder=folder, board=board, **of_run, report=Stages(progress))
        run = read_run(folder)
    if as_json:
        click.echo(json.dumps(_document(run), ensure_ascii=False))
    elif texts:
        _print_texts(texts, run)
    else:
        _print_summary(run.record)
    if kept is not None:
        print_status(f"run: {kept}")


def _run_name(network: Path, selection: Selection, backend: str) -> str:
    limit = [f"n{selection.limit}"] if selection.limit else []
    source = [Path(selection.spikes).stem] if selection.spikes else [Path(selection.data or "").stem, selection.part]
    return "-".join([network.stem, backend, *source, *limit])


def _document(run: Run) -> dict[str, Any]:
    labels = run.labels.tolist() if run.labels is not None else None
    outcome = {name: value for name, value in run.record.items() if name not in _ELSEWHERE}
    return {**outcome, "predictions": run.predictions.tolist(), "labels": labels}


def _print_texts(texts: Sequence[str], run: Run) -> None:
    names = run.record["label_names"]
    for text, prediction, counts in zip(texts, run.predictions, run.output_counts, strict=True):
        click.echo(f"{names[prediction]}\t{text}")
        order = sorted(range(len(names)), key=lambda index: (-counts[index], index != prediction, index))
        click.echo("\t" + "  ".join(f"{names[index]} {counts[index]}" for index in order))


def _print_summary(document: Mapping[str, Any]) -> None:
    from rich.table import Table

    from snnlp_lava.cli.console import print_table

    samples = document["samples"]
    scores = "" if document["accuracy"] is None else f": accuracy {document['accuracy']:.2%}, MRR {document['mrr']:.4f}"
    table = Table(
        title=f"{samples} {'samples' if document['accuracy'] is None else 'texts'} on {document['backend']}{scores}",
        title_justify="left",
        caption=f"per sample, {document['steps'] / samples:.1f} steps; wraps {document['wraps']}, "
        f"clips {document['clips']}; {document['seconds']:.1f} s in all",
        caption_justify="left",
    )
    for column in ("layer", "neurons", "spikes", "synops", "of non-zero weights", "neuron updates"):
        table.add_column(column, justify="left" if column == "layer" else "right")
    for layer in document["layers"]:
        counts = [layer[key] / samples for key in ("spikes", "synops", "synops_nonzero", "neuron_updates")]
        table.add_row(layer["name"], str(layer["neurons"]), *(f"{count:,.1f}" for count in counts))
    print_table(table)
    for line in _measured(document):
        click.echo(line)


def _measured(document: Mapping[str, Any]) -> Iterator[str]:
    if "counted_by" in document:
        hidden = [name for name, by in document["counted_by"].items() if by == "emulator"]
        yield "output spikes from the chip, the emulator's spike for spike; input spikes as the host sent them" + (
            f"; {', '.join(hidden)} as the emulator counts" if hidden else ""
        )
    if "metered" in document:
        samples = document["metered"]["samples"]
        units = {"seconds": "s", "joules": "J", "static_joules": "J, static"}
        parts = [
            f"{document['metered'][name] / samples:.3g} {units[name]}" for name in units if name in document["metered"]
        ]
        yield f"metered per sample by {document['metered']['by']}: {'; '.join(parts)}"
