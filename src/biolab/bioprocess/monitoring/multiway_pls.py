"""Multiway partial least squares: what of a batch's course goes with its quality."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from biolab.core import FitError
from biolab.core.arrays import Float, Int

from .alignment import AbstractAlignment, ByTime
from .calibration import Calibration, split
from .multiway import BatchMonitor, Unfolding, checked_components, fit_monitor, quality_of
from .trajectories import Batch, Batches, frame_of, named
from .verdict import Verdict


@dataclass(frozen=True, kw_only=True, eq=False)
class QualityMonitor:
    """A monitor whose plane was chosen for quality, and the quality that a batch's scores promise."""

    monitor: BatchMonitor = field(repr=False)
    quality: tuple[str, ...]
    mean: Float[np.ndarray, " y"]
    slopes: Float[np.ndarray, "a y"]
    held_out_error: Float[np.ndarray, "k y"] = field(repr=False)

    @property
    def settings(self) -> dict[str, object]:
        """What was chosen before the fit."""
        return self.monitor.settings

    @property
    def metrics(self) -> dict[str, float]:
        """Those of the monitor, and the error of each quality at the end of the held-out batches."""
        errors = dict(zip((f"rmse_{q}" for q in self.quality), self.held_out_error[-1].tolist(), strict=True))
        return {**self.monitor.metrics, **errors}

    @property
    def calibration(self) -> Calibration:
        """Scores of the held-out batches, and the charts' usual heights."""
        return self.monitor.calibration

    def check(
        self,
        batch: Batch,
        *,
        false_alarm_rate: float = 0.01,
        confidence: float | None = None,
        until_h: float | None = None,
    ) -> Verdict:
        """Judge a batch as `BatchMonitor.check` does."""
        return self.monitor.check(batch, false_alarm_rate=false_alarm_rate, confidence=confidence, until_h=until_h)

    def judge(self, batch: Batch, at: float, *, until_h: float | None = None) -> Verdict:
        """Judge a batch as `BatchMonitor.judge` does."""
        return self.monitor.judge(batch, at, until_h=until_h)

    def predict(self, batch: Batch, *, until_h: float | None = None) -> pl.DataFrame:
        """Return what quality to expect at the end, as known at each hour, and the usual error of that.

        The error is the root mean square among held-out normal batches at the same point.
        """
        x, clock = self.monitor.known_rows(*self.monitor.read(frame_of(batch), "the batch", until_h=until_h))
        expected = self.mean + self.monitor.plane.scores_so_far(x) @ self.slopes
        columns = {name: expected[:, i] for i, name in enumerate(self.quality)}
        errors = {f"{name}_error": self.held_out_error[: len(x), i] for i, name in enumerate(self.quality)}
        return pl.DataFrame({"time_h": clock, **columns, **errors})


@dataclass(frozen=True, kw_only=True)
class MultiwayPLS:
    """Monitor batches in the directions that go with their quality, and predict it while they run.

    As `MultiwayPCA`, but the plane is that of partial least squares of quality on the unfolded batches; quality is
    regressed on the scores.

    References
    ----------
    Nomikos and MacGregor (1995), Chemom. Intell. Lab. Syst. 30:97-108, doi:10.1016/0169-7439(95)00043-7
    """

    components: int = 3
    variables: tuple[str, ...] | None = None
    alignment: AbstractAlignment = field(default_factory=ByTime)
    held_out: float = 0.5
    memory_points: float = 0.0
    seed: int = 0

    def fit(self, batches: Batches, quality: pl.DataFrame | pl.Series | Float[np.ndarray, "..."]) -> QualityMonitor:
        """Fit to normal batches and their quality, a row a batch in the same order.

        Raises
        ------
        DataError
            If columns or rows are missing, or a quality is not finite.
        FitError
            If no quality varies.
        """
        frames = named(batches)
        table = quality.to_frame() if isinstance(quality, pl.Series) else quality
        labels = tuple(table.columns) if isinstance(table, pl.DataFrame) else None
        target = quality_of(tuple(frames), table.to_numpy() if isinstance(table, pl.DataFrame) else table)
        if not (target.std(axis=0) > 0).all():
            raise FitError("A column of quality is the same for all batches; there is nothing to predict.")
        unfolding = Unfolding(
            variables=self.variables, alignment=self.alignment, held_out=self.held_out,
            memory_points=self.memory_points, seed=self.seed,
        )  # fmt: skip
        settings: dict[str, object] = {
            "model": "multiway PLS", "components": self.components, "alignment": repr(self.alignment),
            "held_out": self.held_out, "memory_points": self.memory_points, "seed": self.seed,
        }  # fmt: skip

        def loadings(scaled: Float[np.ndarray, "n k v"], rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, "f a"]:
            from sklearn.cross_decomposition import PLSRegression

            kept = checked_components(self.components, len(scaled))
            y = target[rows]
            model = PLSRegression(n_components=kept, scale=False)
            return model.fit(scaled.reshape(len(scaled), -1), (y - y.mean(axis=0)) / y.std(axis=0)).x_loadings_

        monitor = fit_monitor(frames, unfolding, loadings, settings)
        return _with_quality(monitor, frames, target, labels or tuple(f"quality_{i}" for i in range(target.shape[1])))


def _with_quality(
    monitor: BatchMonitor, frames: dict[str, pl.DataFrame], target: Float[np.ndarray, "n y"], labels: tuple[str, ...]
) -> QualityMonitor:
    fitted, held = split(len(frames), monitor.unfolding.held_out, monitor.unfolding.seed)
    items = list(frames.items())
    points = len(monitor.scaling.mean)
    courses = [monitor.plane.scores_so_far(monitor.known_rows(*monitor.read(f, name))[0]) for name, f in items]
    ends = np.stack([courses[i][-1] for i in fitted])
    mean = target[fitted].mean(axis=0)
    slopes = np.linalg.lstsq(ends, target[fitted] - mean, rcond=None)[0]
    squares, counts = np.zeros((points, target.shape[1])), np.zeros((points, 1))
    for i in held:
        off = mean + courses[i] @ slopes - target[i]
        squares[: len(off)] += off**2
        counts[: len(off)] += 1
    error = np.sqrt(squares / np.maximum(counts, 1))
    return QualityMonitor(monitor=monitor, quality=labels, mean=mean, slopes=slopes, held_out_error=error)
