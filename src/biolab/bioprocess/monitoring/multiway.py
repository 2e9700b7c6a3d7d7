"""What multiway PCA and PLS share: batches on one scale, a plane through them, limits, and the check of a batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from biolab.core import DataError
from biolab.core.arrays import Float, Int

from .alignment import AbstractAlignment, AbstractScale
from .calibration import Calibration, split, threshold
from .latent_plane import LatentPlane, Scaling
from .trajectories import Batch, Batches, Trajectory, frame_of, measured_columns, named, trajectory
from .verdict import TooEarlyError, Verdict

# Parts into which fitted batches are divided to see each as a new one.
_FOLDS = 5
# From scaled training batches [n k v] (and which of the batches they are) to loadings [k * v, a].
FindLoadings = Callable[[Float[np.ndarray, "n k v"], Int[np.ndarray, " n"]], Float[np.ndarray, "f a"]]


@dataclass(frozen=True, kw_only=True)
class Unfolding:
    """How batches become rows: which columns, on which scale, how many held out, how long residuals are remembered."""

    variables: tuple[str, ...] | None
    alignment: AbstractAlignment
    held_out: float
    memory_points: float
    seed: int


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchMonitor:
    """A plane through normal batches, with calibrated limits for T2 and SPE at each point of a batch.

    T2 is that of the scores expected from what is known so far; SPE sums the squared residuals of the variables at a
    point (each remembered over ``memory_points``, exponentially). ``variables`` may end in ``clock_h``: how long the
    batch took, where the scale is not time itself.
    """

    columns: tuple[str, ...]
    variables: tuple[str, ...]
    unfolding: Unfolding
    scale: AbstractScale = field(repr=False)
    scaling: Scaling = field(repr=False)
    plane: LatentPlane = field(repr=False)
    calibration: Calibration = field(repr=False)
    explained: float
    settings: dict[str, object]

    @property
    def metrics(self) -> dict[str, float]:
        """Share of the normal batches' variation in the plane, and how many batches the limits rest on."""
        return {"explained": self.explained, "held_out_batches": float(self.calibration.scores.size)}

    def check(
        self,
        batch: Batch,
        *,
        false_alarm_rate: float = 0.01,
        confidence: float | None = None,
        until_h: float | None = None,
    ) -> Verdict:
        """Judge a batch, finished or not: T2 and SPE at every point known at ``until_h``.

        Of normal batches, the share ``false_alarm_rate`` at most raises an alarm at any point of the batch: on average
        over the choice of normal batches, or with ``confidence`` 0.95 say, for 95 in 100 such choices.

        Raises
        ------
        DataError
            If a column is missing, the batch has not reached the first point, or too few batches were held out.
        """
        at = threshold(self.calibration.scores, false_alarm_rate, confidence)
        return self.judge(batch, at, until_h=until_h).promising(false_alarm_rate, confidence)

    def judge(self, batch: Batch, at: float, *, until_h: float | None = None) -> Verdict:
        """Judge a batch by limits at a score of the calibration: standard deviations of normal batches' peaks."""
        known = self.read(frame_of(batch), "the batch", until_h=until_h)
        x, clock = self.known_rows(*known)
        charts, spe_parts = _charts(self.plane, x, self.unfolding.memory_points)
        limits = {name: limit[: len(x)] for name, limit in self.calibration.limits(at).items()}
        above = {name: np.flatnonzero(charts[name] > limits[name]) for name in charts}
        first = {name: int(points[0]) for name, points in above.items() if points.size}
        statistic = min(first, key=lambda name: first[name]) if first else None
        shown = {name: first.get(name, int((charts[name] / limits[name]).argmax())) for name in charts}
        scores = self.plane.scores_so_far(x[: shown["t2"] + 1])
        return Verdict(
            charts=pl.DataFrame({
                "time_h": clock, "place": self.scale.place[: len(x)],
                **{k: v for name in charts for k, v in ((name, charts[name]), (f"{name}_limit", limits[name]))},
            }),
            alarm_h=None if statistic is None else float(clock[first[statistic]]),
            statistic=statistic,
            settings=self.settings,
            variables=self.variables,
            parts={
                "t2": self.plane.t_squared_parts(x[: shown["t2"] + 1], scores).sum(axis=0),
                "spe": spe_parts[shown["spe"]],
            },
        )  # fmt: skip

    def scores(self, batch: Batch) -> Float[np.ndarray, " a"]:
        """Return where a batch stands in the plane at its last known point."""
        x, _ = self.known_rows(*self.read(frame_of(batch), "the batch"))
        return self.plane.scores_so_far(x)[-1]

    def read(
        self, frame: pl.DataFrame, name: str, *, until_h: float | None = None
    ) -> tuple[Trajectory, Float[np.ndarray, " t"] | None]:
        """Read the monitored columns of a batch and its indicator."""
        way = self.unfolding.alignment.indicator_column
        whole = trajectory(frame, self.columns if way is None else (*self.columns, way), name)
        whole = whole if until_h is None else whole.until(until_h)
        if not whole.time_h.size:
            raise TooEarlyError(f"{name} has no row until {until_h} h; it starts later.")
        if way is None:
            return whole, None
        return Trajectory(name=name, time_h=whole.time_h, values=whole.values[:, :-1]), whole.values[:, -1]

    def known_rows(
        self, batch: Trajectory, indicator: Float[np.ndarray, " t"] | None
    ) -> tuple[Float[np.ndarray, "r v"], Float[np.ndarray, " r"]]:
        """Return the scaled rows known so far, and the batch's hour of each."""
        aligned = self.scale.align(batch, indicator)
        known = min(aligned.reached, len(self.scaling.mean))
        if not known:
            raise TooEarlyError(
                f"{batch.name} ends at {batch.time_h[-1]} h, before the first point of the scale, "
                f"{self.scale.place[0]:.6g}. Check it later."
            )
        return self.scaling.scaled_rows(aligned.values, known), aligned.clock_h[:known]


def fit_monitor(
    batches: Batches, unfolding: Unfolding, find_loadings: FindLoadings, settings: dict[str, object]
) -> BatchMonitor:
    """Align normal batches, fit a plane to one part of them and calibrate its limits with the others."""
    frames = named(batches)
    if not frames:
        raise DataError("There are no batches to fit; expected normal batches, at least 4.")
    columns = unfolding.variables or measured_columns(next(iter(frames.values())))
    if not columns:
        raise DataError("No column ends in _measured; name the variables to monitor.")
    fitted, held = split(len(frames), unfolding.held_out, unfolding.seed)
    way = unfolding.alignment.indicator_column
    read = [trajectory(f, columns if way is None else (*columns, way), name) for name, f in frames.items()]
    indicators = None if way is None else [b.values[:, -1] for b in read]
    if way is not None:
        read = [Trajectory(name=b.name, time_h=b.time_h, values=b.values[:, :-1]) for b in read]
    chosen = None if indicators is None else [indicators[i] for i in fitted]
    scale = unfolding.alignment.fit([read[i] for i in fitted], chosen)
    ways = [None] * len(read) if indicators is None else indicators
    aligned = [scale.align(b, w) for b, w in zip(read, ways, strict=True)]
    points = min(aligned[i].reached for i in fitted)
    if points < 2:
        raise DataError("A normal batch reaches fewer than 2 points of the common scale; leave it out.")
    values = np.stack([aligned[i].values[:points] for i in fitted])
    scaling, plane, loadings = _fitted(values, find_loadings, fitted)
    others = {read[i].name: scaling.scaled_rows(aligned[i].values, min(points, aligned[i].reached)) for i in held}
    memory = unfolding.memory_points
    calibration = Calibration.of(
        _left_out_charts(values, find_loadings, fitted, memory),
        {name: _charts(plane, x, memory)[0] for name, x in others.items()},
    )
    scaled = scaling.scaled(values)
    rows = scaled.reshape(len(scaled), -1)
    unexplained = ((rows - rows @ np.linalg.pinv(loadings).T @ loadings.T) ** 2).sum() / (rows**2).sum()
    extra = ("clock_h",) if values.shape[-1] > len(columns) else ()
    return BatchMonitor(
        columns=tuple(columns), variables=(*columns, *extra), unfolding=unfolding, scale=scale, scaling=scaling,
        plane=plane, calibration=calibration, explained=1.0 - float(unexplained), settings=settings,
    )  # fmt: skip


def _fitted(
    values: Float[np.ndarray, "n k v"], find_loadings: FindLoadings, rows: Int[np.ndarray, " n"]
) -> tuple[Scaling, LatentPlane, Float[np.ndarray, "f a"]]:
    scaling = Scaling.of(values)
    scaled = scaling.scaled(values)
    loadings = find_loadings(scaled, rows)
    return scaling, LatentPlane.of(scaled, loadings), loadings


def _left_out_charts(
    values: Float[np.ndarray, "n k v"], find_loadings: FindLoadings, rows: Int[np.ndarray, " n"], memory_points: float
) -> list[dict[str, Float[np.ndarray, " k"]]]:
    """Return the charts of the fitted batches, each by a model fitted without it: what new batches look like."""
    folds, found = np.arange(len(values)) % min(_FOLDS, len(values)), []
    for fold in range(folds.max() + 1):
        inside = folds != fold
        scaling, plane, _ = _fitted(values[inside], find_loadings, rows[inside])
        found += [_charts(plane, x, memory_points)[0] for x in scaling.scaled(values[~inside])]
    return found


def _charts(
    plane: LatentPlane, x: Float[np.ndarray, "r v"], memory_points: float
) -> tuple[dict[str, Float[np.ndarray, " r"]], Float[np.ndarray, "r v"]]:
    """Return T2 and SPE at each point, and the parts of SPE."""
    scores = plane.scores_so_far(x)
    parts = _remembered(plane.residuals(x, scores), memory_points) ** 2
    return {"t2": plane.t_squared(scores), "spe": parts.sum(axis=1)}, parts


def _remembered(residuals: Float[np.ndarray, "r v"], memory_points: float) -> Float[np.ndarray, "r v"]:
    """Average residuals over the past with weights that fall by 1/e in so many points."""
    if memory_points <= 0:
        return residuals
    keep, out = float(np.exp(-1.0 / memory_points)), np.empty_like(residuals)
    state = np.zeros(residuals.shape[1])
    for k, now in enumerate(residuals):
        state = keep * state + (1.0 - keep) * now
        out[k] = state / (1.0 - keep ** (k + 1))
    return out


def checked_components(components: int, batches: int) -> int:
    """Refuse more components than the fitted batches can carry.

    Raises
    ------
    DataError
        If there are not two batches more than components.
    """
    if not 1 <= components <= batches - 2:
        raise DataError(
            f"components is {components} with {batches} batches to fit; expected 1 to {max(1, batches - 2)}. "
            "Give more batches or hold fewer out."
        )
    return components


def quality_of(names: Sequence[str], quality: Float[np.ndarray, "n y"]) -> Float[np.ndarray, "n y"]:
    """Return quality a row a batch, finite.

    Raises
    ------
    DataError
        If rows are missing or a value is not finite.
    """
    table = np.asarray(quality, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    if table.shape[0] != len(names):
        raise DataError(f"quality has {table.shape[0]} rows for {len(names)} batches; expected one a batch.")
    broken = np.argwhere(~np.isfinite(table))
    if broken.size:
        row, column = broken[0]
        raise DataError(f"quality of {names[row]}, column {column}, is {table[row, column]}; expected finite numbers.")
    return table
