"""How each measure of prediction is read: its digits, which way is better, and where its colours begin."""

import math
from dataclasses import dataclass
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
    "rmse": Reading(digits=2, better="low", worst=2.0, best=0.0),
    "mae": Reading(digits=2, better="low", worst=2.0, best=0.0),
    "integrated_brier_score": Reading(digits=3, better="low", worst=0.25, best=0.08),
    "brier_score": Reading(digits=3, better="low", worst=0.25, best=0.08),
    "calibration_slope": Reading(digits=2, better="one", worst=2.0, best=1.0),
    "observed_expected": Reading(digits=2, better="one", worst=2.0, best=1.0),
}
_UNKNOWN = Reading(digits=3, better="high", worst=0.0, best=1.0)


def reading(metric: str) -> Reading:
    """Return how a measure is read; one that is not known here is shown with three digits."""
    return _READINGS.get(metric, _UNKNOWN)


def goodness(metric: str, value: float) -> float:
    """Place a value on its colour scale: 0 worst to 1 best, or -1 to 1 around the ideal of 1 for ratios."""
    style = reading(metric)
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
