"""The Cox loss as torch sees it, its properties, and what it refuses."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import DataError
from biolab.kernels import RiskSet, cox_derivatives, cox_loss
from biolab.kernels.cox_loss import cpu, operator
from biolab.kernels.cox_loss.cases import CASES
from biolab.kernels.risk_set import BIN

quick = settings(derandomize=True, max_examples=40, deadline=None)


@st.composite
def cohorts(draw):
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(2, 25))
    return {
        "log_hazard": generator.normal(size=n) * draw(st.sampled_from([0.1, 1.0, 30.0])),
        "time": np.ceil(generator.exponential(4.0, n)),
        "event": generator.random(n) < draw(st.floats(0.1, 1.0)),
        "ties": draw(st.sampled_from(["efron", "breslow"])),
    }


def _loss(log_hazard, **follow_up):
    return cox_loss(torch.from_numpy(np.asarray(log_hazard)), **follow_up).item()


@quick
@given(cohorts(), st.floats(-1000, 1000))
def test_a_common_shift_changes_nothing(cohort, shift):
    shifted = cohort | {"log_hazard": cohort["log_hazard"] + shift}
    assert _loss(**shifted) == pytest.approx(_loss(**cohort), rel=1e-10, abs=1e-10)


@quick
@given(cohorts(), st.randoms(use_true_random=False))
def test_rows_may_stand_in_any_order(cohort, random):
    order = list(range(len(cohort["time"])))
    random.shuffle(order)
    ties = cohort.pop("ties")
    moved = {name: values[order] for name, values in cohort.items()}
    here, there = (
        cox_derivatives(torch.from_numpy(c.pop("log_hazard")), RiskSet(**c, ties=ties)) for c in (cohort, moved)
    )
    assert there.value.item() == pytest.approx(here.value.item(), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(there.gradient, here.gradient[order], atol=1e-12)
    np.testing.assert_allclose(there.hessian_diagonal, here.hessian_diagonal[order], atol=1e-12)


@quick
@given(cohorts(), st.integers(0, 100))
def test_breslow_weight_two_is_a_row_twice(cohort, seed):
    cohort["ties"] = "breslow"
    weight = np.random.default_rng(seed).integers(0, 3, len(cohort["time"]))
    ties = cohort.pop("ties")
    repeated = {name: np.repeat(values, weight) for name, values in cohort.items()}
    expected = _loss(**repeated, ties=ties) if weight.any() else 0.0
    assert _loss(**cohort, ties=ties, weight=weight) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@quick
@given(cohorts(), st.integers(0, 100))
def test_strata_add_up(cohort, seed):
    label = np.random.default_rng(seed).integers(0, 3, len(cohort["time"]))
    ties = cohort.pop("ties")
    parts = [{name: values[label == s] for name, values in cohort.items()} for s in set(label.tolist())]
    together = _loss(**cohort, ties=ties, strata=[f"centre {s}" for s in label])
    assert together == pytest.approx(sum(_loss(**part, ties=ties) for part in parts), rel=1e-12, abs=1e-12)


@quick
@given(cohorts())
def test_gradient_sums_to_zero_and_curvature_is_not_negative(cohort):
    log_hazard = torch.from_numpy(cohort.pop("log_hazard"))
    found = cox_derivatives(log_hazard, RiskSet(**cohort))
    assert abs(found.gradient.sum().item()) < 1e-11
    assert (found.hessian_diagonal >= 0).all()


@quick
@given(cohorts())
def test_entry_before_everything_is_no_truncation(cohort):
    log_hazard = torch.from_numpy(cohort.pop("log_hazard"))
    plain = cox_derivatives(log_hazard, RiskSet(**cohort))
    entered = cox_derivatives(log_hazard, RiskSet(**cohort, entry=np.zeros(len(log_hazard))))
    for name in ("value", "gradient", "hessian_diagonal"):
        torch.testing.assert_close(getattr(entered, name), getattr(plain, name), rtol=1e-11, atol=1e-11)


@quick
@given(cohorts())
def test_breslow_is_efron_without_ties(cohort):
    cohort["time"] = np.argsort(np.argsort(cohort["time"])) + 1.0
    del cohort["ties"]
    assert _loss(**cohort, ties="breslow") == pytest.approx(_loss(**cohort, ties="efron"), rel=1e-12, abs=1e-12)


def _small(entry=False):
    generator = np.random.default_rng(3)
    time = np.ceil(generator.exponential(4.0, 14))
    return RiskSet(
        time,
        generator.random(14) < 0.7,
        strata=np.arange(14) % 2,
        weight=generator.random(14) + 0.5,
        entry=time - 2.0 if entry else None,
    ), torch.from_numpy(generator.normal(size=(2, 14)))


@pytest.mark.parametrize("entry", [False, True])
def test_gradcheck(entry):
    risk, log_hazard = _small(entry)
    assert torch.autograd.gradcheck(lambda x: cox_loss(x, risk), (log_hazard.requires_grad_(),))


def _naive(log_hazard, time, event):
    """Efron's loss by torch operations alone."""
    total = log_hazard.new_zeros(())
    for moment in np.unique(time[event]):
        dies, at_risk = event & (time == moment), time >= moment
        failing, everyone = log_hazard[dies].exp().sum(), log_hazard[at_risk].exp().sum()
        for step in range(dies.sum()):
            total = total + torch.log(everyone - step / dies.sum() * failing)
        total = total - log_hazard[dies].sum()
    return total


def test_gradient_and_hessian_equal_autograd_of_a_naive_loss():
    generator = np.random.default_rng(1)
    time, event = np.ceil(generator.exponential(5.0, 40)), generator.random(40) < 0.6
    log_hazard = torch.from_numpy(generator.normal(size=40))
    found = cox_derivatives(log_hazard, RiskSet(time, event))
    leaf = log_hazard.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(_naive(leaf, time, event), leaf)
    torch.testing.assert_close(found.gradient, gradient, rtol=1e-11, atol=1e-12)
    hessian = torch.autograd.functional.hessian(lambda x: _naive(x, time, event), log_hazard).diagonal()
    torch.testing.assert_close(found.hessian_diagonal, hessian, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("derivatives", [0, 1, 2])
def test_operator_is_well_registered(derivatives):
    risk, log_hazard = _small()
    layout = list(risk.layout.tensors().values())
    torch.library.opcheck(operator.evaluate, (log_hazard.requires_grad_(derivatives > 0), *layout, True, derivatives))


def test_compiled_graph_gives_the_same_gradient():
    risk, log_hazard = _small()
    first, second = (log_hazard[0].clone().requires_grad_() for _ in range(2))
    (cox_loss(first.tanh() * 2, risk) * 3).backward()
    torch.compile(lambda x: cox_loss(x.tanh() * 2, risk) * 3, fullgraph=True, backend="aot_eager")(second).backward()
    torch.testing.assert_close(first.grad, second.grad)


def test_a_risk_set_may_be_built_inside_a_compiled_function():
    time, event = torch.arange(1.0, 21.0), torch.ones(20)
    plain = lambda x: cox_loss(x * 2, time, event)  # noqa: E731
    log_hazard = torch.linspace(-1, 1, 20, dtype=torch.float64)
    compiled = torch.compile(plain, backend="aot_eager")
    torch.testing.assert_close(compiled(log_hazard), plain(log_hazard))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_single_precision_is_kept_and_accumulates_in_double(case):
    arguments = case.make()
    log_hazard = torch.from_numpy(np.array(arguments.pop("log_hazard"))).float()
    risk = RiskSet(**arguments)
    single, double = cox_derivatives(log_hazard, risk), cox_derivatives(log_hazard.double(), risk)
    assert single.value.dtype is single.gradient.dtype is torch.float32
    torch.testing.assert_close(single.value.double(), double.value, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(single.gradient.double(), double.gradient, rtol=1e-6, atol=1e-6)


def test_all_censored_is_zero_with_a_live_gradient():
    log_hazard = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    loss = cox_loss(log_hazard, [1.0, 2.0, 2.0, 3.0], [0, 0, 0, 0])
    assert loss.item() == 0.0
    loss.backward()
    assert log_hazard.grad is not None
    assert (log_hazard.grad == 0).all()


def test_a_batch_is_its_rows():
    risk, log_hazard = _small(entry=True)
    together = cox_loss(log_hazard, risk)
    assert together.shape == (2,)
    assert [cox_loss(row, risk).item() for row in log_hazard] == together.tolist()


def _breslow_by_cumulative_sums(log_hazard, time, event):
    """Value, gradient and Hessian's diagonal without ties, from latest to earliest and back."""
    order = np.argsort(-time)
    hazard, dies = np.exp(log_hazard[order]), event[order]
    at_risk = np.cumsum(hazard)
    slope, curve = (np.cumsum((dies / at_risk**power)[::-1])[::-1] for power in (1, 2))
    value = np.log(at_risk[dies]).sum() - log_hazard[event].sum()
    gradient, hessian = np.empty(len(time)), np.empty(len(time))
    gradient[order], hessian[order] = hazard * slope - dies, hazard * slope - hazard**2 * curve
    return value, gradient, hessian


@pytest.mark.parametrize("part", [cpu.PART, 5_000])
@pytest.mark.parametrize("threads", [1, 2])
def test_many_bins_parts_and_threads_change_nothing(monkeypatch, part, threads):
    generator = np.random.default_rng(8)
    n = 2 * BIN
    log_hazard, time, event = generator.normal(size=n), generator.random(n), generator.random(n) < 0.7
    risk = RiskSet(time, event)
    assert risk.sorted_rows().bin_start.size > 2
    monkeypatch.setattr(cpu, "PART", part)
    gradient, hessian = np.empty(n), np.empty(n)
    value = cpu.evaluate(log_hazard, risk.sorted_rows(), gradient, hessian, threads)
    truth = _breslow_by_cumulative_sums(log_hazard, time, event)
    for found, expected in zip((value, gradient, hessian), truth, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    order = risk.sorted_rows().order
    slope = np.empty(order.size)
    assert cpu.evaluate(log_hazard[order], risk.rows_in_order(), slope, np.empty(0)) == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(slope, gradient[order], rtol=1e-12, atol=1e-15)


def test_one_huge_tie_needs_linear_memory_and_is_right():
    n = 200_000
    time = np.where(np.arange(n) < n // 10, 5.0, np.arange(n) + 10.0)
    risk = RiskSet(time, np.ones(n))
    loss = cox_loss(torch.zeros(n, dtype=torch.float64), risk).item()
    # without covariates the denominators count down: log(n!) whatever the ties
    assert loss == pytest.approx(float(torch.lgamma(torch.tensor(n + 1.0, dtype=torch.float64))), rel=1e-12)


def test_second_derivative_is_refused():
    risk, log_hazard = _small()
    x = log_hazard[0].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(cox_loss(x, risk), x, create_graph=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.autograd.grad(gradient.sum(), x)


FINE = {"time": [1.0, 2.0, 3.0], "event": [1, 0, 1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time": [], "event": []}, "0 rows"),
        ({"time": [1.0, np.nan, 2.0]}, "time is nan in row 1"),
        ({"time": [1.0, np.inf, 2.0]}, "time is inf in row 1"),
        ({"time": ["a", "b", "c"]}, "expected numbers"),
        ({"time": [1.0, 2.0]}, "Shapes differ"),
        ({"event": [1, 2, 0]}, "event is 2 in row 1"),
        ({"weight": [1.0, -1.0, 1.0]}, "weight holds a negative"),
        ({"weight": [1.0, np.nan, 1.0]}, "weight holds a negative, NaN"),
        ({"weight": [1.0, 1.0]}, "weight has shape"),
        ({"entry": [0.0, 2.0, 0.0]}, "entry is 2 in row 1"),
        ({"entry": [0.0, np.nan, 0.0]}, "entry is nan in row 1"),
        ({"strata": [1, 2]}, "strata has shape"),
        ({"strata": [1.0, np.nan, 2.0]}, "strata is NaN in row 1"),
        ({"ties": "exact"}, "ties is 'exact'"),
    ],
)
def test_bad_follow_up_is_refused(change, message):
    with pytest.raises(DataError, match=message):
        RiskSet(**(FINE | change))


@pytest.mark.parametrize(
    ("log_hazard", "message"),
    [
        (torch.tensor([0.0, torch.nan, 1.0]), "log_hazard is nan in row 1"),
        (torch.tensor([0.0, torch.inf, 1.0]), "log_hazard is inf in row 1"),
        (torch.zeros(2), "2 rows"),
        (torch.zeros(3, dtype=torch.int64), "expected a floating tensor"),
        (torch.zeros((1, 1, 3)), "expected a floating tensor"),
    ],
)
def test_bad_log_hazards_are_refused(log_hazard, message):
    with pytest.raises(DataError, match=message):
        cox_loss(log_hazard, RiskSet(**FINE))


def test_a_risk_set_takes_nothing_beside_it():
    with pytest.raises(DataError, match="already holds"):
        cox_loss(torch.zeros(3), RiskSet(**FINE), [1, 0, 1])
