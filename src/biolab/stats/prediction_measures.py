"""How good predictions of a class or a number are, for many case weightings (bootstrap replicates) at once.

Every function takes weights ``[b, n]`` and returns one value a row of weights; NaN where it is not defined.
"""

import numpy as np
from numpy import ndarray
from scipy.special import expit, logit

from biolab.core.arrays import Bool, Float

_STEPS, _TINY = 25, 1e-12


def auc_draws(
    positive: Bool[ndarray, " n"], score: Float[ndarray, " n"], weights: Float[ndarray, "b n"]
) -> Float[ndarray, " b"]:
    """Return the area under the ROC curve: how often a positive scores above a negative, ties counting half.

    >>> auc_draws(np.array([False, True, True]), np.array([0.1, 0.1, 0.9]), np.ones((1, 3)))
    array([0.75])

    References
    ----------
    Hanley, McNeil (1982), Radiology 143:29-36, doi:10.1148/radiology.143.1.7063747
    """
    values, place = np.unique(score, return_inverse=True)
    above = _by_value(weights * positive, place, values.size)
    below = _by_value(weights * ~positive, place, values.size)
    fewer = np.cumsum(below, axis=1) - below
    pairs = above.sum(axis=1) * below.sum(axis=1)
    won = (above * (fewer + below / 2)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, won / pairs, np.nan)


def brier_draws(
    positive: Bool[ndarray, " n"], probability: Float[ndarray, " n"], weights: Float[ndarray, "b n"]
) -> Float[ndarray, " b"]:
    """Return the mean squared difference of probability and outcome.

    References
    ----------
    Brier (1950), Monthly Weather Review 78:1-3, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    """
    return _mean((probability - positive) ** 2, weights)


def logistic_slope_draws(
    positive: Bool[ndarray, " n"], probability: Float[ndarray, " n"], weights: Float[ndarray, "b n"]
) -> Float[ndarray, " b"]:
    """Return the calibration slope: the coefficient of logit(probability) in a logistic regression of the outcome.

    References
    ----------
    Cox (1958), Biometrika 45:562-565, doi:10.1093/biomet/45.3-4.562
    """
    x = logit(np.clip(probability, _TINY, 1 - _TINY))
    centred, y = x - x.mean(), positive.astype(np.float64)
    beta = np.zeros((2, len(weights)))
    beta[1] = 1.0
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for _ in range(_STEPS):
            fitted = expit(beta[0][:, None] + beta[1][:, None] * centred)
            spread = weights * fitted * (1 - fitted)
            slack = weights * (y - fitted)
            a, b, d = spread.sum(1), (spread * centred).sum(1), (spread * centred**2).sum(1)
            g, h = slack.sum(1), (slack * centred).sum(1)
            determinant = a * d - b * b
            step = np.array([(d * g - b * h) / determinant, (a * h - b * g) / determinant])
            beta = beta + np.clip(step, -2, 2)
    settled = np.isfinite(beta).all(axis=0) & (np.abs(step) < 1e-6).all(axis=0)
    return np.where(settled, beta[1], np.nan)


def observed_expected_ratio_draws(
    outcome: Float[ndarray, " n"], expected: Float[ndarray, " n"], weights: Float[ndarray, "b n"]
) -> Float[ndarray, " b"]:
    """Return the sum of outcomes over the sum of their predictions: calibration in the large."""
    total = weights @ expected
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total != 0, (weights @ outcome) / total, np.nan)


def r2_draws(
    value: Float[ndarray, " n"], predicted: Float[ndarray, " n"], weights: Float[ndarray, "b n"]
) -> Float[ndarray, " b"]:
    """Return 1 - residual over total sum of squares, against the mean of the patients judged; it can be negative."""
    total = weights.sum(axis=1)
    mean = (weights @ value) / total
    variance = (weights @ value**2) / total - mean**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(variance > 0, 1 - _mean((value - predicted) ** 2, weights) / variance, np.nan)


def rmse_draws(
    value: Float[ndarray, " n"], predicted: Float[ndarray, " n"], weights: Float[ndarray, "b n"]
) -> Float[ndarray, " b"]:
    """Return the root of the mean squared error."""
    return np.sqrt(_mean((value - predicted) ** 2, weights))


def mae_draws(
    value: Float[ndarray, " n"], predicted: Float[ndarray, " n"], weights: Float[ndarray, "b n"]
) -> Float[ndarray, " b"]:
    """Return the mean absolute error."""
    return _mean(np.abs(value - predicted), weights)


def linear_slope_draws(
    value: Float[ndarray, " n"], predicted: Float[ndarray, " n"], weights: Float[ndarray, "b n"]
) -> Float[ndarray, " b"]:
    """Return the calibration slope of a number: the coefficient of the prediction in a linear regression of it."""
    centred = predicted - predicted.mean()
    total = weights.sum(axis=1)
    x, y = (weights @ centred) / total, (weights @ value) / total
    spread = (weights @ centred**2) / total - x**2
    together = (weights @ (centred * value)) / total - x * y
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > _TINY, together / spread, np.nan)


def _mean(values: Float[ndarray, " n"], weights: Float[ndarray, "b n"]) -> Float[ndarray, " b"]:
    return (weights @ values) / weights.sum(axis=1)


def _by_value(weights: Float[ndarray, "b n"], place: ndarray, size: int) -> Float[ndarray, "b v"]:
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(size))
    return np.add.reduceat(weights[:, order], starts, axis=1)
