"""Limits that keep the promised rate of false alarms a batch, learnt from normal batches held out of the model.

A batch raises an alarm if any of its charts is above its limit at any point. Each held-out batch has one score: the
largest of its charts' peaks, on a common scale. The limit for a false-alarm rate a is the ceil((1 - a)(n + 1))-th
smallest of the n scores: for a further normal batch, exchangeable with these, the chance of an alarm is at most a, and
no less than a - 1/(n + 1) (split conformal prediction; no distribution is assumed).

That chance is over further batches and over the n held-out ones. For these n in particular, the rate at which further
normal batches exceed the r-th smallest score is Beta(n + 1 - r, r). With a confidence g, r is the smallest for which
that rate is at most a in the share g of all such calibrations (a one-sided tolerance limit).

References
----------
Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World, doi:10.1007/b106715

Wilks (1941), Ann. Math. Statist. 12:91-96 (tolerance limits)
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
    """Charts' usual height at each point, their peaks' usual logarithm, and the scores of held-out batches by name."""

    usual: Mapping[str, Float[np.ndarray, " k"]]
    centre: Mapping[str, float]
    spread: Mapping[str, float]
    scores: Float[np.ndarray, " n"]
    held_out: tuple[str, ...] = ()

    @staticmethod
    def of(training: Sequence[Charts], held_out: Mapping[str, Charts]) -> "Calibration":
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
        return Calibration(
            usual=usual,
            centre=scaled.centre,
            spread=scaled.spread,
            scores=np.array([scaled.score(charts) for charts in held_out.values()]),
            held_out=tuple(held_out),
        )

    def peak(self, name: str, chart: Float[np.ndarray, " r"]) -> float:
        """Return the logarithm of a chart's highest point, in units of its usual height there."""
        return float(np.log(np.max(chart / self.usual[name][: len(chart)]) + 1e-300))

    def score(self, charts: Charts) -> float:
        """Return the largest of the charts' peaks, each in standard deviations of normal batches."""
        return max((self.peak(name, chart) - self.centre[name]) / self.spread[name] for name, chart in charts.items())

    def limits(self, threshold: float) -> dict[str, Float[np.ndarray, " k"]]:
        """Return each chart's limit at each point, for a score above which a batch raises an alarm."""
        return {
            name: self.usual[name] * math.exp(self.centre[name] + threshold * self.spread[name]) for name in self.usual
        }


def threshold(scores: Float[np.ndarray, " n"], false_alarm_rate: float, confidence: float | None = None) -> float:
    """Return the score above which a batch raises an alarm, from the scores of normal batches.

    Without ``confidence`` the rate holds on average over calibrations, with it in that share of them.

    >>> scores = np.arange(1.0, 300.0)
    >>> threshold(scores, 0.01), threshold(scores, 0.01, confidence=0.95)
    (297.0, 299.0)

    Raises
    ------
    ConfigError
        If the rate or the confidence is not between 0 and 1.
    DataError
        If there are too few scores to promise such a rate.
    """
    n = scores.size
    above = allowed_above(n, false_alarm_rate, confidence)
    if above < 0:
        sure = "" if confidence is None else f" with a confidence of {confidence:g}"
        least = 1.0 / (n + 1) if confidence is None else 1.0 - (1.0 - confidence) ** (1.0 / max(n, 1))
        raise DataError(
            f"{n} normal batches were held out; a false-alarm rate of {false_alarm_rate:g} a batch{sure} needs "
            f"{_needed(false_alarm_rate, confidence)}. Fit with more batches (half are held out, or the share "
            f"held_out), or ask for {least:.2g} or more."
        )
    return float(np.sort(scores)[n - 1 - above])


def allowed_above(n: int, rate: float, confidence: float | None) -> int:
    """Return how many of the n scores may lie above the threshold; -1 if not even their largest will do."""
    _check_share("false_alarm_rate", rate)
    if confidence is not None:
        _check_share("confidence", confidence)
    if confidence is None:
        return n - math.ceil((1.0 - rate) * (n + 1) - 1e-9)
    from scipy.special import bdtr

    return int(np.searchsorted(bdtr(np.arange(n, dtype=np.float64), n, rate), 1.0 - confidence, side="right")) - 1


def _check_share(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ConfigError(f"{name} is {value}; expected a share between 0 and 1.")


def _needed(rate: float, confidence: float | None) -> int:
    if confidence is None:
        return math.ceil(1.0 / rate - 1e-9) - 1
    return math.ceil(math.log(1.0 - confidence) / math.log1p(-rate) - 1e-9)


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
