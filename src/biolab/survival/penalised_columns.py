"""Columns made ready for a penalised fit: centred, scaled, sorted, without those that say nothing of their own."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from biolab.core.arrays import Bool, Float, Int
from biolab.core.errors import DataError
from biolab.kernels import RiskSet


@dataclass(frozen=True, kw_only=True, eq=False)
class PenalisedColumns:
    """Columns of standard deviation 1, a row each, of the patients ever at risk; which they are, and their factors.

    ``constant`` and ``duplicate`` columns are not among the ``kept``.
    """

    columns: Float[np.ndarray, "k m"]
    kept: Int[np.ndarray, " k"]
    scale: Float[np.ndarray, " k"]
    factors: Float[np.ndarray, " k"]
    constant: Int[np.ndarray, " c"]
    duplicate: Int[np.ndarray, " d"]


def penalised_columns(
    design: Float[np.ndarray, "n p"],
    weight: Float[np.ndarray, " n"],
    risk: RiskSet,
    factors: Float[np.ndarray, " p"] | None,
    *,
    merge: bool,
) -> PenalisedColumns:
    """Scale columns and sort their rows; where equal ones ``merge``, the first of the smallest factor is kept.

    Raises
    ------
    DataError
        If the squares of a column overflow.
    """
    columns = np.ascontiguousarray(design.T)
    share = weight / weight.sum()
    weighing = np.ones(len(columns)) if factors is None else factors
    flat = columns.max(axis=1) == columns.min(axis=1)
    duplicate = _duplicates(columns, ~flat, weighing) if merge else np.empty(0, dtype=np.int64)
    if columns.base is not None:  # of a design in Fortran's order the transpose is no copy
        columns = columns.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        columns -= (columns @ share)[:, None]
        columns[flat] = 0.0
        scale = np.sqrt(np.einsum("pn,pn,n->p", columns, columns, share))
    wrong = np.flatnonzero(~np.isfinite(scale))
    if wrong.size:
        raise DataError(
            f"Column {wrong[0]} (counted from 0) holds values up to {np.abs(design[:, wrong[0]]).max():g}, whose "
            "squares overflow float64. Give it in a larger unit."
        )
    columns /= np.where(scale == 0, 1.0, scale)[:, None]
    constant = np.flatnonzero(scale == 0)
    kept = np.setdiff1d(np.arange(len(scale)), np.concatenate([constant, duplicate]))
    order = risk.sorted_rows().order
    sorted_ = columns[:, order] if kept.size == len(scale) else columns[np.ix_(kept, order)]
    return PenalisedColumns(
        columns=sorted_,
        kept=kept,
        scale=scale[kept],
        factors=weighing[kept],
        constant=constant,
        duplicate=duplicate,
    )


def _duplicates(
    columns: Float[np.ndarray, "p n"], varies: Bool[np.ndarray, " p"], factors: Float[np.ndarray, " p"]
) -> Int[np.ndarray, " d"]:
    """Find columns equal to another of no larger factor; of equals the first is kept."""
    groups: dict[bytes, list[int]] = {}
    for at, content in _contents(columns, varies):
        groups.setdefault(content, []).append(at)
    extra = [at for group in groups.values() for at in sorted(group, key=lambda at: factors[at])[1:]]
    return np.array(sorted(extra), dtype=np.int64)


def _contents(columns: Float[np.ndarray, "p n"], varies: Bool[np.ndarray, " p"]) -> Iterator[tuple[int, bytes]]:
    """Yield what each column that varies holds; only those that share two of their values are read in full."""
    key = columns[:, 0] + 1j * columns[:, -1]
    _, group, count = np.unique(key, return_inverse=True, return_counts=True)
    for at in np.flatnonzero((count[group.ravel()] > 1) & varies):
        yield int(at), columns[at].tobytes()
