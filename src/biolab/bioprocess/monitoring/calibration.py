"""Limits that keep the promised rate of false alarms a batch, learnt from normal batches held out of the model.

A batch raises an alarm if any of its charts is above its limit at any point. Each held-out batch has one score: the
largest of its charts' peaks, on a common scale. The limit for a false-alarm rate a is the ceil((1 - a)(n + 1))-th
smallest of the n scores: for a further normal batch, exchangeable with these, the chance of an alarm is at most a, and
no less than a - 1/(n + 1) (split conformal prediction; no distribution is assumed).

References
----------
Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World, doi:10.1007/b106715
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Float

Charts = Mapping[str, Float[np.ndarray, " r"]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """Charts' usual height at each point, their peaks' usual logarithm, and the scores of held-out batches."""

    usual: Mapping[str, Float[np.ndarray, " k"]]
    centre: Mapping[str, float]
    spread: Mapping[str, float]
    scores: Float[np.ndarray, " n"]

    @staticmethod
    def of(training: Sequence[Charts], held_out: Sequence[Charts]) -> "Calibration":
        """Learn heights and peaks from the training batches, and score the held-out ones."""
        names = tuple(training[0])
        usual = {name: _smooth(np.mean([chart[name] for chart in training], axis=0)) for name in names}
        begun = Calibration(
            usual=usual, centre=dict.fromkeys(names, 0.0), spread=dict.fromkeys(names, 1.0), scores=np.empty(0)
        )
        peaks = {name: np.array([begun.peak(name, chart[name]) for chart in training]) for name in names}
        scaled = Calibration(
            usual=usual,
            centre={name: float(peak.mean()) for name, peak in peaks.items()},
            spread={name: max(float(peak.std()), 1e-6) for name, peak in peaks.items()},
            scores=np.empty(0),
        )
        scores = np.sort([scaled.score(charts) for charts in held_out])
        return Calibration(usual=usual, centre=scaled.centre, spread=scaled.spread, scores=scores)

    def peak(self, name: str, chart: Float[np.ndarray, " r"]) -> float:
        """Return the logarithm of a chart's highest point, in units of its usual height there."""
        return float(np.log(np.max(chart / self.usual[name][: len(chart)]) + 1e-300))

    def score(self, charts: Charts) -> float:
        """Return the largest of the charts' peaks, each in standard deviations of normal batches."""
        return max((self.peak(name, chart) - self.centre[name]) / self.spread[name] for name, chart in charts.items())

    def threshold(self, false_alarm_rate: float) -> float:
        """Return the score above which a batch raises an alarm.

        Raises
        ------
        ConfigError
            If the rate is not between 0 and 1.
        DataError
            If too few batches were held out to promise such a rate.
        """
        if not 0.0 < false_alarm_rate < 1.0:
            raise ConfigError(f"false_alarm_rate is {false_alarm_rate}; expected a share between 0 and 1.")
        n = self.scores.size
        rank = math.ceil((1.0 - false_alarm_rate) * (n + 1) - 1e-9)
        if rank > n:
            needed = math.ceil(1.0 / false_alarm_rate - 1e-9) - 1
            raise DataError(
                f"{n} normal batches were held out; a false-alarm rate of {false_alarm_rate:g} a batch needs {needed}. "
                "Fit with more batches (half are held out, or the share held_out), or ask for "
                f"{1 / (n + 1):.2g} or more."
            )
        return float(self.scores[rank - 1])

    def limits(self, false_alarm_rate: float) -> dict[str, Float[np.ndarray, " k"]]:
        """Return each chart's limit at each point."""
        at = self.threshold(false_alarm_rate)
        return {name: self.usual[name] * math.exp(self.centre[name] + at * self.spread[name]) for name in self.usual}


def split(count: int, share: float, seed: int) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"]]:
    """Divide batches at random into those a model is fitted to and those its limits are learnt from.

    Raises
    ------
    ConfigError
        If the share is not between 0 and 1.
    DataError
        If fewer than three would be left to fit, or none to calibrate.
    """
    if not 0.0 < share < 1.0:
        raise ConfigError(f"held_out is {share}; expected a share between 0 and 1.")
    held = round(share * count)
    if held < 1 or count - held < 3:
        raise DataError(f"{count} normal batches leave {count - held} to fit and {held} to hold out; expected 3 and 1.")
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[held:]), np.sort(order[:held])


def _smooth(height: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Average over neighbouring points, and keep above a hundredth of the mean."""
    width = max(1, len(height) // 20)
    padded = np.pad(height, width, mode="edge")
    mean = np.convolve(padded, np.ones(2 * width + 1) / (2 * width + 1), mode="valid")
    return np.maximum(mean, 0.01 * mean.mean() + 1e-300)
