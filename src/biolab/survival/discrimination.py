"""Concordance of a risk score with the order of events: Harrell's and Uno's C."""

import numpy as np
from numpy import ndarray

from biolab.core import DataError, Estimate
from biolab.core.arrays import Bool, Float
from biolab.kernels.concordance import PairCounts, concordance
from biolab.stats import wald_estimate

from .censoring import censoring_distribution, inverse_before, refuse_unseen_events
from .product_limit import ProductLimit, Weights


def harrell_c(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    score: Float[ndarray, " n"],
    *,
    weight: Float[ndarray, " n"] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate Harrell's C: of pairs whose order is known, the share where the first to fail had the higher score.

    A higher score means a higher risk. Tied scores count half; two events at one time are no pair; a patient censored
    at the time of an event outlives it (the rules of R's ``concordance`` with ``timefix = FALSE``). The estimate
    depends on the censoring pattern, so compare it only within one cohort. The standard error is the
    infinitesimal jackknife, the interval is Wald on the logit scale.

    Raises
    ------
    DataError
        If a time or score is NaN or infinite, lengths differ, or no pair is comparable.

    References
    ----------
    Harrell, Califf, Pryor, Lee, Rosati (1982), JAMA 247:2543-2546, doi:10.1001/jama.1982.03320430047030

    Examples
    --------
    >>> harrell_c(np.array([2.0, 3.0, 5.0, 8.0]), np.array([True, True, False, True]), np.array([0.9, 0.2, 0.4, 0.1]))
    0.800 (95 % CI 0.247 to 0.980)
    """
    return index_estimate(concordance(time, event, score, weights=weight), confidence)


def uno_c(  # noqa: PLR0913 - case weights as in harrell_c, beside tau and whose censoring
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    score: Float[ndarray, " n"],
    *,
    tau: float | None = None,
    censoring: tuple[Float[ndarray, " m"], Bool[ndarray, " m"]] | None = None,
    weight: Float[ndarray, " n"] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate Uno's C: concordance up to ``tau``, each pair weighted by 1 / G(t-)^2 of the earlier event time.

    G is the Kaplan-Meier estimate of the censoring distribution. **Whose** matters: by default that of the patients
    being scored; ``censoring = (time, event)`` takes another sample's (scikit-survival's habit is the training
    sample) and fixes it. Events at ``tau`` count, later ones do not; without ``tau`` all events count, up to the
    largest event time, where the weights are most variable: set it. A higher score means a higher risk.

    Consistent where censoring is independent of the covariates. The standard error is the infinitesimal jackknife
    with G held fixed (as in R, ``timewt = "n/G2"``); the interval is Wald on the logit scale.

    Raises
    ------
    DataError
        If a time or score is NaN or infinite, no pair is comparable, or a counted event lies beyond the follow-up of
        the censoring sample.

    References
    ----------
    Uno, Cai, Pencina, D'Agostino, Wei (2011), Stat. Med. 30:1105-1117, doi:10.1002/sim.4154

    Examples
    --------
    >>> time, event = np.array([2.0, 3.0, 5.0, 8.0]), np.array([True, False, True, True])
    >>> round(uno_c(time, event, np.array([0.9, 0.2, 0.4, 0.5]), tau=6.0).estimate, 3)
    0.571
    """
    time, event = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=bool)
    horizon = np.inf if tau is None else float(tau)
    counted = event & (time <= horizon)
    if censoring is None:
        seen = censoring_distribution(time, event, weights=weight)
    else:
        seen = censoring_distribution(np.asarray(censoring[0], dtype=np.float64), np.asarray(censoring[1], dtype=bool))
        refuse_unseen_events(seen, time, counted, "Set tau below that time.")
    pair = inverse_before(seen, time, counted) ** 2
    return index_estimate(concordance(time, event, score, weights=weight, event_weight=pair), confidence)


def harrell_c_draws(
    time: Float[ndarray, " n"], event: Bool[ndarray, " n"], score: Float[ndarray, " n"], weights: Weights
) -> Float[ndarray, "*b"]:
    """Return Harrell's C for each weighting (bootstrap multiplicities [b, n]); NaN where no pair is comparable."""
    return concordance(time, event, score, weights=weights).index


def uno_c_draws(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    score: Float[ndarray, " n"],
    weights: Weights,
    *,
    tau: float | None = None,
    censoring: ProductLimit | None = None,
) -> Float[ndarray, "*b"]:
    """Return Uno's C for each weighting; without ``censoring`` G is estimated anew for each of them."""
    seen = censoring_distribution(time, event, weights=weights) if censoring is None else censoring
    pair = inverse_before(seen, time, event if tau is None else event & (time <= tau)) ** 2
    return concordance(time, event, score, weights=weights, event_weight=pair).index


def index_estimate(counts: PairCounts, confidence: float) -> Estimate:
    """Turn pair counts into an estimate with a logit interval.

    Raises
    ------
    DataError
        If no pair is comparable.
    """
    if not counts.comparable > 0:
        raise DataError(
            "No two patients can be compared: no event is counted before another patient's last follow-up. Check the "
            "event column and tau, or pool with more patients."
        )
    assert counts.standard_error is not None, "one weighting always has a standard error"
    return wald_estimate(float(counts.index), counts.standard_error, scale="logit", confidence=confidence)
