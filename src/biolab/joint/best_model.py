"""Which model ranks patients best over the sites, with intervals that allow for having compared several."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import polars as pl
from scipy import stats

from biolab.core.arrays import Float
from biolab.stats import MetaAnalysis, holm

from .pooled_performance import SCALES, back, evidence, forward, method_of, pool

Vector = Float[np.ndarray, " k"]
Evidence = Literal["external", "internal"]

HEADLINES = ("harrell_c", "uno_c", "time_dependent_auc", "roc_auc", "auc", "r2")
"""Measures of ranking and, of a number, the variance explained; the first that the runs hold decides."""
ADJUSTED = "Bonferroni limits, Holm p-values"
_LIMITS = (
    "gain",
    "gain_lower",
    "gain_upper",
    "simultaneous_lower",
    "simultaneous_upper",
    "p_value",
    "adjusted_p_value",
)
_BEHIND = ("behind", "behind_lower", "behind_upper")
RANKING_SCHEMA = {
    "model": pl.String(),
    "rank": pl.Int64(),
    "sites": pl.Int64(),
    **dict.fromkeys(("estimate", "lower", "upper", *_LIMITS, *_BEHIND), pl.Float64()),
    "contender": pl.Boolean(),
}


@dataclass(frozen=True, kw_only=True)
class Best:
    """The model with the highest pooled gain over the reference, and those that cannot be told from it.

    ``ranking`` has a row a model: ``estimate`` is the pooled measure; ``gain`` the pooled paired difference to the
    reference with its own (``gain_*``) and simultaneous limits; ``behind`` how far it lies behind the best model with
    simultaneous limits; a ``contender`` is not clearly behind. ``clear`` says whether the best model's simultaneous
    interval lies above zero.
    """

    model: str | None
    metric: str | None
    horizon: float | None
    evidence: Evidence
    reference: str
    sites: tuple[str, ...]
    confidence: float
    method: str
    ranking: pl.DataFrame

    @property
    def clear(self) -> bool:
        """Whether the best model ranks patients better than the reference, allowing for the models compared."""
        row = self.ranking.filter(pl.col("model").eq_missing(self.model))
        lower = None if row.is_empty() else row["simultaneous_lower"][0]
        return lower is not None and lower > 0

    @property
    def contenders(self) -> tuple[str, ...]:
        """The models that cannot be told from the best one."""
        return tuple(self.ranking.filter(pl.col("contender") & pl.col("model").ne_missing(self.model))["model"])

    @property
    def facts(self) -> dict[str, object]:
        """The finding as a JSON-able object; its keys are stable."""
        named = {name: value for name, value in self.__dict__.items() if name != "ranking"}
        found = {"clear": self.clear, "contenders": list(self.contenders), "ranking": self.ranking.to_dicts()}
        return {**named, "sites": list(self.sites), **found}


def best_model(
    performance: pl.DataFrame,
    differences: pl.DataFrame,
    *,
    models: Sequence[str],
    reference: str,
    confidence: float = 0.95,
) -> Best:
    """Find the model with the highest gain over the reference, pooled over testing sites by random effects (REML).

    The gain of a model at a testing site is the paired difference of the measure between it and the reference on the
    same patients, in the directions in which every model was judged (where there is one); over models of several
    training sites the mean, its error the mean of theirs (the largest possible). Limits of the gains are Bonferroni's
    over the models compared with the reference, limits of how far a model lies behind the best are Bonferroni's over
    all pairs, so that choosing the best by the same numbers is allowed for;
    p-values are Holm's. Both hold whatever the correlation between models. Sites release differences to the reference
    only; the error of the difference of two gains is at most the sum of their errors, which is what is taken, so that
    a contender may be worse than it looks.

    Judged on external results (a model at a site where it was not fitted); on internal ones where there are no others.

    References
    ----------
    Hsu (1984), Ann. Stat. 12:1136-1144, doi:10.1214/aos/1176346732
    """
    found = _evidence_at_hand(performance)
    if found is None:
        nothing = pl.DataFrame(schema=RANKING_SCHEMA)
        return Best(model=None, metric=None, horizon=None, evidence="external", reference=reference, sites=(),
                    confidence=confidence, method="", ranking=nothing)  # fmt: skip
    kind, metric, horizon = found
    gaps = _where_all_are(_of(differences, kind, metric, horizon).filter(pl.col("model") != reference))
    values = _of(performance, kind, metric, horizon).join(gaps, on=["train_site", "test_site"], how="semi")
    gains = _gains(gaps, models, reference)
    sites = tuple(dict.fromkeys(site for each in gains.values() for site in each))
    compared = len(gains)
    pooled = {name: _pooled(each, confidence) for name, each in gains.items()}
    wide = {name: _pooled(each, 1 - (1 - confidence) / compared) for name, each in gains.items()}
    scores = {name: each.estimate for name, each in pooled.items()} | {reference: 0.0}
    best = max(scores, key=lambda name: scores[name])
    p_values = [_p_value(pooled[name], len(gains[name])) for name in pooled]
    adjusted = holm(np.array(p_values, dtype=np.float64)).tolist()
    rows = []
    for place, name in enumerate(sorted(scores, key=lambda name: -scores[name]), start=1):
        row: dict[str, object] = {"model": name, "rank": place} | _level(values, name, metric, confidence)
        if name in pooled:
            one, all_, at = pooled[name], wide[name], list(pooled).index(name)
            limits = (one.estimate, one.lower, one.upper, all_.lower, all_.upper, p_values[at], adjusted[at])
            row |= dict(zip(_LIMITS, limits, strict=True)) | {"sites": len(gains[name])}
        behind = _behind(gains, best, name, confidence)
        row |= dict(zip(_BEHIND, behind, strict=True)) | {"contender": behind[1] is None or behind[1] <= 0}
        rows.append(row)
    how = method_of(next(iter(pooled.values()))) if pooled else ""
    return Best(
        model=best, metric=metric, horizon=horizon, evidence=kind, reference=reference, sites=sites,
        confidence=confidence, method=f"{how}; {ADJUSTED}" if how else "",
        ranking=pl.DataFrame(rows, schema=RANKING_SCHEMA),
    )  # fmt: skip


def _evidence_at_hand(performance: pl.DataFrame) -> tuple[Evidence, str, float | None] | None:
    known = evidence(performance).filter(pl.col("estimate").is_finite())
    kinds: tuple[Evidence, ...] = ("external", "internal")
    for kind in kinds:
        there = known.filter(pl.col("evidence") == kind)
        for metric in HEADLINES:
            rows = there.filter(pl.col("metric") == metric)
            if not rows.is_empty():
                horizons = [float(horizon) for horizon in rows["horizon"].drop_nulls()]
                return kind, metric, max(horizons, default=None)
    return None


def _of(frame: pl.DataFrame, kind: Evidence, metric: str, horizon: float | None) -> pl.DataFrame:
    at = pl.col("horizon").is_null() if horizon is None else pl.col("horizon") == horizon
    return evidence(frame).filter((pl.col("evidence") == kind) & (pl.col("metric") == metric) & at)


def _where_all_are(differences: pl.DataFrame) -> pl.DataFrame:
    """Keep the directions in which every model was judged, so that all are compared on the same patients."""
    usable = differences.filter(pl.col("difference").is_finite() & (pl.col("standard_error") > 0))
    there = usable.with_columns(models=pl.col("model").n_unique().over("train_site", "test_site"))
    shared = there.filter(pl.col("models") == usable["model"].n_unique()).drop("models")
    return usable if shared.is_empty() else shared


def _gains(
    differences: pl.DataFrame, models: Sequence[str], reference: str
) -> dict[str, dict[str, tuple[float, float]]]:
    """Return, by model and testing site, the mean gain and the largest error it can have."""
    usable = differences.filter(pl.col("reference") == reference)
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for model in models:
        own = usable.filter(pl.col("model") == model)
        means = own.group_by("test_site", maintain_order=True).agg(pl.col("difference", "standard_error").mean())
        if model != reference and not means.is_empty():
            found[model] = {site: (gain, error) for site, gain, error in means.iter_rows()}
    return found


def _pooled(by_site: Mapping[str, tuple[float, float]], confidence: float) -> MetaAnalysis:
    gain, error = (np.array(values) for values in zip(*by_site.values(), strict=True))
    return pool(gain, error, confidence=confidence)


def _p_value(found: MetaAnalysis, sites: int) -> float:
    z = abs(found.estimate) / found.standard_error if found.standard_error else math.inf
    return float(2 * (stats.t.sf(z, sites - 1) if found.hartung_knapp else stats.norm.sf(z)))


def _level(values: pl.DataFrame, model: str, metric: str, confidence: float) -> dict[str, float]:
    """Pool the measure itself over testing sites."""
    scale = SCALES[metric]
    inside = pl.col("estimate").is_between(0, 1, closed="none") if scale == "logit" else pl.col("estimate").is_finite()
    own = values.filter(pl.col("model") == model, pl.col("standard_error") > 0, inside)
    if own.is_empty():
        return {}
    y, error = forward(own["estimate"].to_numpy(), own["standard_error"].to_numpy(), scale)
    means = own.select("test_site").with_columns(y=y, error=error).group_by("test_site", maintain_order=True).mean()
    found = pool(means["y"].to_numpy(), means["error"].to_numpy(), confidence=confidence)
    limits = back(np.array([found.estimate, found.lower, found.upper]), scale).tolist()
    return dict(zip(("estimate", "lower", "upper"), limits, strict=True))


def _behind(
    gains: Mapping[str, Mapping[str, tuple[float, float]]], best: str, model: str, confidence: float
) -> tuple[float | None, float | None, float | None]:
    """Return how far a model lies behind the best one, with limits that allow for all pairs of models."""
    if model == best:
        return None, None, None
    pairs = len(list(combinations([*gains, "reference"], 2)))
    first, second = gains.get(best), gains.get(model)
    shared = [site for site in first or second or {} if site in (second or first or {})]
    gaps = {}
    for site in shared:
        a, b = (first or {}).get(site, (0.0, 0.0)), (second or {}).get(site, (0.0, 0.0))
        gaps[site] = (a[0] - b[0], a[1] + b[1])
    if not gaps:
        return None, None, None
    found = _pooled(gaps, 1 - (1 - confidence) / pairs)
    return found.estimate, found.lower, found.upper
