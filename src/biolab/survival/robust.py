"""Standard errors of Cox's model that hold where the model does not, or where rows depend on each other."""

from typing import Any

import numpy as np

from biolab.core.arrays import Float
from biolab.core.errors import DataError

from .cox import CoxPH
from .follow_up import stratum_codes
from .residuals import residuals


def robust_covariance(  # noqa: PLR0913 - all but three are keyword-only
    model: CoxPH,
    X: Any,
    y: Any,
    *,
    cluster: Any = None,
    strata: Any = None,
    sample_weight: Any = None,
    entry: Any = None,
) -> Float[np.ndarray, "p p"]:
    """Return the sandwich covariance of the coefficients of a fitted model, from the data of its fit.

    D'D, with D the sum of the dfbeta residuals (weighted) over the patients of each cluster

    Without clusters every patient is one. It is right in large samples where the model is wrong, where weights are
    sampling weights, and where rows of one cluster depend on each other; it is too small with few clusters (under
    about 20).

    >>> X, y = [[1.0], [0.0], [1.0], [0.0]], ([1.0, 3.0, 4.0, 6.0], [1, 1, 1, 0])
    >>> robust_covariance(CoxPH().fit(X, y), X, y).round(3)
    array([[0.946]])

    Raises
    ------
    DataError
        If values, lengths, strata or clusters are wrong, or there is one cluster only.
    FitError
        If nobody had the event.

    References
    ----------
    Lin and Wei (1989), Journal of the American Statistical Association 84:1074-1078,
    doi:10.1080/01621459.1989.10478874
    """
    moves = residuals(model, X, y, kind="dfbeta", strata=strata, sample_weight=sample_weight, entry=entry)
    present = ~np.isnan(moves).any(axis=1)
    if cluster is not None:
        codes, labels = stratum_codes(cluster, len(moves), name="cluster")
        if len(labels) < 2:
            raise DataError(f"There is one cluster only ({labels[0]}); a robust variance needs several.")
        summed = np.zeros((len(labels), moves.shape[1]))
        np.add.at(summed, codes[present], moves[present])
        return summed.T @ summed
    return moves[present].T @ moves[present]
