"""The Cox slope: weights repeat rows where nothing is tied, wide hazards do not underflow, separation is said."""

import numpy as np
import pytest

from biolab.core import DataError
from biolab.kernels.cox_slope import cox_slope, reference


def _cohort(n, seed):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=n)
    return generator.exponential(np.exp(-x)), generator.random(n) < 0.8, x


def test_replicates_equal_single_fits():
    time, event, x = _cohort(200, 1)
    weights = np.random.default_rng(2).multinomial(200, np.full(200, 1 / 200), size=12)
    slopes = cox_slope(time, event, x, weights=weights).slope
    np.testing.assert_allclose(slopes, [cox_slope(time, event, x, weights=w).slope for w in weights], rtol=1e-10)


def test_hazards_spread_over_hundreds_of_orders_of_magnitude():
    # the one at risk latest has by far the lowest hazard: sums relative to one global maximum would be 0/0
    time = np.arange(1.0, 41.0)
    x = np.where(np.arange(40) % 2 == 0, 30.0, 0.0) + np.linspace(20.0, 0.0, 40)
    event = np.ones(40, dtype=bool)
    found = cox_slope(time, event, x)
    gradient, information = reference.derivatives(float(found.slope), time, event, x, np.ones(40))
    assert found.converged
    assert abs(gradient) < 1e-6 * information * np.ptp(x)


@pytest.mark.parametrize("sign", [1, -1])
def test_separation_is_not_a_slope(sign):
    time = np.arange(1.0, 21.0)
    found = cox_slope(time, np.ones(20, dtype=bool), sign * time)
    assert not found.converged
    assert np.isnan(found.slope)


def test_refuses_nan():
    with pytest.raises(DataError, match="covariate is nan in row 1"):
        cox_slope(np.array([1.0, 2.0]), np.array([True, True]), np.array([0.0, np.nan]))
