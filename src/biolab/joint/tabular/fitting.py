"""Fitting a protocol's model of a class or a number; only named scikit-learn estimators, never what a file names."""

from typing import Any, assert_never

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold

from biolab.core import FitError
from biolab.core.arrays import Float
from biolab.joint.model_specs import BoostedTreesSpec, LogisticSpec, RidgeSpec, TabularSpec
from biolab.joint.protocol import Protocol
from biolab.survival import Design
from biolab.survival import Term as DesignTerm
from biolab.survival.released_trees import trees_of
from biolab.survival.rounding import rounded_medians, rounded_splits

from .released import Kind, ReleasedTabular

COARSE_BINS = 32


def outcome_values(protocol: Protocol, frame: pl.DataFrame) -> Float[np.ndarray, " n"]:
    """Return the outcome of each patient: 1 for the positive code and 0 for the others, or the number."""
    values = frame[str(protocol.endpoint.variable)]
    if protocol.endpoint.kind == "number":
        return values.cast(pl.Float64).to_numpy()
    positive = protocol.endpoint.positive
    told = values if values.dtype == pl.Boolean else values.cast(pl.String)
    return (told == positive).cast(pl.Float64).to_numpy()


def fit_tabular(protocol: Protocol, spec: TabularSpec, frame: pl.DataFrame, *, seed: int) -> ReleasedTabular:
    """Fit one model on harmonised rows, its settings chosen by cross-validation, in the form that may leave.

    Raises
    ------
    FitError
        If the outcome does not vary, or the patients are too few for the folds.
    """
    kind: Kind = "binary" if protocol.endpoint.kind == "binary" else "number"
    outcome = outcome_values(protocol, frame)
    smallest = int(min(outcome.sum(), len(outcome) - outcome.sum())) if kind == "binary" else len(outcome)
    if smallest < spec.folds or np.ptp(outcome) == 0:
        raise FitError(
            f"Model {spec.name!r}: the outcome varies too little among {len(outcome)} patients to be fitted."
        )
    terms = tuple(DesignTerm(variable=term.variable, transform=term.transform) for term in spec.terms)
    design = Design(terms, protocol.codebook).fit(frame)
    matrix = design.transform(frame)
    estimator, space, scoring = _candidate(spec, kind, seed)
    splitter = StratifiedKFold if kind == "binary" else KFold
    folds = splitter(spec.folds, shuffle=True, random_state=seed % 2**32)
    search = GridSearchCV(estimator, space, scoring=scoring, cv=folds).fit(matrix, outcome)
    return _released(search.best_estimator_, rounded_medians(design), kind)


def _candidate(spec: TabularSpec, kind: Kind, seed: int) -> tuple[Any, dict[str, list[Any]], str]:
    """Return the estimator, its search space and the score that chooses."""
    scoring = "neg_log_loss" if kind == "binary" else "neg_mean_squared_error"
    match spec:
        case LogisticSpec():
            return LogisticRegression(max_iter=1000), {"C": [1 / strength for strength in spec.strengths]}, scoring
        case RidgeSpec():
            return Ridge(), {"alpha": list(spec.strengths)}, scoring
        case BoostedTreesSpec():
            family = HistGradientBoostingClassifier if kind == "binary" else HistGradientBoostingRegressor
            trees = family(
                min_samples_leaf=spec.leaf_size,
                max_bins=COARSE_BINS,
                early_stopping=False,
                random_state=seed % 2**32,
            )
            space: dict[str, list[Any]] = {
                "max_iter": list(spec.iterations),
                "max_leaf_nodes": list(spec.leaves),
                "learning_rate": list(spec.learning_rates),
            }
            return trees, space, scoring
        case _:
            assert_never(spec)


def _released(estimator: Any, design: Design, kind: Kind) -> ReleasedTabular:
    if isinstance(estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
        trees, intercept = trees_of(estimator)
        rounded = tuple(rounded_splits(tree, design) for tree in trees)
        return ReleasedTabular(kind=kind, design=design, intercept=intercept, trees=rounded)
    return ReleasedTabular(
        kind=kind,
        design=design,
        intercept=float(np.ravel(estimator.intercept_)[0]),
        coefficients=tuple(np.ravel(estimator.coef_).tolist()),
    )
