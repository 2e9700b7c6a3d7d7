"""Several monitors that share one promise: together they raise no more false alarms than one of them would."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Float

from .calibration import Calibration, allowed_above, threshold
from .trajectories import Batch
from .verdict import TooEarlyError, Verdict


class AbstractMonitor(Protocol):
    """A monitor whose limits are calibrated on held-out batches: multiway PCA, PLS, the oxygen residual."""

    @property
    def calibration(self) -> Calibration:
        """Return the scores of the held-out batches."""
        ...

    def judge(self, batch: Batch, at: float, *, until_h: float | None = None) -> Verdict:
        """Judge a batch by limits at a score."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class CombinedMonitor:
    """Watch a batch by several monitors, fitted to the same batches with the same ones held out.

    Where one monitor's limit leaves r - 1 of n held-out batches above it, theirs do so together: they take turns, each
    putting its limit at the highest score that is left and taking that batch away, r turns in all. What lies beyond any
    of the limits then has the same chance as beyond the one limit, Beta(r, n + 1 - r), however the scores depend on one
    another (statistically equivalent blocks).

    Raises
    ------
    ConfigError
        If there is no monitor.
    DataError
        If the monitors did not hold out the same batches: fit all with the same batches, ``held_out`` and ``seed``.

    References
    ----------
    Tukey (1947), Ann. Math. Statist. 18:529-539
    """

    monitors: tuple[AbstractMonitor, ...]

    def __post_init__(self) -> None:
        if not self.monitors:
            raise ConfigError("monitors is empty; expected one or more fitted monitors.")
        kept = {monitor.calibration.held_out for monitor in self.monitors}
        if len(kept) > 1:
            sizes = ", ".join(str(monitor.calibration.scores.size) for monitor in self.monitors)
            raise DataError(
                f"The monitors held out different batches ({sizes} of them); fit all with the same batches, held_out "
                "and seed."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Name each monitor by its kind; several of a kind are told apart by their place among ``monitors``, from 1."""
        kinds = [type(monitor).__name__ for monitor in self.monitors]
        return tuple(kind if kinds.count(kind) == 1 else f"{kind} {at}" for at, kind in enumerate(kinds, start=1))

    def thresholds(self, false_alarm_rate: float, confidence: float | None = None) -> Float[np.ndarray, " k"]:
        """Return each monitor's score above which a batch raises an alarm.

        Raises
        ------
        DataError
            If too few batches were held out to promise such a rate by so many monitors.
        """
        scores = np.stack([monitor.calibration.scores for monitor in self.monitors])
        count, n = scores.shape
        turns = allowed_above(n, false_alarm_rate, confidence) + 1
        if turns < count:
            threshold(scores[0], false_alarm_rate, confidence)  # says how many one monitor needs, if that is too many
            raise DataError(
                f"{n} normal batches were held out, which is enough for {turns} monitor(s) at a false-alarm rate of "
                f"{false_alarm_rate:g} a batch, not for {count}. Fit with more batches, or ask for a higher rate."
            )
        limits, left = np.empty(count), np.ones(n, dtype=bool)
        for turn in range(turns):
            whose = turn % count
            highest = int(np.where(left, scores[whose], -np.inf).argmax())
            limits[whose], left[highest] = scores[whose, highest], False
        return limits

    def check(
        self,
        batch: Batch,
        *,
        false_alarm_rate: float = 0.01,
        confidence: float | None = None,
        until_h: float | None = None,
    ) -> Verdict:
        """Return the verdict of the monitor that raised an alarm first, or whose charts came nearest to a limit.

        A monitor that waits for more of a running batch, such as the oxygen residual for its fifth cell count, is left
        out and named in the verdict's ``silent`` (as in `names`); the limits of the others stay where they are.

        Raises
        ------
        TooEarlyError
            If no monitor can judge the batch yet.
        DataError
            If the batch lacks what a monitor watches, or too few batches were held out.
        """
        said: list[Verdict] = []
        silent: list[str] = []
        limits = self.thresholds(false_alarm_rate, confidence).tolist()
        for name, monitor, at in zip(self.names, self.monitors, limits, strict=True):
            try:
                said.append(monitor.judge(batch, at, until_h=until_h))
            except TooEarlyError as error:
                silent.append(f"{name}: {error}")
        if not said:
            raise TooEarlyError(f"No monitor watches the batch yet. {' '.join(silent)}")
        rang = [verdict for verdict in said if verdict.alarm_h is not None]
        first = min(rang, key=lambda v: v.alarm_h or 0.0) if rang else max(said, key=lambda v: v.over_limit)
        return replace(first.promising(false_alarm_rate, confidence), silent=tuple(silent))
