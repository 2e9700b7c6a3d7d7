"""Whether whole predicted survival curves are calibrated: distributional calibration."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy import ndarray
from scipy.special import chdtrc

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Bool, Float

from .prediction import Prediction


@dataclass(frozen=True, kw_only=True, eq=False)
class DCalibration:
    """How evenly the predicted survival at the patients' own times is spread, free of patient rows."""

    statistic: float
    degrees_of_freedom: int
    p_value: float
    counts: pl.DataFrame

    @property
    def settings(self) -> dict[str, object]:
        """Number of bins, and how censored patients are counted."""
        return {"bins": self.counts.height, "censored": "spread over the bins below, as by the predicted curve"}

    @property
    def metrics(self) -> dict[str, float]:
        """The statistic and its p-value."""
        return {"d_calibration": self.statistic, "d_calibration.p_value": self.p_value}

    def table(self) -> pl.DataFrame:
        """Return bin, lower, upper (of predicted survival), observed and expected patients."""
        return self.counts


def d_calibration(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    survival_at_own_time: Float[ndarray, " n"],
    *,
    bins: int = 10,
) -> DCalibration:
    """Test that predicted survival at the event time is uniform, as it is for the true model.

    chi2 = sum_k (N_k - n / B)^2 / (n / B),  B - 1 degrees of freedom

    ``survival_at_own_time`` holds s_i = S_i(t_i). An event counts 1 in the bin [k/B, (k+1)/B) of s_i (1 in the last).
    A patient censored at s_i is only known to fail below it: the share (s_i - k/B) / s_i goes to the bin of s_i and
    1 / (B s_i) to each bin below; with s_i = 0 all goes to the first. Shares vary less than counts, so with censoring
    the test is conservative, and less able to see a wrong curve. It judges level and shape over all of follow-up,
    not the order of patients: the same Kaplan-Meier curve for everybody passes.

    Raises
    ------
    DataError
        If shapes differ, there are no patients, or a value is not a finite time or a probability.
    ConfigError
        If there are fewer than 2 bins.

    References
    ----------
    Haider, Hoehn, Davis, Greiner (2020), J. Mach. Learn. Res. 21(85):1-63, https://jmlr.org/papers/v21/18-772.html

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> time = generator.exponential(10.0, size=200)
    >>> event = np.ones(200, dtype=bool)
    >>> right, wrong = (d_calibration(time, event, np.exp(-time / mean)) for mean in (10.0, 20.0))
    >>> right.p_value > 0.05, wrong.p_value > 0.05
    (True, False)
    """
    if bins < 2:
        raise ConfigError(f"bins is {bins}; a distribution needs at least 2 bins to be compared with the uniform.")
    time, own = np.asarray(time, dtype=np.float64), np.asarray(survival_at_own_time, dtype=np.float64)
    event = np.asarray(event, dtype=bool)
    _refuse(time, event, own)
    edges = np.arange(bins) / bins
    member = np.searchsorted(edges, own, side="right") - 1
    observed = np.bincount(member[event], minlength=bins) + _spread(own[~event], member[~event], edges)
    expected = own.size / bins
    statistic = float(((observed - expected) ** 2).sum() / expected)
    counts = pl.DataFrame(
        {
            "bin": np.arange(1, bins + 1),
            "lower": edges,
            "upper": np.arange(1, bins + 1) / bins,
            "observed": observed,
            "expected": np.full(bins, expected),
        }
    )
    return DCalibration(
        statistic=statistic,
        degrees_of_freedom=bins - 1,
        p_value=float(chdtrc(bins - 1, statistic)),
        counts=counts,
    )


def survival_at_own_time(prediction: Prediction, time: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
    """Read each patient's predicted survival at their own time, linearly between the predicted times.

    The curve starts at 1 at time 0. Predict a fine grid: what lies between its points is only interpolated.

    Raises
    ------
    DataError
        If the number of patients differs, or somebody is followed beyond the last predicted time.

    Examples
    --------
    >>> prediction = Prediction(risk_score=np.zeros(1), survival=np.array([[0.8, 0.4]]), times=np.array([2.0, 4.0]))
    >>> survival_at_own_time(prediction, np.array([3.0])).round(3).tolist()
    [0.6]
    """
    time = np.asarray(time, dtype=np.float64)
    if time.shape != prediction.risk_score.shape:
        raise DataError(f"time has shape {time.shape} for {prediction.risk_score.size} predicted patients.")
    last = prediction.times[-1] if prediction.times.size else -np.inf
    beyond = np.flatnonzero(~(time <= last))
    if beyond.size:
        raise DataError(
            f"time is {time[beyond[0]]:g} in row {beyond[0]} (counted from 0), and {beyond.size} times lie beyond the "
            f"last predicted time {last:g}. Predict a grid up to the end of follow-up."
        )
    grid, curves = prediction.times, prediction.survival
    if grid[0] > 0:
        grid, curves = np.append(0.0, grid), np.column_stack([np.ones(time.size), curves])
    return np.array([np.interp(moment, grid, curve) for moment, curve in zip(time, curves, strict=True)])


def _spread(own: Float[ndarray, " c"], member: ndarray, edges: Float[ndarray, " k"]) -> Float[ndarray, " k"]:
    """Share each censored patient out over the bins up to its own, in proportion to their width."""
    zero = own == 0
    safe = np.where(zero, 1.0, own)
    inside = np.where(zero, 1.0, (safe - edges[member]) / safe)
    below = np.where(zero, 0.0, 1 / (edges.size * safe))
    whole = np.bincount(member, weights=below, minlength=edges.size)
    passed_on = np.cumsum(whole[::-1])[::-1] - whole
    return np.bincount(member, weights=inside, minlength=edges.size) + passed_on


def _refuse(time: Float[ndarray, " n"], event: Bool[ndarray, " n"], own: Float[ndarray, " n"]) -> None:
    if not time.shape == event.shape == own.shape or time.ndim != 1 or time.size == 0:
        raise DataError(
            f"Shapes differ or there are no patients: time {time.shape}, event {event.shape}, survival {own.shape}."
        )
    for name, wrong, values in (
        ("time", ~np.isfinite(time), time),
        ("survival_at_own_time", ~((own >= 0) & (own <= 1)), own),
    ):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            expected = "a finite time" if name == "time" else "a probability in [0, 1]"
            raise DataError(f"{name} is {values[row]:g} in row {row} (counted from 0); expected {expected}.")
