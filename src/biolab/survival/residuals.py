"""Residuals of a fitted Cox model: whom it does not fit, who moves it, and whether effects change over time."""

from typing import Any, Literal, get_args

import numpy as np

from biolab.core.arrays import Float
from biolab.core.errors import ConfigError

from .cox import CoxPH
from .cox_fit import few_threads
from .event_table import check_choice
from .risk_process import RiskProcess, risk_process

Residual = Literal["martingale", "deviance", "score", "dfbeta", "schoenfeld", "scaled_schoenfeld"]


def residuals(  # noqa: PLR0913 - all but three are keyword-only
    model: CoxPH,
    X: Any,
    y: Any,
    *,
    kind: Residual = "martingale",
    strata: Any = None,
    sample_weight: Any = None,
    entry: Any = None,
) -> Float[np.ndarray, "..."]:
    """Return residuals of a fitted Cox model on data, by default the data of the fit.

    With exposure_i the cumulative hazard over patient i's time at risk and m(t) the covariates' mean, weighted by the
    hazard, among those at risk at t:

    - "martingale": event_i - exposure_i, one a patient; negative where the event came later than expected
    - "deviance": the same made symmetric, sign(M) sqrt(-2 (M + event log(event - M)))
    - "score": the integral of x_i - m(t) over the patient's martingale, a row a patient
    - "dfbeta": about how far the coefficients would move if the patient (with its weight) were left out
    - "schoenfeld": x_i - m(t_i), a row an event, in the order of the data
    - "scaled_schoenfeld": these times the covariance and the number of events, plus the coefficients: their trend
      over time is that of the coefficients

    The baseline hazard is that of the data given, so martingale residuals sum to 0 (times weights, where given). Ties
    follow the model's setting, as in R's survival. A patient of weight 0 has NaN, and no Schoenfeld row.

    >>> X, y = [[1.0], [0.0], [1.0], [0.0]], ([1.0, 3.0, 4.0, 6.0], [1, 1, 1, 0])
    >>> residuals(CoxPH().fit(X, y), X, y).round(3)
    array([ 0.64,  0.64, -0.64, -0.64])

    Raises
    ------
    ConfigError
        If the kind is not one of these, or needs a covariance and the model was fitted with a lasso.
    DataError
        If values, lengths or strata are wrong.
    FitError
        If nobody had the event.

    References
    ----------
    Therneau, Grambsch and Fleming (1990), Biometrika 77:147-160, doi:10.1093/biomet/77.1.147

    Schoenfeld (1982), Biometrika 69:239-241, doi:10.1093/biomet/69.1.239
    """
    check_choice("kind", kind, get_args(Residual))
    if getattr(model, "model_based_covariance_", model) is None and kind in ("dfbeta", "scaled_schoenfeld"):
        raise ConfigError(
            f"{kind} residuals need the covariance of the coefficients, and under a lasso or an elastic net there is "
            "none. Use score or schoenfeld residuals, or a model with Ridge."
        )
    process, present = risk_process(model, X, y, strata=strata, sample_weight=sample_weight, entry=entry)
    with few_threads(process.design.size):
        if kind in ("schoenfeld", "scaled_schoenfeld"):
            raw = process.schoenfeld()
            return raw if kind == "schoenfeld" else len(raw) * raw @ model.model_based_covariance_ + model.coef_
        of_present = _by_patient(process, model, kind)
    values = np.full((len(present), *of_present.shape[1:]), np.nan)
    values[present] = of_present
    return values


def _by_patient(process: RiskProcess, model: CoxPH, kind: Residual) -> Float[np.ndarray, "..."]:
    event = process.cases.event
    if kind == "score":
        return process.score()
    if kind == "dfbeta":
        return process.cases.weight[:, None] * process.score() @ model.model_based_covariance_
    martingale = event - process.exposure()
    if kind == "martingale":
        return martingale
    surprise = np.where(event, process.log_exposure(), 0.0)
    return np.sign(martingale) * np.sqrt(np.maximum(-2 * (martingale + surprise), 0.0))
