"""Compare a Triton kernel with the CPU path over the operation's cases; run by `test_gpu` with the kernel's name."""

import sys

import numpy as np
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


def compare_concordance():
    """Counts of whole weights are equal to the last digit."""
    from biolab.kernels.concordance import concordance, gpu
    from biolab.kernels.concordance.cases import CASES

    gpu.BLOCK, gpu.CELLS = (1024, 4000) if DEVICE.type == "cuda" else (64, 900)  # several blocks also at small sizes
    cases = [(case.name, case.make()) for case in CASES]
    generator = np.random.default_rng(7)
    for n, b in ((1025, 3), (130, 17)):
        time = np.ceil(generator.exponential(20.0, n))
        weights = generator.multinomial(n, np.full(n, 1 / n), size=b)
        score = np.round(generator.normal(size=n), 1)
        cases.append((f"{b} replicates", {"time": time, "event": time < 30, "score": score, "weights": weights}))
    for name, arguments in cases:
        expected = concordance(**arguments)
        given = {"weights": None, "event_weight": None, "tau": np.inf} | arguments
        there = torch.from_numpy(np.ascontiguousarray(given.pop("score"))).to(DEVICE)
        counts, error = gpu.concordance(score=there, **given)
        wanted = [
            getattr(expected, part) for part in ("concordant", "discordant", "tied_score", "tied_time", "tied_both")
        ]
        whole = all(np.asarray(given[part]).dtype.kind in "Oiu" for part in ("weights", "event_weight"))
        close = {"rtol": 0, "atol": 0} if whole else {"rtol": 1e-9, "atol": 1e-8}
        np.testing.assert_allclose(counts, np.stack(wanted, axis=-1), **close, err_msg=name)
        assert (error is None) == (expected.standard_error is None)
        if error is not None:
            np.testing.assert_allclose(error, expected.standard_error, rtol=1e-9, err_msg=name)
    return len(cases)


if __name__ == "__main__":
    kernels = {
        "concordance": compare_concordance,
        "cox_loss": compare_cox_loss,
        "cox_scan": compare_cox_scan,
        "packed_matmul": compare_packed_matmul,
    }
    count = kernels[sys.argv[1]]()
    assert count > 3
    print(f"{count} cases agree on {DEVICE}")
