"""The estimator checks of scikit-learn.

The checks draw a target of one number a patient, which no survival model can read. The twins below take its ranks as
times and every patient as having had the event; everything else is the estimator's own.
"""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import column_or_1d

from biolab.stats import Lasso, Ridge
from biolab.survival import CoxPath, CoxPathCV, CoxPH, CoxPHCV, SelectByScan


def _as_survival(y):
    if y is None:
        return None
    values = np.asarray(y)
    values = column_or_1d(values[:, 0] if values.ndim == 2 else values)
    return np.unique(values, return_inverse=True)[1] + 1.0, np.ones(len(values))


class CoxOfOneNumber(CoxPH):
    def fit(self, X, y, strata=None, sample_weight=None, entry=None):
        return super().fit(X, _as_survival(y), strata=strata, sample_weight=sample_weight, entry=entry)

    def score(self, X, y):
        return super().score(X, _as_survival(y))


class CoxCVOfOneNumber(CoxPHCV):
    def fit(self, X, y, strata=None, sample_weight=None, entry=None):
        return super().fit(X, _as_survival(y), strata=strata, sample_weight=sample_weight, entry=entry)

    def score(self, X, y):
        return super().score(X, _as_survival(y))


class PathOfOneNumber(CoxPath):
    def fit(self, X, y, sample_weight=None, strata=None, entry=None):
        return super().fit(X, _as_survival(y), sample_weight=sample_weight, strata=strata, entry=entry)


class PathCVOfOneNumber(CoxPathCV):
    def fit(self, X, y, sample_weight=None, strata=None, entry=None):
        return super().fit(X, _as_survival(y), sample_weight=sample_weight, strata=strata, entry=entry)

    def score(self, X, y):
        return super().score(X, _as_survival(y))


class SelectionOfOneNumber(SelectByScan):
    def fit(self, X, y):
        return super().fit(X, _as_survival(y))


TEXT = {"check_dtype_object": "text among the covariates is a DataError that names row and column, not a TypeError"}
FOLDS = {
    "check_sample_weight_equivalence_on_dense_data": "copies of a patient may fall in different folds, a weight cannot",
    "check_fit2d_1sample": "the message speaks of events and folds",
}


def _known(estimator):
    return TEXT | (FOLDS if isinstance(estimator, CoxPHCV | CoxPathCV) else {})


@parametrize_with_checks(
    [CoxOfOneNumber(penalty=Ridge(1.0), ties="breslow")],
    expected_failed_checks=_known,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        CoxCVOfOneNumber(strengths=(1.0, 10.0), folds=2),
        CoxOfOneNumber(penalty=Lasso(1.0), ties="breslow"),
        PathOfOneNumber(n_lambdas=4),
        PathCVOfOneNumber(n_lambdas=4, folds=2),
    ],
    expected_failed_checks=_known,
)
def test_scikit_learn_checks_of_paths_and_folds(estimator, check):
    check(estimator)


@pytest.mark.slow  # a scan takes most of a minute to compile in a fresh clone
@parametrize_with_checks([SelectionOfOneNumber(k=2)], expected_failed_checks=lambda estimator: TEXT)
def test_scikit_learn_checks_of_the_scan(estimator, check):
    check(estimator)
