"""Alarms from what the instruments show: raised past a limit, cleared well inside it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from biolab.core import DataError, did_you_mean
from biolab.core.arrays import Bool, Float

from .alarm_limits import Alarm
from .quantities import MEASURED, SETPOINT, unit_of
from .recipe import Recipe

ALARM_SCHEMA = pl.Schema(
    {
        "name": pl.String(),
        "variable": pl.String(),
        "side": pl.String(),
        "priority": pl.String(),
        "raised_h": pl.Float64(),
        "cleared_h": pl.Float64(),
        "limit": pl.Float64(),
        "raised_at": pl.Float64(),
        "extreme": pl.Float64(),
    }
)
EVENT_SCHEMA = pl.Schema(
    {"time_h": pl.Float64(), "kind": pl.String(), "source": pl.String(), "message": pl.String(), "value": pl.Float64()}
)


class _Watch(NamedTuple):
    """One side of an alarm as a signal that must not pass 0: positive is outside the limit."""

    alarm: Alarm
    side: str
    excess: Float[np.ndarray, " t"]
    limit: Float[np.ndarray, " t"]


def alarms(trajectories: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Find when each of a recipe's alarms stood, from the measured columns of a batch.

    An alarm is raised at the first reading for which the limit has been passed without a break for ``delay_h``, and
    cleared at the first one back inside by ``hysteresis``. It is decided at readings only: where one is missing,
    nothing changes. ``cleared_h`` is null for one that stood at the end.

    Parameters
    ----------
    trajectories
        ``time_h`` ascending, and for every alarm its ``<variable>_measured``, or ``<variable>`` if nothing measures
        it with an error; for deviations also ``<variable>_setpoint``.
    recipe
        Whose alarms are looked for.

    Returns
    -------
    One row an alarm that was raised: name, variable, side (low, high), priority, raised_h, cleared_h, limit (when
    raised), raised_at (the reading then) and extreme (the reading farthest outside).

    Raises
    ------
    DataError
        If a quantity that a recipe watches is in no column.

    Examples
    --------
    >>> recipe = Recipe.load("cho-standard")
    >>> frame = pl.DataFrame({"time_h": [0.0, 1.0, 2.0, 3.0, 4.0], "glucose_g_per_l": [2.0, 0.4, 0.6, 0.9, 2.0]})
    >>> alarms(frame, recipe.model_copy(update={"alarms": recipe.alarms[3:4]})).select("side", "raised_h", "cleared_h")
    shape: (1, 3)
    ┌──────┬──────────┬───────────┐
    │ side ┆ raised_h ┆ cleared_h │
    │ ---  ┆ ---      ┆ ---       │
    │ str  ┆ f64      ┆ f64       │
    ╞══════╪══════════╪═══════════╡
    │ low  ┆ 1.0      ┆ 3.0       │
    └──────┴──────────┴───────────┘
    """
    time = trajectories["time_h"].cast(pl.Float64).to_numpy()
    rows = [row for alarm in recipe.alarms for watch in _watches(alarm, trajectories) for row in _stands(watch, time)]
    return pl.DataFrame(rows, schema=ALARM_SCHEMA, orient="row").sort("raised_h", "name", "side", maintain_order=True)


def alarm_events(found: pl.DataFrame) -> pl.DataFrame:
    """Say alarms as events of a batch: one when raised, one when cleared.

    The frame has time_h, kind (``alarm``), source (the alarm's name), message and value (the reading, or the limit when
    it cleared).
    """
    rows: list[tuple[float, str, str, str, float]] = []
    for row in found.iter_rows(named=True):
        unit = unit_of(row["variable"])
        word = "below" if row["side"] == "low" else "above"
        said = f"{row['variable']} {row['raised_at']:.4g} {word} {row['limit']:.4g} {unit}".rstrip()
        rows.append((row["raised_h"], "alarm", row["name"], f"raised ({row['priority']}): {said}", row["raised_at"]))
        if row["cleared_h"] is not None:
            rows.append((row["cleared_h"], "alarm", row["name"], f"cleared: {row['variable']}", row["limit"]))
    return pl.DataFrame(rows, schema=EVENT_SCHEMA, orient="row").sort("time_h", maintain_order=True)


def with_alarms(events: pl.DataFrame, trajectories: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Return a batch's events with its alarms among them, in order of time; alarms that were there are made anew.

    Raises
    ------
    DataError
        If a quantity that the recipe watches is in no column.
    """
    others = events.filter(pl.col("kind") != "alarm").select(EVENT_SCHEMA.names()).cast(dict(EVENT_SCHEMA))
    return pl.concat([others, alarm_events(alarms(trajectories, recipe))]).sort("time_h", maintain_order=True)


def standing(
    outside: Bool[np.ndarray, " t"],
    inside: Bool[np.ndarray, " t"],
    time: Float[np.ndarray, " t"],
    *,
    delay_h: float = 0.0,
) -> Bool[np.ndarray, " t"]:
    """Say when an alarm stands: from ``delay_h`` of being outside until it is well inside.

    Between the two limits the state stays what it was, which is what keeps an alarm from chattering.
    """
    if not time.size:
        return outside
    start = np.where(outside & ~np.concatenate([[False], outside[:-1]]), time, -np.inf)
    raised = outside & (time - np.maximum.accumulate(start) >= delay_h - 1e-9)
    decided = np.where(raised | inside, np.arange(time.size), -1)
    last = np.maximum.accumulate(decided)
    return (last >= 0) & raised[np.maximum(last, 0)]


def _watches(alarm: Alarm, frame: pl.DataFrame) -> Iterator[_Watch]:
    value = _readings(alarm, frame)
    if alarm.low is not None:
        yield _Watch(alarm, "low", alarm.low - value, np.full_like(value, alarm.low))
    if alarm.high is not None:
        yield _Watch(alarm, "high", value - alarm.high, np.full_like(value, alarm.high))
    if alarm.deviation is not None:
        wanted = _column(frame, f"{alarm.variable}{SETPOINT}", alarm)
        low, high = wanted - alarm.deviation, wanted + alarm.deviation
        yield _Watch(alarm, "low", low - value, low)
        yield _Watch(alarm, "high", value - high, high)


def _readings(alarm: Alarm, frame: pl.DataFrame) -> Float[np.ndarray, " t"]:
    measured = f"{alarm.variable}{MEASURED}"
    return _column(frame, measured if measured in frame.columns else alarm.variable, alarm)


def _column(frame: pl.DataFrame, name: str, alarm: Alarm) -> Float[np.ndarray, " t"]:
    if name not in frame.columns:
        raise DataError(
            f"alarm {alarm.name!r} watches {name!r}, which is no column of the trajectories. "
            f"{did_you_mean(name, frame.columns)}"
        )
    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _stands(watch: _Watch, time: Float[np.ndarray, " t"]) -> Iterator[tuple[object, ...]]:
    alarm, known = watch.alarm, ~np.isnan(watch.excess)
    time, excess, limit = time[known], watch.excess[known], watch.limit[known]
    stood = standing(excess > 0, excess <= -alarm.hysteresis, time, delay_h=alarm.delay_h)
    edges = np.diff(np.concatenate([[False], stood, [False]]).astype(np.int8))
    sign = -1.0 if watch.side == "low" else 1.0
    for first, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        farthest = first + int(excess[first:end].argmax())
        yield (
            *(alarm.name, alarm.variable, watch.side, alarm.priority, float(time[first])),
            float(time[end]) if end < time.size else None,
            float(limit[first]),
            float(limit[first] + sign * excess[first]),
            float(limit[farthest] + sign * excess[farthest]),
        )
