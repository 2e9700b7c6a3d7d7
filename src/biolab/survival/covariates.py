"""Covariates from any table to float64, so that a fault names its row and its column."""

from typing import Any

import numpy as np
import polars as pl

from biolab.core.arrays import Float
from biolab.core.errors import DataError

from .target import plain


def covariate_matrix(X: Any) -> Float[np.ndarray, "n p"]:
    """Read a polars or pandas frame, array or tensor as a finite float64 matrix.

    Raises
    ------
    DataError
        If it is not two-dimensional, has no column, or holds text, a missing or an infinite value.
    """
    if isinstance(X, pl.LazyFrame):
        raise DataError("X is a polars LazyFrame; call .collect() and pass the DataFrame.")
    values = _frame_values(X) if hasattr(X, "columns") else _array_values(X)
    if values.shape[1] == 0:
        raise DataError(f"X has 0 feature(s) (shape={values.shape}) while a minimum of 1 is required.")
    with np.errstate(over="ignore", invalid="ignore"):
        finite = bool(np.isfinite(values.sum()))
    if not finite and len(wrong := np.argwhere(~np.isfinite(values))):
        row, column = wrong[0].tolist()
        value = values[row, column]
        found = "NaN (missing)" if np.isnan(value) else str(value)
        raise DataError(
            f"X, row {row} (counted from 0), column {column_name(X, column)}: {found}; covariates must be finite, "
            f"neither NaN nor inf ({len(wrong)} such cells). Drop the rows or impute inside the folds."
        )
    return values


def column_name(X: Any, column: int) -> str:
    """Name a column for a message: its name in quotes, or its position."""
    return repr(str(X.columns[column])) if hasattr(X, "columns") else str(column)


def _array_values(X: Any) -> Float[np.ndarray, "n p"]:
    if hasattr(X, "toarray"):
        raise DataError("X is a sparse matrix; sparse input is not supported. Pass X.toarray().")
    values = plain(X)
    if values.ndim != 2:
        raise DataError(
            f"X has shape {values.shape}; a matrix [n, columns] is expected. Reshape your data: X.reshape(-1, 1) if it "
            "is one column."
        )
    return (
        np.column_stack([_floats(part, f"column {at}") for at, part in enumerate(values.T)])
        if (values.dtype.kind not in "biuf")
        else values.astype(np.float64)
    )


def _frame_values(X: Any) -> Float[np.ndarray, "n p"]:
    columns = [_floats(plain(X[name]), f"column {str(name)!r}") for name in X.columns]
    return np.column_stack(columns) if columns else np.empty((len(X), 0))


def _floats(values: np.ndarray, where: str) -> Float[np.ndarray, " n"]:
    if values.dtype.kind == "c":
        raise DataError(f"X, {where}: Complex data not supported. Pass real numbers.")
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    for row, value in enumerate(values.tolist()):
        if value is not None and not isinstance(value, bool | int | float):
            raise DataError(
                f"X, row {row} (counted from 0), {where}: {value!r} is not a number. Encode categories as columns of "
                "0/1 first."
            )
    return values.astype(np.float64)
