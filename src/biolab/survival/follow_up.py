"""Follow-up as models need it: target, late entry, case weights and strata, validated together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from biolab.core.arrays import Bool, Float, Int
from biolab.core.errors import DataError

from .target import numbers, plain, survival_target


@dataclass(frozen=True, kw_only=True, eq=False)
class FollowUp:
    """Each patient is at risk in (entry, time]; ``entry`` is None where everybody was seen from the start."""

    time: Float[np.ndarray, " n"]
    event: Bool[np.ndarray, " n"]
    weight: Float[np.ndarray, " n"]
    entry: Float[np.ndarray, " n"] | None
    stratum: Int[np.ndarray, " n"]
    labels: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.time)

    @cached_property
    def events(self) -> int:
        """The number of observed events, not weighted."""
        return int(self.event.sum())

    def take(self, rows: Int[np.ndarray, " m"] | Bool[np.ndarray, " n"]) -> "FollowUp":
        """Return some rows, given by position or by mask; the strata keep their codes."""
        return FollowUp(
            time=self.time[rows],
            event=self.event[rows],
            weight=self.weight[rows],
            entry=None if self.entry is None else self.entry[rows],
            stratum=self.stratum[rows],
            labels=self.labels,
        )


def follow_up(y: Any, *, strata: Any = None, weight: Any = None, entry: Any = None) -> FollowUp:
    """Validate a target and what goes with it; rows of weight 0 stay in.

    Raises
    ------
    DataError
        If lengths differ, a weight is negative or not finite, an entry is not before its time, or a stratum is missing.
    """
    target = survival_target(y)
    codes, labels = stratum_codes(strata, len(target))
    return FollowUp(
        time=target.time,
        event=target.event,
        weight=case_weights(weight, len(target)),
        entry=None if entry is None else _entries(entry, target.time),
        stratum=codes,
        labels=labels,
    )


def case_weights(weight: Any, rows: int) -> Float[np.ndarray, " n"]:
    """Read case weights; ones where none are given.

    Raises
    ------
    DataError
        If the length differs, a weight is negative or not finite, or all are zero.
    """
    if weight is None:
        return np.ones(rows)
    values = numbers(weight, "sample_weight")
    _same_length(values, "sample_weight", rows)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if wrong.size:
        raise DataError(
            f"sample_weight, row {wrong[0]} (counted from 0): {values[wrong[0]]:g} is not a finite weight >= 0."
        )
    if rows and not values.any():
        raise DataError("sample_weight is zero for every patient, so nobody is left. Give some patients a weight > 0.")
    return values


def stratum_codes(strata: Any, rows: int, *, name: str = "strata") -> tuple[Int[np.ndarray, " n"], tuple[Any, ...]]:
    """Code the strata by number in the order of their sorted labels; without strata the only label is None.

    Raises
    ------
    DataError
        If the length differs or a label is missing (None or NaN).
    """
    if strata is None:
        return np.zeros(rows, dtype=np.int64), (None,)
    values = plain(strata)
    if values.ndim != 1:
        raise DataError(f"{name} has shape {values.shape}; one label a patient, shape (n,), is expected.")
    _same_length(values, name, rows)
    labels = values.tolist()
    for row, label in enumerate(labels):
        if label is None or (isinstance(label, float) and math.isnan(label)):
            raise DataError(
                f"{name}, row {row} (counted from 0): the label is missing. Drop the row or give it a label."
            )
    known = sorted_labels(labels)
    code = {label: position for position, label in enumerate(known)}
    return np.fromiter((code[label] for label in labels), dtype=np.int64, count=rows), tuple(known)


def sorted_labels(labels: Sequence[Any]) -> list[Any]:
    """Sort distinct labels by value, or by their text where values of several types do not compare."""
    distinct = set(labels)
    try:
        return sorted(distinct)
    except TypeError:
        return sorted(distinct, key=str)


def _entries(entry: Any, time: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    values = numbers(entry, "entry")
    _same_length(values, "entry", len(time))
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0) & (values < time)))
    if wrong.size:
        row = wrong[0]
        raise DataError(
            f"entry, row {row} (counted from 0): {values[row]:g} is not in [0, time) with time {time[row]:g} "
            f"({wrong.size} such rows). A patient is at risk in (entry, time]; drop rows that end before they enter."
        )
    return values


def _same_length(values: np.ndarray, name: str, rows: int) -> None:
    if len(values) != rows:
        raise DataError(f"{name} has {len(values)} rows and the target {rows}; both must have one value a patient.")


def check_rows(design: Float[np.ndarray, "m p"], cases: FollowUp) -> None:
    """Refuse covariates and follow-up of different length, or of nobody.

    Raises
    ------
    DataError
        Naming both lengths.
    """
    if len(design) != len(cases):
        raise DataError(f"X has {len(design)} rows and y {len(cases)}; both must have one row a patient.")
    if len(cases) == 0:
        raise DataError("X has 0 sample(s), while a minimum of 1 is required: there is no patient to learn from.")
