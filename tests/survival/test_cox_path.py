import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from biolab.core.errors import ConfigError, DataError, FitError
from biolab.stats import Ridge
from biolab.survival import CoxPath, CoxPH
from biolab.survival.follow_up import follow_up
from biolab.survival.partial_likelihood import PartialLikelihood, risk_sets


def cohort(seed=0, rows=80, columns=6, effect=0.7):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns)) * rng.uniform(0.1, 20, columns) + rng.normal(size=columns)
    time = np.ceil(rng.exponential(20 * np.exp(-effect * (X[:, 0] - X[:, 0].mean()) / X[:, 0].std())))
    return X, (time, rng.random(rows) < 0.7)


def assert_optimal(path, X, y, weight=None, *, tolerance=1e-6, **more):
    """The conditions of Karush, Kuhn and Tucker hold at every lambda, by an independent gradient."""
    weight = np.ones(len(X)) if weight is None else weight
    scale = np.sqrt(np.average((X - np.average(X, axis=0, weights=weight)) ** 2, axis=0, weights=weight))
    factors = np.ones(X.shape[1]) if path.penalty_factors is None else np.array(path.penalty_factors, dtype=float)
    factors = factors / factors.mean()
    unit = scale if path.standardise else np.ones_like(scale)
    likelihood = PartialLikelihood(X / scale, risk_sets(follow_up(y, weight=weight, **more), ties=path.ties))
    for strength, coef in zip(path.lambdas_, path.coef_path_, strict=True):
        gradient = likelihood.evaluate(coef * scale).gradient * scale / unit / weight.sum()
        beta = coef * unit
        gradient = gradient + strength * (1 - path.l1_ratio) * factors * beta
        bound = strength * path.l1_ratio * factors
        at_zero = beta == 0
        slack = tolerance * scale / unit
        assert (np.abs(gradient[at_zero]) <= (bound + slack)[at_zero]).all()
        off = gradient + bound * np.sign(beta)
        assert (np.abs(off[~at_zero]) <= slack[~at_zero]).all()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    columns=st.sampled_from([2, 9, 60]),
    l1_ratio=st.sampled_from([1.0, 0.6, 0.05]),
    ties=st.sampled_from(["breslow", "efron"]),
    standardise=st.booleans(),
    weighted=st.booleans(),
)
def test_optimality_conditions_hold_along_the_path(seed, columns, l1_ratio, ties, standardise, weighted):
    X, y = cohort(seed, rows=40, columns=columns)
    weight = 0.5 + np.arange(40) % 3 if weighted else None
    path = CoxPath(l1_ratio, n_lambdas=8, lambda_min_ratio=0.05, ties=ties, standardise=standardise)
    assert_optimal(path.fit(X, y, sample_weight=weight), X, y, weight)


def test_optimality_with_factors_and_free_columns():
    X, y = cohort(3, columns=12)
    path = CoxPath(n_lambdas=20, penalty_factors=[0, *[1, 2, 0.5] * 3, 0, 4]).fit(X, y)
    assert_optimal(path, X, y)
    assert (path.coef_path_[:, [0, 10]] != 0).all()
    assert (path.coef_path_[0, 1:10] == 0).all()


@pytest.mark.slow  # late entry has kernels of its own, long to compile
@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    ties=st.sampled_from(["breslow", "efron"]),
    columns=st.sampled_from([4, 70]),
    weighted=st.booleans(),
    stratified=st.booleans(),
)
def test_optimality_with_strata_and_late_entry(seed, ties, columns, weighted, stratified):
    X, (time, event) = cohort(seed, rows=60, columns=columns)
    more = {"entry": np.floor(time * (np.arange(60) % 7) / 8), "strata": np.arange(60) % 3 if stratified else None}
    weight = 0.5 + np.arange(60) % 3 if weighted else None
    path = CoxPath(0.8, n_lambdas=6, lambda_min_ratio=0.05, ties=ties, unpenalised=(2,))
    path.fit(X, (time, event), sample_weight=weight, **more)
    path.penalty_factors = np.where(np.arange(columns) == 2, 0.0, 1.0)
    assert_optimal(path, X, (time, event), weight, **more)


def test_strata_of_apart_cohorts_add_up():
    X, (time, event) = cohort(21, columns=30)
    strata = np.repeat(["near", "far"], 40)
    shifted = time + np.where(strata == "far", 1000.0, 0.0)
    one, two = (CoxPath(n_lambdas=8).fit(X, (t, event), strata=strata) for t in (time, shifted))
    np.testing.assert_allclose(one.coef_path_, two.coef_path_, atol=1e-8)


def test_unpenalised_columns_by_name():
    X, y = cohort(22)
    frame = pl.DataFrame(X, schema=list("abcdef"))
    named = CoxPath(n_lambdas=5, unpenalised=("c", "e")).fit(frame, y)
    by_factor = CoxPath(n_lambdas=5, penalty_factors=[1, 1, 0, 1, 0, 1]).fit(frame, y)
    np.testing.assert_array_equal(named.coef_path_, by_factor.coef_path_)
    with pytest.raises(ConfigError, match="no column 'g' to leave unpenalised"):
        CoxPath(unpenalised=("g",)).fit(frame, y)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000))
def test_all_are_zero_at_the_first_lambda_and_not_below(seed):
    X, y = cohort(seed, columns=30)
    path = CoxPath(n_lambdas=10).fit(X, y)
    assert path.degrees_of_freedom_[0] == 0
    assert path.degrees_of_freedom_[1] > 0
    higher = CoxPath(lambdas=[path.lambdas_[0] * factor for factor in (0.999, 1.001, 3)]).fit(X, y)
    assert higher.degrees_of_freedom_.tolist() == [0, 0, 1]


def test_the_likelihood_rises_along_the_path():
    X, y = cohort(5, columns=100)
    path = CoxPath(n_lambdas=30).fit(X, y)
    assert (np.diff(path.log_likelihood_path_) > 0).all()


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_ridge_is_coxph(ties):
    X, y = cohort(7)
    path = CoxPath(0.0, lambdas=[0.01, 0.3], standardise=False, ties=ties).fit(X, y)
    for strength, coef in zip(path.lambdas_, path.coef_path_, strict=True):
        np.testing.assert_allclose(coef, CoxPH(Ridge(80 * strength), ties).fit(X, y).coef_, rtol=1e-6)


def test_ridge_with_more_columns_than_patients_is_optimal():
    X, y = cohort(8, rows=30, columns=500)
    assert_optimal(CoxPath(0.0, n_lambdas=4).fit(X, y), X, y)


def test_a_ridge_by_rows_is_the_ridge_by_columns(monkeypatch):
    X, y = cohort(8, rows=30, columns=50)
    by_columns = CoxPath(0.0, n_lambdas=4).fit(X, y)
    monkeypatch.setattr("biolab.survival.local_quadratic._FORMED", 40)
    by_rows = CoxPath(0.0, n_lambdas=4).fit(X, y)
    np.testing.assert_allclose(by_rows.coef_path_, by_columns.coef_path_, rtol=1e-6, atol=1e-10)
    monkeypatch.setattr("biolab.survival.local_quadratic._FORMED", 5)
    swept = CoxPath(0.3, n_lambdas=4).fit(X, y)
    monkeypatch.undo()
    pivoted = CoxPath(0.3, n_lambdas=4).fit(X, y)
    np.testing.assert_allclose(swept.coef_path_, pivoted.coef_path_, atol=1e-6)


def test_no_penalty_is_coxph():
    X, y = cohort(9)
    path = CoxPath(lambdas=[0.0]).fit(X, y)
    plain = CoxPH(ties="breslow").fit(X, y)
    np.testing.assert_allclose(path.coef_path_[0], plain.coef_, rtol=1e-5, atol=1e-8)
    assert path.log_likelihood_path_[0] == pytest.approx(plain.log_likelihood_)


def test_units_do_not_matter():
    X, y = cohort(10)
    units = np.array([1e-6, 1e6, 1, 3, 10, 0.1])
    plain, other = (CoxPath(0.8, n_lambdas=10).fit(design, y) for design in (X, X * units + 5))
    np.testing.assert_allclose(other.coef_path_ * units, plain.coef_path_, rtol=1e-5, atol=1e-9)


def test_weights_are_copies():
    X, (time, event) = cohort(11)
    weight = np.arange(80) % 3
    rows = np.repeat(np.arange(80), weight)
    one = CoxPath(n_lambdas=10).fit(X, (time, event), sample_weight=weight)
    two = CoxPath(n_lambdas=10).fit(X[rows], (time[rows], event[rows]))
    np.testing.assert_allclose(one.coef_path_, two.coef_path_, rtol=1e-5, atol=1e-9)


def test_constant_and_equal_columns_are_named():
    X, y = cohort(12)
    frame = pl.DataFrame(X, schema=list("abcdef")).with_columns(one=pl.lit(1.0), again=pl.col("a"))
    with pytest.warns(UserWarning, match="Column") as said:
        path = CoxPath(n_lambdas=10).fit(frame, y)
    assert "Column 'one' is constant" in str(said[0].message)
    assert "Column 'again' is equal to another" in str(said[1].message)
    assert not path.coef_path_[:, 6:].any()
    assert (path.coef_path_[1:, 0] != 0).all()


def test_equal_columns_share_under_the_elastic_net():
    X, y = cohort(13)
    path = CoxPath(0.5, n_lambdas=10).fit(np.column_stack([X, X[:, 0]]), y)
    np.testing.assert_allclose(path.coef_path_[:, 0], path.coef_path_[:, 6], rtol=1e-4, atol=1e-8)


def test_columns_that_separate_are_held_by_the_penalty():
    X, (time, event) = cohort(14)
    path = CoxPath(n_lambdas=50).fit(np.column_stack([-time, X]), (time, event))
    assert np.isfinite(path.coef_path_).all()
    assert path.coef_path_[1, 0] > 0


def test_free_columns_that_separate_do_not_raise():
    X, (time, event) = cohort(15)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        path = CoxPath(n_lambdas=3, penalty_factors=[0, *[1] * 6]).fit(np.column_stack([-time, X]), (time, event))
    assert np.isfinite(path.coef_path_).all()


def test_nothing_but_constants_is_a_path_of_zeros():
    with pytest.warns(UserWarning, match="Columns 'x0', 'x1' are constant"):
        path = CoxPath(n_lambdas=3).fit(np.ones((5, 2)), (np.arange(1.0, 6), np.ones(5)))
    assert not path.coef_path_.any()


def test_one_event_and_far_values():
    X, (time, _) = cohort(16, columns=40)
    event = time == time.min()
    path = CoxPath(n_lambdas=20).fit(X + 1e6, (time, event))
    assert np.isfinite(path.coef_path_).all()


def test_predictions_and_their_lambda():
    X, y = cohort(17)
    path = CoxPath(n_lambdas=5).fit(X, y)
    np.testing.assert_allclose(path.predict(X, path.lambdas_[2]), X @ path.coef_path_[2])
    assert path.predict(X).shape == (80, 5)
    with pytest.raises(ConfigError, match="not on the path, whose nearest"):
        path.predict(X, path.lambdas_[2] * 1.1)
    assert clone(path).n_lambdas == 5


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"l1_ratio": 1.5}, "l1_ratio is 1.5"),
        ({"n_lambdas": 0}, "at least 1"),
        ({"lambda_min_ratio": 2.0}, "strictly between"),
        ({"lambdas": [-1.0]}, "lambdas are"),
        ({"penalty_factors": [1.0]}, "1 penalty_factors for 6 columns"),
        ({"penalty_factors": [0.0] * 6}, "nothing is penalised"),
        ({"ties": "exact"}, "ties is 'exact'"),
    ],
)
def test_bad_settings_are_named(chosen, message):
    with pytest.raises(ConfigError, match=message):
        CoxPath(**chosen).fit(*cohort())


def test_no_event_is_said():
    X, (time, event) = cohort()
    with pytest.raises(FitError, match="None of the 80 patients"):
        CoxPath().fit(X, (time, np.zeros_like(event)))


@pytest.mark.parametrize("ties", ["breslow", "efron"])
@pytest.mark.parametrize("late", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_curves_at_a_lambda_are_those_of_the_same_ridge_as_coxph(ties, late):
    X, (time, event) = cohort(30)
    strata, entry = np.arange(80) % 3, np.floor(time * (np.arange(80) % 7) / 8) if late else None
    path = CoxPath(0.0, lambdas=[0.01, 0.3], standardise=False, ties=ties)
    path.fit(X, (time, event), strata=strata, entry=entry)
    for strength in path.lambdas_:
        same = CoxPH(Ridge(80 * strength), ties).fit(X, (time, event), strata=strata, entry=entry)
        found = path.predict_survival_function(X, [3, 10, 40], strength, strata)
        np.testing.assert_allclose(found, same.predict_survival_function(X, [3, 10, 40], strata), atol=1e-6)
        for label, hazard in same.baseline_hazard_.items():
            np.testing.assert_array_equal(path.baseline_hazard_at(strength)[label].times, hazard.times)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), weighted=st.booleans(), stratified=st.booleans())
def test_expected_events_are_the_observed_at_every_lambda(seed, weighted, stratified):
    """Breslow's hazards give every stratum as many events as it had, whatever the coefficients."""
    X, (time, event) = cohort(seed, columns=100)
    weight = 0.5 + np.arange(80) % 3 if weighted else np.ones(80)
    strata = np.arange(80) % 2 if stratified else None
    path = CoxPath(n_lambdas=6).fit(X, (time, event), sample_weight=weight, strata=strata)
    for strength in path.lambdas_:
        expected = np.diag(path.predict_cumulative_hazard(X, time, strength, strata))
        groups = np.zeros(80) if strata is None else strata
        for group in np.unique(groups):
            here = groups == group
            assert weight[here] @ expected[here] == pytest.approx(weight[here] @ event[here], rel=1e-9)


def test_curves_refuse_strata_and_lambdas_that_are_not_there():
    X, y = cohort(31)
    path = CoxPath(n_lambdas=3).fit(X, y, strata=np.repeat(["north", "south"], 40))
    with pytest.raises(DataError, match="fitted with strata north, south"):
        path.predict_survival_function(X, [5], path.lambdas_[1])
    with pytest.raises(DataError, match="Stratum 'west' was not in the fit"):
        path.predict_survival_function(X[:1], [5], path.lambdas_[1], ["west"])
    with pytest.raises(ConfigError, match="not on the path"):
        path.predict_survival_function(X[:1], [5], 123.0, ["north"])
