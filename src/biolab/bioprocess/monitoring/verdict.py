"""What monitoring says of a batch: charts and limits, when an alarm was raised, and which variables raised it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Float


class TooEarlyError(DataError):
    """A running batch does not show enough yet to be judged; ask again later."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdict:
    """A batch's charts against their limits.

    ``charts`` has time_h (of the batch), place (on the common scale) and, for each statistic, its value and
    ``<statistic>_limit``. ``alarm_h`` is the hour of the first point above a limit, ``statistic`` the chart it was on.
    ``silent`` names each monitor of a `CombinedMonitor` that does not watch the batch yet, and what it waits for.
    """

    charts: pl.DataFrame
    alarm_h: float | None
    statistic: str | None
    settings: dict[str, object]
    variables: tuple[str, ...] = ()
    parts: Mapping[str, Float[np.ndarray, " v"]] = field(default_factory=dict, repr=False)
    silent: tuple[str, ...] = ()

    @property
    def alarm(self) -> bool:
        """Whether any chart was above its limit."""
        return self.alarm_h is not None

    @property
    def statistics(self) -> tuple[str, ...]:
        """Return the names of the charts."""
        return tuple(c.removesuffix("_limit") for c in self.charts.columns if c.endswith("_limit"))

    @property
    def over_limit(self) -> float:
        """How high any chart came, over its limit."""
        return max(float((self.charts[s] / self.charts[f"{s}_limit"]).to_numpy().max()) for s in self.statistics)

    @property
    def metrics(self) -> dict[str, float]:
        """Whether and when there was an alarm, and each chart's highest point over its limit."""
        over = {
            f"{s}_over_limit": float(np.max(self.charts[s].to_numpy() / self.charts[f"{s}_limit"].to_numpy()))
            for s in self.statistics
        }
        when = {} if self.alarm_h is None else {"alarm_h": self.alarm_h}
        return {"alarm": float(self.alarm), **when, **over}

    def table(self) -> pl.DataFrame:
        """Return the charts."""
        return self.charts

    def promising(self, false_alarm_rate: float, confidence: float | None) -> "Verdict":
        """Return the verdict with what its limits promise among its settings."""
        promise = {"false_alarm_rate": false_alarm_rate, "confidence": confidence}
        return replace(self, settings={**self.settings, **promise})

    def contributions(self, statistic: str | None = None) -> pl.DataFrame:
        """Return what each variable adds to a chart at the alarm, or without one at its highest point.

        The largest comes first. Shares are of the sum of absolute parts. Parts of T2 can be negative; those of SPE are
        squares.

        Raises
        ------
        ConfigError
            If there is no such chart, or it has one variable only.
        """
        chosen = statistic or self.statistic or next(iter(self.parts), None)
        if chosen is None or chosen not in self.parts:
            raise ConfigError(
                f"There is no chart {chosen!r} with contributions; expected one of {', '.join(self.parts)}."
            )
        total = self.parts[chosen]
        size = np.abs(total).sum()
        share = np.abs(total) / size if size > 0 else np.zeros_like(total)
        frame = pl.DataFrame({"variable": self.variables, "contribution": total, "share": share})
        return frame.sort("share", descending=True)
