"""Define the errors whose message is one line for the user.

SnnlpLavaError
 +-- InputError    bad input: a file, an option or a value  (exit code 2)
 +-- CheckError    a check failed                           (exit code 1)
      +-- BackendError  a backend stopped before it finished
 +-- StoppedError  interrupted by the user                  (exit code 130)
"""

from __future__ import annotations

from collections.abc import Sequence


class SnnlpLavaError(Exception):
    """Base of all errors whose message is written for the user."""

    exit_code = 1


class InputError(SnnlpLavaError, ValueError):
    """Bad input from the user: a file, an option or a value. The message names it, its value and the remedy."""

    exit_code = 2


class CheckError(SnnlpLavaError):
    """A requested check failed."""


class StoppedError(SnnlpLavaError):
    """The user interrupted a long task; the message says how to resume."""

    exit_code = 130


class BackendError(CheckError):
    """A backend stopped, crashed or hung before it had run all samples."""


def listed(names: Sequence[str], most: int = 10) -> str:
    """Join names into one line, cut to the first few: ``a, b and 7 more``."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def one_line(error: BaseException) -> str:
    """Return another library's error message as one line, or the error's type if the message is empty."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
