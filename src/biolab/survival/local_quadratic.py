"""Cox's loss around a point as a quadratic in some columns, and the minimum of that with an elastic-net penalty."""

from types import ModuleType

import numpy as np

from biolab.core.arrays import Float, Int
from biolab.kernels.elastic_net_descent import MAX_SWEEPS
from biolab.kernels.elastic_net_descent import cpu as descent
from biolab.kernels.elastic_net_descent.pivot import pivot
from biolab.kernels.risk_set import Rows

# Above so many columns their information matrix costs more than longer sweeps without it
_FORMED = 1500


class LocalQuadratic:
    """The working columns, and the information they have at a point that stays until `renew`.

    Columns that join later are met at the same point, so the matrix grows by a border and the rest of it stands.
    ``working`` are their positions among all columns ``[k, m]``.
    """

    def __init__(self, columns: Float[np.ndarray, "k m"], rows: Rows, curvature: ModuleType, total: float) -> None:
        self._all, self._rows, self._curvature, self._total = columns, rows, curvature, total
        self.working: Int[np.ndarray, " a"] = np.empty(0, dtype=np.int64)
        self._inside = np.zeros(len(columns), dtype=bool)
        self._reserve(64)

    def renew(self, eta: Float[np.ndarray, " m"], working: Int[np.ndarray, " a"]) -> None:
        """Take the curvature at new log-hazards, in new columns."""
        self._point = self._curvature.prepare(eta, self._rows)
        self._inside[self.working] = False
        self.working = np.empty(0, dtype=np.int64)
        self.add(working)
        self.forget()

    def add(self, joining: Int[np.ndarray, " b"]) -> None:
        """Let columns join."""
        before, size = self.working.size, self.working.size + joining.size
        if size > self._held.shape[1]:
            self._reserve(2 * size)
        self.working = np.concatenate([self.working, joining])
        self._inside[joining] = True
        new = np.ascontiguousarray(self._all[joining].T)
        self._held[:, before:size] = new
        if size > _FORMED:
            return
        if before > 0 and not self._formed:
            joining, new, before = self.working, np.ascontiguousarray(self._held[:, :size]), 0
        border = self._held[:, :size].T @ self._images(new)
        self._information[:size, before:size] = border
        self._information[before:size, :before] = border[:before].T
        self._formed = True

    def forget(self) -> None:
        """Drop what was factorised: the curvature or the ridge has changed."""
        self._known = 0

    def outside(self, columns: Int[np.ndarray, " c"]) -> Int[np.ndarray, " d"]:
        """Return those columns that are not working."""
        return columns[~self._inside[columns]]

    @property
    def columns(self) -> Float[np.ndarray, "m a"]:
        """The working columns, side by side."""
        return self._held[:, : self.working.size]

    def minimum(
        self,
        gradient: Float[np.ndarray, " a"],
        beta: Float[np.ndarray, " a"],
        lasso: Float[np.ndarray, " a"],
        ridge: Float[np.ndarray, " a"],
        rest: float,
    ) -> Float[np.ndarray, " a"]:
        """Return the minimum of the quadratic with this gradient at ``beta``; no sweep is left that gives ``rest``."""
        found, size = beta.copy(), beta.size
        if size > _FORMED:
            if size > len(self._held) and not lasso.any() and ridge.all():
                return beta - self._ridge_step(gradient + ridge * beta, ridge)
            held = np.ascontiguousarray(self.columns)
            rows, images = np.ascontiguousarray(held.T), np.ascontiguousarray(self._images(held).T)
            descent.descend_rows(gradient, rows, images, found, lasso, ridge, rest, MAX_SWEEPS)
            return found
        self._known = pivot(
            gradient, self._information, found, lasso, ridge, self._chosen, self._factor, max(self._known, 0)
        )
        if self._known < 0:
            information = self._information[:size, :size].copy()
            descent.descend(gradient.copy(), information, found, lasso, ridge, rest, MAX_SWEEPS)
        return found

    def _images(self, directions: Float[np.ndarray, "m b"]) -> Float[np.ndarray, "m b"]:
        """Return the mean loss's second derivative in the log-hazards, times each direction."""
        images = np.empty_like(directions)
        self._curvature.images(self._point, self._rows, directions, images)
        images /= self._total
        return images

    def _ridge_step(self, slope: Float[np.ndarray, " a"], ridge: Float[np.ndarray, " a"]) -> Float[np.ndarray, " a"]:
        """Solve ``(X'HX + R) step = slope`` by equations of the rows, of which there are fewer (Woodbury)."""
        inner, eye = (self.columns / ridge) @ self.columns.T, np.eye(len(self._held))
        bent = self._images(eye)
        pull = np.linalg.solve(eye + bent @ inner, bent @ (self.columns @ (slope / ridge)))
        return (slope - self.columns.T @ pull) / ridge

    def _reserve(self, size: int) -> None:
        held = np.empty((self._all.shape[1], size))
        here = self.working.size
        if here:
            held[:, :here] = self.columns
        self._held, old = held, getattr(self, "_information", None)
        side = min(size, _FORMED)
        self._information = np.zeros((side, side))
        self._formed = old is not None and here <= len(old) and here <= side
        if old is not None and self._formed:
            self._information[:here, :here] = old[:here, :here]
        self._chosen, self._factor, self._known = np.empty(side, dtype=np.int64), np.empty((side, side)), 0
