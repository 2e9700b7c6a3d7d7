import numpy as np
import pandas as pd
import polars as pl
import pytest

from biolab.core.errors import DataError
from biolab.survival.follow_up import follow_up

Y = (np.array([3.0, 2.0, 5.0]), np.array([1, 0, 1]))


@pytest.mark.parametrize(
    "strata",
    [
        ["b", "a", "b"],
        np.array(["b", "a", "b"]),
        pl.Series(["b", "a", "b"]),
        pl.Series(["b", "a", "b"], dtype=pl.Categorical),
        pd.Series(["b", "a", "b"]),
    ],
)
def test_strata_are_coded_in_sorted_order(strata):
    cases = follow_up(Y, strata=strata)
    assert cases.labels == ("a", "b")
    np.testing.assert_array_equal(cases.stratum, [1, 0, 1])


def test_labels_of_several_types_are_kept_apart():
    assert follow_up(Y, strata=np.array([1, "a", 2], dtype=object)).labels == (1, 2, "a")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weight": [1, -2, 1]}, r"sample_weight, row 1 .*-2 is not a finite weight"),
        ({"weight": [1, np.nan, 1]}, r"row 1 .*nan"),
        ({"weight": [1, 1]}, r"sample_weight has 2 rows and the target 3"),
        ({"weight": ["a", "b", "c"]}, r"sample_weight, row 0 .*'a' is not a number"),
        ({"entry": [0, 2, 1]}, r"entry, row 1 .*2 is not in \[0, time\) with time 2"),
        ({"entry": [0, -1, 1]}, r"entry, row 1 .*-1"),
        ({"entry": [0, 1]}, r"entry has 2 rows"),
        ({"strata": ["a", None, "b"]}, r"strata, row 1 .*missing"),
        ({"strata": [1.0, np.nan, 2.0]}, r"strata, row 1 .*missing"),
        ({"strata": ["a", "b"]}, r"strata has 2 rows"),
        ({"strata": [["a"], ["b"], ["c"]]}, r"shape \(3, 1\)"),
    ],
)
def test_bad_values_name_the_row(given, message):
    with pytest.raises(DataError, match=message):
        follow_up(Y, **given)
