"""Wald intervals on their scales."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import ConfigError
from biolab.stats import wald_estimate

scales = st.sampled_from(["identity", "log", "logit", "log-log"])


@settings(max_examples=50, derandomize=True)
@given(st.floats(0.01, 0.99), st.floats(1e-6, 0.3), scales, st.floats(0.5, 0.99))
def test_limits_enclose_and_shrink_with_the_error(estimate, error, scale, confidence):
    wide = wald_estimate(estimate, error, scale=scale, confidence=confidence)
    narrow = wald_estimate(estimate, error / 2, scale=scale, confidence=confidence)
    assert wide.lower <= narrow.lower <= estimate <= narrow.upper <= wide.upper
    if scale in ("logit", "log-log"):
        assert 0 <= wide.lower <= wide.upper <= 1


@pytest.mark.parametrize("scale", ["identity", "log", "logit", "log-log"])
def test_small_errors_give_the_same_width_on_every_scale(scale):
    found = wald_estimate(0.7, 1e-5, scale=scale)
    assert found.upper - found.lower == pytest.approx(2 * 1.959964e-5, rel=1e-3)


@pytest.mark.parametrize(("value", "scale"), [(0.0, "log"), (1.0, "logit"), (0.0, "log-log")])
def test_the_boundary_is_its_own_interval(value, scale):
    found = wald_estimate(value, 0.1, scale=scale)
    assert (found.lower, found.upper) == (value, value)


def test_refuses_a_confidence_in_percent():
    with pytest.raises(ConfigError, match="95"):
        wald_estimate(0.5, 0.1, confidence=95)
