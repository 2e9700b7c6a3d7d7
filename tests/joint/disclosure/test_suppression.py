"""No cell under the minimum leaves, and none can be found by subtraction."""

from itertools import pairwise

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.joint.disclosure import Rules, check, coarsen_steps, stop_where_few_remain, suppress_counts

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


@settings(max_examples=60, derandomize=True, deadline=None)
@given(COUNTS, st.integers(3, 15))
def test_what_is_withheld_cannot_be_found_again(counts: list[int], minimum: int) -> None:
    total = sum(counts)
    frame = pl.DataFrame(
        {"grade": [f"g{i}" for i in range(len(counts))], "patients": counts, "all": ["a"] * len(counts)}
    )
    released = suppress_counts(frame, "patients", within=["all"], minimum=minimum).drop("all")
    found = check(released, Rules(minimum_cell=minimum, cohort_size=total or None))
    assert total < minimum or [each.rule for each in found] == []


STEPS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=15)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(STEPS, st.integers(3, 12), st.sets(st.integers(1, 15), max_size=3))
def test_every_step_that_is_left_is_of_nobody_or_enough(
    steps: list[tuple[int, int]], minimum: int, horizons: set[int]
) -> None:
    left = [0, *(events + censored for events, censored in steps)]
    at_risk = [sum(left) + minimum - sum(left[: i + 1]) for i in range(len(left))]
    curve = pl.DataFrame({"time": range(len(left)), "at_risk": at_risk})
    kept = coarsen_steps(curve, [0, *(events for events, _ in steps)], minimum=minimum, keep=horizons)
    times = kept["time"].to_list()
    assert times[0] == 0
    for before, after in pairwise(times):
        assert not 0 < sum(left[before + 1 : after + 1]) < minimum
        assert not 0 < sum(events for events, _ in steps[before:after]) < minimum
    without = coarsen_steps(curve, [0, *(events for events, _ in steps)], minimum=minimum)
    assert len(horizons & set(times)) >= len(horizons & set(without["time"].to_list()))


def test_horizon_is_kept_at_the_cost_of_another_point() -> None:
    curve = pl.DataFrame({"time": [0, 3, 6, 9], "at_risk": [90, 75, 70, 40]})
    assert coarsen_steps(curve, [0, 12, 4, 20], minimum=10)["time"].to_list() == [0, 3, 9]
    assert coarsen_steps(curve, [0, 12, 4, 20], minimum=10, keep={6})["time"].to_list() == [0, 6, 9]
