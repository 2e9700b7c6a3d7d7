"""From a fitted model to what may leave: coefficients or trees, on a grid of times."""

import numpy as np

from .cox import CoxPH
from .cox_cv import CoxPHCV
from .discrete_time import DiscreteTimeHazard
from .released_model import ReleasedCox, ReleasedModel
from .released_trees import ReleasedTrees, trees_of
from .risk_model import RiskModel
from .rounding import rounded_medians, rounded_splits


def release(model: RiskModel, *, grid: tuple[float, ...], horizons: tuple[float, ...]) -> ReleasedModel:
    """Keep of a fitted model what predicts on the grid, and nothing else.

    Baseline hazards lose their steps at single patients' event times: only their values on the grid remain. Medians
    that stand in for missing numbers and splits of trees are rounded (``rounded_medians``, ``rounded_splits``). What is
    judged, in the folds too, is the rounded model.

    Raises
    ------
    TypeError
        If the estimator is of a kind that has no released form.
    """
    estimator = model.estimator_.model_ if isinstance(model.estimator_, CoxPHCV) else model.estimator_
    if isinstance(estimator, CoxPH):
        origin = np.zeros((1, len(estimator.coef_)))
        baseline = estimator.predict_cumulative_hazard(origin, np.asarray(grid))[0]
        kind, hazard = "cox", ReleasedCox(coefficients=tuple(estimator.coef_), baseline=tuple(baseline))
    elif isinstance(estimator, DiscreteTimeHazard):
        trees, intercept = trees_of(estimator.classifier_)
        trees = tuple(rounded_splits(tree, model.design_) for tree in trees)
        edges = tuple(estimator.edges_)
        kind, hazard = "boosted_hazard", ReleasedTrees(trees=trees, intercept=intercept, edges=edges, grid=grid)
    else:
        raise TypeError(f"{type(estimator).__name__} has no released form; CoxPH, CoxPHCV and DiscreteTimeHazard have.")
    return ReleasedModel(kind=kind, design=rounded_medians(model.design_), hazard=hazard, grid=grid, horizons=horizons)
