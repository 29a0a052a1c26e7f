"""snnlp-lava run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnlp_lava.cli.options import backend_options, given_options, json_option, run_options

if TYPE_CHECKING:
    from snnlp_lava.run.folder import Run
    from snnlp_lava.run.record import RunRecord

_NOT_PRINTED = ("format", "network", "job", "examples", "presented", "mistakes", "preprocessing", "fits", "says")
"""Fields of the record that --json omits."""
_SHOWN_SAMPLES, _SHOWN_OUTPUTS = 4, 12


@click.command("run")
@click.argument("network", type=click.Path(path_type=Path))
@backend_options("emulator")
@run_options
@click.option(
    "--keep-trains",
    type=click.IntRange(0, 1 << 24),
    help="Keep the spike trains of the first samples, this many, in the run folder (trains.safetensors, bit-packed).  "
    "[default: 4]",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted run.")
@json_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Run folder.  [default: runs/...; none with --text]"
)
def command(network: Path, as_json: bool, output: Path | None, **options: Any) -> None:
    """Run the network file NETWORK on texts, on rows of a data set, or on spikes or values."""
    from snnlp_lava.cli.console import Stages, print_status, progress_bars
    from snnlp_lava.errors import InputError
    from snnlp_lava.run.runner import run_network

    given = given_options(options)
    keep_trains = options["keep_trains"]
    folder = output or (None if "texts" in given else Path("runs") / _run_name(network, given))
    if folder is None and (keep_trains is not None or options["resume"]):
        name = "--resume" if options["resume"] else f"--keep-trains {keep_trains}"
        raise InputError(f"{name} only applies to a run folder; give one with -o")
    if keep_trains is not None:
        given["keep_trains"] = keep_trains  # 0, too
    with progress_bars() as progress:
        run = run_network(network, folder=folder, progress=Stages(progress), **given)
    if as_json:
        click.echo(json.dumps(_document(run), ensure_ascii=False))
    elif "texts" in given:
        _print_texts(given["texts"], run)
    else:
        _print_summary(run.record)
        if run.record.network.card is None:
            _print_outputs(run)
    if folder is not None:
        print_status(f"run: {folder}")


def _run_name(network: Path, given: dict[str, Any]) -> str:
    limit = [f"n{given['limit']}"] if "limit" in given else []
    rows = given.get("split") or ("all" if "no_labels" in given else "test")
    arrays = [given[name].stem for name in ("spikes", "values", "events") if name in given]
    source = arrays[:1] or [Path(given.get("data", "")).stem, rows]
    return "-".join([network.stem, given["backend"], *source, *limit])


def _document(run: Run) -> dict[str, Any]:
    record = run.record
    outputs = {} if record.network.card else {"says": record.says, "outputs": run.output_counts.tolist()}
    kept = {name: value for name, value in record.to_dict().items() if name not in _NOT_PRINTED}
    return {
        **kept,
        "input_spikes": record.layers[0].spikes,
        "synops_per_sample": record.synops / record.samples,
        "paper_operations": record.paper_operations,
        "wraps": record.wraps,
        "clips": record.clips,
        "predictions": run.predictions.tolist(),
        "labels": run.labels.tolist() if run.labels is not None else None,
        **outputs,
    }


def _print_texts(texts: tuple[str, ...], run: Run) -> None:
    names = run.record.label_names
    for text, prediction, counts in zip(texts, run.predictions, run.output_counts, strict=True):
        click.echo(f"{names[prediction] if prediction >= 0 else 'unknown'}\t{text}")
        order = sorted(range(len(names)), key=lambda index: (-counts[index], index != prediction, index))
        click.echo("\t" + "  ".join(f"{names[index]} {counts[index]}" for index in order))


def _print_outputs(run: Run) -> None:
    what = {"spikes": "output spikes", "changes": "sums of output messages", "values": "output values at the end"}
    shown = len(run.output_counts) > _SHOWN_SAMPLES or run.output_counts.shape[1] > _SHOWN_OUTPUTS
    click.echo(f"{what[run.record.says]} of each sample{' (all in the run folder)' if shown else ''}:")
    for number, outputs in enumerate(run.output_counts[:_SHOWN_SAMPLES].tolist(), start=1):
        more = " ..." if len(outputs) > _SHOWN_OUTPUTS else ""
        click.echo(f"  {number}: {' '.join(map(str, outputs[:_SHOWN_OUTPUTS]))}{more}")


def _print_summary(record: RunRecord) -> None:
    from rich.table import Table

    from snnlp_lava.cli.console import print_table

    scores = "" if record.accuracy is None else f": accuracy {record.accuracy:.2%}, MRR {record.mrr:.4f}"
    unknown = f"{record.unknown:,} answered unknown, which counts as wrong; " if record.unknown else ""
    table = Table(
        title=f"{record.samples} {'samples' if record.accuracy is None else 'texts'} on {record.backend}{scores}",
        title_justify="left",
        caption=f"{unknown}per sample, {record.steps / record.samples:.1f} steps; wraps {record.wraps}, "
        f"clips {record.clips}; {record.seconds:.1f} s in all",
        caption_justify="left",
    )
    for column in ("layer", "neurons", "spikes", "synops", "of non-zero weights", "neuron updates"):
        table.add_column(column, justify="left" if column == "layer" else "right")
    for layer in record.layers:
        counts = (layer.spikes, layer.synops, layer.synops_nonzero, layer.neuron_updates)
        table.add_row(layer.name, str(layer.neurons), *(f"{count / record.samples:,.1f}" for count in counts))
    print_table(table)
    for line in _measured(record):
        click.echo(line)


def _measured(record: RunRecord) -> Iterator[str]:
    counted = [layer.name for layer in record.layers if layer.name not in record.layers_read]
    if record.layers_read and counted:
        read = ", ".join(record.layers_read)
        yield (
            f"spikes of {read} read from {record.backend}, the emulator's spike for spike; {', '.join(counted)} as the "
            "emulator counts"
        )
    if (metered := record.metered) is not None:
        units = {"seconds": "s", "joules": "J", "static_joules": "J, static"}
        amounts = {name: getattr(metered, name) for name in units}
        parts = [f"{value / metered.samples:.3g} {units[name]}" for name, value in amounts.items() if value is not None]
        yield f"metered per sample by {metered.by}: {'; '.join(parts)}"
