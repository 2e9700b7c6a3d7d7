"""Concordance, Uno's index, the calibration slope and Kaplan-Meier equal R's survival on both real cohorts."""

import json
from pathlib import Path

import numpy as np
import pytest
from survival.datasets import load_gbsg, load_rotterdam

from biolab.kernels.concordance import concordance
from biolab.survival import calibration_slope, harrell_c, observed_expected, uno_c

GOLD = json.loads((Path(__file__).parent / "concordance_r.json").read_text())["cohorts"]


def _cohort(name):
    columns = {k: np.array(v) for k, v in (load_rotterdam() if name == "rotterdam" else load_gbsg()).items()}
    if name == "rotterdam":
        time = np.where(columns["recur"] == 1, columns["rtime"], columns["dtime"])
        event = np.maximum(columns["recur"], columns["death"]) == 1
    else:
        time, event = columns["rfstime"], columns["status"] == 1
    time = time.astype(float)
    return {
        "time": time,
        "month": np.ceil(time / 30.4375),
        "event": event,
        "score": columns["nodes"] + columns["age"] / 128,
        "nodes": columns["nodes"].astype(float),
        "w": (np.arange(1, time.size + 1) % 4).astype(float),
    }


@pytest.fixture(params=["rotterdam", "gbsg"])
def case(request):
    return _cohort(request.param), GOLD[request.param]


def _same(found, gold, counts):
    assert found.estimate == pytest.approx(gold["index"], rel=1e-12)
    assert found.standard_error == pytest.approx(gold["standard_error"], rel=1e-10)
    names = ("concordant", "discordant", "tied_score", "tied_time", "tied_both")
    np.testing.assert_allclose([getattr(counts, name) for name in names], gold["counts"], rtol=1e-10)


@pytest.mark.parametrize(
    ("gold", "time", "score", "weighted"),
    [
        ("harrell", "time", "score", False),
        ("harrell_months_nodes", "month", "nodes", False),
        ("harrell_weighted", "month", "score", True),
    ],
)
def test_harrell(case, gold, time, score, weighted):
    d, r = case
    weight = d["w"] if weighted else None
    counts = concordance(d[time], d["event"], d[score], weights=weight)
    _same(harrell_c(d[time], d["event"], d[score], weight=weight), r[gold], counts)


@pytest.mark.parametrize(
    ("gold", "time", "tau", "weighted"),
    [("uno", "time", 1825.0, False), ("uno_months", "month", 60.0, False), ("uno_weighted", "month", 60.0, True)],
)
def test_uno_with_the_censoring_weights_of_the_scored_patients(case, gold, time, tau, weighted):
    d, r = case
    found = uno_c(d[time], d["event"], d["score"], tau=tau, weight=d["w"] if weighted else None)
    assert found.estimate == pytest.approx(r[gold]["index"], rel=1e-12)
    assert found.standard_error == pytest.approx(r[gold]["standard_error"], rel=1e-10)


def test_calibration_slope(case):
    d, r = case
    for gold, weight in (("slope", None), ("slope_weighted", d["w"])):
        found = calibration_slope(d["month"], d["event"], d["score"], weight=weight)
        assert found.estimate == pytest.approx(r[gold]["slope"], rel=1e-8)
        assert found.standard_error == pytest.approx(r[gold]["standard_error"], rel=1e-8)


def test_observed_risk_and_its_error(case):
    d, r = case
    half = np.full(d["month"].size, 0.5)
    found = observed_expected(d["month"], d["event"], half, 60.0)
    assert found.estimate == pytest.approx((1 - r["survival_60"]["survival"]) / 0.5, rel=1e-12)
    assert found.standard_error == pytest.approx(r["survival_60"]["standard_error"] / 0.5, rel=1e-10)
