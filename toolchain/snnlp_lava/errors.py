"""Errors whose message is one line for the user.

SnnlpLavaError
 +-- InputError    what the user gave cannot be used        (exit code 2)
 +-- CheckError    a check was made and failed              (exit code 1)
      +-- BackendError  a backend stopped before it was done
 +-- StoppedError  the user interrupted it                  (exit code 130)
"""

from __future__ import annotations

from collections.abc import Sequence


class SnnlpLavaError(Exception):
    """Base of all errors whose message is written for the user."""

    exit_code = 1


class InputError(SnnlpLavaError):
    """A file, an option or a value from the user that cannot be used; names it, its value and the remedy."""

    exit_code = 2


class CheckError(SnnlpLavaError):
    """A check that was asked for has failed."""


class StoppedError(SnnlpLavaError):
    """The user interrupted long work; says how to go on."""

    exit_code = 130


class BackendError(CheckError):
    """A backend stopped, crashed or hung before all samples were done."""


def listed(names: Sequence[str], most: int = 10) -> str:
    """Names in one line, the first ones where they are many: ``a, b and 7 more``."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def one_line(error: BaseException) -> str:
    """What another library's error says, in one line; its kind where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
