"""Curvature of Cox's loss as its equation says: every denominator's covariance matrix, O(n^2) memory, float64."""

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Bool, Float, Int


def images(  # noqa: PLR0913, PLR0917 - the equation's parts
    log_hazard: Float[ndarray, " n"],
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    stratum: Int[ndarray, " n"],
    weight: Float[ndarray, " n"],
    entry: Float[ndarray, " n"],
    directions: Float[ndarray, "k n"],
    *,
    efron: bool,
) -> Float[ndarray, "k n"]:
    """Return the second derivative times each direction, one death's denominator after the other."""
    hessian, exists = np.zeros((time.size, time.size)), weight > 0
    for label, moment in {(s, t) for s, t, d in zip(stratum, time, event & exists, strict=True) if d}:
        at_risk = exists & (stratum == label) & (entry < moment) & (moment <= time)
        dies = at_risk & event & (time == moment)
        deaths = int(dies.sum())
        hazard = np.zeros(time.size)
        hazard[at_risk] = weight[at_risk] * np.exp(log_hazard[at_risk] - log_hazard[at_risk].max())
        for step in range(deaths):
            part = hazard * np.where(dies, 1 - step / deaths, 1.0) if efron else hazard
            probability = part / part.sum()
            hessian += weight[dies].mean() * (np.diag(probability) - np.outer(probability, probability))
    return directions @ hessian
