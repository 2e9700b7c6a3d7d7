"""Inverse-probability-of-censoring weights: who is still seen stands for those who no longer are."""

import numpy as np
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Bool, Float

from .product_limit import ProductLimit, Weights, product_limit


def censoring_distribution(
    time: Float[ndarray, " n"], event: Bool[ndarray, " n"], *, weights: Weights | None = None
) -> ProductLimit:
    """Estimate G(t) = P(censoring time > t) by Kaplan-Meier, for weights of shape [n] or [b, n].

    Events come before censorings at the same time. ``.before(t)`` is the left limit G(t-), the probability of still
    being seen just before t, which weighs an event at t; ``.at(t)`` is G(t), which weighs those seen beyond t. With
    the left limit every event of the sample itself has a weight that is finite.

    Examples
    --------
    >>> seen = censoring_distribution(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]))
    >>> seen.before(np.array([2.0, 3.0])).tolist(), seen.at(np.array([2.0])).tolist()
    ([1.0, 0.5], [0.5])
    """
    return product_limit(time, event, weights=weights, of="censoring")


def inverse_before(
    censoring: ProductLimit, time: Float[ndarray, " n"], counted: Bool[ndarray, " n"]
) -> Float[ndarray, "*b n"]:
    """Return 1 / G(time-) for the rows that are counted and 0 for the others and where G is 0."""
    seen = np.where(counted, censoring.before(time), 0.0)
    return np.divide(1.0, seen, out=np.zeros_like(seen), where=seen > 0)


def refuse_unseen_events(
    censoring: ProductLimit, time: Float[ndarray, " n"], counted: Bool[ndarray, " n"], remedy: str
) -> None:
    """Refuse events at times which the sample of the censoring weights does not reach.

    Raises
    ------
    DataError
        If G(t-) is 0 at the time of a counted event.
    """
    lost = counted & (censoring.before(time) <= 0)
    if lost.any():
        raise DataError(
            f"{int(lost.sum())} events from time {time[lost].min():g} on lie where the censoring sample (whose last "
            f"drop is at {censoring.times[-1]:g}) has nobody left, so their weights would be infinite. {remedy}"
        )
