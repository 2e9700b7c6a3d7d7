"""The registered operator: what autograd and `torch.compile` see of the Cox loss."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from biolab.core import DataError
from biolab.kernels.risk_set import Layout

from . import cpu, truncated

WORTH_THREADS = 100_000


@torch.library.custom_op("biolab::cox_loss", mutates_args=())
def evaluate(  # noqa: PLR0913, PLR0917 - the schema of an operator is flat
    log_hazard: Tensor,
    order: Tensor,
    group_start: Tensor,
    first_death: Tensor,
    opens_stratum: Tensor,
    death_weight: Tensor,
    weight: Tensor,
    leaves: Tensor,
    bin_start: Tensor,
    binned: Tensor,
    binned_slot: Tensor,
    fails: Tensor,
    row_weight: Tensor,
    efron: bool,  # noqa: FBT001
    derivatives: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return loss [b], gradient [b, n] and Hessian's diagonal [b, n]; derivatives not asked for are empty."""
    if log_hazard.is_cuda and not leaves.numel():
        from . import gpu

        return gpu.evaluate(
            log_hazard, (order, group_start, first_death, opens_stratum, weight), derivatives, efron=efron
        )
    layout = Layout(
        order=order,
        group_start=group_start,
        first_death=first_death,
        opens_stratum=opens_stratum,
        death_weight=death_weight,
        weight=weight,
        leaves=leaves,
        bin_start=bin_start,
        binned=binned,
        binned_slot=binned_slot,
        fails=fails,
        row_weight=row_weight,
    )
    rows = layout.to(torch.device("cpu")).rows(efron=efron)
    predictors = log_hazard.detach().to("cpu", torch.float64).contiguous().numpy()
    b, n = predictors.shape
    if leaves.numel():
        _refuse_not_finite(predictors)
    value = np.empty(b)
    gradient = np.empty((b, n if derivatives >= cpu.GRADIENT else 0))
    hessian = np.empty((b, n if derivatives >= cpu.HESSIAN else 0))
    threads = torch.get_num_threads()

    def fill(row: int, threads: int = 1) -> None:
        if rows.leaves.size:
            value[row] = truncated.evaluate(predictors[row], rows, gradient[row], hessian[row])
        else:
            value[row] = cpu.evaluate(predictors[row], rows, gradient[row], hessian[row], threads)

    if b > 1 and b * n >= WORTH_THREADS:
        with ThreadPoolExecutor(min(b, threads)) as pool:
            list(pool.map(fill, range(b)))
    else:
        for row in range(b):
            fill(row, threads)
    if np.isnan(value).any():
        _refuse_not_finite(predictors)
    return (
        torch.from_numpy(value).to(log_hazard),
        torch.from_numpy(gradient).to(log_hazard),
        torch.from_numpy(hessian).to(log_hazard),
    )


@evaluate.register_fake
def _(  # noqa: PLR0913, PLR0917
    log_hazard: Tensor,
    order: Tensor,
    group_start: Tensor,
    first_death: Tensor,
    opens_stratum: Tensor,
    death_weight: Tensor,
    weight: Tensor,
    leaves: Tensor,
    bin_start: Tensor,
    binned: Tensor,
    binned_slot: Tensor,
    fails: Tensor,
    row_weight: Tensor,
    efron: bool,  # noqa: FBT001
    derivatives: int,
) -> tuple[Tensor, Tensor, Tensor]:
    b, n = log_hazard.shape
    return (
        log_hazard.new_empty(b),
        log_hazard.new_empty((b, n if derivatives >= cpu.GRADIENT else 0)),
        log_hazard.new_empty((b, n if derivatives >= cpu.HESSIAN else 0)),
    )


def _keep(ctx, inputs, output) -> None:
    ctx.save_for_backward(output[1])
    ctx.mark_non_differentiable(output[1], output[2])


def _backward(ctx, loss_gradient: Tensor, *_: Tensor | None):
    (gradient,) = ctx.saved_tensors
    return (loss_gradient[:, None] * gradient, *[None] * 14)


evaluate.register_autograd(_backward, setup_context=_keep)


def _refuse_not_finite(rows: np.ndarray) -> None:
    if np.isfinite(rows.sum()) or np.isfinite(rows).all():
        return
    replicate, row = np.argwhere(~np.isfinite(rows))[0]
    where = f"row {row}" if len(rows) == 1 else f"row {row} of linear predictor {replicate}"
    raise DataError(
        f"log_hazard is {rows[replicate, row]} in {where}; expected finite numbers. A NaN here usually means that "
        "training has diverged (lower the learning rate) or that an input is missing."
    )
