"""Pivoting and coordinate descent find the same minimum, and pivoting keeps its factor from call to call."""

import numpy as np
import pytest

from biolab.kernels.elastic_net_descent import cpu
from biolab.kernels.elastic_net_descent.pivot import pivot


def quadratic(seed, size=30, rank=200):
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(size, rank)) + rng.normal(size=rank)
    return rng.normal(size=size), design @ design.T / rank, np.full(size, 0.3)


@pytest.mark.parametrize("ridge", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_pivoting_equals_descent(seed, ridge):
    gradient, curvature, lasso = quadratic(seed)
    lasso[3] = 0.0
    l2 = np.full(30, ridge)
    pivoted, swept = np.zeros(30), np.zeros(30)
    count = pivot(gradient, curvature, pivoted, lasso, l2, np.empty(30, dtype=np.int64), np.empty((30, 30)), 0)
    cpu.descend(gradient.copy(), curvature, swept, lasso, l2, 1e-24, 100_000)
    assert count == np.count_nonzero(pivoted) > 0
    np.testing.assert_allclose(pivoted, swept, atol=1e-9)


def test_a_kept_factor_serves_the_next_call():
    gradient, curvature, lasso = quadratic(7)
    chosen, factor, none = np.empty(30, dtype=np.int64), np.full((30, 30), np.nan), np.zeros(30)
    here, known = np.zeros(30), 0
    for strength in (1.0, 0.8, 0.5, 0.9, 0.1):  # columns join, leave, and join again
        slope = gradient + curvature @ here
        known = pivot(slope, curvature, here, strength * lasso, none, chosen, factor, known)
        fresh = np.zeros(30)
        pivot(gradient, curvature, fresh, strength * lasso, none, np.empty(30, dtype=np.int64), np.empty((30, 30)), 0)
        np.testing.assert_allclose(here, fresh, atol=1e-12)


def test_dependent_columns_are_left_to_descent():
    gradient, curvature, lasso = quadratic(8, size=4)
    twice = np.array([0, 1, 2, 3, 0])
    start = np.ones(5)
    found = pivot(
        gradient[twice],
        np.ascontiguousarray(curvature[np.ix_(twice, twice)]),
        start,
        lasso[twice],
        np.zeros(5),
        np.empty(5, dtype=np.int64),
        np.empty((5, 5)),
        0,
    )
    assert found == -1
    np.testing.assert_array_equal(start, 1.0)
