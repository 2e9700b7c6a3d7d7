"""The tables of a cohort: labelled, complete, and withheld where they would show too few patients."""

import polars as pl
import pytest

from biolab.data import Cohort
from biolab.joint import Protocol, load_cohort
from biolab.joint.description import cohort_tables, released_flow
from biolab.survival import kaplan_meier


@pytest.fixture(scope="module")
def rotterdam(real_protocol: Protocol) -> Cohort:
    return load_cohort(real_protocol, "rotterdam")


def test_tables_of_the_real_cohort(real_protocol: Protocol, rotterdam: Cohort) -> None:
    tables = cohort_tables(real_protocol, rotterdam, "rotterdam")
    assert tables["cohort"].row(0, named=True) == {
        "site": "rotterdam",
        "patients": 1546,
        "events": 1059,
        "dropped": 1436,
        "median_follow_up": 109.3,
    }
    described = tables["characteristics"]
    grades = described.filter(pl.col("variable") == "grade", pl.col("kind") == "count")
    assert grades["value"].sum() == 1546
    assert set(described.filter(pl.col("variable") == "hormone")["level_ko"].drop_nulls()) == {"받지 않음", "받음"}
    assert described.filter(pl.col("variable") == "age")["unit_ko"][0] == "세"


def test_curve_is_the_kaplan_meier_estimate_on_the_grid(real_protocol: Protocol, rotterdam: Cohort) -> None:
    curve = cohort_tables(real_protocol, rotterdam, "rotterdam")["survival_curve"]
    exact = kaplan_meier(rotterdam.time, rotterdam.event)
    assert curve["time"].to_list() == [0.0, *real_protocol.grid]
    assert curve["survival"].to_list() == pytest.approx(exact.at(curve["time"].to_numpy()).tolist())
    assert (curve["lower"] <= curve["survival"]).all()
    assert curve["at_risk"][0] == 1546


def test_a_small_step_is_withheld_with_what_would_give_it_away(rotterdam: Cohort) -> None:
    flow = pl.DataFrame(
        {
            "step": ["recorded", "nodes", "missing"],
            "reason": ["Recorded", "No node", "Missing"],
            "reason_ko": ["기록", "없음", "결측"],
            "dropped": [0, 500, 4],
            "remaining": [1000, 500, 496],
        }
    )
    cohort = Cohort(frame=rotterdam.frame, flow=flow, codebook=rotterdam.codebook)
    released = released_flow(cohort, minimum=10)
    assert released["dropped"].to_list() == [0, None, None]
    assert released["remaining"].to_list() == [None, None, 496]
    assert released_flow(rotterdam, minimum=10)["dropped"].to_list() == [0, 1436]
