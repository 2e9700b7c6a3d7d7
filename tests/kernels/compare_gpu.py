"""Compare a Triton kernel with the CPU path over the operation's cases; run by `test_gpu` with the kernel's name."""

import sys
from importlib import import_module
from unittest import mock

import numpy as np
import pytest
import torch

from biolab.kernels import RiskSet, cox_derivatives, cox_scan

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
# float64 sums in another order; exponentials of the GPU are within 1 unit in the last place
CLOSE = {"rtol": 1e-9, "atol": 1e-10}
# The interpreter takes about a second a case: these, chosen to reach every branch.
QUICK = {
    "one subject", "time in months, breslow", "case weights", "spread over +-2000", "outlier of 60 leaves first",
    "batch",
    "breslow", "constant within strata", "separated", "outlier",
}  # fmt: skip


def _cohort(n, *, events=0.6, months=True, steps=4, replicates=0, seed=1):
    generator = np.random.default_rng(seed)
    time, score = np.ceil(generator.exponential(9.0, n)), generator.normal(size=n)
    weights = {"weights": generator.integers(0, 5, size=(replicates, n))} if replicates else {}
    return {
        "time": time if months else time + generator.random(n),
        "event": generator.random(n) < events,
        "score": np.round(score * steps) / steps if steps else score,
    } | weights


# beside the operation's own cases, whose counts are not all sums of integers
WHOLE = {
    "a power of two": lambda: _cohort(32, months=False, steps=0),
    "one more than a power of two": lambda: _cohort(33, months=False, steps=0),
    "3 replicates, ties": lambda: _cohort(27, replicates=3),
    "17 replicates, event weights": lambda: _cohort(19, replicates=17) | {"event_weight": np.arange(19)},
    "replicates, an event weight each": lambda: _cohort(21, replicates=5) | {"event_weight": np.ones((5, 21)) * 3},
    "replicates of one event": lambda: _cohort(20, replicates=2) | {"event": np.arange(20) == 3},
    "replicates, all tied": lambda: _cohort(20, replicates=2) | {"time": np.ones(20), "score": np.zeros(20)},
    "replicates of nobody": lambda: _cohort(0, replicates=3),
    "no replicates": lambda: _cohort(5) | {"weights": np.ones((0, 5))},
    "zeros of both signs": lambda: _cohort(30) | {"score": np.where(np.arange(30) % 2, 0.0, -0.0)},
}
BROKEN = {
    "score": np.array([1.0, np.nan, 2.0]),
    "event": np.array([True]),
    "weights": np.array([1.0, -1.0, 1.0]),
    "event_weight": np.ones((2, 3)),
}


def compare_concordance():
    """Whole weights give the same bits; with others sums in another order differ by 1e-12 of all comparable pairs."""
    from biolab.core import DataError
    from biolab.kernels import concordance
    from biolab.kernels.concordance import gpu
    from biolab.kernels.concordance.cases import CASES

    made = {case.name: (case.make(), False) for case in CASES} | {name: (make(), True) for name, make in WHOLE.items()}
    for name, (arguments, whole) in made.items():
        if DEVICE.type == "cpu":  # several blocks also at small sizes
            small = {"one more than a power of two": (8, 2), "tied times and scores": (128, 2)}
            gpu.TILE, gpu.TOTALS = small.get(name, (1024, 1024))
        on_device = {
            key: torch.from_numpy(np.ascontiguousarray(values)).to(DEVICE) if np.ndim(values) else values
            for key, values in arguments.items()
        }
        expected = concordance(**arguments)
        parts = ("concordant", "discordant", "tied_score", "tied_time", "tied_both")
        wanted = np.stack([getattr(expected, part) for part in parts], axis=-1)
        found, error = gpu.count(**on_device, device=DEVICE)
        scale = np.max(expected.comparable, initial=1.0)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=0 if whole else 1e-12 * scale, err_msg=name)
        assert (error is None) == (expected.standard_error is None), name
        if error is not None:
            np.testing.assert_allclose(error, expected.standard_error, rtol=1e-10, atol=1e-14, err_msg=name)
        if (
            DEVICE.type == "cuda" or name == "case weights"
        ):  # by the public name: without a device, as if there were one
            with mock.patch.object(sys.modules[concordance.__module__], "_cuda_device", return_value=DEVICE):
                counts = concordance(**on_device)
            np.testing.assert_array_equal(np.stack([getattr(counts, part) for part in parts], axis=-1), found)
            assert counts.standard_error == error, name
    good = {"time": np.arange(3.0), "event": np.ones(3, dtype=bool), "score": np.arange(3.0)}
    for name, values in BROKEN.items():
        with pytest.raises(DataError, match=name):
            gpu.count(**(good | {name: values}), device=DEVICE)
    return len(made)


def compare_cox_loss():
    from biolab.kernels.cox_loss import gpu
    from biolab.kernels.cox_loss.cases import CASES

    gpu.BLOCK = 1024 if DEVICE.type == "cuda" else 64  # several blocks also at small sizes
    compared = 0
    for case in CASES:
        if DEVICE.type == "cpu" and case.name not in QUICK:
            continue
        arguments = case.make()
        log_hazard = torch.from_numpy(np.atleast_2d(arguments.pop("log_hazard")).copy())
        risk = RiskSet(**arguments)
        if risk.truncated:
            continue
        expected = cox_derivatives(log_hazard, risk)
        there = risk.layout.to(DEVICE)
        layout = (there.order, there.group_start, there.first_death, there.opens_stratum, there.weight)
        for derivatives in (0, 1, 2) if case.name == "batch" else (2,):
            found = gpu.evaluate(log_hazard.to(DEVICE), layout, derivatives, efron=risk.ties == "efron")
            wanted = (expected.value, expected.gradient, expected.hessian_diagonal)[: derivatives + 1]
            for part, truth in zip(found, wanted, strict=False):
                np.testing.assert_allclose(part.cpu().numpy(), truth.numpy(), **CLOSE, err_msg=case.name)
        compared += 1
    return compared


def compare_cox_scan():
    from biolab.kernels.cox_scan import gpu
    from biolab.kernels.cox_scan.cases import CASES

    compared = 0
    for case in CASES:
        if DEVICE.type == "cpu" and case.name not in QUICK:
            continue
        arguments = case.make()
        if "covariates" in arguments or "entry" in arguments:
            continue
        features = np.ascontiguousarray(arguments.pop("features"), dtype=np.float64)
        risk = RiskSet(**arguments)
        expected = cox_scan(features, risk)
        found = gpu.scan(torch.from_numpy(features).to(DEVICE), risk)
        names = ("coef", "standard_error", "score", "likelihood_ratio", "outcome")
        for name, part in zip(names, found.T, strict=True):
            np.testing.assert_allclose(
                part, getattr(expected, name), rtol=1e-7, atol=1e-9, err_msg=f"{case.name}: {name}"
            )
        compared += 1
    return compared


def compare_packed_matmul():
    """Tiles are multiplied in float32: seven digits of the largest term."""
    from biolab.kernels import Coding, packed_products, packed_scores
    from biolab.kernels.packed_matmul import gpu
    from biolab.kernels.packed_matmul.cases import CASES, pack

    compared = 0
    for case in CASES:
        arguments = case.make()
        codes = arguments["codes"]
        if DEVICE.type == "cpu" and codes.size > 3000:
            continue
        m, n = codes.shape
        packed, coding = pack(codes), Coding.of(m, **{k: arguments[k] for k in ("centre", "scale", "missing")})
        there = torch.from_numpy(np.ascontiguousarray(packed)).to(DEVICE)
        for found, expected in (
            (
                gpu.scores(there, n, torch.from_numpy(arguments["weights"]).to(DEVICE), coding.values),
                packed_scores(packed, n, arguments["weights"], coding),
            ),
            (
                gpu.products(there, n, torch.from_numpy(arguments["dense"]).to(DEVICE), coding.values),
                packed_products(packed, n, arguments["dense"], coding),
            ),
        ):
            np.testing.assert_allclose(
                found.cpu().numpy(), expected, rtol=1e-5, atol=2e-5 * m**0.5 + 1e-5, err_msg=case.name
            )
        compared += 1
    return compared


def _fed_batch_problem(case, intervals, *, varied="kla_per_h", values=None, noisy=False, **choices):
    from biolab.kernels.fed_batch import FedBatchProblem, layout, run_seeds

    made = case.make()
    parameters, place = made["parameters"], layout.PARAMETERS[made["plant"]].index(varied)
    runs = parameters[place] * (1 + 0.1 * np.arange(3)) if values is None else np.asarray(values, dtype=np.float64)
    if noisy:
        for name in ("ph_resolution", "dissolved_oxygen_resolution_percent", "temperature_resolution_c"):
            parameters[layout.PARAMETERS[made["plant"]].index(name)] = 0.01
    return FedBatchProblem(
        plant=made["plant"], parameters=parameters, schedule=made["schedule"][: intervals + 1],
        interval_h=made["interval_h"], varied=np.array([place]), values=runs[:, None], seeds=run_seeds(3, runs.size),
        **choices,
    )  # fmt: skip


def _close_runs(found, wanted, name, close):
    from biolab.kernels.fed_batch import cases, layout

    np.testing.assert_array_equal(found.outcome, wanted.outcome, err_msg=name)
    np.testing.assert_allclose(found.failed_h, wanted.failed_h, rtol=0, atol=1e-6, err_msg=name)
    went = wanted.outcome == layout.OK
    seen = np.maximum(1.0, np.abs(wanted.records))
    np.testing.assert_allclose(found.records / seen, wanted.records / seen, rtol=0, atol=close, err_msg=name)
    difference = (found.state - wanted.state)[went] / (cases.TYPICAL + np.abs(wanted.state[went]))
    assert np.abs(difference).max() < close, name
    # but for the integrator's next step and its counts
    places = [k for k in range(layout.MEMORY) if k not in {layout.M_STEP, layout.M_STEPS, layout.M_REJECTED}]
    seen = np.maximum(1.0, np.abs(wanted.memory))
    difference = ((found.memory - wanted.memory) / seen)[went][:, places]
    assert np.abs(difference).max() < close, name


def _compare_fed_batch(made, close=1e-9):
    """Run problems by the public name, in the compiled path and in Triton, whole and in pieces."""
    kernel = import_module("biolab.kernels.fed_batch")
    with mock.patch.object(kernel, "_cuda_device", return_value=DEVICE):
        for name, (problem, pieces, single) in made.items():
            end = problem.schedule.shape[0] - 1
            when = np.unique([0, end // 2, end])
            there = {"device": "cuda", "single": single}
            if pieces:
                first = kernel.fed_batch(problem, when[:2], last=end // 2 + 1, **there)
                wanted = kernel.fed_batch(problem, when[:2], last=end // 2 + 1)
                _close_runs(first, wanted, name, close)
                found = kernel.fed_batch(problem, when[2:], earlier=first, first=end // 2 + 1, **there)
                wanted = kernel.fed_batch(problem, when[2:], earlier=wanted, first=end // 2 + 1)
            else:
                found, wanted = kernel.fed_batch(problem, when, **there), kernel.fed_batch(problem, when)
            _close_runs(found, wanted, name, 2e-4 if single else close)
    return len(made)


def compare_fed_batch():
    """A few control intervals of each kind, a run that fails, and devices that are not there."""
    from biolab.core import DataError, MissingExtraError
    from biolab.kernels.fed_batch import cases, fed_batch

    dense, broken, coli = cases.CASES[1], cases.CASES[3], cases.CASES[6]
    problem = _fed_batch_problem(broken, 3, varied="contaminant_growth_per_h", values=[0.5, 1e300])
    if DEVICE.type == "cpu":
        with pytest.raises(MissingExtraError, match="no device 'cuda' here"):
            fed_batch(problem, np.array([3]), device="cuda")
    with pytest.raises(DataError, match="expected 'cpu', or a CUDA device"):
        fed_batch(problem, np.array([3]), device="gpu")
    return _compare_fed_batch({
        "CHO, fed, noise": (_fed_batch_problem(dense, 7, noisy=True), False, False),
        "E. coli, order 2, in pieces": (_fed_batch_problem(coli, 6, order=2), True, False),
        "one run fails": (problem, False, False),
        "single precision": (_fed_batch_problem(dense, 3), False, True),
    })  # fmt: skip


def compare_fed_batch_all():
    """Every case of the contract over its whole schedule, with what else a problem can say."""
    from biolab.kernels.fed_batch import cases

    made = {case.name: (_fed_batch_problem(case, 99), False, False) for case in cases.CASES}
    for case in cases.CASES[1:4:2]:
        made |= {
            f"{case.name}, order 2": (_fed_batch_problem(case, 12, order=2), False, False),
            f"{case.name}, fixed steps": (_fed_batch_problem(case, 6, fixed_steps=3), False, False),
            f"{case.name}, in pieces": (_fed_batch_problem(case, 12), True, False),
        }
    many = np.linspace(5.0, 15.0, 33)  # more runs than a program has threads
    made["33 runs"] = (_fed_batch_problem(cases.CASES[0], 4, values=many), False, False)
    return _compare_fed_batch(made)


if __name__ == "__main__":
    kernels = {
        "concordance": compare_concordance,
        "cox_loss": compare_cox_loss,
        "cox_scan": compare_cox_scan,
        "fed_batch": compare_fed_batch,
        "fed_batch_all": compare_fed_batch_all,
        "packed_matmul": compare_packed_matmul,
    }
    count = kernels[sys.argv[1]]()
    assert count > 3
    print(f"{count} cases agree on {DEVICE}")
