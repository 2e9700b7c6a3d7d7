"""From a fitted model to what may leave: coefficients or trees, on a grid of times."""

from dataclasses import replace

import numpy as np

from .cox import CoxPH
from .cox_cv import CoxPHCV
from .design import Design
from .discrete_time import DiscreteTimeHazard
from .released_model import ReleasedCox, ReleasedModel
from .released_trees import ReleasedTrees, trees_of
from .risk_model import RiskModel


def release(model: RiskModel, *, grid: tuple[float, ...], horizons: tuple[float, ...]) -> ReleasedModel:
    """Keep of a fitted model what predicts on the grid, and nothing else.

    Baseline hazards lose their steps at single patients' event times: only their values on the grid remain. What stands
    in for a missing number, the training median, is rounded to three digits: it can be one patient's exact value.

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
        edges = tuple(estimator.edges_)
        kind, hazard = "boosted_hazard", ReleasedTrees(trees=trees, intercept=intercept, edges=edges, grid=grid)
    else:
        raise TypeError(f"{type(estimator).__name__} has no released form; CoxPH, CoxPHCV and DiscreteTimeHazard have.")
    return ReleasedModel(
        kind=kind, design=_without_exact_medians(model.design_), hazard=hazard, grid=grid, horizons=horizons
    )


def _without_exact_medians(design: Design) -> Design:
    rounded = Design(design.terms, design.codebook)
    rounded.columns_ = tuple(
        column if isinstance(column.fill, str) else replace(column, fill=float(f"{column.fill:.3g}"))
        for column in design.columns_
    )
    return rounded
