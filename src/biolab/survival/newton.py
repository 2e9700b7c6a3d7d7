"""Newton's method with step halving, for convex objectives with few coefficients."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from biolab.core.arrays import Float

from .partial_likelihood import Evaluation

_HALVINGS = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class Minimum:
    """Where the search ended: coefficients, the evaluation there, and how it went.

    ``runaway`` marks coefficients that kept moving while the objective no longer fell: it has no finite minimum.
    """

    beta: Float[np.ndarray, " p"]
    evaluation: Evaluation
    iterations: int
    converged: bool
    runaway: np.ndarray
    last_step: float


def minimise(
    evaluate: Callable[[Float[np.ndarray, " p"]], Evaluation],
    curvature: Float[np.ndarray, " p"],
    start: Float[np.ndarray, " p"],
    *,
    here: Evaluation | None = None,
    max_iterations: int,
    tolerance: float,
) -> Minimum:
    """Minimise ``evaluate(beta).value + sum(curvature * beta**2) / 2``.

    It has converged when no coefficient's Newton step exceeds the tolerance; steps are halved until the objective
    does not rise. Coefficients should be on a common scale. ``here`` is the evaluation at the start, where known.
    """
    beta, here = start, here or evaluate(start)
    nothing = np.zeros(len(beta), dtype=bool)
    before = np.inf
    for iteration in range(1, max_iterations + 1):
        gradient = here.gradient + curvature * beta
        step = -_solve(here.hessian + np.diag(curvature), gradient)
        size, decrement = float(np.abs(step).max(initial=0.0)), float(-gradient @ step)
        if decrement < 1e-8 and size > 1e-3 and size > before / 2:
            runaway = np.abs(step) > size / 10
            return _end(beta, here, iteration, converged=False, runaway=runaway, last_step=size)
        moved = _descend(evaluate, curvature, beta, here, step)
        if moved is None:  # rounding hides any further fall
            return _end(beta, here, iteration, converged=decrement < 1e-6, runaway=nothing, last_step=size)
        beta, here, before = *moved, size
        if size <= tolerance:
            return _end(beta, here, iteration, converged=True, runaway=nothing, last_step=size)
    return _end(beta, here, max_iterations, converged=False, runaway=nothing, last_step=before)


def _descend(
    evaluate: Callable[[Float[np.ndarray, " p"]], Evaluation],
    curvature: Float[np.ndarray, " p"],
    beta: Float[np.ndarray, " p"],
    here: Evaluation,
    step: Float[np.ndarray, " p"],
) -> tuple[Float[np.ndarray, " p"], Evaluation] | None:
    """Take the step, or the longest of its halves that does not raise the objective; None if none does."""
    bound = here.value + curvature @ beta**2 / 2
    bound += 1e-12 * (1 + abs(bound))
    for halving in range(_HALVINGS):
        trial = beta + step / 2**halving
        there = evaluate(trial)
        if there.value + curvature @ trial**2 / 2 <= bound:  # false for NaN too
            return trial, there
    return None


def _solve(matrix: Float[np.ndarray, "p p"], vector: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
    """Solve by Cholesky after scaling the diagonal to one; directions without curvature are left alone."""
    scale = np.sqrt(np.maximum(np.diag(matrix), np.finfo(float).tiny))
    normed = matrix / np.outer(scale, scale)
    try:
        factor = np.linalg.cholesky(normed)
        solution = np.linalg.solve(factor.T, np.linalg.solve(factor, vector / scale))
    except np.linalg.LinAlgError:
        solution = np.linalg.pinv(normed, rcond=1e-12, hermitian=True) @ (vector / scale)
    return solution / scale


def _end(
    beta: Float[np.ndarray, " p"],
    evaluation: Evaluation,
    iterations: int,
    *,
    converged: bool,
    runaway: np.ndarray,
    last_step: float,
) -> Minimum:
    return Minimum(
        beta=beta,
        evaluation=evaluation,
        iterations=iterations,
        converged=converged,
        runaway=runaway,
        last_step=last_step,
    )
