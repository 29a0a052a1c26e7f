"""snnlp-lava train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnlp_lava.cli.options import data_options, split_scheme_option

if TYPE_CHECKING:
    from snnlp_lava.train.methods.base import TrainConfig
    from snnlp_lava.train.model_folder import ModelInfo


@click.command("train")
@data_options(required=True)
@split_scheme_option("official")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many rows of each part.")
@click.option(
    "--method",
    type=click.Choice(["snn-rate", "snn-rate-rand", "snn-bin", "spike-embedding", "ann"]),
    default="snn-rate",
    show_default=True,
    help="SAF rates, random rates, a binary word code a step, learned sparse codes of words, or no spikes at all.",
)
@click.option(
    "--level",
    type=click.Choice(["sentence", "word"]),
    help="What a vector stands for; a text is the mean of its words'.  "
    "[default: sentence; word for snn-bin and spike-embedding]",
)
@click.option(
    "--embedding",
    help="A sentence-transformers model: a folder, or a name on the Hugging Face hub.  [default: all-MiniLM-L6-v2]",
)
@click.option(
    "--codes",
    type=click.Path(path_type=Path, dir_okay=False),
    help="64-bit word codes as text, for snn-bin.  [default: made of the word vectors]",
)
@click.option(
    "--window",
    type=int,
    help="Time steps a text is presented.  [default: 32; snn-bin: 33, a token each]",
)
@click.option(
    "--synop-budget",
    type=int,
    help="Synops of non-zero weights that a text may take on average, for spike-embedding.  [default: 1000]",
)
@click.option(
    "--calibration",
    type=click.Choice(["onoff", "range", "paper"]),
    help="How vectors become rates.  [default: onoff]",
)
@click.option("--reference", is_flag=True, help="Encode, train and score as the SNNLP paper's published code does.")
@click.option("--threshold-scale", type=float, help="Weight resolution: factor on threshold and initial weights.")
@click.option("--epochs", type=int, help="Passes over the training rows.")
@click.option("--learning-rate", type=float, help="Adam's learning rate at the start; it falls along a cosine.")
@click.option("--seed", type=int, default=42, show_default=True, help="Same seed, same weights.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the model folder.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Model folder.  [default: models/NAME]")
def command(output: Path | None, data: str, **options: Any) -> None:
    """Train a spiking text classifier, and its baselines on the same rows.

    The result is a folder with config.json, weights.safetensors, history.csv and a model card, README.md.
    """
    from snnlp_lava.cli.console import Stages, print_status, progress_bars
    from snnlp_lava.errors import StoppedError
    from snnlp_lava.text.sources import load_texts
    from snnlp_lava.train.data import Origin, prepare
    from snnlp_lava.train.loop import choose_device
    from snnlp_lava.train.methods.base import TrainConfig, check_used
    from snnlp_lava.train.trainer import check_same_data, claimed_folder, train_model

    names = (
        "method",
        "level",
        "window",
        "calibration",
        "reference",
        "threshold_scale",
        "synop_budget",
        "epochs",
        "learning_rate",
        "seed",
    )
    given = {name: value for name, value in options.items() if value is not None}
    chosen = {name: given[name] for name in names if name in given}
    config = TrainConfig.defaults_for(**chosen)
    origin = {name: given[name] for name in ("embedding", "vectors", "words", "codes") if name in given}
    check_used(config, chosen | origin)
    folder = output or Path("models") / _name(data, config)
    with claimed_folder(folder, options["resume"], config) as info:
        if options["device"] == "cuda":
            choose_device("cuda")  # refused before the texts are embedded, if there is none
        texts = load_texts(data, options["text_column"], options["label_column"])
        if info is not None:
            check_same_data(folder, info, texts, options["split_scheme"], options["limit"])
            print_status(f"model {folder}: is already finished")
        else:
            with progress_bars() as progress:
                stages = Stages(progress)
                corpus = prepare(texts, config, options["split_scheme"], options["limit"], Origin(**origin), stages)
                progress.console.print(corpus.classes_text(), highlight=False, markup=False, soft_wrap=True)

                def on_epoch(row: dict[str, float]) -> None:
                    progress.console.print(
                        f"epoch {row['epoch']:>3} of {config.epochs}  train loss {row['train_loss']:.4f}  "
                        f"validation loss {row['validation_loss']:.4f}  accuracy {row['validation_accuracy']:.2%}",
                        highlight=False,
                    )

                try:
                    info = train_model(corpus, config, folder, options["device"], stages, on_epoch)
                except KeyboardInterrupt as error:
                    raise StoppedError(
                        f"interrupted; the same command with --resume goes on after the last finished epoch in {folder}"
                    ) from error
    _print_scores(info)
    print_status(f"model: {folder}")


def _name(data: str, config: TrainConfig) -> str:
    level = [config.level] if config.level != "sentence" else []
    steps = [f"t{config.window}"] if config.method != "ann" else []
    return "-".join([Path(data).stem, *level, config.method, *steps, f"s{config.seed}"])


def _print_scores(info: ModelInfo) -> None:
    """Print the model's scores beside its baselines'."""
    from rich.markup import escape
    from rich.table import Table

    from snnlp_lava.cli.console import print_table
    from snnlp_lava.train.model_folder import score_rows

    rows = info.data["rows"]
    title = f"accuracy on {info.data['name']} ({rows['validation']} validation texts, {rows['test']} test texts)"
    table = Table(title=escape(title), title_justify="left")
    table.add_column("model", no_wrap=True)
    for column in ("validation", "test", "test MRR"):
        table.add_column(column, justify="right")
    for title, scores in score_rows(info):
        validation, test = scores["validation"], scores["test"]
        table.add_row(title, f"{validation['accuracy']:.1%}", f"{test['accuracy']:.1%}", f"{test['mrr']:.3f}")
    print_table(table)
