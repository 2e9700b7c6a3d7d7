"""Withheld counts are bounded as tightly as exhaustive search bounds them."""

from itertools import product

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.joint.disclosure import Rules, check
from biolab.joint.disclosure.small_cells import check_counts, counts_in

MINIMUM = 4
RULES = Rules(minimum_cell=MINIMUM)


def two_way(counts: np.ndarray, hidden: set[tuple[int, int]]) -> pl.DataFrame:
    """Return a cross-table in long form with all its totals; some inner counts withheld."""
    rows = [
        (f"a{i}", f"b{j}", None if (i, j) in hidden else int(counts[i, j]))
        for i, j in product(range(counts.shape[0]), range(counts.shape[1]))
    ]
    rows += [(f"a{i}", "total", int(total)) for i, total in enumerate(counts.sum(axis=1))]
    rows += [("total", f"b{j}", int(total)) for j, total in enumerate(counts.sum(axis=0))]
    rows += [("total", "total", int(counts.sum()))]
    return pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String, "patients": pl.Int64}, orient="row")


def possible(counts: np.ndarray, hidden: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Search every completion of the withheld counts; return the range of each."""
    top = int(counts.max(initial=0)) * 3 + 1
    values = np.indices((top,) * len(hidden)).reshape(len(hidden), -1)
    rows, columns = (
        np.array([[place[axis] == line for place in hidden] for line in range(counts.shape[axis])]) for axis in (0, 1)
    )
    own = np.array([counts[place] for place in hidden])
    fits = (rows @ values == (rows @ own)[:, None]).all(0) & (columns @ values == (columns @ own)[:, None]).all(0)
    return [(int(column.min()), int(column.max())) for column in values[:, fits]]


@settings(max_examples=20, derandomize=True, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=6, max_size=6),
    st.sets(st.tuples(st.integers(0, 1), st.integers(0, 2)), min_size=1, max_size=4),
)
def test_audit_agrees_with_exhaustive_search(cells: list[int], hidden: set[tuple[int, int]]) -> None:
    counts = np.array(cells).reshape(2, 3)
    ranges = possible(counts, sorted(hidden))
    unsafe = any(low == high or high < MINIMUM for low, high in ranges)
    found = check_counts(counts_in("t", two_way(counts, hidden), RULES), RULES)
    assert any(each.rule == "given-back" for each in found) == unsafe


def test_totals_of_other_variables_give_nothing_away() -> None:
    frame = pl.DataFrame({"horizon": [24.0, 24.0, 36.0, 36.0], "group": [1, 2, 1, 2], "patients": [40, 40, 30, 30]})
    assert check(frame, RULES) == ()


def test_missing_values_are_a_level() -> None:
    frame = pl.DataFrame(
        {"variable": ["grade"] * 3, "level": ["1-2", "3", None], "kind": ["count", "count", "missing"],
         "value": [60.0, None, 0.0]}
    )  # fmt: skip
    assert [each.rule for each in check(frame, Rules(cohort_size=100))] == ["given-back"]
    assert check(frame, Rules()) == ()


def test_contradicting_tables_infer_nothing() -> None:
    frame = pl.DataFrame({"grade": ["1", "2", "total"], "patients": [None, 90, 50]})
    assert [each.rule for each in check(frame, Rules())] == []


def test_a_number_that_few_patients_lack_can_be_described() -> None:
    """Of a number only the missing are counted: withheld, they do not follow from the total."""
    quartiles = {"variable": "marker", "level": None, "kind": "quartiles", "value": 55.0}
    missing = {"variable": "marker", "level": None, "kind": "missing", "value": None}
    tables = {
        "cohort": pl.DataFrame({"patients": [300]}),
        "characteristics": pl.DataFrame([quartiles, missing], schema_overrides={"value": pl.Float64}),
    }
    assert check(tables, Rules()) == ()
    category = [{"variable": "stage", "level": level, "kind": "count", "value": 146.0} for level in ("I", "II")]
    lacking = {**missing, "variable": "stage"}
    given_back = tables | {
        "characteristics": pl.DataFrame([*category, lacking], schema_overrides={"value": pl.Float64})
    }
    assert [found.rule for found in check(given_back, Rules())] == ["given-back"]
