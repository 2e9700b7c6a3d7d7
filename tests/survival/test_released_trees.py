"""Trees as plain numbers predict what scikit-learn's classifier predicts, and hold nothing of the patients."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from biolab.core import FitError
from biolab.survival import DiscreteTimeHazard, ReleasedTrees
from biolab.survival.released_trees import trees_of


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4)).round(1)
    time = rng.exponential(20 * np.exp(-X[:, 0] + 0.5 * X[:, 1] * X[:, 2])) + 0.01
    end = rng.uniform(5, 60, 400)
    model = DiscreteTimeHazard(intervals=(6, 12, 24, 36)).fit(X, (np.minimum(time, end), time <= end))
    trees, intercept = trees_of(model.classifier_)
    return X, model, ReleasedTrees(trees=trees, intercept=intercept, edges=tuple(model.edges_), grid=(3, 12, 30, 36))


def test_released_trees_equal_the_estimator(fitted) -> None:
    X, model, released = fitted
    grid = np.asarray(released.grid, dtype=float)
    survival = np.exp(-released.cumulative_hazard(X))
    np.testing.assert_allclose(survival, model.predict_survival_function(X, grid), rtol=1e-10)
    fresh = np.random.default_rng(1).normal(size=(50, 4))
    np.testing.assert_allclose(
        np.exp(-released.cumulative_hazard(fresh)), model.predict_survival_function(fresh, grid), rtol=1e-10
    )


def test_json_round_trip_is_exact(fitted) -> None:
    X, _, released = fitted
    again = ReleasedTrees.from_dict(json.loads(json.dumps(asdict(released))))
    assert again == released
    np.testing.assert_array_equal(again.cumulative_hazard(X), released.cumulative_hazard(X))


def test_no_sample_counts_are_kept(fitted) -> None:
    _, _, released = fitted
    assert set(asdict(released.trees[0])) == {"feature", "threshold", "left", "right", "value"}


def test_several_classes_and_categories_are_refused() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, size=(200, 2)).astype(float)
    many = HistGradientBoostingClassifier(max_iter=2).fit(X, rng.integers(0, 3, 200))
    with pytest.raises(FitError, match="binary"):
        trees_of(many)
    codes = HistGradientBoostingClassifier(max_iter=2, categorical_features=[0], min_samples_leaf=5).fit(X, X[:, 0] > 1)
    with pytest.raises(FitError, match="categories"):
        trees_of(codes)
