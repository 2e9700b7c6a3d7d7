"""Cox's negative log partial likelihood with analytic derivatives, for one linear predictor or a batch of them."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from biolab.core import DataError
from biolab.core.arrays import Float
from biolab.kernels.risk_set import RiskSet, Ties

from . import cpu
from .operator import evaluate


@dataclass(frozen=True, kw_only=True, eq=False)
class CoxDerivatives:
    """Loss with its gradient and the diagonal of its Hessian, both with respect to the log-hazards."""

    value: Float[Tensor, "*b"]
    gradient: Float[Tensor, "*b n"]
    hessian_diagonal: Float[Tensor, "*b n"]


def cox_loss(  # noqa: PLR0913 - all but three are keyword-only
    log_hazard: Float[Tensor, "*b n"],
    time: Any,
    event: Any = None,
    *,
    ties: Ties = "efron",
    strata: Any = None,
    weight: Any = None,
    entry: Any = None,
) -> Float[Tensor, "*b"]:
    """Return Cox's negative log partial likelihood, summed over events; differentiable once.

    loss = sum over event times t [ W_t sum_{l < d} log( S_R - (l/d) S_D ) - sum_{i in D} w_i eta_i ]

    with R the rows at risk (entry < t <= time), D the d rows that fail at t, W_t the mean of their weights and
    S_A = sum_{i in A} w_i exp(eta_i): Efron's ties with case weights as R's coxph has them. Breslow's ties leave out
    the l/d term. A `RiskSet` in place of ``time, event`` saves the sorting. Linear predictors [b, n] give b losses.
    The dtype is kept; sums are float64. Neither a common shift nor widely spread log-hazards cost accuracy. Without
    an event the loss is 0, with a gradient of zeros.

    Assumes proportional hazards, and censoring and late entry independent of the event given the log-hazards.

    Raises
    ------
    DataError
        If lengths differ, there is no row, or a number is not allowed (see `RiskSet`).

    References
    ----------
    Cox (1975), Biometrika 62:269-276, doi:10.1093/biomet/62.2.269

    Efron (1977), J. Am. Stat. Assoc. 72:557-565, doi:10.1080/01621459.1977.10480613

    Examples
    --------
    >>> log_hazard = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    >>> loss = cox_loss(log_hazard, [1.0, 2.0, 3.0], [1, 1, 0])  # log(3) + log(2)
    >>> round(loss.item(), 4)
    1.7918
    >>> loss.backward()
    >>> log_hazard.grad
    tensor([-0.6667, -0.1667,  0.8333], dtype=torch.float64)
    """
    risk = _risk_set(time, event, ties=ties, strata=strata, weight=weight, entry=entry)
    gradient = torch.is_grad_enabled() and log_hazard.requires_grad
    value, _, _ = _evaluate(log_hazard, risk, cpu.GRADIENT if gradient else cpu.VALUE)
    return value.reshape(log_hazard.shape[:-1])


def cox_derivatives(log_hazard: Float[Tensor, "*b n"], risk: RiskSet) -> CoxDerivatives:
    """Return `cox_loss` with its gradient and the diagonal of its Hessian from the same walk.

    >>> found = cox_derivatives(torch.zeros(2, dtype=torch.float64), RiskSet([1.0, 2.0], [1, 0]))
    >>> found.gradient, found.hessian_diagonal
    (tensor([-0.5000,  0.5000], dtype=torch.float64), tensor([0.2500, 0.2500], dtype=torch.float64))

    Raises
    ------
    DataError
        If the log-hazards do not fit the risk set, or one is NaN or infinite.
    """
    value, gradient, hessian = _evaluate(log_hazard.detach(), risk, cpu.HESSIAN)
    shape = log_hazard.shape
    return CoxDerivatives(
        value=value.reshape(shape[:-1]), gradient=gradient.reshape(shape), hessian_diagonal=hessian.reshape(shape)
    )


def _risk_set(time: Any, event: Any, *, ties: Ties, strata: Any, weight: Any, entry: Any) -> RiskSet:
    if not isinstance(time, RiskSet):
        return RiskSet(time, event, ties=ties, strata=strata, weight=weight, entry=entry)
    if not (event is None and strata is None and weight is None and entry is None):
        raise DataError("A RiskSet already holds event, strata, weight and entry; give them when it is made.")
    return time


def _evaluate(log_hazard: Tensor, risk: RiskSet, derivatives: int) -> tuple[Tensor, Tensor, Tensor]:
    if not (isinstance(log_hazard, Tensor) and log_hazard.is_floating_point() and log_hazard.ndim in (1, 2)):
        kind = log_hazard.dtype if isinstance(log_hazard, Tensor) else type(log_hazard).__name__
        shape = tuple(getattr(log_hazard, "shape", ()))
        raise DataError(f"log_hazard is {kind} of shape {shape}; expected a floating tensor of shape (n,) or (b, n).")
    if log_hazard.shape[-1] != risk.rows:
        raise DataError(
            f"log_hazard has {log_hazard.shape[-1]} rows (shape {tuple(log_hazard.shape)}) but follow-up "
            f"{risk.rows}; expected one log-hazard a row."
        )
    layout = risk.on(log_hazard.device)
    return evaluate(
        log_hazard.reshape(-1, risk.rows),
        *layout.tensors().values(),
        risk.ties == "efron",
        derivatives,
    )
