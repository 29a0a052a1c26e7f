"""Numbers and texts as people read them."""

from __future__ import annotations


def plain_text(text: str) -> str:
    """A text with spaces for what cannot be printed, and may not stand in an SVG."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def count_text(value: float) -> str:
    """A count, with one decimal where it is small and broken."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"


def joules_text(low: float, high: float) -> str:
    """Picojoules from low to high, in the unit that suits."""
    one, other = _joules(low), _joules(high)
    return one if one == other else f"{one} to {other}"


def time_text(low: float, high: float) -> str:
    """Nanoseconds from low to high, in the unit that suits."""
    one, other = _scaled(low, (("ms", 1e6), ("µs", 1e3)), "ns"), _scaled(high, (("ms", 1e6), ("µs", 1e3)), "ns")
    return one if one == other else f"{one} to {other}"


def _joules(picojoules: float) -> str:
    return _scaled(picojoules, (("kJ", 1e15), ("J", 1e12), ("mJ", 1e9), ("µJ", 1e6), ("nJ", 1e3)), "pJ")


def _scaled(value: float, units: tuple[tuple[str, float], ...], smallest: str) -> str:
    for unit, size in units:
        if value >= size:
            return f"{value / size:,.1f} {unit}"
    return f"{value:,.1f} {smallest}"
