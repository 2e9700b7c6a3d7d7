import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core.errors import ConfigError, DataError, FitError
from biolab.stats import Ridge
from biolab.survival import CoxPH, CoxPHCV, residuals, robust_covariance

few = settings(derandomize=True, max_examples=15, deadline=None)
each_way = given(st.integers(0, 10**6), st.sampled_from(["efron", "breslow"]), st.booleans(), st.booleans())


def draw(seed, strata, late, n=80):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    time = rng.integers(1, 12, n).astype(float)
    rest = {
        "strata": rng.integers(0, 2, n) if strata else None,
        "entry": np.floor(time * rng.random(n) * 0.7) if late else None,
        "sample_weight": rng.choice([0.0, 0.5, 1.0, 2.0], n),
    }
    return X, (time, rng.random(n) < 0.7), rest


@few
@each_way
def test_sums_that_must_be_zero(seed, ties, strata, late):
    X, y, rest = draw(seed, strata, late)
    model = CoxPH(ties=ties, tolerance=1e-11).fit(X, y, **rest)
    weight, there = rest["sample_weight"], rest["sample_weight"] > 0
    martingale = residuals(model, X, y, **rest)
    assert np.isnan(martingale[~there]).all()
    assert abs(weight[there] @ martingale[there]) < 1e-9
    assert (martingale[there] <= 1).all()
    score = residuals(model, X, y, kind="score", **rest)
    np.testing.assert_allclose(weight[there] @ score[there], 0, atol=1e-8)
    schoenfeld = residuals(model, X, y, kind="schoenfeld", **rest)
    np.testing.assert_allclose(weight[there & y[1]] @ schoenfeld, 0, atol=1e-8)


def brute_force(model, X, time, event, entry):
    """Martingale and score residuals by loops over event times, Breslow, without weights."""
    hazard = np.exp(X @ model.coef_)
    martingale, score = event.astype(float), np.zeros_like(X)
    for moment in np.unique(time[event]):
        at_risk = (entry < moment) & (moment <= time)
        here = event & (time == moment)
        mean = hazard[at_risk] @ X[at_risk] / hazard[at_risk].sum()
        step = here.sum() / hazard[at_risk].sum()
        martingale[at_risk] -= hazard[at_risk] * step
        score[at_risk] -= (X[at_risk] - mean) * (hazard[at_risk] * step)[:, None]
        score[here] += X[here] - mean
    return martingale, score


@few
@given(st.integers(0, 10**6))
def test_as_by_the_definition(seed):
    X, (time, event), rest = draw(seed, strata=False, late=True)
    model = CoxPH(ties="breslow").fit(X, (time, event), entry=rest["entry"])
    martingale, score = brute_force(model, X, time, event, rest["entry"])
    known = {"entry": rest["entry"]}
    np.testing.assert_allclose(residuals(model, X, (time, event), **known), martingale, atol=1e-10)
    np.testing.assert_allclose(residuals(model, X, (time, event), kind="score", **known), score, atol=1e-10)


def test_dfbeta_is_near_leaving_out():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 2))
    time = rng.exponential(np.exp(-X[:, 0]))
    event = time < 2
    model = CoxPH().fit(X, (time, event))
    moves = residuals(model, X, (time, event), kind="dfbeta")
    for row in (0, 50, int(np.abs(moves[:, 0]).argmax())):
        rest = np.arange(300) != row
        left_out = model.coef_ - CoxPH().fit(X[rest], (time[rest], event[rest])).coef_
        np.testing.assert_allclose(left_out, moves[row], atol=0.15 * np.abs(moves).max())


def test_whole_weights_are_copies():
    X, y, rest = draw(4, strata=False, late=False)
    copies = rest["sample_weight"].astype(int) + 1
    rows = np.repeat(np.arange(len(X)), copies)
    model = CoxPH(ties="breslow").fit(X, y, sample_weight=copies)
    weighted = residuals(model, X, y, sample_weight=copies)
    np.testing.assert_allclose(residuals(model, X[rows], (y[0][rows], y[1][rows])), weighted[rows], atol=1e-10)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.filterwarnings("ignore:CoxPH did not converge")
def test_widely_spread_log_hazards_stay_finite_and_sum_to_zero(ties):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=60), [-900.0, 900.0]])[:, None]
    time = np.concatenate([rng.integers(1, 9, 60), [9, 1]]).astype(float)
    event = np.ones(62, dtype=bool)
    model = CoxPH(Ridge(1.0), ties=ties).fit(X, (time, event))
    model.coef_ = np.ones(1)  # log-hazards from -900 to 900: no single shift holds them
    martingale = residuals(model, X, (time, event))
    assert abs(martingale.sum()) < 1e-9
    assert np.isfinite(residuals(model, X, (time, event), kind="deviance")).all()
    assert np.isfinite(residuals(model, X, (time, event), kind="score")).all()
    assert np.isfinite(residuals(model, X, (time, event), kind="schoenfeld")).all()


def test_robust_is_model_based_on_average_where_the_model_holds_and_larger_with_copies():
    rng = np.random.default_rng(8)
    ratios = []
    for _ in range(60):
        X = rng.normal(size=(200, 1))
        time = rng.exponential(np.exp(-0.5 * X[:, 0]))
        y = (time, time < 1.5)
        plain = CoxPH().fit(X, y)
        ratios.append(robust_covariance(plain, X, y)[0, 0] / plain.covariance_[0, 0])
    # one ratio varies by about 0.2, so their mean by 0.025: five of these
    assert abs(np.mean(ratios) - 1) < 0.12
    twice = np.tile(X, (2, 1)), (np.tile(y[0], 2), np.tile(y[1], 2))
    doubled = CoxPH(ties="breslow").fit(*twice, cluster=np.tile(np.arange(200), 2))
    once = CoxPH(ties="breslow").fit(X, y, robust=True)
    np.testing.assert_allclose(doubled.standard_error_, once.standard_error_, rtol=1e-8)
    assert doubled.model_based_covariance_[0, 0] < 0.6 * once.model_based_covariance_[0, 0]


def test_the_summary_takes_robust_errors():
    X, y, rest = draw(5, strata=True, late=True)
    model = CoxPH().fit(X, y, **rest, robust=True)
    plain = CoxPH().fit(X, y, **rest)
    np.testing.assert_allclose(model.covariance_, robust_covariance(plain, X, y, **rest))
    np.testing.assert_allclose(model.summary()["standard_error"], np.sqrt(np.diag(model.covariance_)))
    np.testing.assert_array_equal(model.model_based_covariance_, plain.covariance_)
    dfbeta = residuals(model, X, y, kind="dfbeta", **rest)  # of the model-based covariance, not of the robust one
    np.testing.assert_array_equal(dfbeta, residuals(plain, X, y, kind="dfbeta", **rest))


def test_a_penalty_counts_and_own_clusters_are_none():
    X, y, _ = draw(6, strata=False, late=False)
    model = CoxPH(Ridge(5.0)).fit(X, y)
    own = robust_covariance(model, X, y, cluster=np.arange(len(X)))
    np.testing.assert_allclose(own, robust_covariance(model, X, y), rtol=1e-12)


def test_hard_input_is_named():
    X, y, rest = draw(7, strata=True, late=False)
    model = CoxPH().fit(X, y)
    with pytest.raises(ConfigError, match="kind is 'Martingale'"):
        residuals(model, X, y, kind="Martingale")
    with pytest.raises(ConfigError, match="pass its model_"):
        residuals(CoxPHCV(seed=1), X, y)
    with pytest.raises(FitError, match="Nobody had the event"):
        residuals(model, X, (y[0], np.zeros(len(X))))
    with pytest.raises(DataError, match="leave strata out"):
        residuals(model, X, y, strata=rest["strata"])
    with pytest.raises(DataError, match="say each patient's"):
        residuals(CoxPH().fit(X, y, strata=rest["strata"]), X, y)
    with pytest.raises(DataError, match="one row a patient"):
        residuals(model, X[:-1], y)
    with pytest.raises(DataError, match="NaN"):
        residuals(model, np.where(X[3, 1] == X, np.nan, X), y)
    with pytest.raises(ValueError, match="1 features"):
        residuals(model, X[:, :1], y)
    with pytest.raises(DataError, match="one cluster only"):
        robust_covariance(model, X, y, cluster=np.zeros(len(X)))
    with pytest.raises(DataError, match="cluster has 3 rows"):
        CoxPH().fit(X, y, cluster=[1, 2, 3])
    with pytest.raises(DataError, match=r"cluster, row 1 .* missing"):
        robust_covariance(model, X, y, cluster=[1, None] * 40)
