"""Minimise Cox's loss with an elastic-net penalty for one strength after another, each from the solution before."""

import numpy as np

from biolab.core.arrays import Float, Int
from biolab.kernels import RiskSet
from biolab.kernels.cox_curvature import cpu as curvature
from biolab.kernels.cox_curvature import truncated as late_curvature
from biolab.kernels.cox_loss import cpu as loss
from biolab.kernels.cox_loss import truncated as late_loss

from .local_quadratic import LocalQuadratic

# Shares of the null loss: what the last step may promise at an exact minimum, and rounding
EXACT, _ROUNDING = 1e-14, 4e-15
# What a coordinate may still give inside a step, as a share of that promise
_REST = 0.01
_MAX_STEPS = 200
# A step that promises more than this share of the one before asks for a new curvature
_STALE = 0.02
# Where a column's gradient counts as beyond its bound, and from where on it stays at work
_BEYOND, _NEAR = 1 + 1e-9, 0.95
# Rounding of single precision; and the share of columns that are worth looking at one by one
_SINGLE, _FEW = 6e-8, 20


class ProximalNewton:
    """The minimum found so far, and what is known of the loss around it.

    The loss is a mean over patients. Every step solves the quadratic of the working columns exactly; its curvature
    stays that of an earlier point for as long as steps shrink fast. ``columns`` [k, m] are those of the rows ever at
    risk, in the order of the risk set; ``lasso`` and ``ridge`` hold each column's share of the strength. Steps end when
    the next promises less than the ``precision``, a share of the null loss.
    """

    def __init__(
        self,
        columns: Float[np.ndarray, "k m"],
        risk: RiskSet,
        total: float,
        lasso: Float[np.ndarray, " k"],
        ridge: Float[np.ndarray, " k"],
        precision: float = EXACT,
    ) -> None:
        self._rows = risk.rows_in_order()
        self._evaluate = late_loss.evaluate if risk.truncated else loss.evaluate
        self._columns, self._total = columns, total
        self._single = columns.astype(np.float32)
        self._length = np.sqrt(np.einsum("km,km->k", self._single, self._single))
        self._lasso, self._ridge = lasso, ridge
        self.beta, self._eta = np.zeros(len(lasso)), np.zeros(self._rows.order.size)
        self.value, self._slope = self._loss(self._eta)
        self._null = max(self.value, float(np.finfo(np.float64).tiny))
        self._least = precision * self._null
        self._look()
        self._quadratic = LocalQuadratic(columns, self._rows, late_curvature if risk.truncated else curvature, total)
        self._quadratic.renew(self._eta, np.flatnonzero((lasso == 0) & (ridge == 0)))
        if self._quadratic.working.size:
            self.solve(0.0, look=False)
        self._quadratic.add(self._quadratic.outside(np.flatnonzero(lasso == 0)))

    def gradient(self) -> Float[np.ndarray, " k"]:
        """Return the gradient of the loss at the minimum, in all columns."""
        return self._columns @ self._slope

    def solve(self, strength: float, *, look: bool = True) -> tuple[int, bool]:
        """Move to the minimum for a strength; return the steps taken and whether no more is to be gained.

        Only the working columns move; unless one is not to ``look``, all others are looked at in the end, and those
        whose gradient exceeds their bound join.
        """
        bound, ridge = strength * self._lasso, strength * self._ridge
        if ridge.any():
            self._quadratic.forget()
        before = np.inf
        for steps in range(1, _MAX_STEPS + 1):
            promised, moved = self._step(bound, ridge)
            settled = promised <= self._least
            if look and (steps == 1 or settled):
                beyond = self._beyond(bound)
                if beyond.size:
                    self._quadratic.add(beyond)
                    before = np.inf
                    continue
            if settled:
                return steps, True
            if promised > _STALE * before or not moved:
                self._renew(bound)
            before = promised
        return _MAX_STEPS, False

    def _step(self, bound: Float[np.ndarray, " k"], ridge: Float[np.ndarray, " k"]) -> tuple[float, bool]:
        """Go to the minimum of the quadratic, or as far towards it as the loss falls; return what it promised."""
        quadratic = self._quadratic
        working, columns = quadratic.working, quadratic.columns
        if not working.size:
            return 0.0, True
        lasso, ridge = bound[working], ridge[working]
        beta, gradient = self.beta[working], self._slope @ columns
        found = quadratic.minimum(gradient, beta, lasso, ridge, _REST * self._least)
        penalty = _penalty(beta, lasso, ridge)
        promised = penalty - _penalty(found, lasso, ridge) - float(gradient @ (found - beta))
        length = 1.0
        for _ in range(40):
            trial = found if length == 1 else beta + length * (found - beta)
            eta = columns @ trial
            value, slope = self._loss(eta)
            gained = self.value + penalty - value - _penalty(trial, lasso, ridge)
            if gained >= 1e-4 * length * promised - _ROUNDING * self._null:
                self.beta[working] = trial
                self._eta, self.value, self._slope = eta, value, slope
                return promised, True
            if promised <= self._least:  # what is left is rounding
                break
            length /= 2
        return promised, False

    def _renew(self, bound: Float[np.ndarray, " k"]) -> None:
        """Take the curvature anew, in the columns that are not 0 or may soon not be."""
        working = self._quadratic.working
        gradient = self._slope @ self._quadratic.columns
        self._quadratic.renew(
            self._eta, working[(self.beta[working] != 0) | (np.abs(gradient) >= _NEAR * bound[working])]
        )

    def _beyond(self, bound: Float[np.ndarray, " k"]) -> Int[np.ndarray, " b"]:
        """Find the columns at 0 whose gradient exceeds their bound, by single precision where that is enough."""
        near = self._quadratic.outside(np.flatnonzero(self._reach() >= bound))
        if near.size > self._length.size // _FEW:
            self._look()
            near = self._quadratic.outside(np.flatnonzero(self._reach() >= bound))
        return near[np.abs(self._columns[near] @ self._slope) > bound[near] * _BEYOND]

    def _look(self) -> None:
        """Compute every column's gradient in single precision, and remember the slope it belongs to."""
        rounding = _SINGLE * (16 + self._slope.size / 8) * float(np.linalg.norm(self._slope))
        self._seen = self._slope
        self._most = np.abs(self._single @ self._slope.astype(np.float32)) + rounding * self._length

    def _reach(self) -> Float[np.ndarray, " k"]:
        """Return what each column's gradient cannot exceed, by the inequality of Cauchy and Schwarz."""
        return self._most + float(np.linalg.norm(self._slope - self._seen)) * self._length

    def _loss(self, eta: Float[np.ndarray, " m"]) -> tuple[float, Float[np.ndarray, " m"]]:
        """Return the mean loss and its gradient in the log-hazards."""
        slope = np.empty(eta.size)
        value = self._evaluate(eta, self._rows, slope, np.empty(0))
        slope /= self._total
        return value / self._total, slope


def _penalty(beta: Float[np.ndarray, " a"], lasso: Float[np.ndarray, " a"], ridge: Float[np.ndarray, " a"]) -> float:
    return float(lasso @ np.abs(beta) + ridge @ (beta * beta) / 2)
