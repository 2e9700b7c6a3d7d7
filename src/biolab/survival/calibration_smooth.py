"""How far predicted risks lie from smoothly estimated observed ones: ICI, E50 and E90."""

from dataclasses import dataclass
from warnings import catch_warnings, simplefilter

import numpy as np
import polars as pl
from numpy import ndarray
from sklearn.exceptions import ConvergenceWarning

from biolab.core import ConfigError, DataError, Estimate, FitError
from biolab.core.arrays import Bool, Float, Int
from biolab.stats import bootstrap_weights

from .calibration import checked_predictions
from .cox import CoxPH
from .draws import draws_interval

# Harrell's places for the knots: quantiles of the predictor, by the number of knots.
KNOT_QUANTILES = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}
INDEX_NAMES = ("ici", "e50", "e90")
CURVE_POINTS = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class SmoothCalibration:
    """Mean, median and 90th percentile of |observed - predicted| risk, and the smooth curve, free of patient rows."""

    settings: dict[str, object]
    ici: Estimate
    e50: Estimate
    e90: Estimate
    replicates: int
    curve: pl.DataFrame

    @property
    def metrics(self) -> dict[str, float]:
        """The three indices; their limits where the bootstrap gave them."""
        flat: dict[str, float] = {}
        for name in INDEX_NAMES:
            flat |= getattr(self, name).metrics(name)
        return {name: value for name, value in flat.items() if np.isfinite(value)}

    def table(self) -> pl.DataFrame:
        """Return index, estimate, standard_error, lower, upper, replicates."""
        rows = [(name, getattr(self, name)) for name in INDEX_NAMES]
        return pl.DataFrame(
            {
                "index": list(INDEX_NAMES),
                "estimate": [found.estimate for _, found in rows],
                "standard_error": [found.standard_error for _, found in rows],
                "lower": [found.lower for _, found in rows],
                "upper": [found.upper for _, found in rows],
                "replicates": [self.replicates] * len(rows),
            }
        ).with_columns(pl.col(pl.Float64).fill_nan(None))


def smooth_calibration(  # noqa: PLR0913 - as the other metrics, beside knots and the draws
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    survival: Float[ndarray, " n"],
    horizon: float,
    *,
    knots: int = 3,
    replicates: int = 200,
    seed: int,
    confidence: float = 0.95,
) -> SmoothCalibration:
    """Estimate the distance of predicted from observed risk by a horizon, the observed from a flexible Cox model.

    h(t | x) = h0(t) exp(f(x)),  x = log(-log S(h)),  observed = 1 - exp(-H0(h) exp(f(x)))

    f is a restricted cubic spline with knots at Harrell's quantiles of x (3: .1, .5, .9; 4: .05, .35, .65, .95; 5:
    .05, .275, .5, .725, .95), linear where x has too few values for that; ICI, E50 and E90 are the mean, median and
    90th percentile of |observed - predicted|. Predictions of exactly 0 or 1 take the nearest value strictly between.

    Limits are percentile bootstrap: each draw fits the curve anew with the knots and predictions fixed. All three are
    0 only for a perfect curve and so are biased upwards in small cohorts, the draws once more: compare models of one
    cohort. Assumes that hazards are proportional in f(x).

    Raises
    ------
    DataError
        If shapes differ, a prediction is not in [0, 1], predictions do not differ, or follow-up ends before the
        horizon.
    ConfigError
        If ``knots`` is not 3, 4 or 5.
    FitError
        If there are no events or the predictions separate them, so that the curve has no finite estimate.

    References
    ----------
    Austin, Harrell, van Klaveren (2020), Stat. Med. 39:2714-2742, doi:10.1002/sim.8570

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> hazard = np.exp(generator.normal(size=300)) / 10
    >>> time = generator.exponential(1 / hazard)
    >>> found = smooth_calibration(time, time < 40, np.exp(-5 * hazard), 5.0, replicates=20, seed=1)
    >>> found.ici.estimate < 0.05
    True
    """
    if knots not in KNOT_QUANTILES:
        raise ConfigError(f"knots is {knots}; expected {', '.join(map(str, KNOT_QUANTILES))}.")
    time, event, survival = checked_predictions(time, event, survival, horizon)
    index = np.log(-np.log(_inside(survival)))
    places = np.unique(np.quantile(index, KNOT_QUANTILES[knots]))
    design = spline_basis(index, places)
    observed = _observed(design, time, event, horizon, None)
    cohort = _distances(observed - (1 - survival), None)
    draws = np.array(
        [
            _replicate(design, time, event, survival, horizon, weight)
            for weight in bootstrap_weights(time.size, replicates, seed=seed)
        ]
    )
    found = [_estimate(cohort[k], draws[:, k], confidence) for k in range(len(INDEX_NAMES))]
    settings: dict[str, object] = {
        "horizon": float(horizon),
        "knots": places.tolist() if design.shape[1] > 1 else [],
        "scale": "log(-log S)",
        "interval": "percentile bootstrap over patients, predictions and knots fixed",
        "replicates": replicates,
        "seed": seed,
        "confidence": confidence,
    }
    return SmoothCalibration(
        settings=settings,
        ici=found[0],
        e50=found[1],
        e90=found[2],
        replicates=int(np.isfinite(draws[:, 0]).sum()),
        curve=_curve(1 - survival, observed),
    )


def spline_basis(x: Float[ndarray, " n"], knots: Float[ndarray, " k"]) -> Float[ndarray, "n p"]:
    """Return x and, for k >= 3 knots, the k - 2 terms of a restricted cubic spline: linear beyond the outer knots.

    Terms are divided by the squared distance of the outer knots, which leaves them on the scale of x.

    References
    ----------
    Harrell (2015), Regression Modeling Strategies, 2nd ed., section 2.4.5, doi:10.1007/978-3-319-19425-7

    Examples
    --------
    >>> spline_basis(np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 2.0]))[:, 1].tolist()
    [0.0, 0.25, 3.0]
    """
    columns = [x]
    if knots.size >= 3:
        last, before = knots[-1], knots[-2]
        for knot in knots[:-2]:
            tail = _cube(x - before) * (last - knot) - _cube(x - last) * (before - knot)
            columns.append((_cube(x - knot) - tail / (last - before)) / (last - knots[0]) ** 2)
    return np.column_stack(columns)


def _cube(x: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
    return np.maximum(x, 0.0) ** 3


def _inside(survival: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
    strictly = survival[(survival > 0) & (survival < 1)]
    if np.unique(strictly).size < 2:
        raise DataError(
            "Fewer than two different predictions lie strictly between 0 and 1, so there is no curve to fit. "
            "Use observed_expected for predictions that do not differ."
        )
    return np.clip(survival, strictly.min(), strictly.max())


def _observed(
    design: Float[ndarray, "n p"],
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    horizon: float,
    weight: Int[ndarray, " n"] | None,
) -> Float[ndarray, " n"]:
    with catch_warnings():
        simplefilter("error", ConvergenceWarning)  # a curve that was not found is no curve
        try:
            model = CoxPH().fit(design, (time, event), sample_weight=weight)
        except ConvergenceWarning as warning:
            raise FitError(f"The calibration curve was not found: {warning}") from warning
    return 1 - model.predict_survival_function(design, [horizon])[:, 0]


def _replicate(
    design: Float[ndarray, "n p"],
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    survival: Float[ndarray, " n"],
    horizon: float,
    weight: Int[ndarray, " n"],
) -> Float[ndarray, " 3"]:
    drawn = weight > 0
    try:
        observed = _observed(design[drawn], time[drawn], event[drawn], horizon, weight[drawn])
    except FitError:
        return np.full(len(INDEX_NAMES), np.nan)
    return _distances(observed - (1 - survival[drawn]), weight[drawn])


def _distances(apart: Float[ndarray, " n"], weight: Int[ndarray, " n"] | None) -> Float[ndarray, " 3"]:
    distance = np.abs(apart if weight is None else np.repeat(apart, weight))
    return np.array([distance.mean(), *np.quantile(distance, [0.5, 0.9])])


def _estimate(cohort: float, draws: Float[ndarray, " b"], confidence: float) -> Estimate:
    found = draws_interval(draws, confidence)
    error, lower, upper = (
        np.nan if limit is None else float(limit) for limit in (found["standard_error"], found["lower"], found["upper"])
    )
    return Estimate(estimate=float(cohort), standard_error=error, lower=lower, upper=upper, confidence=confidence)


def _curve(predicted: Float[ndarray, " n"], observed: Float[ndarray, " n"]) -> pl.DataFrame:
    """Return the smooth curve between the 1st and 99th percentile of predicted risk, not at patients' own values."""
    order = np.argsort(predicted, kind="stable")
    at = np.linspace(*np.quantile(predicted, [0.01, 0.99]), CURVE_POINTS)
    return pl.DataFrame({"predicted": at, "observed": np.interp(at, predicted[order], observed[order])})
