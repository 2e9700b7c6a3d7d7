"""A design and a survival estimator as one model on harmonised frames."""

from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, clone

from biolab.core.arrays import Float

from .design import Design
from .target import survival_target


class RiskModel(BaseEstimator):
    """Fit a survival estimator on the design matrix of a harmonised cohort.

    Everything that learns from data (imputation, scaling, category levels, coefficients) is learned in ``fit``, so a
    fold that is held out stays held out.

    Parameters
    ----------
    design
        Terms of the codebook and how each becomes columns.
    estimator
        A survival estimator: ``CoxPH``, ``CoxPHCV``, ``DiscreteTimeHazard``.
    """

    def __init__(self, design: Design, estimator: BaseEstimator) -> None:
        self.design = design
        self.estimator = estimator

    def fit(self, X: pl.DataFrame, y: object) -> Self:
        """Learn the design and the estimator from a cohort's covariates and its (time, event)."""
        target = survival_target(y)
        design: Any = clone(self.design)
        estimator: Any = clone(self.estimator)
        self.design_: Design = design.fit(X)
        self.estimator_ = estimator.fit(self.design_.transform(X), target)
        return self

    def predict(self, X: pl.DataFrame) -> Float[np.ndarray, " n"]:
        """Return the estimator's risk score; higher is worse."""
        return self.estimator_.predict(self.design_.transform(X))

    def predict_survival_function(self, X: pl.DataFrame, times: Float[np.ndarray, " t"]) -> Float[np.ndarray, "n t"]:
        """Return the probability of being event-free at each time."""
        return self.estimator_.predict_survival_function(self.design_.transform(X), times)
