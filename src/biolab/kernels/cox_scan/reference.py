"""One Cox model a feature by plain Newton steps in float64: each denominator written out, nothing shared."""

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Bool, Float, Int

from .outcomes import COLLINEAR, CONSTANT, NOT_CONVERGED, OK, SEPARATED

LARGEST = 200.0
# time, event, stratum and entry
Rows = tuple[Float[ndarray, " n"], Bool[ndarray, " n"], Int[ndarray, " n"], Float[ndarray, " n"]]


def derivatives(
    beta: Float[ndarray, " r"],
    design: Float[ndarray, "n r"],
    rows: Rows,
    *,
    efron: bool,
) -> tuple[float, Float[ndarray, " r"], Float[ndarray, "r r"]]:
    """Return the partial log-likelihood, its gradient and the information."""
    time, event, stratum, entry = rows
    eta = design @ beta
    value, gradient, information = 0.0, np.zeros(beta.size), np.zeros((beta.size, beta.size))
    for label, moment in {(s, t) for s, t, d in zip(stratum, time, event, strict=True) if d}:
        at_risk = (stratum == label) & (entry < moment) & (moment <= time)
        dies = at_risk & event & (time == moment)
        deaths, top = int(dies.sum()), eta[at_risk].max()
        hazard = np.where(at_risk, np.exp(np.where(at_risk, eta - top, 0.0)), 0.0)
        value += float((eta - top)[dies].sum())
        gradient += design[dies].sum(axis=0)
        for step in range(deaths):
            part = hazard * np.where(dies, 1 - step / deaths, 1.0) if efron else hazard
            probability = part / part.sum()
            mean = probability @ design
            value -= np.log(part.sum())
            gradient -= mean
            information += (design - mean).T @ (probability[:, None] * (design - mean))
    return value, gradient, information


def fit(
    design: Float[ndarray, "n r"],
    start: Float[ndarray, " r"],
    rows: Rows,
    *,
    efron: bool,
) -> tuple[bool, Float[ndarray, " r"], float, Float[ndarray, "r r"]]:
    """Maximise by Newton steps halved until the likelihood does not fall; return whether a maximum was found."""
    beta = start
    value, gradient, information = derivatives(beta, design, rows, efron=efron)
    for _ in range(100):
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        found = derivatives(beta + step, design, rows, efron=efron)
        while found[0] < value - 1e-12 * (1 + abs(value)):
            step = step / 2
            found = derivatives(beta + step, design, rows, efron=efron)
        beta = beta + step
        value, gradient, information = found
        if np.ptp(design @ beta) > LARGEST:
            return False, beta, value, information
        if np.abs(step * np.ptp(design, axis=0)).max(initial=0.0) < 1e-10:
            return True, beta, value, information
    return False, beta, value, information


def scan_feature(
    feature: Float[ndarray, " n"],
    covariates: Float[ndarray, "n q"],
    rows: Rows,
    *,
    efron: bool,
) -> tuple[float, float, float, float, int]:
    """Return coefficient, standard error, score statistic, likelihood ratio statistic and outcome."""
    scale = np.std(feature)
    if np.ptp(feature) <= 1e-14 * np.abs(feature).max(initial=0.0):
        return np.nan, np.nan, np.nan, np.nan, CONSTANT
    design = np.column_stack([(feature - feature.mean()) / scale, covariates - covariates.mean(axis=0)])
    _, null, null_value, _ = fit(design[:, 1:], np.zeros(covariates.shape[1]), rows, efron=efron)
    start = np.concatenate([[0.0], null])
    _, gradient, information = derivatives(start, design, rows, efron=efron)
    if information[0, 0] < 1e-12:
        return np.nan, np.nan, np.nan, np.nan, CONSTANT
    rest = information[0, 0] - information[0, 1:] @ np.linalg.lstsq(information[1:, 1:], information[1:, 0])[0]
    if rest < 1e-9 * information[0, 0]:
        return np.nan, np.nan, np.nan, np.nan, COLLINEAR
    score = gradient[0] ** 2 / rest
    converged, beta, value, information = fit(design, start, rows, efron=efron)
    if not converged:
        separated = abs(beta[0]) * np.ptp(design[:, 0]) > 15.0
        return np.nan, np.nan, score, np.nan, SEPARATED if separated else NOT_CONVERGED
    error = np.sqrt(np.linalg.inv(information)[0, 0])
    return beta[0] / scale, error / scale, score, 2 * (value - null_value), OK
