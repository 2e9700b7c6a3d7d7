"""Slope of one covariate in a Cox model in plain float64: derivative by definition, root by bisection."""

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Bool, Float


def derivatives(
    slope: float,
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    covariate: Float[ndarray, " n"],
    weight: Float[ndarray, " n"],
) -> tuple[float, float]:
    """Return the first and minus the second derivative of Efron's partial log-likelihood."""
    there = weight > 0
    time, event, covariate, weight = time[there], event[there], covariate[there], weight[there]
    gradient, information = 0.0, 0.0
    for t in np.unique(time[event]):
        fails, at_risk = (time == t) & event, time >= t
        shifted = slope * covariate
        mass = np.where(at_risk, weight * np.exp(np.where(at_risk, shifted - shifted[at_risk].max(), 0.0)), 0.0)
        deaths = int(fails.sum())
        gradient += float((weight * covariate)[fails].sum())
        for step in range(deaths):
            share = mass * np.where(fails, 1 - step / deaths, 1.0)
            probability = share / share.sum()
            mean = float((probability * covariate).sum())
            gradient -= weight[fails].mean() * mean
            information += weight[fails].mean() * float((probability * (covariate - mean) ** 2).sum())
    return gradient, information


def slope(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    covariate: Float[ndarray, " n"],
    weight: Float[ndarray, " n"],
) -> tuple[float, float]:
    """Return slope and information, or (NaN, NaN) if the likelihood has no maximum within +-60 / range."""
    there = weight > 0
    spread = np.ptp(covariate[there]) if there.any() else 0.0
    if spread == 0.0:
        return np.nan, np.nan
    lower, upper = -60.0 / spread, 60.0 / spread
    if derivatives(lower, time, event, covariate, weight)[0] < 1e-9 * spread:
        return np.nan, np.nan
    if derivatives(upper, time, event, covariate, weight)[0] > -1e-9 * spread:
        return np.nan, np.nan
    for _ in range(200):
        middle = (lower + upper) / 2
        if derivatives(middle, time, event, covariate, weight)[0] > 0:
            lower = middle
        else:
            upper = middle
    return lower, derivatives(lower, time, event, covariate, weight)[1]
