import numpy as np
import polars as pl
import pytest

from biolab.core import DataError, FitError
from biolab.survival import CoxPH, cox_scan, cox_scan_max_t

pytestmark = pytest.mark.slow  # a scan takes most of a minute to compile in a fresh clone


def _cohort(n=90, p=30, seed=0, effect=0.8):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, p))
    time = np.ceil(10 * generator.exponential(np.exp(-effect * X[:, 0])))
    return X, time, generator.random(n) < 0.7


def test_frame_has_a_row_a_feature_and_finds_the_effect():
    X, time, event = _cohort()
    found = cox_scan(pl.DataFrame(X, schema=[f"gene{j}" for j in range(30)]), time, event)
    tests = ["p_value", "q_value", "score_p_value", "lr_p_value"]
    assert found.columns == ["feature", "coef", "standard_error", "z", *tests, "converged", "reason"]
    assert found.sort("p_value")["feature"][0] == "gene0"
    assert found["converged"].all()
    assert (found["q_value"] >= found["p_value"]).all()


def test_what_cannot_be_fitted_is_null_and_says_why():
    X, time, event = _cohort(p=4)
    X[:, 1], X[:, 2] = 3.0, time
    found = cox_scan(X, time, event)
    assert found["reason"].to_list() == ["ok", "constant", "separated", "ok"]
    assert found["coef"].is_null().to_list() == [False, True, True, False]
    assert found["score_p_value"].is_null().to_list() == [False, True, False, False]
    assert found["q_value"][0] == pytest.approx(min(2 * found["p_value"][0], found["q_value"][3]), rel=1e-9)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": np.zeros(5)}, DataError, "expected numbers of shape"),
        ({"X": np.array([["a"]] * 90)}, DataError, "expected numbers"),
        ({"X": np.zeros((89, 2))}, DataError, "one row a subject"),
        ({"names": ["a"]}, DataError, "names has 1 entries for 30"),
        ({"event": np.zeros(90)}, FitError, "no event"),
        ({"covariates": np.ones((90, 1))}, FitError, "Covariate 0"),
        ({"covariates": np.arange(90.0)[:, None] * [1.0, 2.0]}, FitError, "covariate 1 .* is a combination"),
        ({"strata": np.zeros(3)}, DataError, "strata has shape"),
    ],
)
def test_bad_input_is_refused(change, error, message):
    X, time, event = _cohort()
    with pytest.raises(error, match=message):
        cox_scan(**({"X": X, "time": time, "event": event} | change))


def test_missing_value_names_row_and_column():
    X, time, event = _cohort()
    X[3, 17] = np.nan
    with pytest.raises(DataError, match="row 3, column 17"):
        cox_scan(X, time, event)
    with pytest.raises(DataError, match="row 3, column 17"):
        cox_scan_max_t(X, time, event, seed=1)


def test_max_t_is_reproducible_and_ordered():
    X, time, event = _cohort()
    X[:, 5] = 1.0
    found = cox_scan_max_t(X, time, event, permutations=199, seed=4)
    assert found.equals(cox_scan_max_t(X, time, event, permutations=199, seed=4))
    assert found["statistic"].is_null().to_list() == [j == 5 for j in range(30)]
    kept = found.drop_nulls().sort("statistic", descending=True)
    assert kept["feature"][0] == "x0"
    assert kept["adjusted_p_value"][0] == 1 / 200
    assert kept["adjusted_p_value"].is_sorted()
    assert (kept["adjusted_p_value"] >= kept["p_value"]).all()


def test_max_t_statistic_is_near_the_score_test():
    X, time, event = _cohort(n=400, effect=0.2)
    from scipy.special import chdtri

    score = np.sqrt(chdtri(1.0, cox_scan(X, time, event)["score_p_value"].to_numpy()))
    statistic = cox_scan_max_t(X, time, event, permutations=1, seed=0)["statistic"].to_numpy()
    np.testing.assert_allclose(statistic, score, rtol=0.15, atol=0.05)


def test_max_t_holds_the_family_wise_error():
    # 120 null cohorts: at 5 % more than 14 rejections have a chance below 0.1 %
    rejected = sum(
        cox_scan_max_t(*_cohort(n=30, p=8, seed=100 + k, effect=0.0), permutations=99, seed=k)["adjusted_p_value"].min()
        <= 0.05
        for k in range(120)
    )
    assert rejected <= 14


def test_max_t_permutes_within_strata_only():
    X, time, event = _cohort(n=60, p=3)
    found = cox_scan_max_t(X, time, event, strata=np.arange(60), permutations=9, seed=0)
    assert found["statistic"].is_null().all()


def test_max_t_refuses_no_permutations_and_no_events():
    X, time, event = _cohort()
    with pytest.raises(DataError, match="permutations is 0"):
        cox_scan_max_t(X, time, event, permutations=0, seed=0)
    with pytest.raises(FitError, match="no event"):
        cox_scan_max_t(X, time, np.zeros(90), seed=0)


def test_late_entry_is_that_of_coxph():
    X, time, event = _cohort(p=6)
    entry, strata = np.floor(time * (np.arange(90) % 7) / 8), np.arange(90) % 2
    for ties in ("efron", "breslow"):
        found = cox_scan(X, time, event, ties=ties, entry=pl.Series(entry), strata=strata)
        for column, row in zip(X.T, found.iter_rows(named=True), strict=True):
            model = CoxPH(ties=ties).fit(column[:, None], (time, event), strata=strata, entry=entry)
            assert row["coef"] == pytest.approx(model.coef_[0], rel=1e-7, abs=1e-10)
            assert row["standard_error"] == pytest.approx(model.standard_error_[0], rel=1e-7)
    with pytest.raises(DataError, match=r"entry is .* in row 4"):
        cox_scan(X, time, event, entry=np.where(np.arange(90) == 4, time, entry))


def test_entry_before_everything_changes_nothing():
    X, time, event = _cohort(p=40, n=300)
    plain, early = (cox_scan(X, time, event, entry=entry) for entry in (None, np.zeros(300)))
    for name in ("coef", "standard_error", "score_p_value", "lr_p_value"):
        np.testing.assert_allclose(early[name], plain[name], rtol=1e-9)


def test_large_hazards_that_have_left_leave_no_rounding_behind():
    """Two rows of a far value are seen, and one of them fails, before all others enter: they add a constant."""
    X, time, event = _cohort(n=60, p=3)
    far = np.concatenate([np.tile([[60.0, 60.0, 2000.0]], (2, 1)), X])
    late = cox_scan(
        far,
        np.concatenate([[0.5, 0.7], time + 1]),
        np.concatenate([[True, False], event]),
        entry=np.concatenate([[0.0, 0.0], np.ones(60)]),
    )
    here = cox_scan(X, time, event)
    np.testing.assert_allclose(late["coef"], here["coef"], rtol=1e-8)
    np.testing.assert_allclose(late["standard_error"], here["standard_error"], rtol=1e-8)
