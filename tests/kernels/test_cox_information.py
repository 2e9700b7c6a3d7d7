"""The Cox information in parts and by threads, and far from 0."""

import numpy as np
import pytest

from biolab.kernels import RiskSet, cox_information
from biolab.kernels.cox_information import cpu, wide


def _cohort(*, months):
    generator = np.random.default_rng(4)
    design = generator.normal(size=(3000, 3))
    time = generator.exponential(20.0 * np.exp(-0.7 * design[:, 0]))
    risk = RiskSet(
        np.ceil(time) if months else time,
        generator.random(3000) < 0.6,
        strata=np.arange(3000) % 3,
        weight=generator.random(3000) + 0.5,
    )
    return design, risk


def _fields(found):
    return found.value, found.gradient, found.hessian, found.log_hazard_step


@pytest.mark.parametrize("months", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_parts_and_threads_change_nothing(monkeypatch, months, threads):
    design, risk = _cohort(months=months)
    whole = cox_information(design, np.array([0.4, -0.2, 0.1]), risk, threads=1)
    monkeypatch.setattr(cpu, "PART", 200)
    shared = cox_information(design, np.array([0.4, -0.2, 0.1]), risk, threads=threads)
    for found, expected in zip(_fields(shared), _fields(whole), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("months", [False, True])
def test_one_shift_and_many_agree(months):
    design, risk = _cohort(months=months)
    rows, beta = risk.sorted_rows(), np.array([0.4, -0.2, 0.1])
    ordered = design[rows.order]
    near, far = cpu.evaluate(ordered, beta, rows), wide.evaluate(ordered, ordered @ beta, rows)
    for name in ("value", "gradient", "hessian"):
        np.testing.assert_allclose(near[name], far[name], rtol=1e-10, atol=1e-10)
