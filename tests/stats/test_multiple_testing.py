import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import DataError
from biolab.stats import benjamini_hochberg, holm

tests = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array)
quick = settings(derandomize=True, max_examples=50)


@quick
@given(tests, st.floats(0.01, 0.99))
def test_q_values_reject_what_the_step_up_rule_rejects(p, level):
    ascending = np.sort(p)
    passing = np.flatnonzero(ascending * p.size / np.arange(1, p.size + 1) <= level)
    cut = ascending[passing[-1]] if passing.size else -1.0
    np.testing.assert_array_equal(benjamini_hochberg(p) <= level, p <= cut)


@quick
@given(tests, st.floats(0.01, 0.99))
def test_holm_rejects_what_the_step_down_rule_rejects(p, level):
    failing = np.flatnonzero(np.sort(p) * np.arange(p.size, 0, -1) > level)
    rejected = failing[0] if failing.size else p.size
    assert (holm(p) <= level).sum() == rejected


@quick
@given(tests)
def test_adjusting_keeps_the_order_and_lowers_nothing(p):
    for adjust in (benjamini_hochberg, holm):
        adjusted = adjust(p)
        assert (adjusted >= p).all()
        assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
        assert adjusted.max() <= 1


def test_missing_tests_are_not_counted():
    p = np.array([0.01, np.nan, 0.04])
    np.testing.assert_array_equal(benjamini_hochberg(p)[[0, 2]], benjamini_hochberg(p[[0, 2]]))
    assert np.isnan(holm(p)[1])
    assert benjamini_hochberg(np.array([np.nan])).size == 1


@pytest.mark.parametrize(("p", "message"), [([0.1, 1.2], "1.2 for test 1"), ([[0.1]], "shape")])
def test_bad_p_values_are_refused(p, message):
    with pytest.raises(DataError, match=message):
        holm(np.array(p))
