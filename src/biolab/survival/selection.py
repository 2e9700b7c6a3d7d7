"""Choosing columns inside the folds: the best of a scan, as a scikit-learn transformer."""

from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from biolab.core import ConfigError
from biolab.core.arrays import Bool

from .covariates import covariate_matrix
from .cox_scan import Ties, cox_scan
from .follow_up import check_rows, follow_up


class SelectByScan(SelectorMixin, BaseEstimator):
    """Keep the k columns whose own Cox model has the smallest score-test p-value.

    As a step of a ``Pipeline`` it is fitted on the training patients of each fold alone; selecting on all patients
    before cross-validation makes noise look predictive. The score test needs no iterations and remains valid for
    columns that separate the events; columns without one (constant) are taken last. Equal p-values go by position.
    With fewer than ``k`` columns all are kept.

    Parameters
    ----------
    k
        How many columns to keep.
    ties
        As of `cox_scan`.

    Attributes
    ----------
    scan_
        The table of `cox_scan` on the training patients.
    n_features_in_, feature_names_in_
        Columns, and their names where X had any.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> X = generator.normal(size=(200, 30))
    >>> time = generator.exponential(np.exp(-X[:, 4] + X[:, 7]))
    >>> selector = SelectByScan(k=2).fit(X, (time, np.ones(200)))
    >>> selector.get_support(indices=True).tolist(), selector.transform(X).shape
    ([4, 7], (200, 2))
    """

    scan_: pl.DataFrame

    def __init__(self, k: int = 10, ties: Ties = "efron") -> None:
        self.k = k
        self.ties: Ties = ties

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Scan the columns on the training patients.

        Raises
        ------
        ConfigError
            If k is less than 1.
        DataError
            If values or lengths are wrong; names row and column.
        FitError
            If there is no event.
        """
        if self.k < 1:
            raise ConfigError(f"k is {self.k}; expected the number of columns to keep, at least 1.")
        design, cases = covariate_matrix(X), follow_up(y)
        named: Any = X if hasattr(X, "columns") else design
        validate_data(self, named, skip_check_array=True)
        check_rows(design, cases)
        names = getattr(self, "feature_names_in_", None)
        labels = None if names is None else [str(name) for name in names]
        self.scan_ = cox_scan(design, cases.time, cases.event, ties=self.ties, names=labels)
        return self

    def _get_support_mask(self) -> Bool[np.ndarray, " p"]:
        check_is_fitted(self, "scan_")
        p_value = self.scan_["score_p_value"].fill_null(np.inf).to_numpy()
        kept = np.zeros(p_value.size, dtype=bool)
        kept[np.argsort(p_value, kind="stable")[: self.k]] = True
        return kept
