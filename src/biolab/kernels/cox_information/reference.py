"""Cox's partial likelihood, its gradient and Hessian in the coefficients, written as the equations stand."""

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Bool, Float, Int


def information(  # noqa: PLR0913
    design: Float[ndarray, "n p"],
    beta: Float[ndarray, " p"],
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    strata: Int[ndarray, " n"],
    weight: Float[ndarray, " n"],
    *,
    efron: bool,
) -> dict[str, ndarray]:
    """Sum over event times: v log phi - sum of events' w eta, with phi the (Efron-thinned) sum over those at risk."""
    eta = design @ beta
    value, gradient, hessian, steps = 0.0, np.zeros(beta.size), np.zeros((beta.size, beta.size)), []
    for stratum in np.unique(strata):
        mine = (strata == stratum) & (weight > 0)
        for moment in np.unique(time[mine & event])[::-1]:
            at_risk, dead = mine & (time >= moment), mine & event & (time == moment)
            deaths = int(dead.sum())
            value -= weight[dead] @ eta[dead]
            gradient = gradient - weight[dead] @ design[dead]
            count = deaths if efron else 1
            step = weight[dead].sum() / count
            peak = eta[at_risk].max()
            increment = 0.0
            for j in range(count):
                share = weight * np.exp(eta - peak) * (at_risk - (j / deaths if efron else 0.0) * dead)
                phi = share[at_risk].sum()
                mean = share[at_risk] @ design[at_risk] / phi
                spread = (design[at_risk] * share[at_risk, None]).T @ design[at_risk] / phi - np.outer(mean, mean)
                value += step * (np.log(phi) + peak)
                gradient = gradient + step * mean
                hessian = hessian + step * spread
                increment += step / phi
            steps.append(np.log(increment) - peak)
    return {"value": np.array(value), "gradient": gradient, "hessian": hessian, "log_hazard_step": np.array(steps)}
