"""Time one tool on one workload in this process and print a line of JSON: best and median seconds, memory, a result.

    python benchmarks/peers_survival.py TOOL WORK N REPEATS DEVICE [DATA]

Peers: coxdev 0.4.1, torchsurv 0.2, pycox 0.3, lifelines 0.30, scikit-survival 0.28, survival 2.0, and R's survival.
Sorting and other work that a tool allows to do once is done before the clock starts; the first call (compilation) is
not counted unless it takes over 10 s, and then it is the only one. Inputs are the same for all.
"""

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from one_call import tell

Prepared = tuple[Callable[[], object], Callable[[object], float]]  # what is timed, and a number to compare results by


def cohort(name: str, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    score = generator.normal(size=n)
    follow_up = generator.exponential(30.0 * np.exp(-0.5 * score))
    if name.startswith("months"):
        follow_up = np.ceil(follow_up)
    if name.endswith("one_tie_of_a_tenth"):
        follow_up = np.where(generator.random(n) < 0.1, 12.0, follow_up)
    return follow_up, generator.random(n) < 0.4, score


def genome(data: str, p: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read a real genome, or draw one of the same size where there is none."""
    if data:
        held = np.load(data)
        return held["time"], held["event"], np.ascontiguousarray(held["features"], dtype=np.float64)
    generator = np.random.default_rng(0)
    n = 124
    features = generator.normal(size=(n, p))
    follow_up = np.ceil(generator.exponential(900.0 * np.exp(-0.4 * features[:, 0])))
    return follow_up, generator.random(n) < 0.6, features


def biolab_cox_loss(follow_up, event, score, device: str) -> Prepared:
    import torch

    from biolab.kernels import RiskSet, cox_derivatives

    risk, log_hazard = RiskSet(follow_up, event), torch.from_numpy(score).to(device)

    def run():
        found = cox_derivatives(log_hazard, risk)
        if device == "cuda":
            torch.cuda.synchronize()
        return found

    return run, lambda found: found.value.item()


def biolab_cox_gradient(follow_up, event, score, device: str) -> Prepared:
    import torch

    from biolab.kernels import RiskSet, cox_loss

    risk, log_hazard = RiskSet(follow_up, event), torch.from_numpy(score).to(device).requires_grad_()

    def run():
        log_hazard.grad = None
        loss = cox_loss(log_hazard, risk)
        loss.backward()
        return loss

    return run, lambda loss: loss.item()


def coxdev_cox_loss(follow_up, event, score, device: str) -> Prepared:
    del device
    from coxdev import CoxDeviance

    prepared = CoxDeviance(event=follow_up, status=event.astype(np.int32), tie_breaking="efron")
    weight = np.ones(len(score))

    def run():
        prepared._cache.clear() if hasattr(prepared, "_cache") else None
        # a copy that differs by nothing but identity: results must not come from a cache
        return prepared(score + 1e-14 * np.random.random(), weight)

    saturated = float(prepared(score, weight).loglik_sat)
    return run, lambda found: float(found.deviance) / 2 - saturated


def torchsurv_cox_loss(follow_up, event, score, device: str) -> Prepared:
    import torch
    from torchsurv.loss.cox import neg_partial_log_likelihood

    order = np.argsort(follow_up, kind="stable")
    log_hazard = torch.from_numpy(score[order]).to(device).requires_grad_()
    happened, when = torch.from_numpy(event[order]).to(device), torch.from_numpy(follow_up[order]).to(device)

    def run():
        log_hazard.grad = None
        loss = neg_partial_log_likelihood(log_hazard, happened, when, ties_method="efron", reduction="sum")
        loss.backward()
        return loss

    return run, lambda loss: loss.item()


def pycox_cox_loss(follow_up, event, score, device: str) -> Prepared:
    import torch
    from pycox.models.loss import cox_ph_loss_sorted

    order = np.argsort(-follow_up, kind="stable")
    log_hazard = torch.from_numpy(score[order]).to(device).requires_grad_()
    happened = torch.from_numpy(event[order].astype(np.float64)).to(device)

    def run():
        log_hazard.grad = None
        loss = cox_ph_loss_sorted(log_hazard, happened) * happened.sum()
        loss.backward()
        return loss

    return run, lambda loss: loss.item()


def biolab_concordance(follow_up, event, score, device: str) -> Prepared:
    from biolab.kernels import concordance

    held = moved((follow_up, event, score), device)
    return lambda: concordance(*held), lambda found: float(found.index)


def biolab_bootstrap(follow_up, event, score, device: str) -> Prepared:
    from biolab.kernels import concordance

    n = len(score)
    draws = np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), size=1000)
    *held, weights = moved((follow_up, event, score, draws), device)
    return lambda: concordance(*held, weights=weights), lambda found: float(found.index.mean())


def moved(arrays: tuple[np.ndarray, ...], device: str) -> tuple[Any, ...]:
    """Return the arrays as tensors on a CUDA device, and as they are elsewhere."""
    if device != "cuda":
        return arrays
    import torch

    return tuple(torch.from_numpy(array).to(device) for array in arrays)


def lifelines_concordance(follow_up, event, score, device: str) -> Prepared:
    del device
    from lifelines.utils import concordance_index

    return lambda: concordance_index(follow_up, -score, event), float


def survival_concordance(follow_up, event, score, device: str) -> Prepared:
    del device
    import survival

    data = {"time": follow_up.tolist(), "event": event.astype(int).tolist(), "score": score.tolist()}
    return lambda: survival.concordance("Surv(time, event) ~ score", data, reverse=True), lambda c: c.concordance


def sksurv_concordance(follow_up, event, score, device: str) -> Prepared:
    del device
    from sksurv.metrics import concordance_index_censored

    return lambda: concordance_index_censored(event, follow_up, score), lambda found: float(found[0])


def torchsurv_concordance(follow_up, event, score, device: str) -> Prepared:
    del device
    import torch
    from torchsurv.metrics.cindex import ConcordanceIndex

    given = (torch.from_numpy(score), torch.from_numpy(event), torch.from_numpy(follow_up))
    return lambda: ConcordanceIndex()(*given), float


def biolab_cox_scan(follow_up, event, features, device: str) -> Prepared:
    import torch

    from biolab.kernels import RiskSet, cox_scan

    risk = RiskSet(follow_up, event)
    held = torch.from_numpy(features).to(device) if device == "cuda" else features
    return lambda: cox_scan(held, risk), lambda found: float(np.nansum(np.abs(found.coef)))


def survival_cox_scan(follow_up, event, features, device: str) -> Prepared:
    del device
    from survival._survival import coxph_fit_raw  # the bare fit: formulas and residuals would cost it 20-fold

    happened = event.astype(np.float64)
    columns = [np.ascontiguousarray(column[:, None]) for column in features.T]

    def run():
        return [coxph_fit_raw(follow_up, happened, column, method="efron", resid=False) for column in columns]

    return run, lambda fits: float(sum(abs(np.ravel(fit.coefficients)[0]) for fit in fits))


def design(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return follow-up without ties, events and ten columns."""
    generator = np.random.default_rng(0)
    columns = generator.normal(size=(n, 10))
    return generator.exponential(30.0 * np.exp(-0.5 * columns[:, 0])), generator.random(n) < 0.6, columns


def biolab_cox_information(follow_up, event, columns, device: str) -> Prepared:
    from biolab.survival import CoxPH

    return lambda: CoxPH(device=device).fit(columns, (follow_up, event)), lambda fit: float(np.abs(fit.coef_).sum())


def survival_cox_information(follow_up, event, columns, device: str) -> Prepared:
    del device
    from survival._survival import coxph_fit_raw

    happened = event.astype(np.float64)
    return (
        lambda: coxph_fit_raw(follow_up, happened, columns, method="efron", resid=False),
        lambda fit: float(np.abs(fit.coefficients).sum()),
    )


def lifelines_cox_information(follow_up, event, columns, device: str) -> Prepared:
    del device
    import pandas as pd
    from lifelines import CoxPHFitter

    frame = pd.DataFrame(columns, columns=[f"x{j}" for j in range(columns.shape[1])]).assign(
        time=follow_up, event=event
    )
    return lambda: CoxPHFitter().fit(frame, "time", "event"), lambda fit: float(np.abs(fit.params_).sum())


def sksurv_cox_information(follow_up, event, columns, device: str) -> Prepared:
    del device
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.util import Surv

    target = Surv.from_arrays(event, follow_up)
    return (
        lambda: CoxPHSurvivalAnalysis(ties="efron").fit(columns, target),
        lambda fit: float(np.abs(fit.coef_).sum()),
    )


def lifelines_cox_scan(follow_up, event, features, device: str) -> Prepared:
    del device
    import pandas as pd
    from lifelines import CoxPHFitter

    def run():
        fits = []
        for column in features.T:
            frame = pd.DataFrame({"time": follow_up, "event": event, "x": column})
            fits.append(CoxPHFitter().fit(frame, "time", "event").params_["x"])
        return fits

    return run, lambda fits: float(np.abs(fits).sum())


def r_fit(tool: str, follow_up, event, columns, repeats: int) -> dict[str, object]:
    """Return what R prints for the same data, and its memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.bin"
        np.column_stack([follow_up, event, columns]).astype(np.float64).T.tofile(path)
        script = Path(__file__).with_name("coxph.R")
        command = ["Rscript", str(script), str(path), str(len(follow_up)), str(repeats), tool]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found | {"peak_memory_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}


MAKERS = {
    ("biolab", "loss_gradient_hessian"): biolab_cox_loss,
    ("coxdev", "loss_gradient_hessian"): coxdev_cox_loss,
    ("biolab", "loss_gradient"): biolab_cox_gradient,
    ("torchsurv", "loss_gradient"): torchsurv_cox_loss,
    ("pycox", "loss_gradient"): pycox_cox_loss,
    ("biolab", "harrell_with_error"): biolab_concordance,
    ("lifelines", "harrell_with_error"): lifelines_concordance,
    ("survival", "harrell_with_error"): survival_concordance,
    ("scikit-survival", "harrell_with_error"): sksurv_concordance,
    ("torchsurv", "harrell_with_error"): torchsurv_concordance,
    ("biolab", "bootstrap_1000"): biolab_bootstrap,
    ("biolab", "fit_10_columns"): biolab_cox_information,
    ("survival", "fit_10_columns"): survival_cox_information,
    ("lifelines", "fit_10_columns"): lifelines_cox_information,
    ("scikit-survival", "fit_10_columns"): sksurv_cox_information,
    ("biolab", "gse1992"): biolab_cox_scan,
    ("survival", "gse1992"): survival_cox_scan,
    ("lifelines", "gse1992"): lifelines_cox_scan,
}


def main() -> None:
    tool, work, size, repeats, device, data = (*sys.argv[1:], "")[:6]
    kind, _, ties = work.partition(" ")
    if kind == "gse1992":
        inputs = genome(data, int(size))
    else:
        inputs = design(int(size)) if kind == "fit_10_columns" else cohort(ties or "months", int(size))
    if tool.startswith("R "):
        print(json.dumps(r_fit(tool, *inputs, int(repeats))))
        return
    run, number = MAKERS[tool, kind](*inputs, device)
    tell(tool, run, int(repeats), number)


if __name__ == "__main__":
    main()
