"""Hazard ratios on the codebook's scale do not depend on how the design scaled its columns."""

import numpy as np
import polars as pl
import pytest

from biolab.data import Cohort
from biolab.joint import Protocol, fit_model, load_cohort
from biolab.survival import CoxPH


@pytest.fixture(scope="module")
def trial(real_protocol: Protocol) -> Cohort:
    return load_cohort(real_protocol, "gbsg")


def test_they_equal_a_fit_on_natural_units(real_protocol: Protocol, trial: Cohort) -> None:
    spec = next(spec for spec in real_protocol.models if spec.name == "age-nodes")
    table = fit_model(real_protocol, spec, trial.frame, site="gbsg").coefficients
    plain = CoxPH().fit(
        trial.frame.select(age=pl.col("age") / 10, nodes=pl.col("nodes").log1p() / np.log(2)), (trial.time, trial.event)
    )
    assert table is not None
    np.testing.assert_allclose(table["log_hazard_ratio"], plain.coef_, rtol=1e-7)
    np.testing.assert_allclose(table["standard_error"], plain.standard_error_, rtol=1e-7)
    np.testing.assert_allclose(table["upper"], plain.summary()["upper"], rtol=1e-6)


def test_labels_say_step_and_reference_in_both_languages(real_protocol: Protocol, trial: Cohort) -> None:
    spec = next(spec for spec in real_protocol.models if spec.name == "cox")
    table = fit_model(real_protocol, spec, trial.frame, site="gbsg").coefficients
    assert table is not None
    english, korean = table["label_en"].to_list(), table["label_ko"].to_list()
    assert "Age (per 10 years)" in english
    assert "나이 (10세마다)" in korean
    assert "Positive lymph nodes (per doubling)" in english
    assert "Tumour size: 20–50 vs ≤ 20 mm" in english
    assert "폐경 여부: 폐경 후 vs 폐경 전" in korean


def test_penalised_models_have_smaller_ratios(real_protocol: Protocol, trial: Cohort) -> None:
    plain, ridge = (
        fit_model(real_protocol, spec, trial.frame, site="gbsg").coefficients
        for spec in real_protocol.models
        if spec.name in {"cox", "cox-ridge"}
    )
    assert plain is not None
    assert ridge is not None
    assert np.sum(ridge["log_hazard_ratio"].to_numpy() ** 2) < np.sum(plain["log_hazard_ratio"].to_numpy() ** 2)
