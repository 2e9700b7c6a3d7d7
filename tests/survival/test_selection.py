"""SelectByScan: the best columns of the training patients, whatever kind X has."""

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from biolab.core import ConfigError, DataError, FitError
from biolab.stats import Ridge
from biolab.survival import CoxPH, SelectByScan, cox_scan

pytestmark = pytest.mark.slow  # a scan takes most of a minute to compile in a fresh clone


def _cohort(n, p, seed):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, p))
    return X, (generator.exponential(np.exp(-X[:, 3] + X[:, 1])), generator.uniform(size=n) < 0.8)


def test_keeps_the_smallest_p_values_in_the_order_of_the_columns():
    X, y = _cohort(150, 40, 1)
    table = cox_scan(X, *y)
    best = sorted(np.argsort(table["score_p_value"].to_numpy())[:6].tolist())
    found = SelectByScan(k=6).fit(X, y)
    assert found.get_support(indices=True).tolist() == best
    assert {1, 3} <= set(best)
    np.testing.assert_array_equal(found.transform(X), X[:, best])


def test_names_and_frames():
    X, y = _cohort(100, 5, 2)
    names = ["a", "b", "c", "d", "e"]
    found = SelectByScan(k=2).fit(pl.DataFrame(X, schema=names), y)
    assert found.get_feature_names_out().tolist() == ["b", "d"]
    assert found.scan_["feature"].to_list() == names
    np.testing.assert_array_equal(found.transform(pl.DataFrame(X, schema=names)), X[:, [1, 3]])


def test_constant_columns_come_last_and_a_separating_one_first():
    X, (time, event) = _cohort(60, 4, 3)
    X[:, 0], X[:, 2] = 1.0, -time
    found = SelectByScan(k=1).fit(X, (time, event))
    assert found.get_support(indices=True).tolist() == [2]
    assert not SelectByScan(k=3).fit(X, (time, event)).get_support()[0]
    assert SelectByScan(k=99).fit(X, (time, event)).get_support().all()


def test_stands_in_a_pipeline():
    X, y = _cohort(120, 30, 4)
    model = clone(make_pipeline(StandardScaler(), SelectByScan(k=3), CoxPH(penalty=Ridge(1.0)))).fit(X, y)
    assert model.predict(X).shape == (120,)
    assert model[-1].coef_.size == 3


def test_refusals():
    X, (time, event) = _cohort(30, 4, 5)
    with pytest.raises(ConfigError, match="k is 0"):
        SelectByScan(k=0).fit(X, (time, event))
    with pytest.raises(DataError, match="X has 30 rows and y 31"):
        SelectByScan().fit(X, (np.append(time, 1.0), np.append(event, True)))
    with pytest.raises(DataError, match="row 2"):
        SelectByScan().fit(np.where(np.arange(30)[:, None] == 2, np.nan, X), (time, event))
    with pytest.raises(DataError, match="not a number"):
        SelectByScan().fit(np.full((30, 2), "x", dtype=object), (time, event))
    with pytest.raises(FitError, match="event"):
        SelectByScan().fit(X, (time, np.zeros(30, dtype=bool)))
