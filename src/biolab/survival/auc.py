"""Time-dependent area under the ROC curve: those who failed by a horizon against those beyond it."""

import numpy as np
from numpy import ndarray

from biolab.core import DataError, Estimate
from biolab.core.arrays import Bool, Float
from biolab.kernels.concordance import concordance

from .censoring import censoring_distribution, inverse_before, refuse_unseen_events
from .discrimination import index_estimate
from .product_limit import ProductLimit, Weights


def time_dependent_auc(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    score: Float[ndarray, " n"],
    horizon: float,
    *,
    censoring: tuple[Float[ndarray, " m"], Bool[ndarray, " m"]] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate the cumulative/dynamic AUC at a horizon by inverse probability of censoring.

    AUC(h) = sum_ij v_i 1(i failed by h) 1(j beyond h) [1(s_i > s_j) + 1(s_i = s_j) / 2]  over the same without [...]

    with v_i = 1 / G(t_i-); patients censored by ``horizon`` only enter through G, the Kaplan-Meier estimate of the
    censoring distribution of this sample, or of ``censoring = (time, event)``. A higher score means a higher risk;
    the predicted risk at the horizon is the natural one. The standard error is the infinitesimal jackknife with G
    held fixed, the interval is Wald on the logit scale.

    Raises
    ------
    DataError
        If nobody fails by the horizon, nobody is followed beyond it, or an event lies beyond the censoring sample.

    References
    ----------
    Uno, Cai, Tian, Wei (2007), J. Am. Stat. Assoc. 102:527-537, doi:10.1198/016214507000000149;
    Hung, Chiang (2010), Can. J. Stat. 38:8-26, doi:10.1002/cjs.10046

    Examples
    --------
    >>> time, event = np.array([2.0, 3.0, 5.0, 8.0]), np.array([True, False, True, True])
    >>> time_dependent_auc(time, event, np.array([0.9, 0.2, 0.4, 0.5]), 6.0).estimate
    0.4
    """
    time, event = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=bool)
    case, control = event & (time <= horizon), time > horizon
    if not case.any() or not control.any():
        raise DataError(
            f"At horizon {horizon:g} there are {int(case.sum())} events before and {int(control.sum())} patients "
            f"followed beyond (follow-up ends at {time.max(initial=0.0):g}); an AUC needs at least one of each. "
            "Choose another horizon."
        )
    if censoring is None:
        seen = censoring_distribution(time, event)
    else:
        seen = censoring_distribution(np.asarray(censoring[0], dtype=np.float64), np.asarray(censoring[1], dtype=bool))
        refuse_unseen_events(seen, time, case, "Choose an earlier horizon.")
    # an AUC is the concordance of a time that only says "by the horizon" (0) or "beyond" (1)
    kept = case | control
    counts = concordance(
        control[kept].astype(np.float64),
        case[kept],
        np.asarray(score)[kept],
        event_weight=inverse_before(seen, time, case)[kept],
    )
    return index_estimate(counts, confidence)


def time_dependent_auc_draws(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    score: Float[ndarray, " n"],
    weights: Weights,
    *,
    horizon: float,
    censoring: ProductLimit | None = None,
) -> Float[ndarray, "*b"]:
    """Return the AUC for each weighting; NaN where nobody fails by the horizon or nobody is followed beyond it."""
    case_weight = np.asarray(weights, dtype=np.float64)
    seen = censoring_distribution(time, event, weights=case_weight) if censoring is None else censoring
    case, control = np.flatnonzero(event & (time <= horizon)), np.flatnonzero(time > horizon)
    control = control[np.argsort(score[control])]
    failed = case_weight[..., case] * inverse_before(seen, time[case], event[case])
    # weight of the controls below each score: a running sum over the sorted controls, read at each case's place
    beyond = np.cumsum(np.insert(case_weight[..., control], 0, 0.0, axis=-1), axis=-1)
    below = beyond[..., np.searchsorted(score[control], score[case], side="left")]
    not_above = beyond[..., np.searchsorted(score[control], score[case], side="right")]
    wins = np.sum(failed * (below + not_above), axis=-1) / 2
    pairs = failed.sum(axis=-1) * beyond[..., -1]
    return np.divide(wins, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0)
