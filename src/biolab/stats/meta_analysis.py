"""Pooling of one effect over institutions: fixed and random effects, heterogeneity, prediction interval."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy import ndarray
from scipy import optimize, stats

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Float

from .intervals import normal_quantile

Method = Literal["reml", "pm", "dl", "fixed"]


@dataclass(frozen=True, kw_only=True, eq=False)
class MetaAnalysis:
    """A pooled estimate and how far the institutions are apart.

    ``i2`` is a fraction; ``prediction`` (lower, upper) is where the true effect of a new institution is expected,
    None with fewer than three; ``weights`` sum to 1.
    """

    method: Method
    hartung_knapp: bool
    confidence: float
    estimate: float
    standard_error: float
    lower: float
    upper: float
    tau2: float
    i2: float
    q: float
    q_p_value: float
    prediction: tuple[float, float] | None
    weights: Float[ndarray, " k"]

    @property
    def settings(self) -> dict[str, object]:
        """Method and confidence; ``hartung_knapp`` says whether the interval was really made so."""
        return {"method": self.method, "hartung_knapp": self.hartung_knapp, "confidence": self.confidence}

    @property
    def metrics(self) -> dict[str, float]:
        """Pooled estimate with limits, and the heterogeneity."""
        flat = {"pooled": self.estimate, "pooled.lower": self.lower, "pooled.upper": self.upper}
        flat |= {"tau2": self.tau2, "i2": self.i2, "q": self.q, "q_p_value": self.q_p_value}
        if self.prediction is not None:
            flat |= {"prediction.lower": self.prediction[0], "prediction.upper": self.prediction[1]}
        return flat

    def table(self) -> pl.DataFrame:
        """Return one row: the pooled estimate, its limits, the prediction limits and the heterogeneity."""
        lower, upper = self.prediction or (None, None)
        row: dict[str, float | None] = {"institutions": self.weights.size, "estimate": self.estimate}
        row |= {"standard_error": self.standard_error}
        row |= {"lower": self.lower, "upper": self.upper, "prediction_lower": lower, "prediction_upper": upper}
        row |= {"tau2": self.tau2, "i2": self.i2, "q": self.q, "q_p_value": self.q_p_value}
        return pl.DataFrame([row], schema_overrides={"prediction_lower": pl.Float64, "prediction_upper": pl.Float64})


def meta_analyse(
    estimates: Float[ndarray, " k"],
    standard_errors: Float[ndarray, " k"],
    *,
    method: Method = "reml",
    hartung_knapp: bool = True,
    at_least_normal: bool = False,
    confidence: float = 0.95,
) -> MetaAnalysis:
    """Pool one effect (on a scale where it is nearly normal, such as a log hazard ratio) over k institutions.

    y_i ~ Normal(mu, s_i^2 + tau2),  mu = sum w_i y_i / sum w_i,  w_i = 1 / (s_i^2 + tau2)

    tau2 by restricted maximum likelihood, Paule and Mandel, DerSimonian and Laird, or 0 (``fixed``). The interval of
    mu is Hartung and Knapp's (t with k - 1 degrees of freedom, variance from the weighted residuals, not truncated),
    else normal; ``fixed`` is always normal. The prediction interval is mu -+ t(k - 2) sqrt(tau2 + se^2). ``i2`` is
    tau2 over tau2 plus the typical s^2 (for DerSimonian and Laird, (Q - df) / Q); with ``fixed`` it is (Q - df) / Q.

    With k = 1 nothing is pooled: tau2 = 0, a normal interval, no prediction. With k = 2 Hartung and Knapp's interval
    rests on one degree of freedom (t = 12.7): it is very wide by right, as two institutions say little about their
    spread, and can be deceptively short when the two happen to agree; read it with the normal one beside it. With
    ``at_least_normal`` Hartung and Knapp's standard error is never below the normal one, whatever k (metafor's
    ``test="adhoc"``): agreement by chance then cannot shorten the interval.

    Raises
    ------
    DataError
        If there is no estimate, a length differs, a value is not finite or a standard error is not > 0.
    ConfigError
        If the method or the confidence is not one of those allowed.

    References
    ----------
    Higgins, Thompson, Spiegelhalter (2009), J. R. Stat. Soc. A 172:137-159, doi:10.1111/j.1467-985X.2008.00552.x;
    Higgins, Thompson (2002), Stat. Med. 21:1539-1558, doi:10.1002/sim.1186;
    Hartung, Knapp (2001), Stat. Med. 20:3875-3889, doi:10.1002/sim.1009;
    Röver, Knapp, Friede (2015), BMC Med. Res. Methodol. 15:99, doi:10.1186/s12874-015-0091-1;
    DerSimonian, Laird (1986), Control. Clin. Trials 7:177-188, doi:10.1016/0197-2456(86)90046-2

    Examples
    --------
    >>> pooled = meta_analyse(np.array([0.1, 0.3, 0.35]), np.array([0.1, 0.1, 0.1]), method="dl")
    >>> round(pooled.estimate, 3), round(pooled.tau2, 4), round(pooled.i2, 3)
    (0.25, 0.0075, 0.429)
    """
    y, variance = _checked(estimates, standard_errors)
    normal = normal_quantile(confidence)
    k, inverse = y.size, 1 / variance
    q = float(np.sum(inverse * (y - inverse @ y / inverse.sum()) ** 2))
    tau2 = _heterogeneity(method, y, variance, q) if k > 1 else 0.0
    weight = 1 / (variance + tau2)
    total = weight.sum()
    mu = float(weight @ y / total)
    spread = hartung_knapp and method != "fixed" and k > 1
    error = math.sqrt(float(weight @ (y - mu) ** 2) / ((k - 1) * total)) if spread else 1 / math.sqrt(total)
    if spread and at_least_normal:
        error = max(error, 1 / math.sqrt(total))
    reach = error * (float(stats.t.ppf((1 + confidence) / 2, k - 1)) if spread else normal)
    prediction = None
    if k > 2:
        ahead = float(stats.t.ppf((1 + confidence) / 2, k - 2)) * math.sqrt(tau2 + error**2)
        prediction = (mu - ahead, mu + ahead)
    return MetaAnalysis(
        method=method,
        hartung_knapp=spread,
        confidence=confidence,
        estimate=mu,
        standard_error=error,
        lower=mu - reach,
        upper=mu + reach,
        tau2=tau2,
        i2=_inconsistency(method, tau2, variance, q),
        q=q,
        q_p_value=float(stats.chi2.sf(q, k - 1)) if k > 1 else 1.0,
        prediction=prediction,
        weights=weight / total,
    )


def _checked(estimates: ndarray, standard_errors: ndarray) -> tuple[Float[ndarray, " k"], Float[ndarray, " k"]]:
    y, error = np.asarray(estimates, dtype=np.float64), np.asarray(standard_errors, dtype=np.float64)
    if y.ndim != 1 or y.shape != error.shape or y.size == 0:
        raise DataError(f"estimates has shape {y.shape} and standard_errors {error.shape}; expected one each.")
    wrong = np.flatnonzero(~(np.isfinite(y) & np.isfinite(error) & (error > 0)))
    if wrong.size:
        row = wrong[0]
        raise DataError(
            f"Estimate {row} (counted from 0) is {y[row]} with standard error {error[row]}; expected finite "
            "numbers and a standard error > 0. Leave out an institution whose model did not converge."
        )
    return y, error**2


def _heterogeneity(method: Method, y: Float[ndarray, " k"], variance: Float[ndarray, " k"], q: float) -> float:
    if method == "fixed":
        return 0.0
    if method == "dl":
        weight = 1 / variance
        return max(0.0, (q - (y.size - 1)) / float(weight.sum() - (weight @ weight) / weight.sum()))
    if method == "pm":
        return _paule_mandel(y, variance)
    if method == "reml":
        return _restricted_likelihood(y, variance)
    raise ConfigError(f"method is {method!r}; expected 'reml', 'pm', 'dl' or 'fixed'.")


def _weighted_residual(tau2: float, y: Float[ndarray, " k"], variance: Float[ndarray, " k"]) -> float:
    weight = 1 / (variance + tau2)
    return float(weight @ (y - weight @ y / weight.sum()) ** 2)


def _paule_mandel(y: Float[ndarray, " k"], variance: Float[ndarray, " k"]) -> float:
    """Return the tau2 at which the generalised Q equals its degrees of freedom; Q falls as tau2 grows."""

    def excess(tau2: float) -> float:
        return _weighted_residual(tau2, y, variance) - (y.size - 1)

    if excess(0.0) <= 0:
        return 0.0
    return _root(excess, 0.0, float(np.sum((y - y.mean()) ** 2)))


def _restricted_likelihood(y: Float[ndarray, " k"], variance: Float[ndarray, " k"]) -> float:
    """Return the tau2 of highest restricted likelihood: the best of 0 and every root of its derivative."""

    def likelihood(tau2: float) -> float:
        weight = 1 / (variance + tau2)
        return (float(np.log(weight).sum()) - math.log(weight.sum()) - _weighted_residual(tau2, y, variance)) / 2

    def slopes(tau2: Float[ndarray, " t"]) -> Float[ndarray, " t"]:
        weight = 1 / (variance + tau2[:, None])
        squared, total = weight**2, weight.sum(axis=1)
        residual = y - (weight @ y / total)[:, None]
        return ((squared * residual**2).sum(axis=1) - total + squared.sum(axis=1) / total) / 2

    def derivative(tau2: float) -> float:
        return float(slopes(np.array([tau2]))[0])

    # beyond twice the spread of the estimates the derivative is negative; a log grid finds every change of sign
    largest = 2 * float(np.sum((y - y.mean()) ** 2)) + float(variance.max())
    grid = np.concatenate([[0.0], np.geomspace(1e-6 * float(variance.min()), largest, 200)])
    slope = slopes(grid)
    turns = np.flatnonzero((slope[:-1] > 0) & (slope[1:] <= 0))
    peaks = [_root(derivative, grid[i], grid[i + 1]) for i in turns]
    return max([0.0, *peaks], key=likelihood)


def _root(function: Callable[[float], float], lower: float, upper: float) -> float:
    return float(optimize.root_scalar(function, bracket=(lower, upper), method="brentq", xtol=1e-15).root)


def _inconsistency(method: Method, tau2: float, variance: Float[ndarray, " k"], q: float) -> float:
    freedom = variance.size - 1
    if freedom == 0:
        return 0.0
    if method == "fixed":
        return max(0.0, (q - freedom) / q) if q > 0 else 0.0
    weight = 1 / variance
    typical = freedom * weight.sum() / (weight.sum() ** 2 - weight @ weight)
    return float(tau2 / (tau2 + typical))
