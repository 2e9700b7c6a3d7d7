import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.reports.language import prose
from biolab.reports.values import MISSING, Value, count, estimate, index_values, interval, known, number, value_of

NUMBERS = st.floats(-1e6, 1e6)


@settings(derandomize=True, max_examples=60)
@given(NUMBERS, st.integers(0, 4))
def test_a_number_reads_back_and_never_shows_negative_zero(value, digits):
    text = number(value, digits)
    back = float(text.replace("−", "-").replace(",", ""))
    assert back == pytest.approx(value, abs=0.5 * 10**-digits + 1e-9)
    assert math.copysign(1, back) == 1 or back != 0
    assert "-" not in text


@settings(derandomize=True, max_examples=60)
@given(NUMBERS, st.floats(0, 100), st.floats(0, 100), NUMBERS)
def test_an_interval_that_holds_the_point_is_unclear(middle, down, up, point):
    value = Value(estimate=middle, lower=middle - down, upper=middle + up)
    inside = value.lower <= point <= value.upper
    assert (value.side_of(point) == "unclear") == inside


def test_missing_is_said_in_words_and_never_as_nan():
    for say in (prose("en"), prose("ko")):
        assert estimate(MISSING, 3, say) == say("common.missing")
        assert say("common.no_interval") in estimate(Value(estimate=0.5, lower=0.4), 3, say)
    assert known(float("nan")) is None
    assert known("0.5") is None
    row = value_of({"estimate": float("nan"), "lower": None, "upper": 0.7})
    assert row.estimate is None
    assert row.side_of(0.0) == "missing"
    assert number(math.inf, 2) == "∞"


def test_negative_limits_are_joined_by_a_word():
    value = Value(estimate=0.01, lower=-0.003, upper=0.02)
    assert interval(value, 3, prose("en")) == "−0.003 to 0.020"
    assert interval(value, 3, prose("ko"), signed=True) == "−0.003 ~ +0.020"
    assert interval(Value(estimate=0.7, lower=0.66, upper=0.74), 2, prose("en")) == "0.66–0.74"


def test_counts_are_grouped_and_withheld_ones_say_nothing():
    assert count(None) == "*"
    assert count(float("nan")) == "*"
    assert count(0) == "0"


def test_an_index_finds_values_by_their_keys():
    frame = pl.DataFrame({"model": ["cox"], "horizon": [None], "estimate": [0.7], "lower": [0.6], "upper": [0.8]})
    assert index_values(frame, ("model", "horizon")) == {("cox", None): Value(estimate=0.7, lower=0.6, upper=0.8)}
