"""Cox's negative log partial likelihood as its equation says, with dense derivatives: O(n^2) time, float64."""

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Bool, Float, Int


def negative_log_partial_likelihood(  # noqa: PLR0913
    log_hazard: Float[ndarray, " n"],
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    stratum: Int[ndarray, " n"],
    weight: Float[ndarray, " n"],
    entry: Float[ndarray, " n"],
    *,
    efron: bool,
) -> tuple[float, Float[ndarray, " n"], Float[ndarray, " n"]]:
    """Return the value, its gradient and the diagonal of its Hessian, one death's denominator after the other."""
    value, gradient, hessian = 0.0, np.zeros(time.size), np.zeros(time.size)
    exists = weight > 0
    for label, moment in {(s, t) for s, t, d in zip(stratum, time, event & exists, strict=True) if d}:
        at_risk = exists & (stratum == label) & (entry < moment) & (moment <= time)
        dies = at_risk & event & (time == moment)
        deaths = int(dies.sum())
        top = log_hazard[at_risk].max()
        hazard = np.zeros(time.size)
        hazard[at_risk] = weight[at_risk] * np.exp(log_hazard[at_risk] - top)
        value -= float((weight * (log_hazard - top))[dies].sum())
        gradient -= np.where(dies, weight, 0.0)
        for step in range(deaths):
            part = hazard * np.where(dies, 1 - step / deaths, 1.0) if efron else hazard
            probability = part / part.sum()
            share = weight[dies].mean()
            value += share * np.log(part.sum())
            gradient += share * probability
            hessian += share * probability * (1 - probability)
    return value, gradient, hessian
