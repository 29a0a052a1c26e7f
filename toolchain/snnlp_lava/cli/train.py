"""snnlp-lava train."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnlp_lava.cli.options import CommandOfChoices, data_options, derived_options, split_scheme_option
from snnlp_lava.train.methods.base import DEFAULT_METHOD, DEFAULT_MODEL, METHODS
from snnlp_lava.train.methods.make import importable_methods

if TYPE_CHECKING:
    from snnlp_lava.train.methods.base import Method
    from snnlp_lava.train.model_folder import ModelRecord

_METHODS = importable_methods()
_FAR_BELOW = 0.02  # of TF-IDF, on the validation texts
_SOURCES = ("embedding", "vectors", "words", "codes")


@click.command("train", cls=CommandOfChoices)
@data_options(required=True)
@click.option(
    "--embedding",
    help=f"A sentence-transformers model: a folder, or a name on the Hugging Face hub.  [default: {DEFAULT_MODEL}]",
)
@click.option(
    "--codes",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Binary word codes of up to 64 bits as text.  (only snn-bin)  [default: computed from the word vectors]",
)
@split_scheme_option("official")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of rows of each split.")
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    metavar="METHOD",
    default=DEFAULT_METHOD,
    show_default=True,
    help="; ".join(f"{name}: {method.help}" for name, method in _METHODS.items()) + ".",
)
@derived_options({name: method.variants() for name, method in _METHODS.items()}, none="by the data")
@click.option("--strict", is_flag=True, help="Refuse rows and labels that cannot be used, instead of counting them.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--resume", is_flag=True, help="Continue from the checkpoint in the model folder.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output folder.  [default: models/NAME]")
def command(output: Path | None, data: str, method: str, **given: Any) -> None:
    """Train a text classifier, and its baselines on the same rows.

    Options that do not apply to the method are refused. Writes a folder with config.json, weights.safetensors,
    history.csv and a model card, README.md.
    """
    from snnlp_lava.cli.console import Stages, print_status, progress_bars
    from snnlp_lava.errors import StoppedError
    from snnlp_lava.text.dataset import split_rows
    from snnlp_lava.text.sources import load_texts
    from snnlp_lava.text.summary import summarise
    from snnlp_lava.train.data import prepare_for
    from snnlp_lava.train.methods.base import FeatureSource
    from snnlp_lava.train.methods.make import check_sources, make_method
    from snnlp_lava.train.trainer import check_same_data, keep_freed_memory, reserve_folder, train_into

    text_column, label_column = given.pop("text_column"), given.pop("label_column")
    split_scheme, limit = given.pop("split_scheme"), given.pop("limit")
    device, resume, strict = given.pop("device"), given.pop("resume"), given.pop("strict")
    given = {name: value for name, value in given.items() if value is not None}
    sources = {name: given.pop(name) for name in _SOURCES if name in given}
    chosen = make_method(method, flags=True, **given)
    check_sources(chosen, sources, flags=True)
    keep_freed_memory()
    folder = output or Path("models") / _name(data, chosen)
    history: list[dict[str, float]] = []
    with reserve_folder(folder, resume, chosen) as record:
        if device == "cuda":
            from snnlp_lava.train.loop import choose_device

            choose_device(device)  # refused before the texts are embedded, if there is none
        texts = load_texts(data, text_column, label_column, strict=strict)
        if strict:
            split_rows(texts, split_scheme, strict=True)
        if record is not None:
            check_same_data(folder, record, texts, split_scheme, limit)
            print_status(f"model {folder}: is already finished")
        else:
            with progress_bars() as progress:
                stages = Stages(progress)
                prepared = prepare_for(chosen, texts, split_scheme, limit, FeatureSource(**sources), stages)
                for line in (prepared.class_summary(), *summarise(texts, prepared.rows)):
                    progress.console.print(line, highlight=False, markup=False, soft_wrap=True)

                def on_epoch(row: dict[str, float]) -> None:
                    history.append(row)
                    progress.console.print(_epoch_text(row, chosen), highlight=False, soft_wrap=True)

                try:
                    record = train_into(chosen, prepared, folder, device, stages, on_epoch)
                except KeyboardInterrupt as error:
                    raise StoppedError(
                        f"interrupted; the same command with --resume continues after the last epoch in {folder}"
                    ) from error
    _print_scores(record)
    if history and (said := _price(record, history)):
        click.echo(said)
    print_status(f"model: {folder}")


def _epoch_text(row: Mapping[str, float], method: Method) -> str:
    """A row of the history in a line: of an epoch, or of a cut, as methods without epochs have them."""
    if "train_loss" not in row:
        values = [f"{name.replace('_', ' ')} {value:.4g}" for name, value in row.items() if name != "epoch"]
        return f"cut {row['epoch']:>2}  {'  '.join(values)}"
    return (
        f"epoch {row['epoch']:>3} of {method.options().get('epochs', 1)}  train loss {row['train_loss']:.4f}  "
        f"validation loss {row['validation_loss']:.4f}  accuracy {row['validation_accuracy']:.2%}"
    )


def _price(record: ModelRecord, history: list[dict[str, float]]) -> str | None:
    """What the spikes of a network without epochs cost, and what they lose, in a line."""
    row = history[record.scores.best_epoch - 1]
    if "nanojoules" not in row:
        return None
    scores, tfidf = record.scores.validation, record.baselines.get("tfidf")
    beside = f", {100 * (scores.accuracy - tfidf.validation.accuracy):+.1f} points against TF-IDF" if tfidf else ""
    return (
        f"spikes: {scores.accuracy:.1%} on the validation texts{beside}, for about {row['synops']:.0f} synops and "
        f"{row['steps']:.0f} steps a text, {row['nanojoules']:.1f} nJ by Loihi 1's prices; reading them by first "
        f"spikes costs {100 * row['lost_by_rise']:.1f} points. Where other words mean the same (intents, paraphrases), "
        "sentence vectors (--method snn-rate) may say more"
    )


def _name(data: str, method: Method) -> str:
    unit = [method.unit] if method.unit != "sentence" else []
    options = method.options()
    steps = [f"t{options['window']}"] if options.get("window") else []
    return "-".join([Path(data).stem, *unit, method.name, *steps, f"s{method.seed}"])


def _print_scores(record: ModelRecord) -> None:
    """Print the scores of the model and its baselines."""
    from rich.markup import escape
    from rich.table import Table

    from snnlp_lava.cli.console import print_table
    from snnlp_lava.train.model_folder import score_rows

    rows = record.data.rows
    title = f"accuracy on {record.data.name} ({rows.validation} validation texts, {rows.test} test texts)"
    table = Table(title=escape(title), title_justify="left")
    table.add_column("model", no_wrap=True)
    for column in ("validation", "test", "test MRR"):
        table.add_column(column, justify="right")
    for title, validation, test in score_rows(record):
        table.add_row(title, f"{validation.accuracy:.1%}", f"{test.accuracy:.1%}", f"{test.mrr:.3f}")
    print_table(table)
    if record.calibration_error is not None:
        click.echo(f"expected calibration error on the validation texts: {record.calibration_error:.1%}")
    tfidf = record.baselines.get("tfidf")
    lead = tfidf.validation.accuracy - record.scores.validation.accuracy if tfidf is not None else 0.0
    if lead > _FAR_BELOW:
        other = "spike-embedding" if record.method.takes == "vectors" else "snn-rate"
        click.echo(
            f"TF-IDF is {100 * lead:.1f} points better on the validation texts: words say more here than this network "
            f"takes of them; try --method {other}"
        )
