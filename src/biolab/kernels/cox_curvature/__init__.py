"""The second derivative of Cox's negative log partial likelihood, times given directions."""

import numpy as np
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Float
from biolab.kernels.checks import finite_vector
from biolab.kernels.risk_set import RiskSet

from . import cpu, truncated


def cox_curvature(
    log_hazard: Float[ndarray, " n"], risk: RiskSet, directions: Float[ndarray, "k n"]
) -> Float[ndarray, "k n"]:
    """Return the second derivative of `cox_loss` at the log-hazards times each direction, O(n) a direction.

    H v = sum over steps s of u_s ( p_s * v - p_s (p_s . v) )

    with p_s the shares of the rows at risk in denominator s and u_s the weight of its logarithm. With X^T for the
    directions, ``cox_curvature(...) @ X`` is the information matrix of the coefficients.

    Raises
    ------
    DataError
        If shapes do not fit the risk set or a log-hazard is not finite.

    References
    ----------
    Simon, Friedman, Hastie, Tibshirani (2011), J. Stat. Softw. 39(5):1-13, doi:10.18637/jss.v039.i05

    Examples
    --------
    >>> risk = RiskSet([1.0, 2.0], [1, 0])
    >>> cox_curvature(np.zeros(2), risk, np.array([[1.0, 0.0]]))
    array([[ 0.25, -0.25]])
    """
    eta = finite_vector(log_hazard, "log_hazard").astype(np.float64)
    directions = np.asarray(directions, dtype=np.float64)
    if eta.shape != (risk.rows,) or directions.ndim != 2 or directions.shape[1] != risk.rows:
        raise DataError(
            f"log_hazard has shape {eta.shape} and directions {directions.shape} but follow-up {risk.rows} rows; "
            f"expected ({risk.rows},) and (k, {risk.rows})."
        )
    rows = risk.sorted_rows()
    ordered = np.ascontiguousarray(directions[:, rows.order].T)
    found, images = np.empty_like(ordered), np.zeros(directions.shape)
    if risk.truncated:
        truncated.images(truncated.prepare(eta[rows.order], rows), rows, ordered, found)
    else:
        cpu.images(cpu.prepare(eta[rows.order], rows), rows, ordered, found)
    images[:, rows.order] = found.T
    return images
