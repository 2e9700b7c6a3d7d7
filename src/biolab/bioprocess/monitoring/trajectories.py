"""Batches as arrays: time and chosen columns, gaps filled with what was last known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl

from biolab.core import DataError, did_you_mean
from biolab.core.arrays import Float


@runtime_checkable
class HasTrajectories(Protocol):
    """What a simulated or recorded batch offers."""

    @property
    def trajectories(self) -> pl.DataFrame:
        """Return time_h and the batch's columns."""
        ...


Batch = pl.DataFrame | HasTrajectories
Batches = Sequence[Batch] | Mapping[str, Batch]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """One batch: hours, rising, and a column a variable."""

    name: str
    time_h: Float[np.ndarray, " t"]
    values: Float[np.ndarray, "t v"]

    def until(self, hour: float) -> "Trajectory":
        """Return what was known at an hour."""
        kept = self.time_h <= hour
        return Trajectory(name=self.name, time_h=self.time_h[kept], values=self.values[kept])


def frame_of(batch: Batch) -> pl.DataFrame:
    """Return a batch's frame."""
    return batch if isinstance(batch, pl.DataFrame) else batch.trajectories


def named(batches: Batches) -> dict[str, pl.DataFrame]:
    """Return batches by name; in a sequence they are numbered from 1."""
    pairs = batches.items() if isinstance(batches, Mapping) else ((f"batch {i}", b) for i, b in enumerate(batches, 1))
    return {str(name): frame_of(batch) for name, batch in pairs}


def measured_columns(frame: pl.DataFrame) -> tuple[str, ...]:
    """Return the columns that instruments and analysers give: numbers whose names end in ``_measured``."""
    return tuple(c for c in frame.columns if c.endswith("_measured") and frame.schema[c].is_numeric())


def trajectory(frame: pl.DataFrame, variables: Sequence[str], name: str) -> Trajectory:
    """Read time and variables of one batch; a missing value is what was last known, at the start what comes first.

    Raises
    ------
    DataError
        If a column is missing or holds no number, or time does not rise.
    """
    for column in ("time_h", *variables):
        if column not in frame.columns:
            raise DataError(f"{name} has no column {column!r}{did_you_mean(column, frame.columns)}.")
        if not frame.schema[column].is_numeric():
            raise DataError(f"{name}, column {column} is {frame.schema[column]}; expected numbers.")
    time, *columns = (frame[column].cast(pl.Float64).to_numpy() for column in ("time_h", *variables))
    for column, values in zip(("time_h", *variables), (time, *columns), strict=True):
        if not values.size or np.isnan(values).all() or (column == "time_h" and np.isnan(values).any()):
            raise DataError(f"{name}, column {column} holds no number. Leave it out of variables.")
    stuck = np.flatnonzero(np.diff(time) <= 0)
    if stuck.size:
        row = int(stuck[0]) + 1
        raise DataError(f"{name}, row {row}: time_h is {time[row]} after {time[row - 1]}; expected rising hours.")
    return Trajectory(name=name, time_h=time, values=np.stack([_filled(values) for values in columns], axis=1))


def _filled(values: Float[np.ndarray, " t"]) -> Float[np.ndarray, " t"]:
    """Set what was last known where a number is missing, at the start what comes first."""
    known = ~np.isnan(values)
    place = np.maximum.accumulate(np.where(known, np.arange(values.size), -1))
    return values[np.where(place < 0, int(known.argmax()), place)]
