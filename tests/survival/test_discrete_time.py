"""Discrete-time hazards: the life table, Kaplan-Meier in the limit, and scikit-learn's habits."""

import pickle
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import (
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_parameters_default_constructible,
    check_set_params,
)

from biolab.core import ConfigError, FitError
from biolab.survival import DiscreteTimeHazard, harrell_c
from biolab.survival.discrete_time import interval_edges, person_periods
from biolab.survival.product_limit import product_limit


def _cohort(n, seed):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 3))
    event_time, censored = generator.exponential(30 * np.exp(-x[:, 0])), generator.uniform(5.0, 90.0, n)
    return x, (np.minimum(event_time, censored) + 1e-6, event_time <= censored)


def _by_interval():
    """Return a classifier that knows nothing but the interval: its leaves are the intervals."""
    return DecisionTreeClassifier(random_state=0)


def test_one_hazard_an_interval_is_the_actuarial_life_table():
    _, (time, event) = _cohort(300, 1)
    edges = np.array([0.0, 6.0, 12.0, 24.0, 48.0])
    model = DiscreteTimeHazard(_by_interval(), intervals=list(edges[1:])).fit(np.zeros((300, 1)), (time, event))
    survival = 1.0
    for lower, upper in pairwise(edges):
        entered = np.sum(time > lower)
        died = np.sum(event & (time > lower) & (time <= upper))
        withdrawn = np.sum(~event & (time > lower) & (time < upper))
        survival *= 1 - died / (entered - withdrawn / 2)
        found = model.predict_survival_function(np.zeros((1, 1)), np.array([upper]))
        assert found[0, 0] == pytest.approx(survival)


def test_fine_intervals_approach_kaplan_meier():
    _, (time, event) = _cohort(500, 2)
    at = np.quantile(time[event], [0.2, 0.5, 0.8])
    curve = product_limit(time, event).at(at)
    apart = []
    for edges in (np.linspace(0, time.max(), 9)[1:], np.unique(time[event])):
        model = DiscreteTimeHazard(_by_interval(), intervals=list(edges)).fit(np.zeros((500, 1)), (time, event))
        apart.append(np.abs(model.predict_survival_function(np.zeros((1, 1)), at)[0] - curve).max())
    assert apart[1] < 0.003 < apart[0]


def test_predictions_are_curves_and_the_score_orders_them():
    x, y = _cohort(400, 3)
    model = DiscreteTimeHazard(intervals=6).fit(x, y)
    times = np.linspace(0, model.edges_[-1], 40)
    survival = model.predict_survival_function(x, times)
    assert survival.shape == (400, 40)
    np.testing.assert_array_equal(survival[:, 0], 1.0)
    assert (np.diff(survival, axis=1) <= 0).all()
    np.testing.assert_allclose(np.log(-np.log(survival[:, -1])), model.predict(x))
    assert model.score(x, y) == pytest.approx(harrell_c(*y, model.predict(x)).estimate)
    assert model.score(x, y) > 0.65


def test_the_default_is_reproducible_and_its_leaves_hold_enough_patients():
    x, y = _cohort(400, 4)
    model = DiscreteTimeHazard(intervals=5, seed=3).fit(x, y)
    np.testing.assert_array_equal(model.predict(x), DiscreteTimeHazard(intervals=5, seed=3).fit(x, y).predict(x))
    smallest = min(
        node["count"]
        for trees in model.classifier_._predictors
        for tree in trees
        for node in tree.nodes
        if node["is_leaf"]
    )
    assert smallest >= 10 * 5
    many = model._default(600)
    assert (many.max_leaf_nodes, many.min_samples_leaf, many.max_features) == (8, 20 * 5, 1.0)


def test_logistic_hazards_find_the_effect():
    x, y = _cohort(3000, 5)
    edges = list(np.linspace(1, 80, 80))
    model = DiscreteTimeHazard(LogisticRegression(C=1e6), intervals=edges).fit(x, y)
    assert model.classifier_.coef_[0, 0] == pytest.approx(1.0, abs=0.1)


def test_sample_weights_repeat_patients():
    x, (time, event) = _cohort(150, 6)
    weight = np.random.default_rng(1).integers(0, 3, 150)
    make = DiscreteTimeHazard(LogisticRegression(tol=1e-10, max_iter=2000), intervals=[10.0, 20.0, 40.0])
    weighted = clone(make).fit(x, (time, event), sample_weight=weight.astype(float))
    repeated = clone(make).fit(*(np.repeat(x, weight, axis=0), (np.repeat(time, weight), np.repeat(event, weight))))
    np.testing.assert_allclose(weighted.predict(x), repeated.predict(x), atol=1e-6)


def test_person_periods_by_hand():
    edges = np.array([0.0, 10.0, 20.0])
    time, event = np.array([4.0, 10.0, 15.0, 20.0, 30.0, 30.0]), np.array([True, False, False, True, True, False])
    patient, interval, happened, share = person_periods(time, event, edges)
    assert patient.tolist() == [0, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert interval.tolist() == [0, 0, 0, 1, 0, 1, 0, 1, 0, 1]
    assert happened.tolist() == [True, False, False, False, False, True, False, False, False, False]
    assert share.tolist() == [1, 1, 1, 0.5, 1, 1, 1, 1, 1, 1]


def test_quantile_edges_hold_equal_numbers_of_events():
    _, (time, event) = _cohort(600, 7)
    edges = interval_edges(time, event, 10)
    counts = np.histogram(time[event], bins=np.nextafter(edges, np.inf))[0]
    assert edges[-1] == time[event].max()
    assert np.ptp(counts) <= 1


@pytest.mark.parametrize(
    "check",
    [
        check_get_params_invariance,
        check_no_attributes_set_in_init,
        check_parameters_default_constructible,
        check_set_params,
    ],
)
def test_scikit_learn_habits(check):
    check("DiscreteTimeHazard", DiscreteTimeHazard())


def test_clone_pickle_and_names_of_columns():
    x, y = _cohort(200, 8)
    frame = pl.DataFrame(x, schema=["age", "nodes", "size"])
    model = DiscreteTimeHazard(LogisticRegression(), intervals=4)
    with pytest.raises(NotFittedError):
        model.predict(x)
    model.fit(frame, y)
    assert model.feature_names_in_.tolist() == ["age", "nodes", "size"]
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))
    assert not hasattr(clone(model), "classifier_")
    with pytest.raises(ValueError, match="size"):
        model.predict(frame[:, :2])


def test_refusals():
    x, (time, event) = _cohort(60, 9)
    with pytest.raises(FitError, match="no events"):
        DiscreteTimeHazard().fit(x, (time, np.zeros(60, dtype=bool)))
    with pytest.raises(FitError, match="person-periods"):
        DiscreteTimeHazard(intervals=[1e-9]).fit(x, (time, event))
    with pytest.raises(ConfigError, match="at least 1"):
        DiscreteTimeHazard(intervals=0).fit(x, (time, event))
    with pytest.raises(ConfigError, match="increasing"):
        DiscreteTimeHazard(intervals=[5.0, 3.0]).fit(x, (time, event))
    with pytest.raises(ValueError, match="NaN"):
        DiscreteTimeHazard().fit(np.where(x > 2, np.nan, x), (time, event))
    model = DiscreteTimeHazard(intervals=[10.0, 30.0]).fit(x, (time, event))
    with pytest.raises(ConfigError, match="knows 0 to 30"):
        model.predict_survival_function(x, np.array([31.0]))
