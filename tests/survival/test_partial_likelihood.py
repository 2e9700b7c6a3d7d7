import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.survival.follow_up import follow_up
from biolab.survival.partial_likelihood import PartialLikelihood, risk_sets

few = settings(derandomize=True, max_examples=25, deadline=None)


def draw(seed, *, rows=40, columns=3, tied=True, strata=2, late=True, weighted=True):
    """A cohort with everything in it; times are small whole numbers where ties are wanted."""
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 12, rows).astype(float) if tied else rng.permutation(rows) + 1.0
    cases = follow_up(
        (time, np.append(True, rng.random(rows - 1) < 0.6)),
        strata=rng.integers(0, strata, rows),
        weight=rng.uniform(0.2, 3, rows) if weighted else None,
        entry=np.floor(time * rng.random(rows)) if late else None,
    )
    return rng.normal(size=(rows, columns)), cases


def by_definition(design, cases, ties, beta):
    """The negative log partial likelihood as a differentiable double loop, in log space throughout."""
    eta = torch.as_tensor(design) @ beta
    log_risk = eta + torch.log(torch.as_tensor(cases.weight))
    value = eta.new_zeros(())
    for stratum in np.unique(cases.stratum):
        inside = cases.stratum == stratum
        for moment in np.unique(cases.time[inside & cases.event]):
            at_risk = inside & (cases.time >= moment)
            if cases.entry is not None:
                at_risk &= cases.entry < moment
            tied = inside & cases.event & (cases.time == moment)
            for rank in range(tied.sum()):
                share = rank / tied.sum() if ties == "efron" else 0.0
                kept = torch.as_tensor(np.log(np.where(tied, 1 - share, 1.0)))
                value = value + cases.weight[tied].mean() * torch.logsumexp((log_risk + kept)[at_risk], 0)
            value = value - torch.as_tensor(cases.weight[tied]) @ eta[tied]
    return value


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@few
@given(seed=st.integers(0, 10**6), late=st.booleans(), spread=st.sampled_from([0.0, 1.0, 30.0, 1500.0]))
def test_value_and_derivatives_follow_the_definition(ties, seed, late, spread):
    design, cases = draw(seed, rows=25, late=late)
    beta = torch.tensor(np.random.default_rng(seed).normal(size=3) * spread, requires_grad=True)
    value = by_definition(design, cases, ties, beta)
    (gradient,) = torch.autograd.grad(value, beta)
    hessian = torch.autograd.functional.hessian(lambda b: by_definition(design, cases, ties, b), beta)
    found = PartialLikelihood(design, risk_sets(cases, ties=ties)).evaluate(beta.detach().numpy())
    np.testing.assert_allclose(found.value, value.item(), rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(found.gradient, gradient.numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.hessian, np.asarray(hessian), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("shift", [-1000.0, 1000.0, 1e6])
def test_a_common_shift_changes_nothing(ties, shift):
    design, cases = draw(5)
    beta = np.array([1.0, -0.5, 0.3])
    moved = design + np.array([shift, 0, 0])
    here, there = (PartialLikelihood(X, risk_sets(cases, ties=ties)).evaluate(beta) for X in (design, moved))
    tolerance = 1e-15 * abs(shift) * 100
    np.testing.assert_allclose(there.value, here.value, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(there.gradient, here.gradient, atol=1e3 * tolerance)


def test_small_risk_sets_survive_beside_large_ones():
    """The last risk set holds log-hazards of -2000 only; a global maximum would turn it into log(0)."""
    time = np.array([1.0, 2, 3, 4])
    design = np.array([[1000.0], [0.0], [-1999.0], [-2000.0]])
    cases = follow_up((time, np.ones(4)))
    found = PartialLikelihood(design, risk_sets(cases)).evaluate(np.ones(1))
    np.testing.assert_allclose(found.value, np.log1p(np.exp(-1.0)), rtol=1e-12)
    wrong_order = follow_up((time[::-1], np.ones(4)))
    found = PartialLikelihood(design, risk_sets(wrong_order)).evaluate(np.ones(1))
    np.testing.assert_allclose(found.value, 3000 + 2999 + 1000, rtol=1e-12)


@few
@given(seed=st.integers(0, 10**6))
def test_the_order_of_patients_does_not_matter(seed):
    design, cases = draw(seed)
    order = np.random.default_rng(seed + 1).permutation(len(cases))
    beta = np.array([0.4, -1.0, 0.2])
    here = PartialLikelihood(design, risk_sets(cases)).evaluate(beta)
    there = PartialLikelihood(design[order], risk_sets(cases.take(order))).evaluate(beta)
    np.testing.assert_allclose(there.value, here.value, rtol=1e-12)
    np.testing.assert_allclose(there.hessian, here.hessian, atol=1e-10)


@few
@given(seed=st.integers(0, 10**6))
def test_strata_add_up(seed):
    design, cases = draw(seed, strata=3)
    beta = np.array([0.4, -1.0, 0.2])
    whole = PartialLikelihood(design, risk_sets(cases)).evaluate(beta)
    parts = [
        PartialLikelihood(design[cases.stratum == s], risk_sets(cases.take(cases.stratum == s))).evaluate(beta)
        for s in np.unique(cases.stratum)
    ]
    np.testing.assert_allclose(sum(part.value for part in parts), whole.value, rtol=1e-12)
    np.testing.assert_allclose(sum(part.gradient for part in parts), whole.gradient, atol=1e-10)


@few
@given(seed=st.integers(0, 10**6))
def test_without_ties_efron_is_breslow(seed):
    design, cases = draw(seed, tied=False, strata=1)
    beta = np.array([0.4, -1.0, 0.2])
    efron, breslow = (
        PartialLikelihood(design, risk_sets(cases, ties=ties)).evaluate(beta) for ties in ("efron", "breslow")
    )
    assert efron.value == breslow.value
    np.testing.assert_array_equal(efron.hessian, breslow.hessian)


def test_memory_does_not_grow_with_the_size_of_a_tie():
    """One tie of 20,000 events: anything padded over ties would need gigabytes."""
    rows = 40_000
    rng = np.random.default_rng(0)
    cases = follow_up((np.where(np.arange(rows) < rows // 2, 5.0, rng.integers(1, 400, rows)), rng.random(rows) < 0.9))
    found = PartialLikelihood(rng.normal(size=(rows, 2)), risk_sets(cases)).evaluate(np.array([0.3, -0.2]))
    assert np.isfinite(found.value)
    assert (np.linalg.eigvalsh(found.hessian) > 0).all()


def test_all_censored_is_zero_with_a_zero_gradient():
    cases = follow_up((np.arange(1.0, 6), np.zeros(5)))
    found = PartialLikelihood(np.ones((5, 2)), risk_sets(cases)).evaluate(np.ones(2))
    assert found.value == 0
    np.testing.assert_array_equal(found.gradient, 0)
    np.testing.assert_array_equal(found.hessian, 0)
