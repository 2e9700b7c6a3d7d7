"""Value, gradient and information of Cox's partial likelihood in the coefficients of a design."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Float
from biolab.kernels.risk_set import RiskSet

from . import cpu


@dataclass(frozen=True, kw_only=True, eq=False)
class CoxInformation:
    """The negative log partial likelihood at some coefficients, with its derivatives.

    ``increment`` times exp(-``top``) is the baseline hazard's step (at x = 0) at each group of the risk set: stratum by
    stratum, latest event time first.
    """

    value: float
    gradient: Float[ndarray, " p"]
    hessian: Float[ndarray, "p p"]
    increment: Float[ndarray, " g"]
    top: Float[ndarray, " g"] | float

    @property
    def log_hazard_step(self) -> Float[ndarray, " g"]:
        """The logarithm of the baseline hazard's steps."""
        return np.log(self.increment) - self.top


def cox_information(
    design: Float[ndarray, "n p"],
    beta: Float[ndarray, " p"],
    risk: RiskSet,
    *,
    sorted_design: bool = False,
    threads: int | None = None,
) -> CoxInformation:
    """Evaluate the partial likelihood of ``eta = design @ beta`` and its first two derivatives in ``beta``.

    O(n p^2) time in two passes over the sorted rows, O(n + p^2) memory beside the sorted design for any ties. Nothing
    is subtracted from a sum over a risk set, and where log-hazards lie beyond +-250 sums are rescaled as risk sets
    grow, so no risk set vanishes beside a larger one. The result does not depend on the number of threads.

    Parameters
    ----------
    design
        One row a patient in the order the risk set was made of, or with ``sorted_design`` the rows in its sorted order.
    beta
        Coefficients.
    risk
        Risk sets without late entry.

    Raises
    ------
    DataError
        If shapes differ, a number is NaN or infinite, or rows enter late.

    Examples
    --------
    >>> risk = RiskSet([3.0, 2.0, 1.0], [1, 1, 1])
    >>> found = cox_information(np.array([[0.0], [1.0], [2.0]]), np.zeros(1), risk)
    >>> round(found.value, 4), found.gradient.round(2).tolist()
    (1.7918, [-1.5])
    """
    if risk.truncated:
        raise DataError("Rows enter late; cox_information takes right-censored follow-up only.")
    rows = risk.sorted_rows()
    ordered = np.ascontiguousarray(design if sorted_design else np.asarray(design)[rows.order], dtype=np.float64)
    beta = np.asarray(beta, dtype=np.float64)
    if ordered.shape != (rows.order.size, beta.size):
        raise DataError(
            f"design has shape {np.shape(design)} for {risk.rows} rows and {beta.size} coefficients; expected one row "
            "a patient and one column a coefficient."
        )
    found = cpu.evaluate(ordered, beta, rows, threads or torch.get_num_threads())
    if found is None:
        raise DataError("design @ beta holds NaN or infinity; give finite columns and coefficients.")
    return CoxInformation(**found)
