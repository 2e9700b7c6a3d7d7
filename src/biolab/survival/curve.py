"""What every curve over follow-up time offers: its values between the times, its table and its settings."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np
import polars as pl

from biolab.core.arrays import Float

from .baseline_hazard import StepFunction
from .event_table import EventTable


@dataclass(frozen=True, kw_only=True, eq=False)
class AbstractCurve(ABC):
    """One curve or several: estimates at the distinct follow-up times with pointwise limits (NaN: there is none)."""

    counts: EventTable
    standard_error: Float[np.ndarray, "*c t"]
    lower: Float[np.ndarray, "*c t"]
    upper: Float[np.ndarray, "*c t"]
    interval: str
    confidence: float

    @property
    @abstractmethod
    def _estimate(self) -> tuple[str, Float[np.ndarray, "*c t"], float]:
        """Name of what is estimated, its values, and what it is before the first time."""

    @property
    def settings(self) -> dict[str, object]:
        """The kind of interval and its confidence."""
        return {"interval": self.interval, "confidence": self.confidence}

    def table(self) -> pl.DataFrame:
        """Return one row a distinct follow-up time; null where a limit does not exist."""
        return self._table(...)

    def at(self, times: Any, *, left_limit: bool = False) -> Float[np.ndarray, "*c s"]:
        """Return the estimates at the given times (right-continuous), or just before them; constant after the last."""
        _, values, initial = self._estimate
        rows = values.reshape(-1, self.counts.time.size)
        curves = [StepFunction(times=self.counts.time, values=row, initial=initial) for row in rows]
        found = np.stack([curve(times, left_limit=left_limit) for curve in curves])
        return found.reshape(*values.shape[:-1], -1)

    def _table(self, which: int | EllipsisType) -> pl.DataFrame:
        """Return the table of one curve."""
        name, values, _ = self._estimate
        return pl.DataFrame(
            {
                "time": self.counts.time,
                "at_risk": self.counts.at_risk,
                "events": self.counts.events,
                "censored": self.counts.censored,
                name: values[which],
                "standard_error": self.standard_error[which],
                "lower": self.lower[which],
                "upper": self.upper[which],
            }
        ).fill_nan(None)
