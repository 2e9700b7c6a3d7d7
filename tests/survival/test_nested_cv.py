"""Nested cross-validation: leakage is caught, choices are made on training patients, predictions are out of fold."""

import json

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from biolab.core import AbstractResult, ConfigError, DataError
from biolab.data import Codebook
from biolab.stats import Ridge
from biolab.survival import CoxPH, CoxPHCV, Design, RiskModel, SelectByScan, Term, harrell_c, nested_cv

TIMES = np.array([6.0, 12.0, 24.0])
ASKED = {"horizons": TIMES[1:2], "grid": TIMES, "replicates": 20, "seed": 3}


def _cohort(n, p, seed, effect=1.0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, p))
    failed, left = generator.exponential(30 * np.exp(-effect * X[:, 0])), generator.uniform(25.0, 150.0, n)
    return X, (np.minimum(failed, left) + 1e-9, failed <= left)


class Recorder(BaseEstimator):
    """A model that remembers, outside of itself, which patients it was fitted on and which it was asked for."""

    def __init__(self, log):
        self.log = log

    def __deepcopy__(self, memo):
        return self

    def __sklearn_clone__(self):
        return Recorder(self.log)

    def fit(self, X, y):
        self.seen_ = set(X[:, 0].tolist())
        return self

    def predict(self, X):
        return X[:, 0]

    def predict_survival_function(self, X, times):
        self.log.append((self.seen_, set(X[:, 0].tolist())))
        return np.tile(np.linspace(0.9, 0.5, len(times)), (len(X), 1))


@pytest.mark.slow  # a scan takes most of a minute to compile in a fresh clone
def test_planted_leakage_is_caught():
    """On pure noise the honest pipeline is at chance; selection on all patients beforehand looks like a discovery."""
    honest, leaking = [], []
    for seed in range(4):
        X, y = _cohort(150, 2000, seed, effect=0.0)
        ridge = CoxPH(penalty=Ridge(5.0))
        whole = nested_cv(make_pipeline(SelectByScan(k=10), ridge), X, y, **ASKED)
        chosen = SelectByScan(k=10).fit_transform(X, y)
        leak = nested_cv(ridge, chosen, y, **ASKED)
        honest.append(whole.metrics["harrell_c.mean_within_folds"])
        leaking.append(leak.metrics["harrell_c.mean_within_folds"])
        assert leak.metrics["harrell_c.lower"] > 0.55  # the interval is no protection
    # the mean of four has a standard error near .015: outside .5 +- .07 by chance in under 1 of 1e5
    assert abs(np.mean(honest) - 0.5) < 0.07
    assert min(leaking) > 0.65


def test_every_patient_is_predicted_once_by_models_that_never_saw_them():
    X, y = _cohort(100, 2, 1)
    log = []
    found = nested_cv(Recorder(log), X, y, **ASKED)
    assert len(log) == 5
    assert all(not seen & asked for seen, asked in log)
    assert sorted(value for _, asked in log for value in asked) == sorted(X[:, 0].tolist())
    assert found.table()["patients"].sum() == 100
    assert np.bincount(found.fold).tolist() == found.table()["patients"].to_list()


def test_prediction_is_that_of_each_fold():
    X, y = _cohort(120, 3, 2)
    found = nested_cv(CoxPH(), X, y, **ASKED)
    for number, row in enumerate(found.table().iter_rows(named=True)):
        held = found.fold == number
        model = CoxPH().fit(X[~held], (y[0][~held], y[1][~held]))
        np.testing.assert_allclose(
            found.prediction.survival[held], model.predict_survival_function(X[held], TIMES), atol=1e-9
        )
        score = model.predict(X[held]) - model.predict(X[~held]).mean()
        np.testing.assert_allclose(found.prediction.risk_score[held], score, atol=1e-9)
        assert row["harrell_c"] == pytest.approx(harrell_c(y[0][held], y[1][held], score).estimate)
    expected = harrell_c(*y, found.prediction.risk_score).estimate
    assert found.metrics["harrell_c"] == pytest.approx(expected)
    assert isinstance(found, AbstractResult)
    json.dumps([found.settings, found.metrics])


@pytest.mark.slow
@pytest.mark.parametrize("choose_by", ["harrell_c", "partial_likelihood"])
def test_the_better_candidate_is_chosen(choose_by):
    X, y = _cohort(150, 40, 3, effect=1.2)
    many, few = (
        make_pipeline(StandardScaler(), CoxPH(penalty=Ridge(0.5))),
        make_pipeline(StandardScaler(), SelectByScan(k=1), CoxPH()),
    )
    found = nested_cv([many, few], X, y, inner_folds=3, choose_by=choose_by, **ASKED)
    assert found.table()["chosen"].to_list() == [1] * 5
    assert found.choices.height == 10
    assert found.choices["score"].null_count() == 0


def test_same_seed_same_numbers_and_frames_of_a_risk_model():
    X, y = _cohort(100, 2, 4)
    frame = pl.DataFrame({"age": 50 + 10 * X[:, 0], "grade": np.where(X[:, 1] > 0, "3", "1-2")})
    codebook = Codebook.model_validate(
        {"age": {"type": "number"}, "grade": {"type": "category", "codes": ["1-2", "3"]}}
    )
    design = Design([Term(variable="age"), Term(variable="grade")], codebook)
    model = RiskModel(design, CoxPHCV(strengths=(1.0, 10.0), folds=3))
    first, second = (nested_cv(model, frame, y, **ASKED) for _ in range(2))
    np.testing.assert_array_equal(first.prediction.risk_score, second.prediction.risk_score)
    assert first.metrics == second.metrics
    assert first.metrics["harrell_c"] > 0.6


def test_refusals():
    X, y = _cohort(40, 2, 5)
    with pytest.raises(ConfigError, match="no candidate"):
        nested_cv([], X, y, **ASKED)
    with pytest.raises(ConfigError, match="StandardScaler has no predict_survival_function"):
        nested_cv(make_pipeline(StandardScaler()), X, y, **ASKED)
    with pytest.raises(ConfigError, match="choose_by"):
        nested_cv(CoxPH(), X, y, choose_by="auc", **ASKED)
    with pytest.raises(DataError, match="40 rows and y 39"):
        nested_cv(CoxPH(), X, (y[0][1:], y[1][1:]), **ASKED)
    with pytest.raises(DataError, match="cannot be spread"):
        nested_cv(CoxPH(), X, (y[0], np.arange(40) < 3), **ASKED)
    with pytest.raises(ConfigError, match="at least 2 folds"):
        nested_cv(CoxPH(), X, y, folds=1, **ASKED)
    with pytest.raises(DataError, match=r"Outer fold \d \(rows counted among its 32 training patients\): X, row"):
        nested_cv(CoxPH(), np.where(np.arange(40)[:, None] == 3, np.inf, X), y, **ASKED)
