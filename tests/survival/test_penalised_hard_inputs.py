"""Hard inputs of the penalised models: each is fitted, or refused by an error that names what is wrong."""

import warnings

import numpy as np
import polars as pl
import pytest

from biolab.core.errors import ConfigError, DataError, FitError
from biolab.stats import ElasticNet, Lasso, Ridge
from biolab.survival import CoxPath, CoxPathCV, CoxPH

MODELS = {
    "CoxPH, lasso": CoxPH(Lasso(1.0)),
    "CoxPH, elastic net": CoxPH(ElasticNet(1.0, 0.5), "breslow"),
    "CoxPH, ridge": CoxPH(Ridge(1.0)),
    "CoxPath": CoxPath(n_lambdas=5),
    "CoxPathCV": CoxPathCV(n_lambdas=5, folds=2),
}
SINGLE = {name: model for name, model in MODELS.items() if name != "CoxPathCV"}


def data(n=20, p=3):
    rng = np.random.default_rng(n + p)
    return rng.normal(size=(n, p)), np.ceil(rng.exponential(9, n)) + 1, np.arange(n) % 3 > 0


def coefficients(model):
    return model.coef_path_ if isinstance(model, CoxPath) else model.coef_


def each(models):
    return pytest.mark.parametrize("model", models.values(), ids=models)


@each(MODELS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, t, e: (X[:0], t[:0], e[:0]), "0 sample|no patient|at least|0 events"),
        (lambda X, t, e: (X, t, e * 0), "None of the 20 patients|0 events"),
        (lambda X, t, e: (np.where(X[4, 1] == X, np.nan, X), t, e), r"row 4 \(counted from 0\), column 1: NaN"),
        (lambda X, t, e: (np.where(X[4, 1] == X, np.inf, X), t, e), "row 4 .*column 1: inf"),
        (lambda X, t, e: (X, np.where(np.arange(20) == 2, np.nan, t), e), "row 2"),
        (lambda X, t, e: (X, np.where(np.arange(20) == 2, np.inf, t), e), "row 2"),
        (lambda X, t, e: (X, np.where(np.arange(20) == 2, -1.0, t), e), "row 2"),
        (lambda X, t, e: (X[:-1], t, e), "X has 19 rows and y 20"),
        (lambda X, t, e: (X, t[:-1], e), "19"),
        (lambda X, t, e: (X.astype(str), t, e), "is not a number"),
        (lambda X, t, e: (X[:, :0], t, e), "0 feature"),
        (lambda X, t, e: (X[:, 0], t, e), "a matrix"),
        (lambda X, t, e: (X * 1e200, t, e), "overflow"),
        (lambda X, t, e: (X, t, e + 1), "event"),
    ],
)
def test_it_is_refused_and_named(model, change, message):
    X, time, event = change(*data())
    with pytest.raises((DataError, FitError), match=message):
        model.fit(X, (time, event))


@each(MODELS)
@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"sample_weight": -np.ones(20)}, "row 0 .*-1 is not a finite weight"),
        ({"sample_weight": np.full(20, np.nan)}, "not a finite weight"),
        ({"sample_weight": np.zeros(20)}, "zero for every patient"),
        ({"sample_weight": np.ones(3)}, "3 rows and the target 20"),
        ({"entry": np.full(20, 1e9)}, "entry, row 0"),
        ({"entry": np.full(20, np.nan)}, "entry, row 0"),
        ({"strata": [None] * 20}, "label is missing"),
        ({"strata": ["a"]}, "1 rows and the target 20"),
    ],
)
def test_what_goes_with_the_target_is_named(model, extra, message):
    X, time, event = data()
    with pytest.raises(DataError, match=message):
        model.fit(X, (time, event), **extra)


@each(SINGLE)
@pytest.mark.parametrize(
    "change",
    [
        lambda X, t, e: (X, t, np.arange(20) == 3),
        lambda X, t, e: (X, np.full(20, 5.0), e),
        lambda X, t, e: (np.hstack([X, np.random.default_rng(0).normal(size=(20, 300))]), t, e),
        lambda X, t, e: (X * [1e-8, 1, 1e8], t, e),
        lambda X, t, e: (X + np.array([0, 1e9, 0]), t, e),
        lambda X, t, e: (np.column_stack([t, X]), t, np.ones(20)),
        lambda X, t, e: (X[:2], t[:2] + np.arange(2), [1, 1]),
    ],
    ids=["one event", "all tied", "p > n", "units", "far", "separated", "two patients"],
)
def test_it_is_fitted(model, change):
    X, time, event = change(*data())
    model.fit(X, (time, event))
    assert np.isfinite(coefficients(model)).all()


@each(SINGLE)
def test_one_patient_leaves_zeros(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # its columns are constant
        model.fit([[1.0, 2.0]], ([3.0], [1]))
    assert not coefficients(model).any()


@each(MODELS)
def test_weight_zero_is_absence(model):
    X, time, event = data(40)
    weight = (np.arange(40) % 4 > 0).astype(float)
    X[weight == 0] = 1e6
    left = coefficients(model.fit(X, (time, event), sample_weight=weight)).copy()
    if isinstance(model, CoxPathCV):  # its folds are drawn from all rows
        assert np.abs(left).max() < 10
        return
    kept = weight > 0
    np.testing.assert_allclose(left, coefficients(model.fit(X[kept], (time[kept], event[kept]))), atol=1e-8)


@each(SINGLE)
def test_constant_and_equal_columns_are_named(model):
    X, time, event = data()
    frame = pl.DataFrame(X, schema=list("abc")).with_columns(one=pl.lit(2.0), again=pl.col("b"))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.fit(frame, (time, event))
    text = " ".join(str(one.message) for one in said)
    assert not coefficients(model)[..., 3].any()
    if not isinstance(model, CoxPH) or not isinstance(model.penalty, Ridge):
        assert "'one' is constant" in text
        assert ("'again' is equal" in text) == (not isinstance(getattr(model, "penalty", None), ElasticNet))


@pytest.mark.parametrize("penalty", ["lasso", 0.1, Lasso])
def test_what_is_no_penalty_is_named(penalty):
    with pytest.raises(ConfigError, match="expected None, Ridge"):
        CoxPH(penalty).fit(data()[0], data()[1:])
