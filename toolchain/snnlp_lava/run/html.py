"""What a notebook shows of an object: a small HTML table."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape


def html_table(title: str, rows: Mapping[str, str | None]) -> str:
    """Return a table of names and values; those that are None are left out."""
    cells = "".join(
        f'<tr><th scope="row" style="text-align: left">{escape(name)}</th>'
        f'<td style="text-align: left">{escape(value)}</td></tr>'
        for name, value in rows.items()
        if value is not None
    )
    return f'<table><caption style="text-align: left"><strong>{escape(title)}</strong></caption>{cells}</table>'
