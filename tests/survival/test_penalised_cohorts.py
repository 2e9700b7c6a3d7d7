"""Paths on real genomes: never an error, and optimal at every lambda, in every fold."""

import numpy as np
import polars.selectors as cs
import pytest
import torch

from biolab.data import load
from biolab.kernels import RiskSet, cox_derivatives
from biolab.stats import stratified_folds
from biolab.survival import CoxPath, CoxPathCV


def cohort(name):
    frame = load(f"survset/{name}").collect()
    return frame.select(cs.starts_with("num_")).to_numpy(), frame["time"].to_numpy(), frame["event"].to_numpy() == 1


def excess(path, X, time, event):
    """By how much the conditions of Karush, Kuhn and Tucker fail, as a share of each lambda."""
    scale, risk = X.std(axis=0), RiskSet(time, event, ties="breslow")
    eta = torch.from_numpy(path.coef_path_ @ X.T)
    gradient = cox_derivatives(eta, risk).gradient.numpy() @ X / scale / len(X)
    zero = path.coef_path_ == 0
    lambdas = path.lambdas_[:, None]
    off = np.where(zero, np.maximum(np.abs(gradient) - lambdas, 0), gradient + lambdas * np.sign(path.coef_path_))
    return (np.abs(off) / lambdas).max()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DLBCL", "DBCD"])
def test_every_fold_is_fitted_and_optimal(name):
    X, time, event = cohort(name)
    fold = stratified_folds(event, 5, seed=0)
    for number in range(-1, 5):
        rest = fold != number
        path = CoxPath().fit(X[rest], (time[rest], event[rest]))
        assert len(path.lambdas_) == 100
        assert excess(path, X[rest], time[rest], event[rest]) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DLBCL", "DBCD"])
def test_cross_validation_with_strata_entry_and_a_free_column(name):
    X, time, event = cohort(name)
    X = X[:, :1000]
    more = {"strata": np.arange(len(X)) % 2, "entry": np.minimum(time / 4, 1.0)}
    model = CoxPathCV(n_lambdas=30, unpenalised=(0,), rule="one_standard_error").fit(X, (time, event), **more)
    assert model.coef_[0] != 0
    assert np.isfinite(model.coef_).all()
