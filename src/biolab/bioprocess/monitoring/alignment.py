"""Batches of unlike pace on one scale: by the clock, by how far a variable has come, or by warping time.

An alignment says which columns it needs besides those monitored, is fitted to normal batches, and then puts any batch,
finished or not, on the same number of points. Each aligned point keeps the hour at which the batch got there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Float, Int

from .trajectories import Trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class Aligned:
    """A batch on the common scale: the first ``reached`` points are known, the rest are NaN."""

    values: Float[np.ndarray, "k v"]
    clock_h: Float[np.ndarray, " k"]
    reached: int


class AbstractScale(Protocol):
    """A fitted alignment."""

    @property
    def place(self) -> Float[np.ndarray, " k"]:
        """Return the common scale: hours, or share of the way."""
        ...

    def align(self, batch: Trajectory, indicator: Float[np.ndarray, " t"] | None) -> Aligned:
        """Put a batch on the common scale."""
        ...


class AbstractAlignment(Protocol):
    """How batches are brought to one pace."""

    @property
    def indicator_column(self) -> str | None:
        """Name the column that says how far a batch is, if there is one."""
        ...

    def fit(self, batches: Sequence[Trajectory], indicators: Sequence[Float[np.ndarray, " t"]] | None) -> AbstractScale:
        """Learn the common scale from normal batches."""
        ...


def last_known(batch: Trajectory, hours: Float[np.ndarray, " k"]) -> Float[np.ndarray, "k v"]:
    """Return what was last known at each hour; before the first row, that row."""
    return batch.values[np.maximum(np.searchsorted(batch.time_h, hours + 1e-9, side="right") - 1, 0)]


def _at(batch: Trajectory, hours: Float[np.ndarray, " k"]) -> Float[np.ndarray, "k v"]:
    return np.stack([np.interp(hours, batch.time_h, column) for column in batch.values.T], axis=1)


def _with_unknown(values: Float[np.ndarray, "r v"], clock: Float[np.ndarray, " r"], points: int) -> Aligned:
    whole = np.full((points, values.shape[1]), np.nan)
    hours = np.full(points, np.nan)
    whole[: len(values)], hours[: len(clock)] = values, clock
    return Aligned(values=whole, clock_h=hours, reached=len(values))


@dataclass(frozen=True, kw_only=True)
class ByTime:
    """Compare batches hour by hour: even points from the latest start to the earliest end of the normal batches.

    At each point stands what was last known, so that nothing looks ahead.
    """

    points: int = 100

    @property
    def indicator_column(self) -> str | None:
        """No column is needed."""
        return None

    def fit(
        self, batches: Sequence[Trajectory], indicators: Sequence[Float[np.ndarray, " t"]] | None = None
    ) -> "_Clock":
        """Find the hours that all batches have."""
        del indicators
        start, end = max(b.time_h[0] for b in batches), min(b.time_h[-1] for b in batches)
        if not end > start:
            raise DataError(f"The batches share no hours: the latest starts at {start} h, one ends at {end} h.")
        return _Clock(place=np.linspace(start, end, _points(self.points)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Clock:
    place: Float[np.ndarray, " k"]

    def align(self, batch: Trajectory, indicator: Float[np.ndarray, " t"] | None = None) -> Aligned:
        del indicator
        known = self.place[self.place <= batch.time_h[-1] + 1e-9]
        return _with_unknown(last_known(batch, known), known, self.place.size)


@dataclass(frozen=True, kw_only=True)
class ByIndicator:
    """Compare batches by how far a variable has come, such as grams fed; its running maximum is the scale.

    The scale reaches from the largest start to the smallest end of the indicator among the normal batches. The time a
    batch took is added as a variable: a batch that is merely slow is seen in it.
    """

    column: str
    points: int = 100

    @property
    def indicator_column(self) -> str | None:
        """Return the column that says how far a batch is."""
        return self.column

    def fit(
        self, batches: Sequence[Trajectory], indicators: Sequence[Float[np.ndarray, " t"]] | None = None
    ) -> "_Progress":
        """Find the stretch of the indicator that all batches cover.

        Raises
        ------
        DataError
            If a batch's indicator never rises, or no stretch is common.
        """
        if indicators is None:
            raise DataError(f"Alignment by {self.column} needs that column in every batch.")
        for batch, way in zip(batches, indicators, strict=True):
            if not way.max() > way[0]:
                raise DataError(f"{batch.name}, column {self.column} never rises above {way[0]}; it cannot align.")
        start, end = max(w[0] for w in indicators), min(w.max() for w in indicators)
        if not end > start:
            raise DataError(f"No stretch of {self.column} is common to all batches: {start} to {end}.")
        return _Progress(place=np.linspace(start, end, _points(self.points)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Progress:
    place: Float[np.ndarray, " k"]

    def align(self, batch: Trajectory, indicator: Float[np.ndarray, " t"] | None = None) -> Aligned:
        if indicator is None:
            raise DataError(f"{batch.name} has no indicator to align by.")
        way = np.maximum.accumulate(indicator)
        first = np.flatnonzero(np.diff(way, prepend=-np.inf) > 0)
        known = self.place[self.place <= way[-1]]
        hours = np.interp(known, way[first], batch.time_h[first])
        values = np.column_stack([_at(batch, hours), hours])
        return _with_unknown(values, hours, self.place.size)


@dataclass(frozen=True, kw_only=True)
class ByWarping:
    """Compare batches after stretching time so that their variables match a typical batch (dynamic time warping).

    Steps are symmetric (both clocks, or one of them, move on); no more than ``window`` of the batch's length apart. The
    typical batch is the one nearest to the mean of all. An unfinished batch is matched to the part of the typical batch
    that it fits best (open end). The time a batch took is added as a variable.

    References
    ----------
    Kassidas, MacGregor and Taylor (1998), AIChE J. 44:864-875, doi:10.1002/aic.690440412
    """

    points: int = 100
    window: float = 0.15

    @property
    def indicator_column(self) -> str | None:
        """No column is needed."""
        return None

    def fit(
        self, batches: Sequence[Trajectory], indicators: Sequence[Float[np.ndarray, " t"]] | None = None
    ) -> "_Warped":
        """Choose the typical batch and the scale of each variable."""
        del indicators
        if not 0.0 < self.window <= 1.0:
            raise ConfigError(f"window is {self.window}; expected a share of the batch, above 0 and at most 1.")
        shares = np.linspace(0.0, 1.0, _points(self.points))
        even = np.stack([_at(b, b.time_h[0] + shares * (b.time_h[-1] - b.time_h[0])) for b in batches])
        spread = even.reshape(-1, even.shape[-1]).std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        far = (((even - even.mean(axis=0)) / scale) ** 2).sum(axis=(1, 2))
        typical = batches[int(far.argmin())]
        hours = np.linspace(typical.time_h[0], typical.time_h[-1], shares.size)
        return _Warped(place=hours, reference=_at(typical, hours) / scale, scale=scale, window=self.window)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Warped:
    place: Float[np.ndarray, " k"]
    reference: Float[np.ndarray, "k v"]
    scale: Float[np.ndarray, " v"]
    window: float

    def align(self, batch: Trajectory, indicator: Float[np.ndarray, " t"] | None = None) -> Aligned:
        del indicator
        step = self.place[1] - self.place[0]
        count = max(2, round((batch.time_h[-1] - batch.time_h[0]) / step) + 1)
        hours = np.linspace(batch.time_h[0], batch.time_h[-1], count)
        values = _at(batch, hours)
        path = warping_path(values / self.scale, self.reference, window=self.window)
        reached = int(path[-1, 1]) + 1
        # of the batch's points matched to one of the reference, their mean
        matched = np.bincount(path[:, 1], minlength=reached).astype(np.float64)
        columns = np.column_stack([values, hours])[path[:, 0]]
        mean = np.stack([np.bincount(path[:, 1], weights=c, minlength=reached) for c in columns.T], axis=1)
        mean = mean / matched[:, None]
        return _with_unknown(mean, mean[:, -1], self.place.size)


def warping_path(
    batch: Float[np.ndarray, "n v"], reference: Float[np.ndarray, "k v"], *, window: float
) -> Int[np.ndarray, "p 2"]:
    """Return the cheapest path of pairs (row of the batch, row of the reference) from both starts to the batch's end.

    Cost is the squared distance, twice it where both rows move on, so that all paths to one pair weigh alike; the end
    in the reference is where the cost a step is least. Pairs further apart than ``window`` of the reference are not
    allowed. Rows of the sum are filled along antidiagonals: each needs the two before it only.
    """
    n, k = len(batch), len(reference)
    apart = max(1.0, window * k)
    distance = (batch**2).sum(axis=1)[:, None] + (reference**2).sum(axis=1)[None, :] - 2.0 * batch @ reference.T
    rows, columns = np.arange(n)[:, None], np.arange(k)[None, :]
    distance = np.where(np.abs(rows - columns) <= apart + max(0, n - k), np.maximum(distance, 0.0), np.inf)
    total = np.full((n + 1, k + 1), np.inf)
    total[0, 0] = -distance[0, 0]  # the first pair counts once
    for diagonal in range(2, n + k + 1):
        i = np.arange(max(1, diagonal - k), min(n, diagonal - 1) + 1)
        j = diagonal - i
        d = distance[i - 1, j - 1]
        both = total[i - 1, j - 1] + 2.0 * d
        total[i, j] = np.minimum(both, np.minimum(total[i - 1, j], total[i, j - 1]) + d)
    ends = total[n, 1:] / (n + np.arange(1, k + 1))
    i, j = n, int(ends.argmin()) + 1
    path = [(i - 1, j - 1)]
    while (i, j) != (1, 1):
        d = distance[i - 1, j - 1]
        options = {
            (i - 1, j - 1): total[i - 1, j - 1] + 2.0 * d, (i - 1, j): total[i - 1, j] + d, (i, j - 1): total[i,
            j - 1] + d,
        }  # fmt: skip
        i, j = min(options, key=lambda pair: options[pair])
        path.append((i - 1, j - 1))
    return np.array(path[::-1])


def _points(points: int) -> int:
    if points < 2:
        raise ConfigError(f"points is {points}; expected 2 or more.")
    return points
