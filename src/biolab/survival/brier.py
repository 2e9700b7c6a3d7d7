"""Brier score of predicted survival under censoring, at a horizon and integrated over a grid."""

import numpy as np
from numpy import ndarray

from biolab.core import DataError, Estimate
from biolab.core.arrays import Bool, Float
from biolab.stats import wald_estimate

from .censoring import censoring_distribution, inverse_before, refuse_unseen_events
from .product_limit import ProductLimit, Weights

Sample = tuple[Float[ndarray, " m"], Bool[ndarray, " m"]]


def brier_score(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    survival: Float[ndarray, " n"],
    horizon: float,
    *,
    censoring: Sample | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate the mean squared error of predicted survival at a horizon, weighted for censoring.

    BS(h) = 1/n sum_i [ S_i(h)^2 1(failed by h) / G(t_i-)  +  (1 - S_i(h))^2 1(t_i > h) / G(h) ]

    ``survival`` holds S_i(h). G is the Kaplan-Meier estimate of the censoring distribution of this sample, or of
    ``censoring = (time, event)``; a patient censored by h adds 0. The standard error is that of the mean with G held
    fixed, the interval is Wald.

    Raises
    ------
    DataError
        If shapes differ, a prediction is not in [0, 1], or nobody is followed beyond the horizon.

    References
    ----------
    Graf, Schmoor, Sauerbrei, Schumacher (1999), Stat. Med. 18:2529-2545,
    doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5

    Examples
    --------
    >>> time, event = np.array([2.0, 3.0, 5.0, 8.0]), np.array([True, False, True, True])
    >>> round(brier_score(time, event, np.array([0.2, 0.6, 0.5, 0.9]), 4.0).estimate, 4)
    0.1075
    """
    survival = np.asarray(survival, dtype=np.float64)
    each = _contributions(time, event, survival[:, None], np.array([horizon], dtype=np.float64), censoring)
    return _mean(each[:, 0], confidence)


def integrated_brier_score(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    survival: Float[ndarray, "n t"],
    times: Float[ndarray, " t"],
    *,
    censoring: Sample | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate the Brier score averaged over time: its trapezoid integral over ``times``, divided by their range.

    IBS = 1 / (t_m - t_1) * integral from t_1 to t_m of BS(t) dt

    The average depends on the range of ``times``: name it beside the number. Weights, standard error and interval are
    those of `brier_score`.

    Raises
    ------
    DataError
        If there are fewer than two increasing times, shapes differ, a prediction is not in [0, 1], or nobody is
        followed beyond the last time.

    References
    ----------
    Graf, Schmoor, Sauerbrei, Schumacher (1999), Stat. Med. 18:2529-2545,
    doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5
    """
    times = np.asarray(times, dtype=np.float64)
    shares = trapezoid_shares(times)
    return _mean(
        _contributions(time, event, np.asarray(survival, dtype=np.float64), times, censoring) @ shares, confidence
    )


def brier_score_draws(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    survival: Float[ndarray, "n t"],
    weights: Weights,
    *,
    times: Float[ndarray, " t"],
    censoring: ProductLimit | None = None,
) -> Float[ndarray, "*b t"]:
    """Return the Brier score at each time for each weighting; NaN where nobody is followed beyond the time."""
    case = np.asarray(weights, dtype=np.float64)
    seen = censoring_distribution(time, event, weights=case) if censoring is None else censoring
    failed = event[:, None] & (time[:, None] <= times)
    beyond = time[:, None] > times
    by = (case * inverse_before(seen, time, event)) @ np.where(failed, survival**2, 0.0)
    after = case @ np.where(beyond, (1 - survival) ** 2, 0.0)
    followed = np.where(case > 0, time, -np.inf).max(axis=-1)[..., None] > times
    probability = np.where(followed, seen.at(times), np.nan)
    return (by + after / probability) / case.sum(axis=-1, keepdims=True)


def integrated_brier_score_draws(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    survival: Float[ndarray, "n t"],
    weights: Weights,
    *,
    times: Float[ndarray, " t"],
    censoring: ProductLimit | None = None,
) -> Float[ndarray, "*b"]:
    """Return the integrated Brier score for each weighting; NaN where it is undefined at some time."""
    scores = brier_score_draws(time, event, survival, weights, times=times, censoring=censoring)
    return scores @ trapezoid_shares(times)


def trapezoid_shares(times: Float[ndarray, " t"]) -> Float[ndarray, " t"]:
    """Return what each time counts in the average by the trapezoid rule; the shares sum to 1.

    Raises
    ------
    DataError
        If there are fewer than two times or they do not increase.
    """
    gaps = np.diff(times)
    if times.size < 2 or not (gaps > 0).all():
        raise DataError(f"The grid has {times.size} times; expected at least two, each larger than the one before.")
    return (np.append(gaps, 0.0) + np.insert(gaps, 0, 0.0)) / (2 * (times[-1] - times[0]))


def _contributions(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    survival: Float[ndarray, "n t"],
    times: Float[ndarray, " t"],
    censoring: Sample | None,
) -> Float[ndarray, "n t"]:
    """Return each patient's term of the Brier score at each time."""
    time, event = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=bool)
    if survival.shape != (time.size, times.size) or event.shape != time.shape:
        raise DataError(
            f"survival has shape {survival.shape} for {time.size} times, {event.size} events and {times.size} grid "
            f"points; expected ({time.size}, {times.size})."
        )
    if not ((survival >= 0) & (survival <= 1)).all():
        raise DataError(
            "A predicted survival probability is NaN or outside [0, 1]; expected P(event after the horizon)."
        )
    if times.max() >= time.max(initial=-np.inf):
        raise DataError(
            f"Nobody is followed beyond {times.max():g} (follow-up ends at {time.max(initial=0.0):g}), so the Brier "
            "score is not defined there. Choose an earlier horizon."
        )
    if censoring is None:
        seen = censoring_distribution(time, event)
    else:
        seen = censoring_distribution(np.asarray(censoring[0], dtype=np.float64), np.asarray(censoring[1], dtype=bool))
        refuse_unseen_events(seen, time, event & (time <= times.max()), "Choose an earlier horizon.")
        if seen.at(times[-1:])[0] <= 0:
            raise DataError(f"The censoring sample has nobody left at {times[-1]:g}. Choose an earlier horizon.")
    failed, beyond = event[:, None] & (time[:, None] <= times), time[:, None] > times
    by = np.where(failed, survival**2 * inverse_before(seen, time, event)[:, None], 0.0)
    return by + np.where(beyond, (1 - survival) ** 2 / seen.at(times), 0.0)


def _mean(each: Float[ndarray, " n"], confidence: float) -> Estimate:
    error = float(each.std(ddof=1)) / np.sqrt(each.size) if each.size > 1 else 0.0
    return wald_estimate(float(each.mean()), float(error), confidence=confidence)
