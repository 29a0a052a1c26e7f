"""Arrays of integers, checked as they come in."""

from __future__ import annotations

from typing import Any

import numpy as np

from snnlp_lava.errors import InputError


def integer_array(values: Any, name: str, shape: str) -> np.ndarray:
    """A read-only int32 copy of whole numbers.

    Parameters
    ----------
    values
        An array, or what makes one; floats that are whole numbers are taken.
    name
        What errors call it.
    shape
        Its axes as errors name them, ``(neurons, lines)``; none of them may be empty.

    Raises
    ------
    InputError
        If it has other axes, or values that are no integers of 32 bits.
    """
    array = np.asarray(values)
    if array.ndim != len([axis for axis in shape.strip("()").split(",") if axis]) or 0 in array.shape:
        raise InputError(f"{name} must have the shape {shape}, got {array.shape}")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (array != np.rint(array)).any():
            raise InputError(f"{name} must hold integers, got {_first_fraction(array)}")
    elif array.dtype.kind not in "iu":
        raise InputError(f"{name} must hold integers, got {array.dtype}")
    largest = np.abs(array.astype(np.float64)).max()
    if largest >= 1 << 31:
        raise InputError(f"{name} {largest:.0f} does not fit into 32 bits")
    array = array.astype(np.int32)
    array.setflags(write=False)
    return array


def check_range(name: str, value: Any, low: int, high: int) -> None:
    """Check one value, or each of an array.

    Raises
    ------
    InputError
        If one is outside low to high.
    """
    values = np.asarray(value)
    outside = (values < low) | (values > high)
    if outside.any():
        raise InputError(f"{name} {int(values[outside].flat[0])} is outside {low} to {high}")


def check_integer(name: str, value: Any, low: int, high: int) -> int:
    """Check that a value is an integer from low to high, and give it as Python's.

    Raises
    ------
    InputError
        If it is not.
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise InputError(f"{name} must be an integer, got {value!r}")
    check_range(name, value, low, high)
    return int(value)


def _first_fraction(array: np.ndarray) -> float:
    with np.errstate(invalid="ignore"):
        return float(array[~(array == np.rint(array)) | ~np.isfinite(array)].flat[0])
