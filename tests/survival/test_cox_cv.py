import numpy as np
import polars as pl
import pytest
from sklearn.base import clone

from biolab.core.errors import ConfigError, DataError
from biolab.stats import Ridge, stratified_folds
from biolab.survival import CoxPH, CoxPHCV
from biolab.survival.follow_up import follow_up
from biolab.survival.partial_likelihood import PartialLikelihood, risk_sets


def cohort(seed=0, rows=100, columns=5, effect=0.5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    time = np.ceil(rng.exponential(20 * np.exp(-effect * X[:, 0])))
    return X, (time, rng.random(rows) < 0.7)


def test_the_path_follows_the_definition():
    X, (time, event) = cohort()
    model = CoxPHCV(strengths=[1.0, 30.0], folds=4, seed=3).fit(X, (time, event))
    fold = stratified_folds(event, 4, seed=3)
    everybody = PartialLikelihood(X, risk_sets(follow_up((time, event))))
    for strength, log_likelihood in model.path_.select("strength", "log_likelihood").iter_rows():
        gains = []
        for number in range(4):
            training = fold != number
            fit = CoxPH(Ridge(strength)).fit(X[training], (time[training], event[training]))
            gains.append(-everybody.evaluate(fit.coef_).value - fit.log_likelihood_)
        np.testing.assert_allclose(log_likelihood, sum(gains), rtol=1e-8)


def test_the_fit_is_that_of_the_chosen_strength():
    X, y = cohort()
    frame = pl.DataFrame(X, schema=list("abcde"))
    model = CoxPHCV(seed=1).fit(frame, y)
    plain = CoxPH(Ridge(model.strength_)).fit(frame, y)
    np.testing.assert_array_equal(model.coef_, plain.coef_)
    np.testing.assert_array_equal(model.predict(frame), plain.predict(frame))
    np.testing.assert_array_equal(
        model.predict_survival_function(frame, [5, 9]), plain.predict_survival_function(frame, [5, 9])
    )
    assert model.summary().equals(plain.summary())
    assert list(model.feature_names_in_) == list("abcde")
    assert model.path_["chosen"].sum() == 1
    assert "Ridge strength" in model._repr_html_()
    assert clone(model).seed == 1


def test_noise_is_shrunk_and_signal_kept():
    noise, signal = (CoxPHCV(seed=2).fit(*cohort(4, rows=200, effect=effect)) for effect in (0.0, 1.0))
    assert noise.degrees_of_freedom_ < 1.5
    assert signal.degrees_of_freedom_ > 3
    assert abs(signal.coef_[0]) > 0.7


def test_the_strengths_reach_far_enough_for_thousands_of_columns():
    rng = np.random.default_rng(6)
    shared = rng.normal(size=(60, 1))
    genes = 0.4 * shared + rng.normal(size=(60, 4000))  # a weak signal in every column
    rotated = (genes - genes.mean(axis=0)) @ np.linalg.svd(genes - genes.mean(axis=0), full_matrices=False)[2].T
    time = rng.exponential(np.exp(-shared[:, 0]))
    model = CoxPHCV(seed=3).fit(rotated, (time, np.ones(60, dtype=bool)))
    assert model.path_["strength"].max() > model.strength_ > 600.0  # 600: ten times the events
    few = CoxPHCV(seed=3).fit(genes[:, :3], (time, np.ones(60, dtype=bool)))
    assert few.path_["strength"].max() == pytest.approx(600.0)


def test_one_standard_error_is_never_weaker():
    X, y = cohort()
    best, spare = (CoxPHCV(rule=rule, seed=5).fit(X, y) for rule in ("min", "one_standard_error"))
    assert spare.strength_ >= best.strength_
    assert best.path_.drop("chosen").equals(spare.path_.drop("chosen"))


def test_strata_weights_and_entry_are_carried_through():
    X, (time, event) = cohort()
    given_too = {
        "strata": np.arange(100) % 2,
        "sample_weight": 1.0 + np.arange(100) % 3,
        "entry": time / 3,
    }
    model = CoxPHCV(strengths=[5.0], seed=1).fit(X, (time, event), **given_too)
    np.testing.assert_array_equal(model.coef_, CoxPH(Ridge(5.0)).fit(X, (time, event), **given_too).coef_)


@pytest.mark.parametrize(
    ("chosen", "error", "message"),
    [
        ({"strengths": []}, ConfigError, "one or more finite"),
        ({"strengths": [-1.0]}, ConfigError, "finite numbers >= 0"),
        ({"folds": 1}, ConfigError, "at least 2"),
        ({"folds": 90}, DataError, "cannot be spread over 90 folds"),
        ({"rule": "1se"}, ConfigError, "rule is '1se'"),
    ],
)
def test_bad_settings_are_named(chosen, error, message):
    with pytest.raises(error, match=message):
        CoxPHCV(**chosen).fit(*cohort())
