"""The product-limit estimator under weights, and its left limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.survival import censoring_distribution
from biolab.survival.product_limit import product_limit

patients = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=30)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(patients, st.integers(0, 99), st.sampled_from(["event", "censoring"]))
def test_integer_weights_repeat_rows(rows, seed, of):
    time, event = (np.array(column) for column in zip(*rows, strict=True))
    time = time.astype(float)
    weights = np.random.default_rng(seed).integers(0, 3, size=(4, time.size))
    weights[:, 0] = 1
    at = np.arange(0.0, 11.0)
    curves = product_limit(time, event, weights=weights, of=of)
    for k, weight in enumerate(weights):
        alone = product_limit(np.repeat(time, weight), np.repeat(event, weight), of=of)
        np.testing.assert_allclose(curves.at(at)[k], alone.at(at))
        np.testing.assert_allclose(curves.before(at)[k], alone.before(at))


def test_by_hand_with_a_tie_of_event_and_censoring():
    time, event = np.array([1.0, 2.0, 2.0, 3.0]), np.array([True, True, False, False])
    at = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(product_limit(time, event).at(at), [3 / 4, 1 / 2, 1 / 2])
    seen = censoring_distribution(time, event)
    np.testing.assert_allclose(seen.before(at), [1, 1, 1 / 2])
    np.testing.assert_allclose(seen.at(at), [1, 1 / 2, 0])


@settings(max_examples=60, derandomize=True, deadline=None)
@given(patients)
def test_every_event_of_the_sample_itself_can_be_weighted(rows):
    time, event = (np.array(column) for column in zip(*rows, strict=True))
    assert (censoring_distribution(time.astype(float), event).before(time[event].astype(float)) > 0).all()


def test_survival_times_censoring_is_the_share_still_seen():
    generator = np.random.default_rng(3)
    time, event = generator.exponential(size=400), generator.random(400) < 0.5
    at = np.quantile(time, [0.1, 0.5, 0.9])
    both = product_limit(time, event).at(at) * censoring_distribution(time, event).at(at)
    np.testing.assert_allclose(both, [(time > t).mean() for t in at])


def test_nobody():
    none = product_limit(np.zeros(0), np.zeros(0, dtype=bool), weights=np.zeros((2, 0)))
    np.testing.assert_array_equal(none.at(np.array([1.0])), np.ones((2, 1)))


def test_greenwood_without_censoring_is_binomial():
    time = np.arange(1.0, 11.0)
    curve = product_limit(time, np.ones(10, dtype=bool), greenwood=True)
    assert curve.standard_error(np.array([4.0]))[0] == pytest.approx(np.sqrt(0.6 * 0.4 / 10))
