"""Whether predicted risks are right in size: slope, observed over expected, and the calibration curve."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy import ndarray

from biolab.core import DataError, Estimate
from biolab.core.arrays import Bool, Float
from biolab.kernels.cox_slope import cox_slope
from biolab.stats import wald_estimate

from .product_limit import ProductLimit, Weights, product_limit


def calibration_slope(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    linear_predictor: Float[ndarray, " n"],
    *,
    weight: Float[ndarray, " n"] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate the slope of a model's prognostic index in a Cox model on these patients.

    h(t | x) = h0(t) exp(slope * index(x));  1 is ideal, below 1 the predictions are too extreme (overfitting)

    The index is the model's log-hazard, or log(-log S(t | x)) at one time for a model that only predicts survival:
    both differ by a constant under proportional hazards, which the slope ignores. Fitted by Efron's partial
    likelihood, interval Wald from its information; predictions are taken as given.

    Raises
    ------
    DataError
        If the slope has no finite estimate: no events, a constant index, or one that orders the events perfectly.

    References
    ----------
    Royston, Altman (2013), BMC Med. Res. Methodol. 13:33, doi:10.1186/1471-2288-13-33

    Examples
    --------
    >>> time, event = np.array([2.0, 3.0, 5.0, 8.0]), np.array([True, True, True, True])
    >>> round(calibration_slope(time, event, np.array([0.9, 0.2, 1.1, 0.5])).estimate, 3)
    0.354
    """
    fit = cox_slope(time, event, linear_predictor, weights=weight)
    if not fit.converged or fit.standard_error is None:
        raise DataError(
            "The calibration slope has no finite estimate: no events, a constant predictor, or one that orders the "
            "events perfectly. Evaluate on more patients."
        )
    return wald_estimate(float(fit.slope), fit.standard_error, confidence=confidence)


def calibration_slope_draws(
    time: Float[ndarray, " n"], event: Bool[ndarray, " n"], linear_predictor: Float[ndarray, " n"], weights: Weights
) -> Float[ndarray, "*b"]:
    """Return the calibration slope for each weighting; NaN where it has no finite estimate."""
    return cox_slope(time, event, linear_predictor, weights=weights).slope


def observed_expected(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    survival: Float[ndarray, " n"],
    horizon: float,
    *,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate the ratio of the observed to the mean predicted risk by a horizon.

    O/E = (1 - KaplanMeier(h)) / mean_i(1 - S_i(h));  above 1 the model predicts too few events

    ``survival`` holds S_i(h). The interval is Wald on the log scale with Greenwood's variance of the observed risk;
    predictions are taken as given.

    Raises
    ------
    DataError
        If shapes differ, a prediction is not in [0, 1], follow-up ends before the horizon or all predicted risks are 0.

    References
    ----------
    Riley et al. (2016), BMJ 353:i3140, doi:10.1136/bmj.i3140

    Examples
    --------
    >>> time, event = np.array([2.0, 3.0, 5.0, 8.0]), np.array([True, False, True, True])
    >>> round(observed_expected(time, event, np.array([0.2, 0.6, 0.5, 0.9]), 6.0).estimate, 3)
    1.389
    """
    time, event, survival = checked_predictions(time, event, survival, horizon)
    curve, at = product_limit(time, event, greenwood=True), np.array([horizon], dtype=np.float64)
    expected = float((1 - survival).mean())
    if expected <= 0:
        raise DataError(f"Every predicted risk by {horizon:g} is 0, so observed over expected is infinite.")
    observed, error = 1 - float(curve.at(at)[0]), float(curve.standard_error(at)[0])
    return wald_estimate(observed / expected, error / expected, scale="log", confidence=confidence)


def observed_expected_draws(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    survival: Float[ndarray, "n t"],
    weights: Weights,
    *,
    horizons: Float[ndarray, " t"],
    observed: ProductLimit | None = None,
) -> Float[ndarray, "*b t"]:
    """Return observed over expected at each horizon for each weighting; NaN where follow-up ends before it.

    ``observed`` is the survival curve of each weighting, where it is at hand.
    """
    case = np.asarray(weights, dtype=np.float64)
    curve = product_limit(time, event, weights=case) if observed is None else observed
    risk = 1 - curve.at(horizons)
    followed = np.where(case > 0, time, -np.inf).max(axis=-1)[..., None] >= horizons
    expected = case @ (1 - survival) / case.sum(axis=-1, keepdims=True)
    return np.divide(risk, expected, out=np.full_like(risk, np.nan), where=followed & (expected > 0))


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibrationCurve:
    """Predicted and observed risk by a horizon in groups of rising predicted risk."""

    horizon: float
    confidence: float
    groups: pl.DataFrame

    @property
    def settings(self) -> dict[str, object]:
        """Horizon, number of groups, confidence and how the interval is made."""
        interval = "log-log Wald with Greenwood's variance"
        settings: dict[str, object] = {"horizon": self.horizon, "groups": self.groups.height, "interval": interval}
        return settings | {"confidence": self.confidence}

    @property
    def metrics(self) -> dict[str, float]:
        """Largest and mean distance between observed and predicted, the mean weighted by patients."""
        known = self.groups.drop_nulls("observed")
        if known.is_empty():
            return {}
        distance = (known["observed"] - known["predicted"]).abs().to_numpy()
        mean = float(np.average(distance, weights=known["patients"].to_numpy()))
        return {"largest_calibration_error": float(distance.max()), "mean_calibration_error": mean}

    def table(self) -> pl.DataFrame:
        """Return group, patients, events, predicted, observed, lower, upper; observed is null past follow-up."""
        return self.groups


def calibration_curve(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    survival: Float[ndarray, " n"],
    horizon: float,
    *,
    groups: int = 10,
    confidence: float = 0.95,
) -> CalibrationCurve:
    """Compare predicted with observed risk by a horizon in groups cut at quantiles of the predicted risk.

    Predicted is the group's mean of 1 - S_i(h), observed its Kaplan-Meier risk with a log-log interval (null where
    there are no events or nobody survives, and everything observed is null where the group's follow-up ends before
    the horizon). Equal predictions stay together, so there may be fewer groups than asked. ``events`` are those by
    the horizon. The table has one row a group; small groups must pass disclosure control before they leave a site.

    Raises
    ------
    DataError
        If shapes differ, a prediction is not in [0, 1], or follow-up ends before the horizon.
    """
    time, event, survival = checked_predictions(time, event, survival, horizon)
    risk = 1 - survival
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, groups + 1)[1:-1]))
    member = np.searchsorted(edges, risk, side="left")
    rows = [
        {"group": k + 1, **_group(time[mine], event[mine], risk[mine], horizon, confidence)}
        for k, mine in enumerate(member == name for name in np.unique(member))
    ]
    frame = pl.DataFrame(rows).with_columns(pl.col("observed", "lower", "upper").cast(pl.Float64))
    return CalibrationCurve(horizon=float(horizon), confidence=confidence, groups=frame)


def _group(
    time: Float[ndarray, " m"],
    event: Bool[ndarray, " m"],
    risk: Float[ndarray, " m"],
    horizon: float,
    confidence: float,
) -> dict[str, int | float | None]:
    at = np.array([horizon], dtype=np.float64)
    curve = product_limit(time, event, greenwood=True)
    row: dict[str, int | float | None] = {"patients": time.size, "events": int((event & (time <= horizon)).sum())}
    row |= {"predicted": float(risk.mean()), "observed": None, "lower": None, "upper": None}
    alive = float(curve.at(at)[0])
    if time.max() >= horizon or alive == 0:
        row["observed"] = 1 - alive
        if 0 < alive < 1:
            found = wald_estimate(alive, float(curve.standard_error(at)[0]), scale="log-log", confidence=confidence)
            row |= {"lower": 1 - found.upper, "upper": 1 - found.lower}
    return row


def checked_predictions(
    time: Float[ndarray, " n"], event: Bool[ndarray, " n"], survival: Float[ndarray, " n"], horizon: float
) -> tuple[Float[ndarray, " n"], Bool[ndarray, " n"], Float[ndarray, " n"]]:
    """Return the arrays of a prediction at a horizon in float64.

    Raises
    ------
    DataError
        If shapes differ, a prediction is not in [0, 1], or follow-up ends before the horizon.
    """
    time, survival = np.asarray(time, dtype=np.float64), np.asarray(survival, dtype=np.float64)
    event = np.asarray(event, dtype=bool)
    if not time.shape == event.shape == survival.shape or time.ndim != 1 or time.size == 0:
        raise DataError(f"Shapes differ: time {time.shape}, event {event.shape}, survival {survival.shape}.")
    if not ((survival >= 0) & (survival <= 1)).all():
        raise DataError(
            "A predicted survival probability is NaN or outside [0, 1]; expected P(event after the horizon)."
        )
    if time.max() < horizon:
        raise DataError(f"Follow-up ends at {time.max():g}, before the horizon {horizon:g}. Choose an earlier horizon.")
    return time, event, survival
