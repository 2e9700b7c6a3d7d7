"""The Cox loss, the scan and adjusted p-values equal R's survival package on the German breast cancer cohort."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from biolab.kernels import RiskSet, cox_derivatives
from biolab.stats import benjamini_hochberg, holm
from biolab.survival import cox_scan

GOLD = json.loads(Path(__file__).with_name("cox_kernels_r.json").read_text())
DATA = {name: np.array(values, dtype=np.float64) for name, values in GOLD["data"].items()}
COLUMNS = list(GOLD["scan"]["efron"])
SOME = [0, 99, 332, 685]


def _name(gold):
    parts = [name for name in ("strata", "weight", "entry") if gold[name]]
    return ", ".join([gold["ties"], *parts, gold["predictor"]])


@pytest.mark.parametrize("gold", GOLD["losses"], ids=_name)
def test_loss_and_gradient(gold):
    risk = RiskSet(
        DATA["month"],
        DATA["status"],
        ties=gold["ties"],
        strata=DATA["meno"] if gold["strata"] else None,
        weight=DATA["w"] if gold["weight"] else None,
        entry=DATA["entry"] if gold["entry"] else None,
    )
    found = cox_derivatives(torch.from_numpy(DATA[gold["predictor"]]), risk)
    assert found.value.item() == pytest.approx(gold["loss"], rel=1e-11)
    heavy = DATA["w"][SOME] if gold["weight"] else 1.0
    np.testing.assert_allclose(-found.gradient.numpy()[SOME], heavy * np.array(gold["residuals"]), atol=1e-8)


@pytest.mark.slow  # a scan takes most of a minute to compile in a fresh clone
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_scan(ties, late):
    features = np.column_stack([DATA[name] for name in COLUMNS])
    entry = DATA["entry"] if late else None
    found = cox_scan(features, DATA["month"], DATA["status"], ties=ties, names=COLUMNS, entry=entry)
    for row in found.iter_rows(named=True):
        _assert_row(row, GOLD["late" if late else "scan"][ties][row["feature"]])


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True])
def test_scan_beside_covariates_and_strata(late):
    gold = GOLD["late_adjusted" if late else "adjusted"]
    covariates = np.column_stack([DATA["age"] ** 2 / 1000, DATA["size"]])
    features = np.column_stack([DATA[name] for name in gold])
    found = cox_scan(
        features,
        DATA["month"],
        DATA["status"],
        covariates=covariates,
        strata=DATA["grade"],
        entry=DATA["entry"] if late else None,
        names=list(gold),
    )
    for row in found.iter_rows(named=True):
        _assert_row(row, gold[row["feature"]])


def _assert_row(row, gold):
    from scipy.stats import chi2

    assert row["reason"] == "ok"
    assert row["coef"] == pytest.approx(gold["coef"], rel=1e-8)
    assert row["standard_error"] == pytest.approx(gold["standard_error"], rel=1e-8)
    assert row["lr_p_value"] == pytest.approx(chi2.sf(gold["lr"], 1), rel=1e-7)
    if gold["score"]:
        assert row["score_p_value"] == pytest.approx(chi2.sf(gold["score"], 1), rel=1e-7)


def test_adjusted_p_values():
    gold = GOLD["p_values"]
    np.testing.assert_allclose(benjamini_hochberg(np.array(gold["p"])), gold["bh"], rtol=1e-12)
    np.testing.assert_allclose(holm(np.array(gold["p"])), gold["holm"], rtol=1e-12)
