"""Residuals, robust errors, tests and curves against R's survival; the reference is written by cox_inference_r.R."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from survival.datasets import load_gbsg, load_rotterdam

from biolab.survival import (
    CoxPH,
    FlemingHarrington,
    aalen_johansen,
    log_rank,
    proportional_hazards_test,
    residuals,
    rmst,
    robust_covariance,
)

GOLD = json.loads(Path(__file__).with_name("cox_inference_r.json").read_text())
TERMS = ["age", "nodes", "hormon"]


@cache
def cohort(name: str) -> pl.DataFrame:
    """Recurrence-free survival with the same derived columns as cox_inference_r.R."""
    if name == "rotterdam":
        event = (pl.col("recur") == 1) | ((pl.col("death") == 1) & (pl.col("dtime") <= pl.col("rtime")))
        time = (pl.col("rtime") / 30).ceil()
        frame = pl.DataFrame(load_rotterdam()).with_columns(time=time, event=event.cast(pl.Int64))
    else:
        frame = pl.DataFrame(load_gbsg()).with_columns(time="rfstime", event="status")
    row = pl.int_range(1, pl.len() + 1)
    return frame.with_columns(
        none=1.0,
        fractional=0.5 + (7 * row) % 11 / 10,
        entry=(pl.col("time") * ((37 * row) % 100) / 150).floor(),
        clinic=(13 * row) % 40,
        cause=pl.col("event") * (1 + (row % 3 == 0).cast(pl.Int64)),
    )


def given(case: dict, frame: pl.DataFrame, weight: str) -> dict:
    return {weight: frame[case["weights"][0]], "entry": frame["entry"] if case["late"][0] else None}


def label(case: dict) -> str:
    return "-".join(
        str(case[key][0]) for key in ("cohort", "ties", "strata", "weights", "late", "tau", "rho") if key in case
    )


def close(ours, theirs, tolerance=1e-8):
    """Hold values to a share of themselves or, near 0, of the largest."""
    ours, theirs = np.ravel(np.asarray(ours, float)), np.array(theirs, float)
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * np.nanmax(np.abs(theirs)) * 1e-1)


@cache
def fitted(cohort_name: str, ties: str, strata: str, weights: str, late: int):
    frame = cohort(cohort_name)
    rest = {
        "strata": None if strata == "none" else frame[strata],
        "sample_weight": frame[weights],
        "entry": frame["entry"] if late else None,
    }
    X, y = frame.select(TERMS), frame.select("time", "event")
    return CoxPH(ties=ties, tolerance=1e-13).fit(X, y, **rest), X, y, rest


@pytest.fixture(params=GOLD["cox"], ids=label)
def cox(request):
    case = request.param
    return case, *fitted(*(case[key][0] for key in ("cohort", "ties", "strata", "weights", "late")))


@pytest.mark.parametrize("kind", ["martingale", "deviance", "score", "dfbeta"])
def test_residuals_of_patients(cox, kind):
    case, model, X, y, rest = cox
    ours = residuals(model, X, y, kind=kind, **rest)
    close(ours[np.array(case[kind]["rows"], int) - 1], case[kind]["values"])
    close((ours**2).sum(axis=0), case[kind]["squares"])


@pytest.mark.parametrize("kind", ["schoenfeld", "scaled_schoenfeld"])
def test_residuals_of_events(cox, kind):
    case, model, X, y, rest = cox
    ours = residuals(model, X, y, kind=kind, **rest)
    rows = np.unique(np.round(np.linspace(1, len(ours), 15)).astype(int)) - 1
    close(np.sort(ours, axis=0)[rows].T, case[kind]["sorted"])
    close((ours**2).sum(axis=0), case[kind]["squares"])


def test_robust_and_clustered_covariance(cox):
    case, model, X, y, rest = cox
    close(robust_covariance(model, X, y, **rest), case["robust"])
    clinic = cohort(case["cohort"][0])["clinic"]
    close(robust_covariance(model, X, y, cluster=clinic, **rest), case["clustered"])


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_proportional_hazards(cox, transform):
    case, model, X, y, rest = cox
    table = proportional_hazards_test(model, X, y, transform=transform, **rest).table()
    ours = np.concatenate([table[name] for name in ("chi_squared", "degrees_of_freedom", "p_value")])
    np.testing.assert_allclose(ours, case["tests"][transform], rtol=1e-8)


@pytest.mark.parametrize("case", GOLD["incidence"], ids=label)
@pytest.mark.parametrize("interval", ["log", "log-log", "plain"])
def test_cumulative_incidence(case, interval):
    frame = cohort(case["cohort"][0])
    curves = aalen_johansen(frame["time"], frame["cause"], interval=interval, **given(case, frame, "weight"))
    at = np.searchsorted(curves.counts.time, case["time"])
    close(np.vstack([curves.event_free, curves.incidence])[:, at], case["state"])
    close(np.vstack([curves.event_free_standard_error, curves.standard_error])[:, at], case["standard_error"])
    for name, ours in (("lower", curves.lower), ("upper", curves.upper)):
        theirs = np.array(case["limits"][interval][name], float)
        there = np.isfinite(theirs) & np.isfinite(ours[:, at].ravel())
        assert there.sum() >= 20
        close(ours[:, at].ravel()[there], theirs[there])


@pytest.mark.parametrize("case", GOLD["restricted"], ids=label)
def test_restricted_mean(case):
    frame = cohort(case["cohort"][0])
    found = rmst(frame["time"], frame["event"], case["tau"][0], **given(case, frame, "weight"))
    np.testing.assert_allclose((found.estimate, found.standard_error), case["mean"], rtol=1e-8)


@pytest.mark.parametrize("case", GOLD["log_rank"], ids=label)
def test_weighted_log_rank(case):
    frame = cohort(case["cohort"][0])
    strata = None if case["strata"][0] == "none" else frame[case["strata"][0]]
    weights = FlemingHarrington(case["rho"][0])
    test = log_rank(frame["time"], frame["event"], frame[case["group"][0]], strata=strata, weights=weights)
    close(test.observed, case["observed"])
    close(test.expected, case["expected"])
    close(test.covariance, case["variance"])
    close(test.statistic, case["statistic"])
