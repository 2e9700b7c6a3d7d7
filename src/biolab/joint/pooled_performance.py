"""Measures of prediction pooled over institutions, on the scale where each is nearly normal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from scipy.special import expit, logit

from biolab.core.arrays import Float
from biolab.stats import MetaAnalysis, meta_analyse
from biolab.stats.intervals import normal_quantile

Scale = Literal["logit", "log", "identity"]
Vector = Float[np.ndarray, " k"]

SCALES: Mapping[str, Scale] = {
    **dict.fromkeys(("harrell_c", "uno_c", "time_dependent_auc", "roc_auc", "auc"), "logit"),
    "calibration_slope": "identity",
    "r2": "identity",
    "observed_expected": "log",
}
"""Measures that are pooled; a Brier score depends on how common events are, so sites' are not pooled."""
SMALLEST_FOR_HARTUNG_KNAPP = 3

_NUMBERS = ("estimate", "lower", "upper", "prediction_lower", "prediction_upper", "tau2", "i2", "q_p_value")
_WHAT = {"evidence": pl.String(), "model": pl.String(), "metric": pl.String(), "horizon": pl.Float64()}
META_SCHEMA = {**_WHAT, "sites": pl.Int64(), **dict.fromkeys(_NUMBERS, pl.Float64()), "method": pl.String()}
SITE_SCHEMA = {
    **_WHAT,
    "site": pl.String(),
    **dict.fromkeys(("estimate", "lower", "upper", "transformed", "standard_error", "weight"), pl.Float64()),
}
LEFT_OUT_SCHEMA = {
    **_WHAT,
    "left_out": pl.String(),
    **dict.fromkeys(("estimate", "lower", "upper", "tau2", "i2"), pl.Float64()),
}


@dataclass(frozen=True, kw_only=True)
class PooledPerformance:
    """Pooled measures, what each site put in, and the pooled measure without each site in turn.

    ``evidence`` is ``external`` (models judged at sites where they were not fitted) or ``internal`` (cross-validated
    at home). ``transformed`` and ``standard_error`` stand on the scale of pooling, all else on the measure's own.
    """

    pooled: pl.DataFrame
    sites: pl.DataFrame
    left_out: pl.DataFrame


def pool_performance(performance: pl.DataFrame, *, confidence: float = 0.95) -> PooledPerformance:
    """Pool each model's discrimination and calibration over testing sites by random effects (REML).

    y_j ~ Normal(mu, s_j^2 + tau2), one y a testing site: C and AUC as log odds, O/E as logarithm, the calibration slope
    and R2 as they are. Where models of several sites were judged at one, y_j is the mean over them and s_j the mean of
    their errors, which is the largest error the mean can have whatever their correlation (they share patients). Testing
    sites share no patients, so the y_j are independent given the models.

    With three sites or more the interval is Hartung and Knapp's, its error never below the normal one; with two it is
    the normal one, as in ``pool_hazard_ratios``.

    References
    ----------
    Snell, Ensor, Debray, Moons, Riley (2018), Stat. Methods Med. Res. 27:3505-3522, doi:10.1177/0962280217705678;
    Debray et al. (2017), BMJ 356:i6460, doi:10.1136/bmj.i6460
    """
    pooled, sites, left_out = [], [], []
    for what, names, y, error in _groups(performance):
        scale = SCALES[str(what["metric"])]
        limits = np.array(_interval(y, error, scale, confidence))
        found = pool(y, error, confidence=confidence) if y.size > 1 else None
        weights = np.ones(1) if found is None else found.weights
        rows = zip(names, back(y, scale), *limits, y, error, weights, strict=True)
        keys = ("site", "estimate", "lower", "upper", "transformed", "standard_error", "weight")
        sites += [what | dict(zip(keys, row, strict=True)) for row in rows]
        if found is None:
            continue
        pooled.append(what | {"sites": y.size} | _natural(found, scale))
        for index, name in enumerate(names if y.size > 2 else ()):
            others = np.arange(y.size) != index
            without = _natural(pool(y[others], error[others], confidence=confidence), scale)
            keep = ("estimate", "lower", "upper", "tau2", "i2")
            left_out.append(what | {"left_out": name} | {key: without[key] for key in keep})
    return PooledPerformance(
        pooled=pl.DataFrame(pooled, schema=META_SCHEMA),
        sites=pl.DataFrame(sites, schema=SITE_SCHEMA),
        left_out=pl.DataFrame(left_out, schema=LEFT_OUT_SCHEMA),
    )


def pool(y: Vector, error: Vector, *, confidence: float) -> MetaAnalysis:
    """Pool by REML, with Hartung and Knapp's interval (its error never below the normal one) from three sites on."""
    enough = y.size >= SMALLEST_FOR_HARTUNG_KNAPP
    return meta_analyse(y, error, method="reml", hartung_knapp=enough, at_least_normal=True, confidence=confidence)


def method_of(found: MetaAnalysis) -> str:
    """Name how a pooled interval was made."""
    return "REML, Hartung-Knapp interval" if found.hartung_knapp else "REML, normal interval"


def evidence(frame: pl.DataFrame) -> pl.DataFrame:
    """Say of each row whether the model was judged at home (``internal``) or elsewhere (``external``)."""
    home = pl.col("train_site") == pl.col("test_site")
    return frame.with_columns(evidence=pl.when(home).then(pl.lit("internal")).otherwise(pl.lit("external")))


def forward(estimate: Vector, error: Vector, scale: Scale) -> tuple[Vector, Vector]:
    """Carry estimates and standard errors to the scale of pooling, by the delta method."""
    if scale == "logit":
        return logit(estimate), error / (estimate * (1 - estimate))
    return (np.log(estimate), error / estimate) if scale == "log" else (estimate, error)


def back(y: Vector, scale: Scale) -> Vector:
    """Carry values back from the scale of pooling."""
    return expit(y) if scale == "logit" else np.exp(y) if scale == "log" else y


def _groups(performance: pl.DataFrame) -> Iterator[tuple[dict[str, object], list[str], Vector, Vector]]:
    """Yield each pooled quantity with one transformed estimate and error a testing site."""
    inside = pl.when(pl.col("scale") == "logit").then(pl.col("estimate").is_between(0, 1, closed="none"))
    usable = evidence(performance).with_columns(
        scale=pl.col("metric").replace_strict(dict(SCALES), default=None, return_dtype=pl.String)
    ).filter(
        pl.col("scale").is_not_null(),
        pl.col("estimate").is_finite() & (pl.col("standard_error") > 0),
        inside.when(pl.col("scale") == "log").then(pl.col("estimate") > 0).otherwise(pl.lit(value=True)),
    )  # fmt: skip
    keys = list(_WHAT)
    for values, group in usable.group_by(keys, maintain_order=True):
        scale = SCALES[str(values[2])]
        y, error = forward(group["estimate"].to_numpy(), group["standard_error"].to_numpy(), scale)
        at = group.select("test_site").with_columns(y=y, error=error)
        means = at.group_by("test_site", maintain_order=True).mean()
        yield (
            dict(zip(keys, values, strict=True)),
            means["test_site"].to_list(),
            means["y"].to_numpy(),
            means["error"].to_numpy(),
        )


def _interval(y: Vector, error: Vector, scale: Scale, confidence: float) -> tuple[Vector, Vector]:
    reach = normal_quantile(confidence) * error
    return back(y - reach, scale), back(y + reach, scale)


def _natural(found: MetaAnalysis, scale: Scale) -> dict[str, object]:
    low, high = (None, None) if found.prediction is None else back(np.array(found.prediction), scale).tolist()
    estimate, lower, upper = back(np.array([found.estimate, found.lower, found.upper]), scale).tolist()
    values = (estimate, lower, upper, low, high, found.tau2, found.i2, found.q_p_value)
    return dict(zip(_NUMBERS, values, strict=True)) | {"method": method_of(found)}
