"""Pooled hazard ratios: inverse-variance means when sites agree, wider when they do not."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from biolab.joint import pool_hazard_ratios


def sites(estimates: list[float], errors: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "model": ["cox"] * len(estimates),
            "site": [f"site{number}" for number in range(len(estimates))],
            "term": ["age"] * len(estimates),
            "label_en": ["Age"] * len(estimates),
            "label_ko": ["나이"] * len(estimates),
            "log_hazard_ratio": estimates,
            "standard_error": errors,
        }
    )


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.floats(-1, 1), st.lists(st.floats(0.05, 0.5), min_size=2, max_size=5))
def test_sites_that_agree_pool_to_their_common_value(estimate: float, errors: list[float]) -> None:
    pooled = pool_hazard_ratios(sites([estimate] * len(errors), errors)).row(0, named=True)
    deviation = sum(error**-2 for error in errors) ** -0.5
    assert pooled["hazard_ratio"] == pytest.approx(np.exp(estimate), rel=1e-6)
    quantile = 1.959964 if len(errors) == 2 else stats.t.ppf(0.975, len(errors) - 1)
    assert pooled["lower"] == pytest.approx(np.exp(estimate - quantile * deviation), rel=1e-4)
    assert pooled["i2"] == pytest.approx(0, abs=1e-6)


def test_disagreement_widens_and_order_does_not_matter() -> None:
    apart = pool_hazard_ratios(sites([0.0, 0.8], [0.1, 0.1])).row(0, named=True)
    turned = pool_hazard_ratios(sites([0.8, 0.0], [0.1, 0.1])).row(0, named=True)
    together = pool_hazard_ratios(sites([0.4, 0.4], [0.1, 0.1])).row(0, named=True)
    assert apart["tau2"] > 0.2
    assert np.log(apart["upper"] / apart["lower"]) > 3 * np.log(together["upper"] / together["lower"])
    assert turned["hazard_ratio"] == pytest.approx(apart["hazard_ratio"], rel=1e-9)


def test_a_term_of_one_site_is_not_pooled() -> None:
    assert pool_hazard_ratios(sites([0.2], [0.1])).is_empty()
