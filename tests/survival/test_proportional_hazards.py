import numpy as np
import pytest

from biolab.core import AbstractResult
from biolab.core.errors import ConfigError, FitError
from biolab.survival import CoxPH, proportional_hazards_test
from biolab.survival.follow_up import follow_up
from biolab.survival.partial_likelihood import PartialLikelihood, risk_sets


def draw(seed, shape=0.0, n=300):
    """Proportional hazards in both columns at shape 0; else the first column's effect changes over time."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(0, 2, n), rng.normal(size=n)])
    time = (rng.exponential(size=n) * np.exp(-0.5 * X[:, 1])) ** (1 / (1 + shape * X[:, 0]))
    return X, (np.minimum(time, 2), time < 2)


@pytest.mark.slow
def test_calibrated_where_hazards_are_proportional():
    found = [proportional_hazards_test(CoxPH().fit(*draw(seed)), *draw(seed)) for seed in range(250)]
    rejected = np.array([[*test.p_value, test.global_p_value] for test in found]) < 0.05
    assert ((rejected.mean(axis=0) >= 0.015) & (rejected.mean(axis=0) <= 0.095)).all()  # outside in 1 of 200 series


def test_finds_the_column_whose_effect_changes():
    X, y = draw(1, shape=1.0)
    test = proportional_hazards_test(CoxPH().fit(X, y), X, y)
    assert test.p_value[0] < 1e-4
    assert test.p_value[1] > 0.01
    assert isinstance(test, AbstractResult)
    assert test.table()["term"].to_list() == ["x0", "x1", "global"]
    assert test.table()["degrees_of_freedom"].to_list() == [1, 1, 2]


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_origin_and_scale_of_columns_do_not_matter(transform):
    X, y = draw(2)
    first = proportional_hazards_test(CoxPH().fit(X, y), X, y, transform=transform)
    moved = 1000 + 7 * X
    second = proportional_hazards_test(CoxPH().fit(moved, y), moved, y, transform=transform)
    np.testing.assert_allclose(second.statistic, first.statistic, rtol=1e-6)
    np.testing.assert_allclose(second.global_statistic, first.global_statistic, rtol=1e-6)


def test_it_is_the_score_test_of_an_effect_that_changes():
    X, (time, event) = draw(3, n=80)
    X = X[:, 1:]
    model = CoxPH(tolerance=1e-12).fit(X, (time, event))
    test = proportional_hazards_test(model, X, (time, event), transform="identity")
    # the same patients as many rows, one an event time at risk, so that x * t becomes a covariate
    moments = np.unique(time[event])
    rows = [(at, one) for one, moment in enumerate(moments) for at in np.flatnonzero(time >= moment)]
    patient, place = map(np.array, zip(*rows, strict=True))
    stop, start = moments[place], np.concatenate([[0], moments])[place]
    long = np.column_stack([X[patient], X[patient] * stop[:, None]])
    cases = follow_up((stop, event[patient] & (time[patient] == stop)), entry=start)
    at_null = PartialLikelihood(long, risk_sets(cases)).evaluate(np.array([*model.coef_, 0.0]))
    statistic = at_null.gradient @ np.linalg.solve(at_null.hessian, at_null.gradient)
    assert test.statistic[0] == pytest.approx(statistic, rel=1e-6)


def test_hard_input():
    X, y = draw(4, n=40)
    model = CoxPH().fit(X, y)
    with pytest.raises(ConfigError, match="transform is 'sqrt'"):
        proportional_hazards_test(model, X, y, transform="sqrt")
    few = np.zeros(40)
    few[:3] = 1
    with pytest.raises(FitError, match="cannot tell a change"):
        proportional_hazards_test(model, X, (np.where(few, 1.0, y[0] + 1), few))
    with pytest.raises(FitError, match="Nobody had the event"):
        proportional_hazards_test(model, X, (y[0], np.zeros(40)))
