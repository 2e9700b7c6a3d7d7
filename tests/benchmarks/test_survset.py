import argparse
import json
import math
import sys

import numpy as np
import polars as pl
import pytest
import survset
from scipy.stats import ttest_1samp
from survset_table import cohorts, contests, design, folds, inference, judge, page, work
from survset_table.worker import Worker

from biolab.core import BiolabError


def test_the_corrected_interval_is_the_formula():
    # by hand: deviations of .05, J = 4, share 1/4: error^2 = (1/4 + 1/4) * 4 * .05^2 / 3; t(3) at 97.5 % is 3.1824
    found = inference.corrected_mean(np.array([0.65, 0.65, 0.75, 0.75]), 0.25)
    variance = 4 * 0.05**2 / 3
    assert math.isclose(found.standard_error, math.sqrt(0.5 * variance))
    assert math.isclose(found.upper - found.mean, 3.182446305 * found.standard_error, rel_tol=1e-8)
    assert math.isclose(found.mean - found.lower, found.upper - found.mean, rel_tol=1e-12)


def test_without_overlap_the_corrected_test_is_students():
    values = np.random.default_rng(0).normal(0.1, 1.0, 12)
    found, student = inference.corrected_mean(values, 0.0), ttest_1samp(values, 0.0)
    limits = student.confidence_interval()
    assert math.isclose(found.p_value, student.pvalue, rel_tol=1e-9)
    assert (found.lower, found.upper) == pytest.approx((limits.low, limits.high))


def test_one_fold_has_no_interval_and_equal_folds_no_doubt():
    assert math.isnan(inference.corrected_mean(np.array([0.7]), 0.25).lower)
    assert inference.corrected_mean(np.zeros(5), 0.25).p_value == 1.0
    assert inference.corrected_mean(np.ones(5), 0.25).p_value == 0.0


def covariates(n: int = 60) -> tuple[pl.DataFrame, np.ndarray]:
    generator = np.random.default_rng(1)
    age = generator.normal(60, 10, n)
    grade = generator.choice(["I", "II", "III"], n)
    frame = pl.DataFrame(
        {
            "num_age": np.where(np.arange(n) % 7 == 0, np.nan, age),
            "num_twice_weight": 2 * generator.normal(70, 5, n),
            "num_constant": np.full(n, 3.0),
            "fac_grade": pl.Series(grade).cast(pl.Enum(["I", "II", "III"])),
        }
    ).with_columns((pl.col("num_twice_weight") / 2 + 1).alias("num_weight"), pl.col("num_age").fill_nan(None))
    return frame, np.arange(n) % 5 == 0


def test_training_columns_are_scaled_and_independent():
    frame, test = covariates()
    train, held_out = design.matrices(frame, test)
    assert train.shape == (48, 4)  # age, weight once, two of three grades
    assert held_out.shape == (12, 4)
    assert np.allclose(train.mean(axis=0), 0)
    assert np.allclose(train.std(axis=0), 1)
    assert np.linalg.matrix_rank(train) == 4


def test_nothing_is_learned_from_the_test_patients():
    frame, test = covariates()
    planted = frame.with_columns(
        pl.when(pl.Series(test)).then(pl.col("num_age").fill_null(50.0) * 1000).otherwise("num_age").alias("num_age"),
        pl.when(pl.Series(test)).then(pl.lit("IV")).otherwise(pl.col("fac_grade").cast(pl.String)).alias("fac_grade"),
    )
    assert np.array_equal(design.matrices(frame, test)[0], design.matrices(planted, test)[0])


def test_rare_levels_are_pooled():
    test = np.zeros(45, dtype=bool)
    levels = ["a"] * 20 + ["b"] * 12 + ["c"] * 7 + ["d"] * 6
    assert design.matrices(pl.DataFrame({"fac_x": levels}), test)[0].shape[1] == 2  # b, and c with d
    assert design.matrices(pl.DataFrame({"fac_x": levels[:39]}), test[:39])[0].shape[1] == 1  # c alone joins a


def test_a_model_that_fails_is_told_and_not_counted_as_a_prediction():
    fold = work.warm_up()

    def broken(_fold):
        raise BiolabError("no")

    assert work.one_fold(broken, fold)["failed"] == "BiolabError: no"
    assert "NaN" in work.one_fold(lambda _fold: (lambda: np.array([np.nan]), None), fold)["failed"]
    assert work.one_fold(lambda _fold: (lambda: np.zeros(5), None), fold)["survival"] is None


WORKS = """
import json, pathlib, sys, time
for line in sys.stdin:
    name, folder = line.split()
    if name == "dies":
        sys.exit("out of luck")
    if name == "sleeps":
        time.sleep(60)
    pathlib.Path(folder, name + ".json").write_text(json.dumps([{"risk": [1.0]}]))
    print("done", flush=True)
"""


def test_a_worker_goes_on_after_a_job_that_dies_or_takes_too_long(tmp_path):
    worker = Worker(words=[sys.executable, "-c", WORKS], timeout=2)
    for name in ("dies", "sleeps", "works"):
        worker.fit(name, tmp_path, 2)
    worker.stop()
    told = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("dies", "sleeps", "works")}
    assert told["dies"] == [{"failed": "out of luck", "seconds": None}] * 2
    assert told["sleeps"][0]["failed"] == "no result within 2 s"
    assert told["works"] == [{"risk": [1.0]}]


def cohort(name: str, ours: list[float | None], theirs: list[float | None]) -> dict:
    def model(values):
        scored = [{"failed": "no"} if value is None else {"harrell_c": value, "seconds": 0.1} for value in values]
        return survset.summary(scored, 0.25) | {"folds": scored}

    facts = {"cohort": name, "patients": 100, "events": 50, "columns": 5, "test_share": 0.25}
    return facts | {"models": {"biolab-net": model(ours), "sksurv-net": model(theirs)}}


def test_a_contest_counts_wins_ties_and_losses():
    base = np.array([0.70, 0.71, 0.69, 0.72, 0.68])
    better = base + 0.1 + np.array([0.001, -0.001, 0.0, 0.001, -0.001])
    told = [
        cohort("won", list(better), list(base)),
        cohort("lost", list(base), list(better)),
        cohort("tied", list(base), list(base[::-1])),
        cohort("failed", [0.9, 0.9, None, None, None], list(base)),
    ]
    found = contests.contest(told, "biolab-net", "sksurv-net")
    assert (found["cohorts"], found["wins"], found["ties"], found["losses"]) == (3, 1, 1, 1)
    assert found["mean_difference"] == pytest.approx(0.0, abs=1e-12)
    assert contests.contest(told, "biolab-cox", "sksurv-cox")["cohorts"] == 0


def test_the_page_keeps_its_prose(tmp_path):
    told = {
        "environment": {"made": "2026-01-01", "commit": "c", "device": "d", "python": "3", "versions": {}, "seed": 1},
        "cohorts": [cohort("one", [0.7, 0.8, 0.75], [0.6, 0.7, None]), cohort("two", [0.7, None, None], [0.6] * 3)],
    }
    metrics = ("harrell_c", "uno_c", "integrated_brier_score")
    told["contests"] = [contests.contest([], *pair[:2], metric) for pair in contests.CONTESTS for metric in metrics]
    names = ("contests", "harrell", "brier", "seconds", "made")
    target = tmp_path / "page.md"
    target.write_text("Prose.\n" + "".join(f"<!-- begin {name} -->\nSTALE\n<!-- end {name} -->\n" for name in names))
    page.write_page(survset.plain(told), target)
    text = target.read_text()
    assert text.startswith("Prose.\n")
    assert "STALE" not in text
    assert "**0.750" in text
    assert "(1 of 3 folds without result)" in text
    assert "no result (2 of 3 folds)" in text
    assert (tmp_path / "page.svg").read_text().startswith("<svg")


def test_what_is_written_is_json_that_anyone_reads():
    assert survset.plain({"a": [math.nan, 0.123456789, 3], "b": "x"}) == {"a": [None, 0.123457, 3], "b": "x"}


@pytest.fixture(scope="module")
def bergamaschi(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work") / "Bergamaschi"
    outcome = cohorts.read("Bergamaschi")
    return outcome, folder, folds.write(outcome, folder, seed=1)


def test_folds_spread_events_and_come_back_from_disk(bergamaschi):
    outcome, folder, facts = bergamaschi
    for fold in folds.assignments(outcome, 2, seed=1):
        assert np.ptp(np.bincount(fold, weights=outcome.event)) <= 1
        assert np.ptp(np.bincount(fold)) <= 1
    fold = work.read_fold(folder, 3, facts)
    assert np.array_equal(
        fold["train"], design.matrices(outcome.covariates, folds.assignments(outcome, 1, seed=1)[0] == 3)[0]
    )
    assert fold["event"].sum() == facts["folds"][3]["events"]


def test_a_model_is_fitted_and_judged(bergamaschi, monkeypatch):
    from survset_table import models_biolab

    outcome, folder, facts = bergamaschi
    fold = work.read_fold(folder, 0, facts)
    prediction = work.one_fold(models_biolab.ridge, fold)
    test = folds.assignments(outcome, 1, seed=1)[0] == 0
    scores = judge.judge(outcome.time, outcome.event, test, prediction, np.array(facts["times"]))
    assert all(0 < scores[name] < 1 for name in judge.METRICS)
    blind = prediction | {"survival": None, "risk": [0.0] * int(test.sum())}
    assert judge.judge(outcome.time, outcome.event, test, blind, np.array(facts["times"])) == {
        "harrell_c": 0.5,
        "uno_c": 0.5,
        "integrated_brier_score": None,
    }


def test_a_finished_cohort_is_not_fitted_again(tmp_path, monkeypatch):
    (tmp_path / "veteran.json").write_text(json.dumps({"cohort": "veteran", "models": {}}))
    monkeypatch.setattr(survset, "prepared", lambda *_: pytest.fail("it was prepared again"))
    options = argparse.Namespace(cohorts=["veteran"], work=tmp_path, peers_python=None, rscript="none", timeout=1)
    assert survset.run(options) == [{"cohort": "veteran", "models": {}}]


@pytest.mark.parametrize(
    ("columns", "unpenalised", "tried"),
    [(20, True, 4), (20, False, 3), (5000, False, 2)],
)
def test_what_is_tried_depends_on_size_alone(columns, unpenalised, tried):
    assert len(survset.models_for("biolab", {"columns": columns, "unpenalised": unpenalised})) == tried


def test_what_is_made_anew_takes_the_place_of_the_old_and_nothing_else():
    before = {
        "environment": {"commit": "old"},
        "cohorts": [cohort("veteran", [0.7] * 3, [0.6] * 3), cohort("breast", [0.8] * 3, [0.5] * 3)],
    }
    now = [cohort("veteran", [0.9] * 3, [0.6] * 3), cohort("DBCD", [0.6] * 3, [0.6] * 3)]
    del now[0]["models"]["sksurv-net"]
    found = survset.merged(before, now, "new")
    assert [one["cohort"] for one in found] == ["breast", "veteran", "DBCD"]
    models = found[1]["models"]
    assert models["biolab-net"]["harrell_c"]["mean"] == pytest.approx(0.9)
    assert {name: model["commit"] for name, model in models.items()} == {"biolab-net": "new", "sksurv-net": "old"}
    assert survset.merged(None, now, "new")[0]["cohort"] == "veteran"
    facts = {"made": "2026-01-01", "commit": "new", "device": "d", "python": "3", "versions": {}, "seed": 1}
    assert "in part at old: biolab-net, sksurv-net." in page.made({"environment": facts, "cohorts": found})
