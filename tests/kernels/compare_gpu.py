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


if __name__ == "__main__":
    count = {"cox_loss": compare_cox_loss, "cox_scan": compare_cox_scan}[sys.argv[1]]()
    assert count > 3
    print(f"{count} cases agree on {DEVICE}")
