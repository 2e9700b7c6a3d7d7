"""Correlations and kinship counts from decoded dosages, pair by pair."""

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float, Int


def correlation(a: Float[ndarray, " n"], b: Float[ndarray, " n"]) -> float:
    """Correlate where both are called; NaN if one does not vary there."""
    called = ~(np.isnan(a) | np.isnan(b))
    x, y = a[called], b[called]
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(np.corrcoef(x, y)[0, 1])


def kinship_counts(a: Float[ndarray, " m"], b: Float[ndarray, " m"]) -> Int[ndarray, " 5"]:
    """Count both heterozygous, opposite homozygotes, only the first or only the second heterozygous, called at both."""
    called = ~(np.isnan(a) | np.isnan(b))
    x, y = a[called], b[called]
    first, second = x == 1, y == 1
    return np.array(
        [
            (first & second).sum(), (np.abs(x - y) == 2).sum(), (first & ~second).sum(), (second & ~first).sum(),
            called.sum(),
        ]
    )  # fmt: skip
