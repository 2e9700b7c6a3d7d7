import numpy as np
import pytest

from biolab.core.errors import ConfigError, DataError
from biolab.stats import stratified_folds
from biolab.survival import CoxPath, CoxPathCV
from biolab.survival.follow_up import follow_up
from biolab.survival.partial_likelihood import PartialLikelihood, risk_sets


def cohort(seed=0, rows=100, columns=40, effect=0.8):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    time = np.ceil(rng.exponential(20 * np.exp(-effect * X[:, 0])))
    return X, (time, rng.random(rows) < 0.7)


def test_the_path_follows_the_definition_inside_the_folds():
    X, (time, event) = cohort(columns=5)
    X[:, 1] *= np.linspace(1, 30, 100)  # its deviation differs between folds
    model = CoxPathCV(0.7, n_lambdas=4, folds=3, seed=3).fit(X, (time, event))
    fold = stratified_folds(event, 3, seed=3)
    everybody = PartialLikelihood(X, risk_sets(follow_up((time, event)), ties="breslow"))
    total = np.zeros(4)
    for number in range(3):
        rest = fold != number
        path = CoxPath(0.7, lambdas=model.model_.lambdas_).fit(X[rest], (time[rest], event[rest]))
        total += [-everybody.evaluate(coef).value for coef in path.coef_path_] - path.log_likelihood_path_
    np.testing.assert_allclose(model.path_["log_likelihood"], total, rtol=1e-8)


def test_signal_is_found_and_noise_left_out():
    model = CoxPathCV(n_lambdas=30, rule="one_standard_error").fit(*cohort())
    assert np.abs(model.coef_).argmax() == 0
    assert np.count_nonzero(model.coef_) < 8
    assert model.path_["chosen"].sum() == 1
    noise = CoxPathCV(n_lambdas=30, rule="one_standard_error").fit(*cohort(effect=0.0))
    assert np.count_nonzero(noise.coef_) == 0


def test_one_standard_error_is_never_weaker():
    best, spare = (CoxPathCV(n_lambdas=20, rule=rule).fit(*cohort(2)) for rule in ("min", "one_standard_error"))
    assert spare.lambda_ >= best.lambda_
    assert best.path_.drop("chosen").equals(spare.path_.drop("chosen"))


def test_prediction_is_that_of_the_chosen_lambda():
    X, y = cohort(3)
    model = CoxPathCV(n_lambdas=10).fit(X, y)
    np.testing.assert_allclose(model.predict(X), X @ model.coef_)
    assert model.score(X, y) > 0.6


@pytest.mark.filterwarnings("ignore:Column")
def test_a_column_constant_in_one_fold_only():
    X, (time, event) = cohort(4, columns=3)
    fold = stratified_folds(event, 5, seed=0)
    X[:, 2] = np.where(fold == 0, np.arange(100.0), 0.0)
    assert np.isfinite(CoxPathCV(n_lambdas=10).fit(X, (time, event)).coef_).all()


@pytest.mark.parametrize(
    ("chosen", "error", "message"),
    [
        ({"folds": 1}, ConfigError, "at least 2"),
        ({"folds": 90}, DataError, "cannot be spread over 90 folds"),
        ({"rule": "1se"}, ConfigError, "rule is '1se'"),
    ],
)
def test_bad_settings_are_named(chosen, error, message):
    with pytest.raises(error, match=message):
        CoxPathCV(**chosen).fit(*cohort())


def test_curves_are_those_of_the_chosen_lambda():
    X, y = cohort(5)
    strata = np.repeat(["a", "b"], 50)
    model = CoxPathCV(n_lambdas=10, ties="efron").fit(X, y, strata=strata)
    curves = model.predict_survival_function(X, [1, 5, 20], strata)
    path = model.model_.predict_survival_function(X, [1, 5, 20], model.lambda_, strata)
    np.testing.assert_array_equal(curves, path)
    steps = model.baseline_hazard_["b"]
    expected = np.exp(-np.exp(model.predict(X[60:61])) * steps([1, 5, 20]))
    np.testing.assert_allclose(curves[60], expected, rtol=1e-10)
    np.testing.assert_allclose(-np.log(curves), model.predict_cumulative_hazard(X, [1, 5, 20], strata), rtol=1e-9)
