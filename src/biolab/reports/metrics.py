"""How each measure of prediction is read: its digits, which way is better, and where its colours begin."""

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import polars as pl

from .language import Prose


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a measure is shown: ``better`` says which way is good, ``worst`` and ``best`` span its colours."""

    digits: int
    better: Literal["high", "low", "one"]
    worst: float
    best: float


class MetricKey(NamedTuple):
    """A measure and, where it has one, its time horizon."""

    metric: str
    horizon: float | None = None


_READINGS = {
    "harrell_c": Reading(digits=3, better="high", worst=0.5, best=0.8),
    "uno_c": Reading(digits=3, better="high", worst=0.5, best=0.8),
    "time_dependent_auc": Reading(digits=3, better="high", worst=0.5, best=0.85),
    "auc": Reading(digits=3, better="high", worst=0.5, best=0.85),
    "r2": Reading(digits=3, better="high", worst=0.0, best=0.6),
    "rmse": Reading(digits=3, better="low", worst=1.0, best=0.0),
    "mae": Reading(digits=3, better="low", worst=1.0, best=0.0),
    "integrated_brier_score": Reading(digits=3, better="low", worst=0.25, best=0.08),
    "brier_score": Reading(digits=3, better="low", worst=0.25, best=0.08),
    "calibration_slope": Reading(digits=2, better="one", worst=2.0, best=1.0),
    "observed_expected": Reading(digits=2, better="one", worst=2.0, best=1.0),
}
_IN_UNITS = frozenset({"rmse", "mae"})
"""Measures in the unit of the outcome: digits and colours depend on what is shown."""
_UNKNOWN = Reading(digits=3, better="high", worst=0.0, best=1.0)


def reading(metric: str, largest: float | None = None) -> Reading:
    """Return how a measure is read; one that is not known here is shown with three digits.

    ``largest`` is the largest of the values shown: a measure in the outcome's unit gets three digits of it, and its
    colours begin there.

    >>> reading("rmse", 259.1).digits, reading("rmse", 0.0413).digits, reading("auc", 0.7).digits
    (0, 4, 3)
    """
    known = _READINGS.get(metric, _UNKNOWN)
    if metric not in _IN_UNITS or not largest or not math.isfinite(largest):
        return known
    return replace(known, digits=max(0, 2 - math.floor(math.log10(abs(largest)))), worst=abs(largest))


def largest(frame: pl.DataFrame, metric: str, name: str = "estimate") -> float | None:
    """Return the largest absolute value of a measure in a frame; None where it has none."""
    found = frame.filter(pl.col("metric") == metric)[name].abs().drop_nans().max()
    return float(found) if isinstance(found, float) else None


def goodness(metric: str, value: float, largest: float | None = None) -> float:
    """Place a value on its colour scale: 0 worst to 1 best, or -1 to 1 around the ideal of 1 for ratios."""
    style = reading(metric, largest)
    if style.better == "one":
        ratio = math.log(max(value, 1e-9)) / math.log(style.worst)
        return max(-1.0, min(1.0, ratio))
    return max(0.0, min(1.0, (value - style.worst) / (style.best - style.worst)))


def metric_keys(frame: pl.DataFrame) -> list[MetricKey]:
    """List the measures and horizons of a frame, known ones first in reading order, then by horizon."""
    order = {name: place for place, name in enumerate(_READINGS)}
    keys = {MetricKey(metric, horizon) for metric, horizon in frame.select("metric", "horizon").iter_rows()}
    return sorted(keys, key=lambda key: (order.get(key.metric, len(order)), key.metric, key.horizon or 0.0))


def last_key(frame: pl.DataFrame, metric: str) -> MetricKey:
    """Return a measure's key at its last horizon; without a horizon if the frame has none."""
    return next((key for key in reversed(metric_keys(frame)) if key.metric == metric), MetricKey(metric))


def metric_label(key: MetricKey, prose: Prose, time_unit: str, *, short: bool = False) -> str:
    """Name a measure for the reader, with its horizon."""
    entry = f"metric.{key.metric}_short" if short else f"metric.{key.metric}"
    name = prose(entry) if prose.has(entry) else key.metric.replace("_", " ")
    if key.horizon is None:
        return name
    return prose("metric.at", {"metric": name, "time": prose.duration(key.horizon, time_unit)})
