"""From a fitted model to what may leave: coefficients or trees, on a grid of times."""

from dataclasses import replace

import numpy as np

from .cox import CoxPH
from .cox_cv import CoxPHCV
from .design import Design, DesignColumn
from .discrete_time import DiscreteTimeHazard
from .released_model import ReleasedCox, ReleasedModel
from .released_trees import ReleasedTrees, Tree, trees_of
from .risk_model import RiskModel


def release(model: RiskModel, *, grid: tuple[float, ...], horizons: tuple[float, ...]) -> ReleasedModel:
    """Keep of a fitted model what predicts on the grid, and nothing else.

    Baseline hazards lose their steps at single patients' event times: only their values on the grid remain. What stands
    in for a missing number, the training median, is rounded to three digits: it can be one patient's exact value. So is
    each number at which a tree splits, on the variable's own scale: histogram trees split at quantiles of the training
    rows, most of which are values of patients. What is judged, in the folds too, is the rounded model.

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
        trees = tuple(_without_exact_splits(tree, model.design_) for tree in trees)
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
        column if isinstance(column.fill, str) else replace(column, fill=_three_digits(column.fill))
        for column in design.columns_
    )
    return rounded


def _without_exact_splits(tree: Tree, design: Design) -> Tree:
    numbers = {place: column for place, column in enumerate(design.columns_) if column.level is None}
    splits = zip(tree.feature, tree.threshold, strict=True)
    return replace(tree, threshold=tuple(_rounded_split(value, numbers.get(feature)) for feature, value in splits))


def _rounded_split(threshold: float, column: DesignColumn | None) -> float:
    return threshold if column is None else column.standardised(_three_digits(column.natural(threshold)))


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")
