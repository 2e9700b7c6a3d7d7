"""The vectorised exponential and logarithm against numpy's in extended precision."""

import numpy as np
from numba import njit

from biolab.kernels.exponential import LOWEST, exponential
from biolab.kernels.logarithm import logarithm


@njit
def _both(x, powers, logs):
    for k in range(x.size):
        powers[k] = exponential(x[k])
        logs[k] = logarithm(powers[k])


def test_both_are_within_two_units_in_the_last_place():
    x = np.concatenate([np.random.default_rng(0).uniform(LOWEST, 709.0, 20_000), np.linspace(-1e-3, 1e-3, 1001)])
    powers, logs = np.empty(x.size), np.empty(x.size)
    _both(x, powers, logs)
    for found, exact in ((powers, np.exp(x.astype(np.longdouble))), (logs, np.log(powers.astype(np.longdouble)))):
        unit = np.spacing(np.maximum(np.abs(exact).astype(np.float64), np.finfo(np.float64).tiny))
        assert (np.abs(found - exact) / unit).max() < 2


def test_what_lies_below_the_lowest_counts_as_it():
    powers, logs = np.empty(2), np.empty(2)
    _both(np.array([LOWEST, -1e4]), powers, logs)
    assert powers[0] == powers[1] > 0
