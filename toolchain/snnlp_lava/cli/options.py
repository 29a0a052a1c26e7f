"""Define options shared by several commands, and derive options from records."""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from snnlp_lava.errors import InputError

if TYPE_CHECKING:
    from snnlp_lava.records import Record

MAX_ROWS = 1 << 40
_DATA_HELP = "demo, cafe, emotion, imdb, hf:OWNER/NAME, or a .parquet, .csv or .jsonl file."
F = TypeVar("F", bound=Callable[..., Any])


def _combine(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def derived_options(kinds: Mapping[str, Sequence[type[Record]]], none: str = "") -> Callable[[F], F]:
    """Create one option for each field of any of the records; options not given stay None.

    The type comes from the field's annotation, the help from its `opt`, with the default of each record. In a
    `CommandOfChoices` the help groups options by the records that have them.

    Parameters
    ----------
    kinds
        Records by the name that selects them; of several of one name the first describes a field that more have.
    none
        What the help says of a default that is None; nothing by default.
    """
    fields: dict[str, dict[str, _Field]] = {}
    for kind, records in kinds.items():
        for record in records:
            for name, found in _fields(record).items():
                fields.setdefault(name, {}).setdefault(kind, found)
    return _combine(*(_option(name, by_kind, len(kinds), none) for name, by_kind in fields.items()))


class _Field(typing.NamedTuple):
    type: Any
    help: str
    default: Any


def _fields(record: type[Record]) -> dict[str, _Field]:
    found = {}
    for name, hint in typing.get_type_hints(record, include_extras=True).items():
        if name not in record.__struct_fields__:
            continue
        notes = getattr(hint, "__metadata__", ())
        text = " ".join(note.description for note in notes if getattr(note, "description", None))
        found[name] = _Field(_without_notes(hint), text, getattr(record(), name))
    return found


def _without_notes(hint: Any) -> Any:
    """The type of a value that is given: without annotations, and without None where that is the default."""
    hint = typing.get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    if type(None) not in typing.get_args(hint):
        return hint
    (given,) = (part for part in typing.get_args(hint) if part is not type(None))
    return _without_notes(given)


def _option(name: str, by_kind: Mapping[str, _Field], kinds: int, none: str) -> Callable[[F], F]:
    first = next(iter(by_kind.values()))
    defaults: dict[str, list[str]] = {}
    for kind, found in by_kind.items():
        defaults.setdefault(none if found.default is None else _default_text(found.default), []).append(kind)
    (common, _), *others = sorted(defaults.items(), key=lambda item: -len(item[1]))
    shown = "; ".join([common, *(f"{', '.join(which)}: {text}" for text, which in others)])
    texts = list(dict.fromkeys(found.help for found in by_kind.values()))
    owners = ", ".join(by_kind) if len(by_kind) < kinds else ""
    flag = f"--{name.replace('_', '-')}"
    if first.type is bool:
        return click.option(flag, cls=DerivedOption, owners=owners, is_flag=True, default=None, help=texts[0])
    text = texts[0] if not shown else f"{texts[0]}  [default: {shown}]"
    return click.option(flag, cls=DerivedOption, owners=owners, type=_param_type(first.type), help=text)


class DerivedOption(click.Option):
    """An option that applies to some choices only, or to all.

    Attributes
    ----------
    owners
        Names of the choices it applies to; "" for all.
    """

    def __init__(self, *arguments: Any, owners: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.owners = owners

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return flag and help, naming the choices if the command's help has no section for them."""
        record = super().get_help_record(ctx)
        if record is None or not self.owners or isinstance(ctx.command, CommandOfChoices):
            return record
        return record[0], f"{record[1]}  (only {self.owners})"


class CommandOfChoices(click.Command):
    """A command whose help lists derived options last, in one section per set of choices."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for param in self.get_params(ctx):
            if (record := param.get_help_record(ctx)) is not None:
                owners = param.owners if isinstance(param, DerivedOption) else None
                title = "Options" if owners is None else f"Options of {owners or 'every method'}"
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def _default_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    fields = getattr(value, "__struct_fields__", None)
    return ",".join(f"{name}={getattr(value, name)}" for name in fields) if fields else str(value)


def _param_type(hint: Any) -> click.ParamType:
    if type(None) in typing.get_args(hint):
        (hint,) = (option for option in typing.get_args(hint) if option is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return click.Choice(typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return _Numbers()
    if hasattr(hint, "__struct_fields__"):
        return _Settings()
    types: dict[Any, click.ParamType] = {int: click.INT, float: click.FLOAT, str: click.STRING}
    return types[hint]


def _wrong(param: click.Parameter | None, text: str) -> InputError:
    return InputError(f"{param.opts[0] if param else 'option'} {text}")


class _Numbers(click.ParamType):
    """Integers written as ``256,128``, or ``none`` for an empty list."""

    name = "N,N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse integers."""
        if not isinstance(value, str):
            return tuple(value)
        try:
            return () if value == "none" else tuple(int(part) for part in value.split(","))
        except ValueError:
            raise _wrong(param, f"must be integers such as 256,128, or none, got {value!r}") from None


class _Settings(click.ParamType):
    """Named numbers written as ``threshold=2,current_decay=0.5``."""

    name = "NAME=VALUE,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, float]:
        """Parse named numbers."""
        if not isinstance(value, str):
            return dict(value)
        found = {}
        for part in value.split(","):
            name, _, number = part.partition("=")
            try:
                found[name.strip()] = float(number)
            except ValueError:
                raise _wrong(param, f"must be NAME=VALUE,... with numbers, got {part!r}") from None
        return found


def _vectors_option() -> Callable[[F], F]:
    """--vectors."""
    return click.option(
        "--vectors",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A .npy file with one vector for each row of the data, instead of embedding the texts.",
    )


def data_options(*, required: bool) -> Callable[[F], F]:
    """Add --data and the options that describe its columns."""
    return _combine(
        click.option(
            "--data",
            required=required,
            help=_DATA_HELP,
        ),
        click.option(
            "--text-column",
            multiple=True,
            default=("text",),
            show_default=True,
            help="Column with the texts; several are joined, in their order.",
        ),
        click.option("--label-column", default="label", show_default=True, help="Column with the labels."),
        _vectors_option(),
        click.option(
            "--words",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Word vectors as text (GloVe, word2vec; .gz, too).  [default: distilled from the embedding model]",
        ),
    )


def split_scheme_option(default: str | None) -> Callable[[F], F]:
    """--split-scheme."""
    return click.option(
        "--split-scheme",
        type=click.Choice(["official", "paper"]),
        default=default,
        show_default=default or "as in training",
        help="official: the data's own split; paper: all rows pooled and cut 60/10/30 as SNNLP does.",
    )


def run_options(function: F) -> F:
    """Add the options that select a run's input: the fields of `snnlp_lava.run.inputs.RunInput`.

    None of them has a default here, so that options given without effect can be refused.
    """
    from snnlp_lava.text.dataset import PARTS, SCHEMES

    return _combine(
        click.option("--text", "texts", multiple=True, help="A text to classify; may be repeated."),
        click.option("--data", help=_DATA_HELP),
        click.option(
            "--text-column", multiple=True, help="Column with the texts; several are joined.  [default: text]"
        ),
        click.option("--label-column", help="Column with the labels.  [default: label]"),
        click.option("--no-labels", is_flag=True, help="Do not read labels; runs all rows."),
        _vectors_option(),
        click.option(
            "--words",
            type=click.Path(path_type=Path, dir_okay=False),
            help="The word vectors that the network was trained with, if they are not in the cache.",
        ),
        click.option(
            "--split",
            type=click.Choice([*PARTS, "all"]),
            help="Which rows of the data to run; all takes every row in order and needs no labels.  "
            "[default: test, or all with --no-labels]",
        ),
        click.option(
            "--split-scheme",
            type=click.Choice(SCHEMES),
            help="official: the data's own split; paper: all rows pooled and cut 60/10/30 as SNNLP does.  "
            "[default: as in training]",
        ),
        click.option(
            "--spikes",
            type=click.Path(path_type=Path, dir_okay=False),
            help="A .npy file of spikes, (samples, steps, input lines) or (samples, steps, width, height, channels), "
            "instead of data; works with any network.",
        ),
        click.option("--graded", is_flag=True, help="The spikes are integers of up to 16 bits and a sign."),
        click.option(
            "--values",
            type=click.Path(path_type=Path, dir_okay=False),
            help="A .npy file of values for a network whose input layer has neurons, of shapes as --spikes; without "
            "the axis of steps each value is presented for --steps steps.",
        ),
        click.option(
            "--events",
            type=click.Path(path_type=Path, dir_okay=False),
            help="A .npy file with a row for each event of one sample: line, polarity, time in ms; or x, y, polarity, "
            "time in ms.",
        ),
        click.option(
            "--steps",
            type=click.IntRange(min=1),
            help="Steps for which values without an axis of steps are presented, or events read.",
        ),
        click.option(
            "--labels",
            type=click.Path(path_type=Path, dir_okay=False),
            help="A .npy file with the class of each sample of --spikes, --values or --events.",
        ),
        click.option(
            "--limit", type=click.IntRange(1, MAX_ROWS), help="Maximum number of rows; the same rows each time."
        ),
        click.option(
            "--strict",
            is_flag=True,
            help="Refuse rows without text and labels that the network lacks, instead of skipping the former and "
            "counting the latter as wrong.",
        ),
    )(function)


def backend_options(default: str) -> Callable[[F], F]:
    """Add --backend and the options of every backend."""
    from snnlp_lava.backends.base import BACKENDS

    known = {}
    for name in BACKENDS:
        with contextlib.suppress(InputError):  # a plug-in that cannot be imported is refused when it is chosen
            known[name] = BACKENDS[name]
    texts = "; ".join(f"{name}: {backend.help}" for name, backend in known.items())
    return _combine(
        click.option(
            "--backend", type=click.Choice(list(BACKENDS)), default=default, show_default=True, help=f"{texts}."
        ),
        derived_options({name: (backend.options,) for name, backend in known.items()}),
    )


def given_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    absent = (None, False, ())
    return {name: value for name, value in options.items() if not any(value is nothing for nothing in absent)}


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


def sweep_options(function: F) -> F:
    """Add the options that say where the cells of a sweep run, and --resume."""
    return _combine(
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            help="Cells to run in parallel, each in its own process.  [default: 1]",
        ),
        click.option(
            "--scheduler", metavar="tcp://HOST:PORT", help="Run on the workers of this Dask scheduler instead."
        ),
        click.option("--resume", is_flag=True, help="Keep the results in the folder and run only the missing cells."),
    )(function)
