"""Concordance: what replicates, weights and errors mean, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import DataError
from biolab.kernels.concordance import concordance

patients = st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.integers(0, 5)), min_size=1, max_size=40)


def _columns(rows):
    time, event, score = (np.array(column) for column in zip(*rows, strict=True))
    return time.astype(float), event, score.astype(float)


def _counts(found):
    return np.stack([found.concordant, found.discordant, found.tied_score], axis=-1)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(patients, st.integers(0, 99))
def test_integer_weights_repeat_rows(rows, seed):
    time, event, score = _columns(rows)
    weights = np.random.default_rng(seed).integers(0, 4, size=(9, time.size))
    found = concordance(time, event, score, weights=weights)
    for weight, counts in zip(weights, _counts(found), strict=True):
        again = [np.repeat(column, weight) for column in (time, event, score)]
        np.testing.assert_array_equal(_counts(concordance(*again)), counts)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(patients)
def test_negated_scores_swap_concordant_and_discordant(rows):
    time, event, score = _columns(rows)
    found, negated = concordance(time, event, score), concordance(time, event, -score)
    assert (found.concordant, found.discordant) == (negated.discordant, negated.concordant)
    if found.comparable > 0:
        assert found.index + negated.index == pytest.approx(1)
        assert found.standard_error == pytest.approx(negated.standard_error)


def test_censored_at_the_time_of_an_event_outlives_it():
    found = concordance(np.array([2.0, 2.0]), np.array([True, False]), np.array([1.0, 0.0]))
    assert (found.concordant, found.comparable, found.index) == (1, 1, 1)


def test_scores_a_billionth_apart_are_not_tied():
    found = concordance(np.array([1.0, 2.0]), np.array([True, True]), np.array([1 + 1e-9, 1.0]))
    assert (found.concordant, found.tied_score) == (1, 0)


def test_no_comparable_pair_is_nan_not_a_half():
    assert np.isnan(concordance(np.array([1.0, 2.0]), np.array([False, False]), np.array([1.0, 2.0])).index)


def test_standard_error_is_the_spread_of_the_bootstrap():
    generator = np.random.default_rng(8)
    time, score = generator.exponential(size=800), generator.normal(size=800)
    time *= np.exp(-0.5 * score)
    event = generator.random(800) < 0.7
    weights = generator.multinomial(800, np.full(800, 1 / 800), size=1000)
    found = concordance(time, event, score)
    # the spread of 1000 draws is known to 1/sqrt(2000) = 2.2 %; 9 % is four of those
    assert concordance(time, event, score, weights=weights).index.std() == pytest.approx(found.standard_error, rel=0.09)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", ["time", "score"])
def test_refuses_what_is_not_finite(column, bad):
    values = {"time": np.arange(1.0, 5.0), "event": np.ones(4, dtype=bool), "score": np.arange(4.0)}
    values[column][2] = bad
    with pytest.raises(DataError, match=rf"{column} is .* in row 2"):
        concordance(**values)


def test_refuses_shapes_and_weights_that_do_not_fit():
    time, event, score = np.arange(1.0, 4.0), np.ones(3, dtype=bool), np.arange(3.0)
    for change in (
        {"score": score[:2]},
        {"event": event[:2]},
        {"score": score[:, None]},
        {"weights": np.ones(2)},
        {"weights": np.array([1.0, -1.0, 1.0])},
        {"weights": np.array([1.0, np.nan, 1.0])},
        {"weights": np.ones((2, 3)), "event_weight": np.ones((3, 3))},
        {"event_weight": np.ones((2, 3))},
    ):
        with pytest.raises(DataError):
            concordance(**({"time": time, "event": event, "score": score} | change))
