"""What may leave a site: counts below the minimum cell are withheld, curves stop where few are at risk."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

EVERY_ROW = pl.lit(value=True)


def suppress_counts(
    frame: pl.DataFrame, count: str, *, within: list[str], minimum: int, only: pl.Expr = EVERY_ROW
) -> pl.DataFrame:
    """Withhold (null) counts from 1 to ``minimum`` - 1, and others where a total would give them away.

    Zero says that nobody is there and stays. Within each group a single withheld count could be found by subtracting
    the others from the total, and several that add up to less than the minimum would be shown to be small: the smallest
    of the other counts are withheld too, until two are withheld and hide at least the minimum between them. Rows
    outside ``only`` hold no counts and stay.

    >>> counts = pl.DataFrame({"grade": ["1-2", "3"], "patients": [4, 90], "site": ["a", "a"]})
    >>> suppress_counts(counts, "patients", within=["site"], minimum=10)["patients"].to_list()
    [None, None]

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, Wiley, doi:10.1002/9781118348239, chapter 4.
    """
    small = (only & pl.col(count).is_between(1, minimum - 1)).fill_null(value=False)
    other = (only & ~small & (pl.col(count) > 0)).fill_null(value=False)
    value = pl.col(count).fill_null(0)
    others = pl.when(other).then(value).otherwise(0)
    hidden = pl.when(small).then(value).otherwise(0).sum().over(within)
    before = others.cum_sum().over(within, order_by=count) - others
    taken = other.cum_sum().over(within, order_by=count) - other.cast(pl.Int64)
    number = small.sum().over(within)
    second = other & (number > 0) & ((hidden + before < minimum) | (number + taken < 2))
    return frame.with_columns(pl.when(small | second).then(None).otherwise(pl.col(count)).alias(count))


def stop_where_few_remain(curve: pl.DataFrame, *, minimum: int) -> pl.DataFrame:
    """Keep the points of a survival curve at which at least ``minimum`` patients are still at risk.

    >>> stop_where_few_remain(pl.DataFrame({"time": [0, 12], "at_risk": [80, 6]}), minimum=10)["time"].to_list()
    [0]
    """
    return curve.filter(pl.col("at_risk") >= minimum)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A published point of a curve: its row, and who left and who had the event since the point before it."""

    row: int
    left: int
    events: int

    def merged(self, other: "Step") -> "Step":
        """Return the step to the later row over both."""
        row = max(self.row, other.row)
        return Step(row=row, left=self.left + other.left, events=self.events + other.events)

    def is_safe(self, minimum: int) -> bool:
        """Say whether nobody or at least ``minimum`` left, and nobody or at least ``minimum`` had the event."""
        return not 0 < self.left < minimum and not 0 < self.events < minimum


def coarsen_steps(
    curve: pl.DataFrame, events: Sequence[int], *, minimum: int, keep: Collection[float] = ()
) -> pl.DataFrame:
    """Drop points of a survival curve until nobody or at least ``minimum`` patients left and had the event in a step.

    Points at the times in ``keep`` (the protocol's horizons) stay if leaving out others makes their step large enough.

    Parameters
    ----------
    curve
        One row a time, rising, with the columns ``time`` and ``at_risk``.
    events
        Events after the previous row's time, up to and including the row's own.
    minimum
        Smallest number of patients in a step.
    keep
        Times to keep if possible.

    >>> curve = pl.DataFrame({"time": [0, 3, 6, 9], "at_risk": [90, 80, 60, 45]})
    >>> coarsen_steps(curve, [0, 4, 9, 12], minimum=10)["time"].to_list()
    [0, 6, 9]
    >>> coarsen_steps(curve, [0, 10, 9, 12], minimum=10, keep={6})["time"].to_list()
    [0, 6, 9]

    References
    ----------
    O'Keefe, Sparks, McAullay, Loong (2012), Journal of Privacy and Confidentiality 4(1):127-154,
    doi:10.29012/jpc.v4i1.614, on what the steps of a survival curve disclose. Merging steps until enough patients have
    left is what ACRO does: Smith et al. (2025), IEEE Transactions on Privacy, doi:10.1109/TP.2025.3566052.
    """
    times, at_risk = curve["time"].to_list(), curve["at_risk"].to_list()
    kept: list[Step] = []
    waiting: Step | None = None
    for row, (time, count) in enumerate(zip(times, events, strict=True)):
        step = Step(row=row, left=at_risk[row - 1] - at_risk[row] if row else 0, events=count if row else 0)
        step = step if waiting is None else waiting.merged(step)
        if time in keep and not step.is_safe(minimum):
            kept, step = _merged_back(kept, step, minimum, {row for row, each in enumerate(times) if each in keep})
        waiting = None if step.is_safe(minimum) else step
        kept = [*kept, step] if waiting is None else kept
    return curve[[step.row for step in kept]]


def _merged_back(kept: list[Step], step: Step, minimum: int, fixed: set[int]) -> tuple[list[Step], Step]:
    """Take back kept points until the step is safe; leave all as it was if that would cost a fixed point."""
    rest, merged = list(kept), step
    while len(rest) > 1 and rest[-1].row not in fixed and not merged.is_safe(minimum):
        merged = rest.pop().merged(merged)
    return (rest, merged) if merged.is_safe(minimum) else (kept, step)
