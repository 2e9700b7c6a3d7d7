import json

import numpy as np
import polars as pl
import pytest

from biolab.core import ConfigError, DataError
from biolab.data import Codebook, Eligibility, describe, harmonise, load, select_cohort

NODE_POSITIVE = Eligibility.model_validate(
    {"variable": "nodes", "minimum": 1, "reason": {"en": "No positive node", "ko": "양성 림프절 없음"}}
)


@pytest.fixture
def frame(codebook):
    patients = 40
    return pl.DataFrame(
        {
            "patient": [f"secret-{number}" for number in range(patients)],
            "months": [float(number + 1) for number in range(patients)],
            "death": [number % 2 == 0 for number in range(patients)],
            "age": [None if number == 7 else 30.0 + number for number in range(patients)],
            "size": ["<=20", "20-50", ">50", "20-50"] * 10,
            "grade": [None if number == 4 else "3" for number in range(patients)],
            "nodes": [number % 4 for number in range(patients)],
        },
        schema=codebook.frame_schema,
    )


def test_refusing_names_row_and_column_of_eligible_patients_only(frame, codebook):
    with pytest.raises(DataError) as caught:
        select_cohort(frame, [NODE_POSITIVE], codebook, file="site.csv")
    assert str(caught.value).startswith(
        "site.csv, row 8, column 'age': missing; expected a value. Fill the cell, or set"
    )


def test_dropping_counts_each_step(frame, codebook):
    cohort = select_cohort(frame, [NODE_POSITIVE], codebook, missing="drop")
    assert cohort.flow.rows() == [
        ("recorded", "Patients recorded", "기록된 환자", 0, 40),
        ("nodes", "No positive node", "양성 림프절 없음", 10, 30),
        ("missing", "A covariate is missing", "공변량 결측", 1, 29),
    ]
    assert cohort.patients == 29
    assert cohort.frame.schema == codebook.frame_schema


def test_imputing_keeps_the_gaps_for_the_folds(frame, codebook):
    cohort = select_cohort(frame, [NODE_POSITIVE], codebook, missing="impute")
    assert cohort.covariates["age"].null_count() == 1
    assert cohort.flow["step"].to_list() == ["recorded", "nodes"]


def test_the_flow_adds_up(frame, codebook):
    rules = [NODE_POSITIVE, Eligibility(variable="size", one_of=("20-50", ">50"), reason="Small")]
    flow = select_cohort(frame, rules, codebook, missing="drop", minimum_events=1).flow
    assert (flow["remaining"].shift(1).fill_null(40) - flow["dropped"]).equals(flow["remaining"], check_names=False)


def test_a_missing_value_is_not_eligible(frame, codebook):
    frame = frame.with_columns(nodes=pl.when(pl.col("nodes") == 3).then(None).otherwise("nodes"))
    with pytest.raises(DataError, match="row 4, column 'nodes': missing"):
        select_cohort(frame, [NODE_POSITIVE], codebook)
    assert select_cohort(frame, [NODE_POSITIVE], codebook, missing="impute").patients == 20


def test_arrays_are_those_of_the_endpoint(frame, codebook):
    cohort = select_cohort(frame, [], codebook, missing="impute")
    assert cohort.time.dtype == np.float64
    assert cohort.event.dtype == np.bool_
    assert cohort.event.sum() == cohort.events == 20
    np.testing.assert_array_equal(cohort.time, np.arange(1.0, 41.0))
    assert cohort.covariates.columns == ["age", "size", "grade", "nodes"]


def test_a_site_with_few_events_is_refused(frame, codebook):
    with pytest.raises(DataError, match="site: fewer than 10 events among the eligible patients"):
        select_cohort(frame.head(9), [], codebook, missing="impute", file="site")
    with pytest.raises(DataError, match="fewer than 10 events"):
        select_cohort(frame.head(0), [], codebook)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"variable": "nods", "minimum": 1}, "no variable 'nods'. Did you mean 'nodes'"),
        ({"variable": "size", "minimum": 1}, "by 'size': a range needs numbers, not 'category'"),
        ({"variable": "size", "one_of": ["20"]}, "by 'size': '20' is not a code; expected '<=20', '20-50', '>50'"),
        ({"variable": "nodes", "one_of": ["1"]}, "by 'nodes': '1' is not a code; expected a range"),
    ],
)
def test_a_rule_that_does_not_fit_the_codebook(frame, codebook, rule, said):
    with pytest.raises(ConfigError, match=said):
        select_cohort(frame, [Eligibility.model_validate({**rule, "reason": "r"})], codebook)


@pytest.mark.parametrize("rule", [{}, {"minimum": 1, "one_of": ["a"]}])
def test_a_rule_says_one_thing(rule):
    with pytest.raises(ValueError, match="minimum or maximum, or else one_of"):
        Eligibility.model_validate({"variable": "nodes", "reason": "r", **rule})


def test_nothing_printed_shows_a_patient(frame, codebook):
    cohort = select_cohort(frame, [], codebook, missing="impute")
    printed = f"{cohort!r} {cohort} {cohort._repr_html_()} {cohort.profile}"
    assert "secret" not in printed
    assert repr(cohort).startswith("Cohort(patients=40, events=20, digest=")


def test_the_description_has_no_extremes_and_counts_add_up(frame, codebook):
    cohort = select_cohort(frame, [], codebook, missing="impute")
    table = describe(cohort, codebook)
    assert "patient" not in table["variable"].to_list()
    assert set(table["statistic"]) == {"median", "count", "missing"}
    age = table.filter(variable="age", statistic="median").row(0, named=True)
    known = frame["age"].drop_nulls().to_numpy()
    assert (age["lower_quartile"], age["value"], age["upper_quartile"]) == tuple(np.quantile(known, [0.25, 0.5, 0.75]))
    size = table.filter(variable="size", statistic="count")
    assert dict(zip(size["level"], size["value"], strict=True)) == {"<=20": 10.0, "20-50": 20.0, ">50": 10.0}
    assert size["percent"].sum() == pytest.approx(100)
    assert table.filter(variable="grade", statistic="missing")["value"].to_list() == [1.0]
    json.dumps(table.to_dicts())


def test_the_digest_follows_content_and_order(frame, codebook):
    cohort = select_cohort(frame, [], codebook, missing="impute")
    again = select_cohort(frame.clone(), [], codebook, missing="impute")
    reordered = select_cohort(frame.reverse(), [], codebook, missing="impute")
    assert cohort.digest == again.digest
    assert len({cohort.digest, reordered.digest}) == 2


@pytest.mark.parametrize(("site", "expected"), [("rotterdam", (1436, 1546)), ("gbsg", (0, 686))])
def test_node_positive_patients_of_both_institutions(protocol, breast_codebook: Codebook, site_mapping, site, expected):
    rules = [Eligibility.model_validate(rule) for rule in protocol["eligibility"]]
    frame = harmonise(load(site), site_mapping(site), breast_codebook, file=site)
    cohort = select_cohort(frame, rules, breast_codebook, missing=protocol["missing"]["policy"])
    assert (cohort.flow["dropped"][1], cohort.patients) == expected
