"""Multiway principal components: the directions in which normal batches differ."""

from dataclasses import dataclass, field

import numpy as np

from biolab.core.arrays import Float, Int

from .alignment import AbstractAlignment, ByTime
from .multiway import BatchMonitor, Unfolding, checked_components, fit_monitor
from .trajectories import Batches


@dataclass(frozen=True, kw_only=True)
class MultiwayPCA:
    """Monitor batches by PCA of whole batches (batch-wise unfolding), with limits that keep a false-alarm rate.

    Each batch is a row of all variables at all points, scaled column by column; PCA finds the directions in which
    normal batches differ. T2 measures how far a batch lies along them, SPE how far off them. ``held_out`` of the
    batches (drawn by ``seed``) are not fitted but set the limits. Normal batches should differ as batches do:
    instruments, raw materials, inoculum.

    References
    ----------
    Nomikos and MacGregor (1995), Technometrics 37:41-59, doi:10.1080/00401706.1995.10485888

    Examples
    --------
    >>> import polars as pl
    >>> rng, hours = np.random.default_rng(1), np.arange(0.0, 50.0)
    >>> def batch(step=0.0):
    ...     level = rng.normal(size=2) @ [hours / 50, np.sin(hours / 9)] + (hours > 30) * step
    ...     return pl.DataFrame({"time_h": hours, "ph_measured": level + 0.1 * rng.normal(size=50)})
    >>> monitor = MultiwayPCA(components=2).fit([batch() for _ in range(60)])
    >>> round(monitor.check(batch(step=1.0), false_alarm_rate=0.05).alarm_h, 1)
    31.2
    """

    components: int = 3
    variables: tuple[str, ...] | None = None
    alignment: AbstractAlignment = field(default_factory=ByTime)
    held_out: float = 0.5
    memory_points: float = 0.0
    seed: int = 0

    def fit(self, batches: Batches) -> BatchMonitor:
        """Fit to normal batches: frames with ``time_h`` (or results with ``.trajectories``).

        Without ``variables``, all numeric columns whose names end in ``_measured``.

        Raises
        ------
        DataError
            If columns are missing or too few batches are given.
        """
        unfolding = Unfolding(
            variables=self.variables, alignment=self.alignment, held_out=self.held_out,
            memory_points=self.memory_points, seed=self.seed,
        )  # fmt: skip
        settings: dict[str, object] = {
            "model": "multiway PCA", "components": self.components, "alignment": repr(self.alignment),
            "held_out": self.held_out, "memory_points": self.memory_points, "seed": self.seed,
        }  # fmt: skip
        return fit_monitor(batches, unfolding, self._loadings, settings)

    def _loadings(self, scaled: Float[np.ndarray, "n k v"], rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, "f a"]:
        del rows
        kept = checked_components(self.components, len(scaled))
        return _leading(scaled.reshape(len(scaled), -1), kept)


def _leading(rows: Float[np.ndarray, "n f"], kept: int) -> Float[np.ndarray, "f a"]:
    """Return the leading right singular vectors, from the smaller of the two matrices of products."""
    if len(rows) > rows.shape[1]:
        return np.linalg.eigh(rows.T @ rows)[1][:, : -kept - 1 : -1]
    left = np.linalg.eigh(rows @ rows.T)[1][:, : -kept - 1 : -1]
    return np.linalg.qr(rows.T @ left)[0]
