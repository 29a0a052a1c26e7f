"""snnlp-lava demo."""

from __future__ import annotations

from pathlib import Path

import click

TEXTS = (
    "i did not expect that at all, wow",
    "He held the letter for an hour and then he cried.",
    "Who scratched my car? I am going to find you!",
)


@click.command("demo")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default="demo", show_default=True, help="Folder for everything."
)
@click.option("--limit", type=click.IntRange(min=1), default=180, show_default=True, help="Test texts to run on Lava.")
@click.option("--epochs", type=click.IntRange(min=1), default=20, show_default=True, help="Epochs to train.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Lava runtimes at once.")
def command(output: Path, limit: int, epochs: int, jobs: int) -> None:
    """Train, export, run on Lava and report, using data included in the package."""
    from rich.markup import escape

    from snnlp_lava.cli import export, report, run, train
    from snnlp_lava.cli.console import print_status, stderr

    console = stderr()
    context = click.get_current_context()
    model, network = output / "models" / "demo", output / "netx_exports" / "demo.net"
    runs, page = output / "runs" / "demo-sim", output / "report.html"

    def step(number: int, title: str, command: str) -> None:
        console.print(
            f"\n[bold]{number}. {title}[/bold]  [dim]{escape(command)}[/dim]", highlight=False, soft_wrap=True
        )

    step(1, "Train", f"snnlp-lava train --data demo --epochs {epochs} --resume -o {model}")
    context.invoke(train.command, data="demo", epochs=epochs, output=model, resume=True)
    step(2, "Export", f"snnlp-lava export {model} -o {network}")
    context.invoke(export.command, model=model, output=network)
    step(
        3,
        "Run on Lava's simulator",
        f"snnlp-lava run {network} --backend sim --data demo --limit {limit} --resume -o {runs}",
    )
    context.invoke(
        run.command, network=network, backend="sim", data="demo", limit=limit, jobs=jobs, resume=True, output=runs
    )
    step(4, "Three typed texts", f'snnlp-lava run {network} --text "..."')
    context.invoke(run.command, network=network, texts=TEXTS)
    step(5, "Report", f"snnlp-lava report {runs} -o {page}")
    context.invoke(report.command, runs=(runs,), output=page)
    print_status(f"\nopen {page.resolve()}")
