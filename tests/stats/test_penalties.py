import math

import pytest

from biolab.core.errors import ConfigError
from biolab.stats import Ridge


@pytest.mark.parametrize("strength", [-1.0, math.nan, math.inf])
def test_a_ridge_strength_is_finite_and_not_negative(strength):
    with pytest.raises(ConfigError, match="finite number >= 0"):
        Ridge(strength)


def test_ridges_compare_by_value():
    assert Ridge(1.0) == Ridge(strength=1)
