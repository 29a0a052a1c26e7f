"""The command `snnlp-lava`. Each sub-command's module is imported only when it is asked for."""

from __future__ import annotations

import importlib
import keyword
import logging
import sys
from typing import Any

import click

from snnlp_lava.errors import SnnlpLavaError, StoppedError

COMMANDS = {
    "demo": "Train, export, run on Lava and report, on data that comes with the package.",
    "train": "Train a spiking text classifier with lava-dl SLAYER.",
    "sweep": "Train and test every combination of a grid, locally or on a Dask cluster.",
    "reproduce": "Train the SNNLP paper's grid; its table and figures, ours beside them.",
    "export": "Write a trained model as a network file (NetX HDF5), or for other simulators (NIR).",
    "import": "Write a NIR file's network as a network file.",
    "check": "Say whether a network file fits on Loihi 1 or Loihi 2.",
    "run": "Run a network file on texts.",
    "verify": "Compare every spike of SLAYER, the emulator and Lava.",
    "report": "Write a page on what runs found and cost.",
}


class _LazyGroup(click.Group):
    """Knows its commands by name and help; imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        command: click.Command = importlib.import_module(f"snnlp_lava.cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SnnlpLavaError as error:
            click.echo("error: " + " ".join(str(error).splitlines()), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("error: interrupted", err=True)
            ctx.exit(StoppedError.exit_code)


def _show_versions(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from snnlp_lava.versions import versions

        for package, version in versions().items():
            click.echo(f"{package} {version}")
        context.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_versions, help="Versions.")
@click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
def main(verbose: bool) -> None:
    """Spiking text classifiers: train with lava-dl, run on Lava spike for spike, know what they cost."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s: %(message)s"
    )
    for chatty in ("httpx", "sentence_transformers", "numba"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


if __name__ == "__main__":
    main()
