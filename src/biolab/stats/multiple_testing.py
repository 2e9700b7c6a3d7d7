"""P-values of many tests, adjusted for their number."""

import numpy as np

from biolab.core.arrays import Float
from biolab.core.errors import DataError


def benjamini_hochberg(p_value: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
    """Return q-values which, cut at q, hold the false discovery rate at q.

    q_(i) = min over j >= i of p_(j) m / j, for the m tests that were made; NaN (no test) stays NaN and is not counted.
    Assumes independent or positively dependent tests.

    References
    ----------
    Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57:289-300, doi:10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, np.nan])).tolist()
    [0.03, 0.04, 0.04, nan]

    Raises
    ------
    DataError
        If a p-value lies outside 0 to 1.
    """
    p_value, made, order = _sorted_tests(p_value)
    m = order.size
    scaled = p_value[made][order] * (m / np.arange(1, m + 1))
    return _placed(p_value, made, order, np.minimum.accumulate(scaled[::-1])[::-1])


def holm(p_value: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
    """Return p-values adjusted so that the chance of any false rejection is held, under any dependence.

    p~_(i) = max over j <= i of min(1, (m - j + 1) p_(j)), for the m tests that were made; NaN stays NaN.

    References
    ----------
    Holm (1979), Scand. J. Stat. 6:65-70, https://www.jstor.org/stable/4615733

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]

    Raises
    ------
    DataError
        If a p-value lies outside 0 to 1.
    """
    p_value, made, order = _sorted_tests(p_value)
    scaled = p_value[made][order] * np.arange(order.size, 0, -1)
    return _placed(p_value, made, order, np.minimum(np.maximum.accumulate(scaled), 1.0))


def _sorted_tests(p_value: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p_value = np.asarray(p_value, dtype=np.float64)
    if p_value.ndim != 1:
        raise DataError(f"p_value has shape {p_value.shape}; expected one p-value a test, shape (p,).")
    wrong = np.flatnonzero((p_value < 0) | (p_value > 1))
    if wrong.size:
        raise DataError(f"p_value is {p_value[wrong[0]]:g} for test {wrong[0]} (counted from 0); expected 0 to 1.")
    made = ~np.isnan(p_value)
    return p_value, made, np.argsort(p_value[made], kind="stable")


def _placed(p_value: np.ndarray, made: np.ndarray, order: np.ndarray, adjusted: np.ndarray) -> np.ndarray:
    unsorted = np.empty(order.size)
    unsorted[order] = adjusted
    placed = np.full(p_value.size, np.nan)
    placed[made] = unsorted
    return placed
