"""What a model says of patients: a risk score and survival curves."""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Float


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """What one model says of the patients to evaluate.

    ``risk_score`` rises with risk (a log-hazard where the model has one); ``survival[i, k]`` is the probability that
    patient i is free of the event after ``times[k]``.

    Raises
    ------
    DataError
        If shapes differ, a value is NaN or infinite, ``times`` do not increase, or survival rises or leaves [0, 1].
    """

    risk_score: Float[ndarray, " n"]
    survival: Float[ndarray, "n t"]
    times: Float[ndarray, " t"]

    def __post_init__(self) -> None:
        shape = (self.risk_score.size, self.times.size)
        if self.risk_score.ndim != 1 or self.times.ndim != 1 or self.survival.shape != shape:
            raise DataError(
                f"survival has shape {self.survival.shape} for risk_score {self.risk_score.shape} and times "
                f"{self.times.shape}; expected one row a patient and one column a time."
            )
        if not np.isfinite(self.risk_score).all():
            row = np.flatnonzero(~np.isfinite(self.risk_score))[0]
            raise DataError(
                f"risk_score is {self.risk_score[row]} in row {row} (counted from 0); expected finite numbers."
            )
        if not (np.diff(self.times) > 0).all():
            raise DataError("times do not increase; sort them and drop repeats.")
        if not ((self.survival >= 0) & (self.survival <= 1)).all() or (np.diff(self.survival, axis=1) > 1e-9).any():
            raise DataError("A survival curve is NaN, leaves [0, 1] or rises; expected P(event after time).")

    def at(self, times: Float[ndarray, " s"], what: str) -> Float[ndarray, "n s"]:
        """Return the survival columns at some of ``times``.

        Raises
        ------
        ConfigError
            If one of them was not predicted.
        """
        place = np.searchsorted(self.times, times - 1e-9 * np.abs(times))
        found = np.append(self.times, np.inf)[place]
        missing = ~np.isclose(found, times, rtol=1e-9, atol=0)
        if missing.any():
            raise ConfigError(
                f"{what} {times[missing][0]:g} is not among the {self.times.size} predicted times "
                f"({self.times.min(initial=np.inf):g} to {self.times.max(initial=-np.inf):g}). Predict it there too."
            )
        return np.ascontiguousarray(self.survival[:, place])
