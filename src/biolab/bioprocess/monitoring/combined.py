"""Several monitors that share one promise: together they raise no more false alarms than one of them would."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Float

from .calibration import Calibration, threshold
from .trajectories import Batch
from .verdict import Verdict


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

    A held-out batch's score is the largest of its scores by the monitors; one limit on it is a limit for each.

    Raises
    ------
    ConfigError
        If there is no monitor.
    DataError
        If the monitors did not hold out the same batches: fit all with the same batches, ``held_out`` and ``seed``.
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
    def scores(self) -> Float[np.ndarray, " n"]:
        """The largest score of each held-out batch."""
        return np.max([monitor.calibration.scores for monitor in self.monitors], axis=0)

    def check(
        self,
        batch: Batch,
        *,
        false_alarm_rate: float = 0.01,
        confidence: float | None = None,
        until_h: float | None = None,
    ) -> Verdict:
        """Return the verdict of the monitor that raised an alarm first, or whose charts came nearest to a limit.

        Raises
        ------
        DataError
            If a monitor cannot judge the batch (yet), or too few batches were held out.
        """
        at = threshold(self.scores, false_alarm_rate, confidence)
        said = [monitor.judge(batch, at, until_h=until_h) for monitor in self.monitors]
        rang = [verdict for verdict in said if verdict.alarm_h is not None]
        first = min(rang, key=lambda v: v.alarm_h or 0.0) if rang else max(said, key=lambda v: v.over_limit)
        return first.promising(false_alarm_rate, confidence)
