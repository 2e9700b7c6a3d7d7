import math

import numpy as np
import pytest

from biolab.core.errors import ConfigError
from biolab.stats import ElasticNet, Lasso, Ridge


@pytest.mark.parametrize("strength", [-1.0, math.nan, math.inf])
def test_a_ridge_strength_is_finite_and_not_negative(strength):
    with pytest.raises(ConfigError, match="finite number >= 0"):
        Ridge(strength)


def test_ridges_compare_by_value():
    assert Ridge(1.0) == Ridge(strength=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Lasso(-1.0), "lasso penalty's strength is -1.0"),
        (lambda: Lasso(1.0, factors=(1.0, -2.0)), "factor 1 "),
        (lambda: ElasticNet(math.nan, 0.5), "elastic-net penalty's strength is nan"),
        (lambda: ElasticNet(1.0, 1.1), "l1_ratio is 1.1"),
        (lambda: ElasticNet(1.0, 0.5, (1.0,)).value(np.ones(2)), "1 factors for 2 coefficients"),
    ],
)
def test_bad_penalties_are_named(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_the_elastic_net_lies_between_lasso_and_ridge():
    coef, factors = np.array([1.0, -2.0, 4.0]), (1.0, 0.0, 2.0)
    assert Lasso(3.0, factors).value(coef) == 27.0
    assert ElasticNet(3.0, 0.0).value(coef) == 3.0 / 2 * 21
    assert ElasticNet(3.0, 0.25, factors).value(coef) == 0.25 * 27.0 + 0.75 * 1.5 * 33
