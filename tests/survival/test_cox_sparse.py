"""CoxPH with a lasso or an elastic net: optimal, equal to the path, and clear about what it does not give."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from biolab.core.errors import ConfigError, FitError
from biolab.stats import ElasticNet, Lasso, Ridge
from biolab.survival import CoxPath, CoxPH, residuals
from biolab.survival.follow_up import follow_up
from biolab.survival.partial_likelihood import PartialLikelihood, risk_sets


def cohort(seed=0, rows=80, columns=6, effect=0.7):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    time = np.ceil(rng.exponential(20 * np.exp(-effect * X[:, 0]))) + 1
    return X, (time, rng.random(rows) < 0.7)


def assert_optimal(model, net, X, y, **given_):
    """The conditions of Karush, Kuhn and Tucker, by the gradient of an independent likelihood."""
    cases = follow_up(y, strata=given_.get("strata"), weight=given_.get("sample_weight"), entry=given_.get("entry"))
    gradient = PartialLikelihood(X, risk_sets(cases, ties=model.ties)).evaluate(model.coef_).gradient
    factors = net.column_factors([], X.shape[1])
    gradient = gradient + net.strength * (1 - net.l1_ratio) * factors * model.coef_
    bound = net.strength * net.l1_ratio * factors
    zero = model.coef_ == 0
    assert (np.abs(gradient[zero]) <= bound[zero] + 1e-6).all()
    np.testing.assert_allclose(gradient[~zero], -(bound * np.sign(model.coef_))[~zero], atol=1e-5)


CHOICES = {
    "seed": st.integers(0, 1000),
    "columns": st.sampled_from([3, 9, 120]),
    "l1_ratio": st.sampled_from([1.0, 0.4]),
    "ties": st.sampled_from(["breslow", "efron"]),
    "adaptive": st.booleans(),
}


def fit_and_check(seed, columns, l1_ratio, ties, extra, adaptive):
    X, (time, event) = cohort(seed, rows=60, columns=columns)
    choices = {
        "strata": np.arange(60) % 3,
        "sample_weight": 0.5 + np.arange(60) % 4,
        "entry": np.floor(time * (np.arange(60) % 5) / 6),
    }
    chosen = {name: choices[name] for name in extra}
    factors = tuple(0.5 + np.arange(columns) % 3) if adaptive else None
    net = ElasticNet(3.0, l1_ratio, factors, unpenalised=(1,))
    model = CoxPH(net, ties).fit(X, (time, event), **chosen)
    assert_optimal(model, net, X, (time, event), **chosen)
    assert model.coef_[1] != 0


@settings(max_examples=12, deadline=None, derandomize=True)
@given(**CHOICES, extra=st.sets(st.sampled_from(["strata", "sample_weight"])))
def test_optimality_conditions_hold(seed, columns, l1_ratio, ties, extra, adaptive):
    fit_and_check(seed, columns, l1_ratio, ties, extra, adaptive)


@pytest.mark.slow  # late entry has kernels of its own, long to compile
@settings(max_examples=12, deadline=None, derandomize=True)
@given(**CHOICES, extra=st.sets(st.sampled_from(["strata", "sample_weight"])))
def test_optimality_conditions_hold_with_late_entry(seed, columns, l1_ratio, ties, extra, adaptive):
    fit_and_check(seed, columns, l1_ratio, ties, extra | {"entry"}, adaptive)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({}, id=""),
        pytest.param({"strata": np.arange(80) % 2}, id="strata"),
        pytest.param({"entry": np.arange(80) / 80}, id="entry", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_equal_to_the_path_at_the_same_lambda(l1_ratio, extra):
    X, y = cohort(2, columns=30)
    path = CoxPath(l1_ratio, n_lambdas=6, standardise=False, ties="efron").fit(X, y, **extra)
    for strength, coef in zip(path.lambdas_, path.coef_path_, strict=True):
        model = CoxPH(ElasticNet(80 * strength, l1_ratio)).fit(X, y, **extra)
        np.testing.assert_allclose(model.coef_, coef, atol=1e-7)


@pytest.mark.slow
def test_entry_at_zero_is_no_entry():
    X, (time, event) = cohort(3, columns=40)
    plain, late = (CoxPath(n_lambdas=8).fit(X, (time, event), entry=entry) for entry in (None, np.zeros(80)))
    np.testing.assert_allclose(plain.coef_path_, late.coef_path_, atol=1e-8)


def test_the_lasso_is_an_elastic_net_and_no_lasso_a_ridge():
    X, y = cohort(4)
    np.testing.assert_array_equal(CoxPH(Lasso(2.0)).fit(X, y).coef_, CoxPH(ElasticNet(2.0, 1.0)).fit(X, y).coef_)
    ridge = CoxPH(ElasticNet(2.0, 0.0)).fit(X, y)
    np.testing.assert_allclose(ridge.coef_, CoxPH(Ridge(2.0)).fit(X, y).coef_, rtol=1e-10)
    assert np.isfinite(ridge.standard_error_).all()
    np.testing.assert_allclose(CoxPH(Lasso(0.0)).fit(X, y).coef_, CoxPH().fit(X, y).coef_, rtol=1e-9)


def test_columns_are_named_and_zero_ones_listed():
    X, y = cohort(5)
    frame = pl.DataFrame(X, schema=list("abcdef"))
    model = CoxPH(Lasso(1e3, unpenalised=("c",))).fit(frame, y)
    assert model.zero_columns_ == list("abdef")
    np.testing.assert_allclose(model.coef_[2], CoxPH().fit(frame.select("c"), y).coef_[0], rtol=1e-6)
    with pytest.raises(ConfigError, match="no column 'agee' to leave unpenalised"):
        CoxPH(Lasso(1.0, unpenalised=("agee",))).fit(frame, y)
    with pytest.raises(ConfigError, match="no column 9 to leave unpenalised: 6 are counted from 0"):
        CoxPH(Lasso(1.0, unpenalised=(9,))).fit(frame, y)
    with pytest.raises(ConfigError, match="2 factors for 6 coefficients"):
        CoxPH(Lasso(1.0, (1.0, 2.0))).fit(frame, y)
    assert clone(model).penalty == model.penalty


def test_there_are_no_standard_errors_and_it_is_said_why():
    X, y = cohort(6)
    model = CoxPH(Lasso(3.0)).fit(X, y)
    assert np.isnan(model.standard_error_).all()
    assert model.covariance_ is None
    assert model.summary()["p_value"].null_count() == 6
    assert model.summary()["coefficient"].null_count() == 0
    for asked in ({"robust": True}, {"cluster": np.arange(80)}):
        with pytest.raises(ConfigError, match="columns were chosen on the same data"):
            CoxPH(Lasso(3.0)).fit(X, y, **asked)
    with pytest.raises(ConfigError, match="dfbeta residuals need the covariance"):
        residuals(model, X, y, kind="dfbeta")
    assert residuals(model, X, y).sum() == pytest.approx(0, abs=1e-8)


def test_predictions_and_baseline_are_those_of_the_coefficients():
    X, y = cohort(7, columns=200)
    model = CoxPH(Lasso(8.0), ties="breslow").fit(X, y)
    used = np.flatnonzero(model.coef_)
    np.testing.assert_allclose(model.predict(X), X[:, used] @ model.coef_[used])
    expected = model.predict_cumulative_hazard(X, y[0])[np.arange(80), np.arange(80)]
    assert expected.sum() == pytest.approx(y[1].sum())
    assert model.degrees_of_freedom_ == pytest.approx(used.size)
    assert len(model.zero_columns_) == 200 - used.size


def test_a_penalty_that_takes_all_leaves_the_null_model():
    X, y = cohort(8)
    model = CoxPH(Lasso(1e6)).fit(X, y)
    assert not model.coef_.any()
    assert model.degrees_of_freedom_ == 0
    assert model.log_likelihood_ == pytest.approx(model.null_log_likelihood_)


def test_free_columns_at_fault_are_named():
    X, (time, event) = cohort(9)
    frame = pl.DataFrame(X, schema=list("abcdef")).with_columns(
        one=pl.lit(1.0), again=pl.col("a"), order=-pl.Series(time)
    )
    for free, message in [
        (("one",), "'one' never varies"),
        (("a", "again"), "'a', 'again' are linearly dependent"),
        (("order",), "'order' grows"),
    ]:
        with pytest.raises(FitError, match=message):
            CoxPH(Lasso(5.0, unpenalised=free)).fit(frame, (time, event))


def test_penalised_columns_at_fault_are_named_and_stay_zero():
    X, (time, event) = cohort(9)
    frame = pl.DataFrame(X, schema=list("abcdef")).with_columns(one=pl.lit(1.0), again=pl.col("a"))
    with pytest.warns(UserWarning, match="'one' is constant|'again' is equal"):
        model = CoxPH(Lasso(1.0)).fit(frame, (time, event))
    assert {"one", "again"} <= set(model.zero_columns_)
