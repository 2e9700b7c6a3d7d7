"""How far biolab's survival numbers are from R's, on both breast cancer cohorts.

``python tests/validation/agreement.py`` prints the table; `test_survival_r.py` holds it to a tolerance.
The reference is survival_r.json, written by survival_r.R.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from survival.datasets import load_gbsg, load_rotterdam

from biolab.stats import Ridge
from biolab.survival import CoxPH, kaplan_meier, log_rank, nelson_aalen

GOLD = json.loads(Path(__file__).with_name("survival_r.json").read_text())


@cache
def cohort(name: str) -> pl.DataFrame:
    """Recurrence-free survival with the same derived columns, weights and entries as survival_r.R."""
    size = pl.col("size")
    if name == "rotterdam":
        event = (pl.col("recur") == 1) | ((pl.col("death") == 1) & (pl.col("dtime") <= pl.col("rtime")))
        frame = pl.DataFrame(load_rotterdam()).with_columns(
            time="rtime", event=event, size_20_50=size == "20-50", size_over_50=size == ">50"
        )
    else:
        frame = pl.DataFrame(load_gbsg()).with_columns(time="rfstime", event="status")
    row = pl.int_range(1, pl.len() + 1)
    return frame.with_columns(
        grade_2=pl.col("grade") == 2,
        grade_3=pl.col("grade") == 3,
        none=1.0,
        integer=1.0 + row % 3,
        fractional=0.5 + (7 * row) % 11 / 10,
        entry=(pl.col("time") * ((37 * row) % 100) / 150).floor(),
    )


def cox_pairs(case: dict) -> dict[str, tuple]:
    """Refit one Cox model of the reference; pairs of (ours, R's)."""
    frame = cohort(case["cohort"][0])
    strata = None if case["strata"][0] == "none" else frame[case["strata"][0]]
    entry = frame["entry"] if case["late"][0] else None
    X, y = frame.select(case["terms"]), frame.select("time", "event")
    model = CoxPH(ties=case["ties"][0]).fit(X, y, strata=strata, sample_weight=frame[case["weights"][0]], entry=entry)
    patients = pl.DataFrame([case["patient"]] * len(case["stratum"]), schema=case["terms"], orient="row")
    labels = None if strata is None else [int(label.split("=")[1]) for label in case["stratum"]]
    hazard = model.predict_cumulative_hazard(patients, GOLD["moments"], strata=labels)
    return {
        "Cox coefficient": (model.coef_, case["coef"]),
        "Cox standard error": (model.standard_error_, case["standard_error"]),
        "Cox log-likelihood (null)": (model.null_log_likelihood_, case["log_likelihood"][0]),
        "Cox log-likelihood (fitted)": (model.log_likelihood_, case["log_likelihood"][1]),
        "Cox cumulative hazard": (hazard.ravel(), case["cumulative_hazard"]),
    }


def ridge_pairs(case: dict) -> dict[str, tuple]:
    """Refit one ridge model of the reference."""
    frame = cohort(case["cohort"][0])
    model = CoxPH(Ridge(case["theta"][0]), ties=case["ties"][0])
    model.fit(frame.select(case["terms"]), frame.select("time", "event"))
    return {
        "Ridge coefficient": (model.coef_, case["coef"]),
        "Ridge standard error": (model.standard_error_, case["standard_error"]),
        "Ridge log-likelihood": (model.log_likelihood_, case["log_likelihood"][1]),
        "Ridge degrees of freedom": (model.degrees_of_freedom_, case["degrees_of_freedom"]),
    }


def curve_pairs(case: dict) -> dict[str, tuple]:
    """Re-estimate one Kaplan-Meier and one Nelson-Aalen curve of the reference."""
    frame = cohort(case["cohort"][0])
    given = {"weight": frame[case["weights"][0]], "entry": frame["entry"] if case["late"][0] else None}
    curve = kaplan_meier(frame["time"], frame["event"], interval=case["interval"][0], **given)
    hazard = nelson_aalen(frame["time"], frame["event"], **given).table()
    moments = pl.DataFrame({"time": [float(time) for time in case["time"]]})
    table = moments.join(curve.table(), on="time", how="left", maintain_order="left")
    hazard = moments.join(hazard, on="time", how="left", maintain_order="left")
    median = curve.median
    pairs = {
        f"Kaplan-Meier {name.replace('_', ' ')}": (table[name].to_numpy(), case[name])
        for name in ("at_risk", "events", "censored", "survival", "standard_error")
    }
    return pairs | {
        f"Kaplan-Meier {case['interval'][0]} limits": (
            np.concatenate([table["lower"], table["upper"]]),
            case["lower"] + case["upper"],
        ),
        "Kaplan-Meier median and limits": ((median.estimate, median.lower, median.upper), case["median"]),
        "Nelson-Aalen cumulative hazard": (hazard["cumulative_hazard"].to_numpy(), case["cumulative_hazard"]),
        "Nelson-Aalen standard error": (hazard["standard_error"].to_numpy(), case["cumulative_hazard_error"]),
    }


def log_rank_pairs(case: dict) -> dict[str, tuple]:
    """Repeat one log-rank test of the reference."""
    frame = cohort(case["cohort"][0])
    strata = None if case["strata"][0] == "none" else frame[case["strata"][0]]
    test = log_rank(frame["time"], frame["event"], frame[case["group"][0]], strata=strata)
    return {
        "Log-rank observed": (test.observed, case["observed"]),
        "Log-rank expected": (test.expected, case["expected"]),
        "Log-rank statistic": (test.statistic, case["statistic"]),
        "Log-rank p-value": (test.p_value, case["p_value"]),
    }


def differences(ours: object, theirs: object) -> tuple[int, float, float]:
    """Return the number of values and the largest absolute and relative difference; None in R's is not finite here."""
    left = np.atleast_1d(np.asarray(ours, dtype=float))
    right = np.atleast_1d(np.array(theirs, dtype=float))
    if left.shape != right.shape or (np.isfinite(left) != np.isfinite(right)).any():
        return left.size, np.inf, np.inf
    gap, size = np.abs(left - right)[np.isfinite(right)], np.abs(right)[np.isfinite(right)]
    relative = np.divide(gap, size, out=gap.copy(), where=size > 0)
    return left.size, float(gap.max(initial=0.0)), float(relative.max(initial=0.0))


def _label(case: dict) -> str:
    told = ("cohort", "ties", "strata", "weights", "late", "theta", "interval", "group")
    return " ".join(f"{key}={case[key][0]}" for key in told if key in case)


def agreement() -> pl.DataFrame:
    """Compare everything in the reference: one row a quantity, with the largest differences over all its cases."""
    jobs = {"cox": cox_pairs, "ridge": ridge_pairs, "curves": curve_pairs, "log_rank": log_rank_pairs}
    rows = [
        (quantity, *differences(*pair), _label(case))
        for kind, pairs in jobs.items()
        for case in GOLD[kind]
        for quantity, pair in pairs(case).items()
    ]
    columns = ["quantity", "values", "max_absolute", "max_relative", "worst"]
    return (
        pl.DataFrame(rows, schema=columns, orient="row")
        .group_by("quantity", maintain_order=True)
        .agg(
            cases=pl.len(),
            values=pl.col("values").sum(),
            max_absolute=pl.col("max_absolute").max(),
            max_relative=pl.col("max_relative").max(),
            worst=pl.col("worst").sort_by("max_relative").last(),
        )
    )


if __name__ == "__main__":
    versions = GOLD["versions"]
    print(f"Against {versions['R'][0]}, survival {versions['survival'][0]}")
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, tbl_width_chars=110):
        print(agreement().drop("worst"))
