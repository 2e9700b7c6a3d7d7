"""Logistic and Firth's penalised regression by Newton steps in float64, every sum written out."""

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float


def log_likelihood(
    beta: Float[ndarray, " r"], design: Float[ndarray, "n r"], y: Float[ndarray, " n"], *, firth: bool
) -> float:
    """Return the log-likelihood, with half the log determinant of the information for Firth."""
    eta = design @ beta
    value = float((y * eta - np.logaddexp(0.0, eta)).sum())
    if not firth:
        return value
    p = 1 / (1 + np.exp(-eta))
    return value + 0.5 * float(np.linalg.slogdet(design.T @ (design * (p * (1 - p))[:, None]))[1])


def fit(
    design: Float[ndarray, "n r"], y: Float[ndarray, " n"], *, firth: bool
) -> tuple[bool, Float[ndarray, " r"], Float[ndarray, " r"]]:
    """Return whether a maximum was found, the coefficients and their standard errors."""
    beta = np.zeros(design.shape[1])
    for _ in range(200):
        p = 1 / (1 + np.exp(-design @ beta))
        w = p * (1 - p)
        information = design.T @ (design * w[:, None])
        residual = y - p
        if firth:
            inverse = np.linalg.inv(information)
            leverage = w * np.einsum("ij,jk,ik->i", design, inverse, design)
            residual = residual + leverage * (0.5 - p)
        step = np.linalg.solve(information, design.T @ residual)
        old = log_likelihood(beta, design, y, firth=firth)
        while log_likelihood(beta + step, design, y, firth=firth) < old - 1e-12 * (1 + abs(old)):
            step = step / 2
        beta = beta + step
        if np.abs(design @ beta).max() > 40:
            return False, beta, np.full(beta.size, np.nan)
        if np.abs(step).max() < 1e-11:
            p = 1 / (1 + np.exp(-design @ beta))
            information = design.T @ (design * (p * (1 - p))[:, None])
            return True, beta, np.sqrt(np.diag(np.linalg.inv(information)))
    return False, beta, np.full(beta.size, np.nan)
