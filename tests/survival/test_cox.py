import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from biolab.core.errors import ConfigError, DataError, FitError, MissingExtraError
from biolab.stats import Ridge
from biolab.survival import CoxPH, survival_target

few = settings(derandomize=True, max_examples=15, deadline=None)


def cohort(seed=0, rows=120, columns=3, *, tied=True):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    time = rng.exponential(20 * np.exp(-X[:, 0] * 0.7)) + 0.1
    time = np.ceil(time) if tied else time
    return X, (time, rng.random(rows) < 0.7)


seeds = st.integers(0, 10**6)


@few
@given(seeds, st.floats(-1e3, 1e3))
def test_shifting_a_column_changes_no_coefficient(seed, shift):
    X, y = cohort(seed)
    here, there = CoxPH().fit(X, y), CoxPH().fit(X + np.array([shift, 0, 0]), y)
    np.testing.assert_allclose(there.coef_, here.coef_, atol=1e-9)
    np.testing.assert_allclose(
        there.predict_survival_function(X[:3] + np.array([shift, 0, 0]), [5, 20]),
        here.predict_survival_function(X[:3], [5, 20]),
        atol=1e-9,
    )


@few
@given(seeds, st.floats(1e-6, 1e6))
def test_scaling_a_column_scales_its_coefficient(seed, scale):
    X, y = cohort(seed)
    here, there = CoxPH().fit(X, y), CoxPH().fit(X * [scale, 1, 1], y)
    np.testing.assert_allclose(there.coef_ * [scale, 1, 1], here.coef_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(there.standard_error_ * [scale, 1, 1], here.standard_error_, rtol=1e-8)
    np.testing.assert_allclose(there.log_likelihood_, here.log_likelihood_, rtol=1e-12)


@few
@given(seeds)
def test_the_time_scale_and_the_order_of_patients_do_not_matter(seed):
    X, (time, event) = cohort(seed)
    order = np.random.default_rng(seed).permutation(len(X))
    here, there = CoxPH().fit(X, (time, event)), CoxPH().fit(X[order], (np.log1p(time[order]), event[order]))
    np.testing.assert_allclose(there.coef_, here.coef_, atol=1e-10)


@few
@given(seeds)
def test_a_weight_of_two_is_a_patient_twice_with_breslow_ties(seed):
    """Efron's weighted denominators take off shares of tied events by rank, which copies would change (as in R)."""
    X, (time, event) = cohort(seed)
    weight = np.arange(len(X)) % 3
    weighted = CoxPH(ties="breslow").fit(X, (time, event), sample_weight=weight)
    copies = CoxPH(ties="breslow").fit(
        np.repeat(X, weight, axis=0), (np.repeat(time, weight), np.repeat(event, weight))
    )
    np.testing.assert_allclose(weighted.coef_, copies.coef_, atol=1e-10)
    np.testing.assert_allclose(weighted.standard_error_, copies.standard_error_, rtol=1e-10)
    np.testing.assert_allclose(weighted.log_likelihood_, copies.log_likelihood_, rtol=1e-12)


def test_common_weights_change_only_the_standard_error():
    X, y = cohort()
    here, there = CoxPH().fit(X, y), CoxPH().fit(X, y, sample_weight=np.full(len(X), 4.0))
    np.testing.assert_allclose(there.coef_, here.coef_, atol=1e-10)
    np.testing.assert_allclose(there.standard_error_, here.standard_error_ / 2, rtol=1e-9)


@few
@given(seeds)
def test_entry_at_zero_and_one_stratum_are_nothing_special(seed):
    X, y = cohort(seed)
    plain = CoxPH().fit(X, y)
    dressed = CoxPH().fit(X, y, entry=np.zeros(len(X)), strata=np.full(len(X), "all"))
    np.testing.assert_allclose(dressed.coef_, plain.coef_, atol=1e-12)
    np.testing.assert_allclose(dressed.baseline_hazard_["all"].values, plain.baseline_hazard_[None].values, rtol=1e-10)


@few
@given(seeds)
def test_splitting_follow_up_into_episodes_changes_nothing(seed):
    """A patient at risk in (0, t] is the same as one in (0, c] without event and one in (c, t]."""
    X, (time, event) = cohort(seed)
    cut = time / 2
    split = CoxPH().fit(
        np.vstack([X, X]),
        (np.concatenate([cut, time]), np.concatenate([np.zeros(len(X)), event])),
        entry=np.concatenate([np.zeros(len(X)), cut]),
    )
    np.testing.assert_allclose(split.coef_, CoxPH().fit(X, (time, event)).coef_, atol=1e-10)


@few
@given(seeds, st.floats(0.01, 1e4))
def test_the_ridge_gradient_vanishes_and_shrinks(seed, strength):
    X, y = cohort(seed)
    model, free = CoxPH(Ridge(strength)).fit(X, y), CoxPH().fit(X, y)
    near = [CoxPH(Ridge(strength * factor)).fit(X, y) for factor in (0.5, 2)]
    assert np.linalg.norm(near[1].coef_) < np.linalg.norm(model.coef_) < np.linalg.norm(near[0].coef_)
    assert model.log_likelihood_ <= free.log_likelihood_ + 1e-9
    assert 0 < model.degrees_of_freedom_ < free.degrees_of_freedom_ == pytest.approx(3)


def test_coverage_of_the_intervals():
    """True log hazard ratio 0.7; 120 cohorts, so 95 % coverage is within 0.88 and 1 but for 1 in 1,000 series."""
    inside = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(100, 1))
        time, censoring = rng.exponential(np.exp(-0.7 * X[:, 0])), rng.exponential(2, 100)
        model = CoxPH().fit(X, (np.minimum(time, censoring), time <= censoring))
        inside.append(abs(model.coef_[0] - 0.7) < 1.96 * model.standard_error_[0])
    assert np.mean(inside) >= 0.88


def test_every_frame_gives_the_same_fit_with_names():
    X, y = cohort()
    target = survival_target(y)
    names = ["age", "nodes", "grade"]
    frames = [pl.DataFrame(X, schema=names), pd.DataFrame(X, columns=names)]
    fits = [CoxPH().fit(frame, target.structured()) for frame in frames] + [CoxPH().fit(torch.tensor(X), target)]
    for model in fits:
        np.testing.assert_array_equal(model.coef_, CoxPH().fit(X, y).coef_)
    assert list(fits[0].feature_names_in_) == list(fits[1].feature_names_in_) == names
    assert fits[0].summary()["term"].to_list() == names
    assert fits[2].summary()["term"].to_list() == ["x0", "x1", "x2"]
    np.testing.assert_allclose(fits[0].predict(frames[0]), X @ fits[0].coef_)


def test_clone_pickle_and_summary():
    X, y = cohort()
    model = CoxPH(Ridge(2.0), ties="breslow").fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_survival_function(X, [3]), model.predict_survival_function(X, [3]))
    assert clone(model).penalty == Ridge(2.0)
    assert not hasattr(clone(model), "coef_")
    row = model.summary(confidence=0.9).row(0, named=True)
    assert row["lower"] < row["hazard_ratio"] < row["upper"]
    assert list(row) == ["term", "coefficient", "standard_error", "z", "p_value", "hazard_ratio", "lower", "upper"]
    assert "events" in model._repr_html_()
    assert "CoxPH" in CoxPH()._repr_html_()


def test_prediction_starts_at_one_and_falls():
    X, y = cohort()
    strata = np.arange(len(X)) % 2
    model = CoxPH().fit(X, y, strata=strata)
    curve = model.predict_survival_function(X, [0, 1, 5, 20, 1e9], strata=strata)
    assert curve.shape == (len(X), 5)
    assert (curve[:, 0] == 1).all()
    assert (np.diff(curve) <= 0).all()
    np.testing.assert_allclose(np.exp(-model.predict_cumulative_hazard(X, 5.0, strata=strata))[:, 0], curve[:, 2])
    baseline = model.baseline_hazard_[1]
    expected = baseline([5.0]) * np.exp(model.predict(X[1:2]))
    np.testing.assert_allclose(model.predict_cumulative_hazard(X[1:2], [5], strata=[1])[0], expected)
    assert model.predict_survival_function(X[:0], [1, 2], strata=[]).shape == (0, 2)


def test_one_binary_column_against_the_nelson_aalen_limit():
    """With no effect the Breslow baseline at x = 0 is the Nelson-Aalen estimate."""
    time = np.array([1.0, 1, 2, 2, 3, 3])
    model = CoxPH(ties="breslow").fit(np.array([[0.0], [1], [0], [1], [0], [1]]), (time, np.ones(6)))
    np.testing.assert_allclose(model.coef_, 0, atol=1e-12)
    np.testing.assert_allclose(model.baseline_hazard_[None]([1, 2, 3]), [1 / 3, 1 / 3 + 1 / 2, 1 / 3 + 1 / 2 + 1])


def test_widely_spread_columns_fit():
    X, y = cohort(tied=False)
    X[0, 0] = 1e4
    model = CoxPH().fit(X, y)
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.log_likelihood_)


# --- what cannot be fitted, and says so ---


def _constant(X):
    X[:, 1] = 3.3


def _duplicate(X):
    X[:, 2] = 2 * X[:, 0] + 1


def _separating(X):
    X[:, 1] = -np.argsort(np.argsort(cohort(tied=False)[1][0]))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_constant, "Column 'nodes' never varies"),
        (_duplicate, "Columns 'age', 'grade' are linearly dependent"),
        (_separating, r"coefficient of Column 'nodes' grows.*separation"),
    ],
)
def test_columns_at_fault_are_named(spoil, message):
    X, y = cohort(tied=False)
    spoil(X)
    frame = pl.DataFrame(X, schema=["age", "nodes", "grade"])
    with pytest.raises(FitError, match=message):
        CoxPH().fit(frame, y)
    assert np.isfinite(CoxPH(Ridge(0.5)).fit(frame, y).coef_).all()


def test_a_group_without_events_is_separation():
    X, (time, event) = cohort()
    X[:, 2] = ~event
    with pytest.raises(FitError, match=r"'x2'.*separation"):
        CoxPH().fit(X, (time, event))


def test_a_column_constant_within_every_stratum_is_named():
    X, y = cohort()
    strata = np.arange(len(X)) % 2
    X[:, 2] = strata
    with pytest.raises(FitError, match="'x2' never varies"):
        CoxPH().fit(X, y, strata=strata)


def test_more_columns_than_events():
    rng = np.random.default_rng(0)
    with pytest.raises(FitError, match=r"12 columns and only .* events"):
        CoxPH().fit(rng.normal(size=(10, 12)), (np.arange(1.0, 11), np.ones(10)))


def test_too_few_iterations_warn():
    X, y = cohort()
    with pytest.warns(ConvergenceWarning, match="did not converge in 1 iterations"):
        CoxPH(max_iterations=1).fit(X, y)


X3 = np.array([[1.0], [2.0], [3.0]])
Y3 = ([1.0, 2.0, 3.0], [1, 1, 0])


@pytest.mark.parametrize(
    ("X", "y", "given", "error", "message"),
    [
        (X3, ([1.0, 2, 3], [0, 0, 0]), {}, FitError, "None of the 3 patients had the event"),
        (X3, Y3, {"sample_weight": [0, 0, 0]}, DataError, "zero for every patient"),
        (X3[:0], ([], []), {}, DataError, "0 sample"),
        (X3[:2], Y3, {}, DataError, "X has 2 rows and y 3"),
        (X3[:, :0], Y3, {}, DataError, r"0 feature\(s\)"),
        (X3[:, 0], Y3, {}, DataError, r"shape \(3,\)"),
        (np.where(X3 == 2, np.nan, X3), Y3, {}, DataError, "row 1 .*column 0: NaN"),
        (np.where(X3 == 2, -np.inf, X3), Y3, {}, DataError, "row 1 .*-inf"),
        (pl.DataFrame({"age": [1.0, None, 3]}), Y3, {}, DataError, "row 1 .*'age': NaN"),
        (pl.DataFrame({"grade": ["I", "II", "III"]}), Y3, {}, DataError, "row 0 .*'grade': 'I' is not a number"),
        (pl.LazyFrame({"age": [1.0]}), Y3, {}, DataError, "collect"),
        (X3 * 1e200, Y3, {}, DataError, "overflow"),
        (X3, Y3, {"entry": [0, 2, 0]}, DataError, "entry, row 1"),
        (X3, Y3, {"sample_weight": [1, -1, 1]}, DataError, "sample_weight, row 1"),
        (X3, None, {}, DataError, "requires y"),
    ],
)
def test_bad_input_is_named(X, y, given, error, message):
    with pytest.raises(error, match=message):
        CoxPH().fit(X, y, **given)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ties": "exact"}, "ties is 'exact'"),
        ({"penalty": 0.1}, "expected None, Ridge"),
        ({"device": "gpu"}, "device is 'gpu'"),
        ({"max_iterations": 0}, "max_iterations is 0"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        CoxPH(**settings).fit(X3, Y3)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_device_is_said():
    with pytest.raises(MissingExtraError, match="no CUDA device"):
        CoxPH(device="cuda").fit(X3, Y3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu():
    X, y = cohort()
    np.testing.assert_allclose(CoxPH(device="cuda").fit(X, y).coef_, CoxPH().fit(X, y).coef_, rtol=1e-10)


def test_prediction_refuses_what_the_fit_does_not_know():
    X, y = cohort()
    with pytest.raises(NotFittedError):
        CoxPH().predict(X)
    model = CoxPH().fit(X, y, strata=np.where(X[:, 0] > 0, "high", "low"))
    with pytest.raises(DataError, match="fitted with strata high, low"):
        model.predict_survival_function(X, [1])
    with pytest.raises(DataError, match=r"'hgh' was not in the fit.*'high'"):
        model.predict_survival_function(X[:1], [1], strata=["hgh"])
    with pytest.raises(DataError, match="without strata"):
        CoxPH().fit(X, y).predict_survival_function(X[:1], [1], strata=["high"])
    with pytest.raises(DataError, match="times must be"):
        CoxPH().fit(X, y).predict_survival_function(X[:1], [np.nan])
    with pytest.raises(ValueError, match="features"):
        model.predict(X[:, :2])
