"""Newton's method on one variant beside shared covariates, from the covariates' own fit; Firth's penalty if asked."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float
from biolab.kernels.cholesky import factor

from .outcomes import COLLINEAR, CONSTANT, NOT_CONVERGED, OK, ONE_CLASS, SEPARATED

MAX_STEPS = 50
HALVINGS = 30
# A step that moves no coefficient by more than this of a standard deviation of its column is the last.
SMALL_STEP = 1e-8
# A log odds beyond this in anybody says that the maximum is at infinity.
FARTHEST = 30.0

NEVER, FALLBACK, ALWAYS = 0, 1, 2


@njit(cache=True, nogil=True)
def _inverse(lower: Float[ndarray, "r r"]) -> Float[ndarray, "r r"]:
    """Invert L L' given the factor L."""
    r = lower.shape[0]
    half = np.zeros((r, r))
    for column in range(r):
        for i in range(column, r):
            rest = 1.0 if i == column else 0.0
            for k in range(column, i):
                rest -= lower[i, k] * half[k, column]
            half[i, column] = rest / lower[i, i]
    return half.T @ half


@njit(cache=True, nogil=True, error_model="numpy")
def _likelihood(
    beta: Float[ndarray, " r"], design: Float[ndarray, "n r"], y: Float[ndarray, " n"], p: Float[ndarray, " n"]
) -> tuple[float, float]:
    """Fill probabilities; return the log-likelihood and the largest |log odds|."""
    eta = design @ beta
    value, largest = 0.0, 0.0
    for i in range(y.size):
        x = eta[i]
        small = np.exp(-abs(x))
        p[i] = 1.0 / (1.0 + small) if x >= 0.0 else small / (1.0 + small)
        value += y[i] * x - max(x, 0.0) - np.log1p(small)
        largest = max(largest, abs(x))
    return value, largest


@njit(cache=True, nogil=True)
def _information(
    design: Float[ndarray, "n r"], p: Float[ndarray, " n"], lower: Float[ndarray, "r r"]
) -> tuple[Float[ndarray, "r r"], float]:
    """Return the information and the log of its determinant (minus infinity if singular); fill its factor."""
    weighted = np.empty_like(design)
    for i in range(p.size):
        w = p[i] * (1.0 - p[i])
        for c in range(design.shape[1]):
            weighted[i, c] = w * design[i, c]
    information = design.T @ weighted
    if factor(information, lower) < lower.shape[0]:
        return information, -np.inf
    total = 0.0
    for c in range(lower.shape[0]):
        total += 2.0 * np.log(lower[c, c])
    return information, total


@njit(cache=True, nogil=True)
def _score(
    design: Float[ndarray, "n r"],
    y: Float[ndarray, " n"],
    p: Float[ndarray, " n"],
    inverse: Float[ndarray, "r r"],
    firth: bool,  # noqa: FBT001 - numba passes no keyword-only arguments
) -> Float[ndarray, " r"]:
    """Return the gradient, for Firth with each residual moved by its leverage times (1/2 - p)."""
    residual = y - p
    if firth:
        half = design @ inverse
        for i in range(y.size):
            leverage = 0.0
            for c in range(design.shape[1]):
                leverage += half[i, c] * design[i, c]
            residual[i] += leverage * p[i] * (1.0 - p[i]) * (0.5 - p[i])
    return design.T @ residual


@njit(cache=True, nogil=True)
def maximise(
    design: Float[ndarray, "n r"],
    y: Float[ndarray, " n"],
    beta: Float[ndarray, " r"],
    firth: bool,  # noqa: FBT001 - numba passes no keyword-only arguments
) -> tuple[int, Float[ndarray, "r r"]]:
    """Move beta to the maximum; return how it ended and the inverse of the information there."""
    r, p = beta.size, np.empty(y.size)
    lower = np.zeros((r, r))
    value, _ = _likelihood(beta, design, y, p)
    _, determinant = _information(design, p, lower)
    if determinant == -np.inf:
        return COLLINEAR, lower
    value += 0.5 * determinant if firth else 0.0
    for _ in range(MAX_STEPS):
        inverse = _inverse(lower)
        step = inverse @ _score(design, y, p, inverse, firth)
        small = np.abs(step).max() <= SMALL_STEP
        trial, largest, determinant = -np.inf, 0.0, 0.0
        for _ in range(HALVINGS):
            trial, largest = _likelihood(beta + step, design, y, p)
            _, determinant = _information(design, p, lower)
            trial += 0.5 * determinant if firth else 0.0
            if trial >= value - 1e-12 * (1.0 + abs(value)):
                break
            step = step / 2.0
        beta += step
        value = trial
        if largest > FARTHEST or determinant == -np.inf:
            return SEPARATED, lower
        if small:
            return OK, _inverse(lower)
    return NOT_CONVERGED, lower


@njit(cache=True, nogil=True)
def _empty_cell(column: Float[ndarray, " k"], y: Float[ndarray, " k"]) -> bool:
    """Whether cases or controls carry none of one allele: the likelihood may have no maximum."""
    for case in (0.0, 1.0):
        low, high, some = np.inf, -np.inf, False
        for i in range(y.size):
            if y[i] == case:
                low, high, some = min(low, column[i]), max(high, column[i]), True
        if some and (high <= 0.0 or low >= 2.0):
            return True
    return False


@njit(cache=True, nogil=True)
def scan(
    dosage: Float[ndarray, "m n"],
    y: Float[ndarray, " n"],
    covariates: Float[ndarray, "n q"],
    start: Float[ndarray, " q"],
    penalty: int,
    found: Float[ndarray, "m 5"],
) -> None:
    """Fit each variant over its samples with a dosage; fill n, coefficient, standard error, Firth used, outcome.

    ``covariates`` are standardised and begin with the intercept, ``start`` is their own fit.
    """
    n, q = covariates.shape
    for j in range(dosage.shape[0]):
        called = ~np.isnan(dosage[j])
        k = called.sum()
        design, column, cases = np.empty((k, q + 1)), np.empty(k), np.empty(k)
        at = 0
        for i in range(n):
            if called[i]:
                design[at, :q], column[at], cases[at] = covariates[i], dosage[j, i], y[i]
                at += 1
        found[j, 0], found[j, 1], found[j, 2], found[j, 3] = k, np.nan, np.nan, 0.0
        if k == 0 or column.max() - column.min() <= 1e-12:
            found[j, 4] = CONSTANT
            continue
        if cases.min() == cases.max():
            found[j, 4] = ONE_CLASS
            continue
        mean = column.mean()
        scale = np.sqrt(((column - mean) ** 2).mean())
        design[:, q] = (column - mean) / scale
        beta = np.zeros(q + 1)
        beta[:q] = start
        firth = penalty == ALWAYS or (penalty == FALLBACK and _empty_cell(column, cases))
        outcome, inverse = maximise(design, cases, beta, firth)
        if not firth and penalty == FALLBACK and outcome in (SEPARATED, NOT_CONVERGED):
            firth = True
            beta[:q], beta[q] = start, 0.0
            outcome, inverse = maximise(design, cases, beta, firth)
        found[j, 3], found[j, 4] = 1.0 if firth else 0.0, outcome
        if outcome == OK:
            found[j, 1], found[j, 2] = beta[q] / scale, np.sqrt(inverse[q, q]) / scale
