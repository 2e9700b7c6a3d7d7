"""What every operation asks of its inputs, with an error that names the row."""

from typing import Any

import numpy as np
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Float, Int

Weights = Int[ndarray, "*b n"] | Float[ndarray, "*b n"]


def finite_vector(values: Any, name: str) -> ndarray:
    """Return a contiguous float vector, refusing another shape, NaN and infinity.

    Raises
    ------
    DataError
        If it is not one finite number a subject.
    """
    vector = np.ascontiguousarray(values)
    if vector.dtype not in (np.float32, np.float64):
        vector = vector.astype(np.float64)
    if vector.ndim != 1:
        raise DataError(f"{name} has shape {vector.shape}; expected one value a subject, shape (n,).")
    broken = np.flatnonzero(~np.isfinite(vector))
    if broken.size:
        raise DataError(
            f"{name} is {vector[broken[0]]} in row {broken[0]} ({broken.size} of {vector.size} rows not finite); "
            f"expected finite numbers. Drop or impute these rows first."
        )
    return vector


def same_length(**columns: ndarray) -> None:
    """Refuse columns which are not vectors of one length.

    Raises
    ------
    DataError
        If shapes differ.
    """
    if len({column.shape for column in columns.values()}) != 1:
        shapes = ", ".join(f"{name} {column.shape}" for name, column in columns.items())
        raise DataError(f"Shapes differ: {shapes}; expected one value a subject in each.")


def checked_weights(weights: Any, name: str, n: int) -> Float[ndarray, "*b n"]:
    """Return float64 weights of shape [n] or [b, n]; none given means 1 each.

    Raises
    ------
    DataError
        If the shape is another, or a weight is negative, NaN or infinite.
    """
    if weights is None:
        return np.ones(n)
    checked = np.ascontiguousarray(weights, dtype=np.float64)
    if checked.ndim not in (1, 2) or checked.shape[-1] != n:
        raise DataError(f"{name} has shape {checked.shape}; expected ({n},) or (replicates, {n}).")
    if checked.size and not (checked.min() >= 0 and checked.max() < np.inf):  # NaN fails both
        raise DataError(f"{name} holds a negative, NaN or infinite value; expected numbers >= 0.")
    return checked
