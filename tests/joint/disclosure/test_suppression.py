"""No cell under the minimum leaves, and none can be found by subtraction."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.joint.disclosure import stop_where_few_remain, suppress_counts

COUNTS = st.lists(st.integers(0, 60), min_size=1, max_size=6)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(COUNTS, st.integers(3, 15))
def test_no_small_count_and_no_lonely_gap(counts: list[int], minimum: int) -> None:
    frame = pl.DataFrame({"variable": ["grade"] * len(counts), "value": counts})
    released = suppress_counts(frame, "value", within=["variable"], minimum=minimum)["value"]
    assert not any(0 < value < minimum for value in released.drop_nulls())
    hidden = [count for count, value in zip(counts, released, strict=True) if value is None]
    others = [count for count in counts if count >= minimum]
    assert len(hidden) != 1 or not others


@settings(max_examples=30, derandomize=True, deadline=None)
@given(COUNTS)
def test_large_counts_and_zeros_stay(counts: list[int]) -> None:
    large = [0 if count < 20 else count for count in counts]
    frame = pl.DataFrame({"variable": ["grade"] * len(large), "value": large})
    assert suppress_counts(frame, "value", within=["variable"], minimum=10)["value"].to_list() == large


def test_groups_do_not_mix_and_other_kinds_stay() -> None:
    frame = pl.DataFrame(
        {"variable": ["a", "a", "b", "b"], "kind": ["count", "count", "count", "median"], "value": [4, 50, 60, 5]}
    )
    released = suppress_counts(frame, "value", within=["variable"], minimum=10, only=pl.col("kind") == "count")
    assert released["value"].to_list() == [None, None, 60, 5]


def test_curve_stops_where_few_remain() -> None:
    curve = pl.DataFrame({"time": [0.0, 12.0, 24.0], "at_risk": [100, 10, 9]})
    assert stop_where_few_remain(curve, minimum=10)["time"].to_list() == [0.0, 12.0]
