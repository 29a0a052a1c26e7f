"""Run `snnlp-lava`, importing a sub-command's module only when it is called."""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import keyword
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.exceptions import Exit

from snnlp_lava.errors import InputError, SnnlpLavaError, StoppedError
from snnlp_lava.extras import missing_package
from snnlp_lava.files import check_utf8, home_folder

COMMANDS = {
    "demo": "Train, export, run on Lava and report, using data included in the package.",
    "train": "Train a spiking text classifier with lava-dl SLAYER.",
    "sweep": "Train and test every combination in a grid file, locally or on a Dask cluster.",
    "reproduce": "Train the SNNLP paper's grid and compare its table and figures with ours.",
    "export": "Export a trained model as a network file (NetX HDF5) or for other simulators (NIR).",
    "import": "Convert a NIR file to a network file.",
    "check": "Check whether a network file fits on Loihi 1 or Loihi 2.",
    "predict": "Classify texts, from the command line or a pipe.",
    "run": "Run a network file on texts.",
    "verify": "Compare every spike of SLAYER, the emulator and Lava.",
    "report": "Write a report of runs: accuracy, activity and energy.",
    "setup-lava": "Install Lava on Python 3.11 and later.",
}


_PIPE_CLOSED = 141  # 128 + SIGPIPE, as shells report a program whose output is no longer read
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextlib.contextmanager
def _ended_in_one_line() -> Iterator[None]:
    """Convert an error to one line on stderr and an exit code."""
    try:
        yield
    except SnnlpLavaError as error:
        click.echo("error: " + " ".join(str(error).splitlines()), err=True)
        raise Exit(error.exit_code) from error
    except ModuleNotFoundError as error:
        if (line := missing_package(error)) is None:
            raise
        click.echo(f"error: {line}", err=True)
        raise Exit(InputError.exit_code) from error
    except KeyboardInterrupt as error:
        click.echo("error: interrupted", err=True)
        raise Exit(StoppedError.exit_code) from error
    except BrokenPipeError as error:
        _close_unwritable()
        raise Exit(_PIPE_CLOSED) from error
    except OSError as error:  # files raise InputErrors; an OSError without a file name comes from the output
        if error.filename is not None or error.errno not in _DISK_FULL:
            raise
        with contextlib.suppress(OSError):  # stderr may be on the same full disk
            click.echo(f"error: cannot write the output: {error.strerror}", err=True)
        _close_unwritable()
        raise Exit(2) from error


def _check_working_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:  # many libraries query it on import
        raise InputError("the working folder was removed; change to one that exists") from error


def _close_unwritable() -> None:
    """Close a stream with unwritable buffered data; otherwise Python tries again, and fails, at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError):
                stream.close()


class _LazyGroup(click.Group):
    """Commands by name and help text; a command's module is imported when it is called."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # print characters that the terminal cannot encode as escapes
                stream.reconfigure(errors="backslashreplace")
        with _ended_in_one_line():
            for argument in args:  # any argument may end up in a UTF-8 file, after hours of training
                check_utf8(argument, "argument")
            return super().make_context(info_name, args, parent, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name.replace("-", "_")
        command: click.Command = importlib.import_module(f"snnlp_lava.cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        with _ended_in_one_line():
            _check_working_folder()
            os.environ.setdefault("HOME", str(home_folder()))  # matplotlib fails without one
            return super().invoke(ctx)


def _show_versions(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from snnlp_lava.records import versions

        for package, version in versions().items():
            click.echo(f"{package} {version}")
        context.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_versions, help="Versions.")
@click.option("-v", "--verbose", is_flag=True, help="Print more on stderr.")
def main(verbose: bool) -> None:
    """Train spiking text classifiers with lava-dl, run them on Lava spike for spike, and report what they cost."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s: %(message)s"
    )
    for chatty in ("httpx", "sentence_transformers", "numba"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


if __name__ == "__main__":
    main()
