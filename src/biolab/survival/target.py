"""The survival target: when each patient was last seen, and whether the event was observed then."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from biolab.core.arrays import Bool, Float, Int
from biolab.core.errors import DataError


@dataclass(frozen=True, kw_only=True, eq=False)
class SurvivalTarget:
    """Follow-up times with event indicators, validated.

    ``event`` true means that the event was observed at ``time``; false means right-censored then.

    Raises
    ------
    DataError
        If the two differ in length, a time is not finite and > 0, or an event is neither 0/1 nor boolean; the
        message names the first offending row, counted from 0.
    """

    time: Float[np.ndarray, " n"]
    event: Bool[np.ndarray, " n"]

    def __post_init__(self) -> None:
        time, event = _times(self.time), _events(self.event)
        if time.shape != event.shape:
            raise DataError(f"time has {len(time)} rows and event {len(event)}; both must have one value a patient.")
        for values in (time, event):
            values.setflags(write=False)
        object.__setattr__(self, "time", time)
        object.__setattr__(self, "event", event)

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        return f"SurvivalTarget({len(self)} patients, {int(self.event.sum())} events)"

    def take(self, rows: Int[np.ndarray, " m"] | Bool[np.ndarray, " n"]) -> "SurvivalTarget":
        """Return the target of some rows, given by position or by mask."""
        return SurvivalTarget(time=self.time[rows], event=self.event[rows])

    def structured(self) -> np.ndarray:
        """Return scikit-survival's structured array with fields ``event`` and ``time``."""
        y = np.empty(len(self), dtype=[("event", bool), ("time", np.float64)])
        y["event"], y["time"] = self.event, self.time
        return y


def survival_target(y: Any) -> SurvivalTarget:
    """Read a survival target from any of the forms in use.

    Accepted are a scikit-survival structured array (one boolean and one numeric field, any names), a tuple
    ``(time, event)`` of arrays, series or tensors, a polars or pandas frame of two columns (named ``time`` and
    ``event``, or one of them boolean or 0/1), an array ``[n, 2]`` with columns time and event, or a `SurvivalTarget`.

    >>> survival_target(([5.0, 7.5, 2.0], [1, 0, 1]))
    SurvivalTarget(3 patients, 2 events)

    Raises
    ------
    DataError
        If the form is none of these, time and event cannot be told apart, or a value is not allowed.
    """
    if isinstance(y, SurvivalTarget):
        return y
    if isinstance(y, tuple) and len(y) == 2:
        return SurvivalTarget(time=y[0], event=y[1])
    if isinstance(y, pl.DataFrame) or (hasattr(y, "columns") and hasattr(y, "iloc")):
        frame: Any = y
        return _from_columns({str(name): plain(frame[name]) for name in frame.columns})
    if y is None:
        raise DataError("A fit requires y to be passed, but the target y is None. Pass the times and events.")
    values = plain(y)
    if values.dtype.names:
        return _from_columns({name: values[name] for name in values.dtype.names})
    if values.ndim == 2 and values.shape[1] == 2:
        return SurvivalTarget(time=values[:, 0], event=values[:, 1])
    raise DataError(
        f"A survival target cannot be read from {type(y).__name__} of shape {values.shape}. Pass a tuple "
        "(time, event), a structured array with a boolean and a float field, a frame of the two columns, or an "
        "array [n, 2]."
    )


def _from_columns(columns: dict[str, np.ndarray]) -> SurvivalTarget:
    if len(columns) != 2:
        raise DataError(f"A survival target has two columns, time and event; got {len(columns)}: {', '.join(columns)}.")
    names = list(columns)
    lowered = [name.lower() for name in names]
    if "event" in lowered or "time" in lowered:
        event = lowered.index("event") if "event" in lowered else 1 - lowered.index("time")
    else:
        event = _event_position(columns)
    return SurvivalTarget(time=columns[names[1 - event]], event=columns[names[event]])


def _event_position(columns: dict[str, np.ndarray]) -> int:
    boolean = [values.dtype.kind == "b" for values in columns.values()]
    binary = boolean if any(boolean) else [_is_binary(values) for values in columns.values()]
    if sum(binary) != 1:
        raise DataError(
            f"Which of the columns {' and '.join(map(repr, columns))} is the event cannot be told: exactly one must be "
            "boolean or 0/1. Name them 'time' and 'event', or pass a tuple (time, event)."
        )
    return binary.index(True)


def _is_binary(values: np.ndarray) -> bool:
    return values.dtype.kind in "iuf" and bool(np.isin(values, (0, 1)).all())


def plain(values: Any) -> np.ndarray:
    """Turn a series, tensor or sequence into an array, on the host."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return np.asarray(values)


def _column(values: Any, name: str) -> np.ndarray:
    values = plain(values)
    if values.ndim != 1:
        raise DataError(f"{name} has shape {values.shape}; one value a patient, shape (n,), is expected.")
    return values


def numbers(values: Any, name: str) -> Float[np.ndarray, " n"]:
    """Convert to float64, naming the first value that is no number."""
    values = _column(values, name)
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    for row, value in enumerate(values.tolist()):
        if not isinstance(value, bool | int | float):
            raise DataError(f"{name}, row {row} (counted from 0): {value!r} is not a number. Convert or drop the row.")
    return values.astype(np.float64)


def _times(values: Any) -> Float[np.ndarray, " n"]:
    time = numbers(values, "time")
    wrong = np.flatnonzero(~(np.isfinite(time) & (time > 0)))
    if wrong.size:
        raise DataError(
            f"time, row {wrong[0]} (counted from 0): {time[wrong[0]]:g} is not a finite time > 0 ({wrong.size} such "
            "rows). Drop them, or shift the origin; late entry is told by `entry`."
        )
    return time


def _events(values: Any) -> Bool[np.ndarray, " n"]:
    event = numbers(values, "event")
    wrong = np.flatnonzero(~np.isin(event, (0, 1)))
    if wrong.size:
        raise DataError(
            f"event, row {wrong[0]} (counted from 0): {event[wrong[0]]:g} is neither 0 nor 1 ({wrong.size} such rows). "
            "Recode to 1 (or true) = observed, 0 (or false) = censored."
        )
    return event.astype(bool)
