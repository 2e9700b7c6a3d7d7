"""What acting on a model's risks is worth: net benefit over thresholds, with censoring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy import ndarray

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Bool, Float

from .draws import draws_interval
from .metric_draws import weight_blocks
from .product_limit import Weights, product_limit
from .target import SurvivalTarget

TREAT_ALL, TREAT_NONE = "treat all", "treat none"


@dataclass(frozen=True, kw_only=True, eq=False)
class DecisionCurve:
    """Net benefit of each strategy at each threshold, free of patient rows."""

    settings: dict[str, object]
    rows: pl.DataFrame

    @property
    def metrics(self) -> dict[str, float]:
        """Each model's net benefit at each threshold, ``net_benefit.<model>.at_<threshold>``, where it is defined."""
        known = self.rows.drop_nulls("net_benefit").filter(~pl.col("strategy").is_in([TREAT_ALL, TREAT_NONE]))
        return {
            f"net_benefit.{row['strategy']}.at_{row['threshold']:g}": row["net_benefit"]
            for row in known.iter_rows(named=True)
        }

    def table(self) -> pl.DataFrame:
        """Return strategy, threshold, treated (share), net_benefit, standard_error, lower, upper, replicates.

        ``net_benefit`` is null where follow-up of those treated ends before the horizon; error and limits also where
        it is so in more than half of the replicates.
        """
        return self.rows


def decision_curve(  # noqa: PLR0913 - all but three are keyword-only
    risks: Mapping[str, Float[ndarray, " n"]],
    target: SurvivalTarget,
    horizon: float,
    *,
    thresholds: Sequence[float] | Float[ndarray, " t"],
    replicates: int = 500,
    seed: int,
    confidence: float = 0.95,
) -> DecisionCurve:
    """Estimate the net benefit of treating at a predicted risk by a horizon, for models, everybody and nobody.

    NB(q) = P(treated) [ (1 - S1(h)) - S1(h) q / (1 - q) ],  treated: risk >= q

    S1 is the Kaplan-Meier curve of those treated; without censoring before h this is true positives / n less false
    positives / n times the odds of q. One unit is one patient with the event treated and nobody else. Intervals are
    percentile bootstrap over patients, all strategies on the same draws, predictions taken as given. Assumes that
    censoring is independent of the event among those treated.

    Raises
    ------
    DataError
        If a risk is not in [0, 1] or there is not one for each patient, or follow-up ends before the horizon.
    ConfigError
        If a threshold is not between 0 and 1, there are none, or a model has the name of a default strategy.

    References
    ----------
    Vickers, Elkin (2006), Med. Decis. Making 26:565-574, doi:10.1177/0272989X06295361

    Vickers, Cronin, Elkin, Gonen (2008), BMC Med. Inform. Decis. Mak. 8:53, doi:10.1186/1472-6947-8-53

    Examples
    --------
    >>> target = SurvivalTarget(time=np.array([1.0, 2, 3, 9, 9, 9]), event=np.array([1, 0, 1, 0, 0, 1]))
    >>> risk = np.array([0.7, 0.6, 0.2, 0.5, 0.1, 0.1])
    >>> curve = decision_curve({"model": risk}, target, 5.0, thresholds=[0.25], replicates=100, seed=1)
    >>> curve.table().select("strategy", "treated", pl.col("net_benefit").round(3)).rows()
    [('model', 0.5, 0.056), ('treat all', 1.0, 0.167), ('treat none', 0.0, 0.0)]
    """
    cuts = _thresholds(thresholds)
    known = {name: np.asarray(values, dtype=np.float64) for name, values in risks.items()}
    _refuse(known, target, horizon)
    strategies = known | {TREAT_ALL: np.ones(len(target))}
    parts: dict[str, list[ndarray]] = {name: [] for name in strategies}
    for weights in weight_blocks(len(target), replicates, seed):
        for name, risk in strategies.items():
            found = net_benefit_draws(target.time, target.event, risk, weights, horizon=horizon, thresholds=cuts)
            parts[name].append(found)
    draws = {name: np.concatenate(values) for name, values in parts.items()}
    draws |= {TREAT_NONE: np.zeros((replicates + 1, cuts.size))}
    treated = {name: (risk[:, None] >= cuts).mean(axis=0) for name, risk in strategies.items()}
    treated |= {TREAT_NONE: np.zeros(cuts.size)}
    settings: dict[str, object] = {
        "horizon": float(horizon),
        "thresholds": cuts.tolist(),
        "treated_if": "risk >= threshold",
        "interval": "percentile bootstrap over patients, predictions fixed",
        "replicates": replicates,
        "seed": seed,
        "confidence": confidence,
    }
    return DecisionCurve(settings=settings, rows=_frame(draws, treated, cuts, confidence))


def net_benefit_draws(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    risk: Float[ndarray, " n"],
    weights: Weights,
    *,
    horizon: float,
    thresholds: Float[ndarray, " t"],
) -> Float[ndarray, "*b t"]:
    """Return the net benefit at each threshold for each weighting of the patients.

    0 where nobody is treated; NaN where follow-up of those treated ends before the horizon with somebody free of the
    event.
    """
    case = np.asarray(weights, dtype=np.float64)
    total, at = case.sum(axis=-1), np.array([horizon], dtype=np.float64)
    found = np.zeros((*case.shape[:-1], thresholds.size))
    for k, cut in enumerate(np.asarray(thresholds, dtype=np.float64)):
        chosen = risk >= cut
        if not chosen.any():
            continue
        mine = case[..., chosen]
        free = product_limit(time[chosen], event[chosen], weights=mine).at(at)[..., 0]
        last = np.where(mine > 0, time[chosen], -np.inf).max(axis=-1)
        share = mine.sum(axis=-1) / total
        known = (last >= horizon) | (free <= 0) | (share == 0)
        found[..., k] = np.where(known, share * ((1 - free) - free * cut / (1 - cut)), np.nan)
    return found


def _frame(
    draws: Mapping[str, Float[ndarray, "b t"]],
    treated: Mapping[str, Float[ndarray, " t"]],
    cuts: Float[ndarray, " t"],
    confidence: float,
) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for name, values in draws.items():
        for k, cut in enumerate(cuts.tolist()):
            row = {"strategy": name, "threshold": cut, "treated": float(treated[name][k])}
            row["net_benefit"] = float(values[0, k]) if np.isfinite(values[0, k]) else None
            rows.append(row | draws_interval(values[1:, k], confidence))
    reals = ("threshold", "treated", "net_benefit", "standard_error", "lower", "upper")
    schema = {"strategy": pl.String()} | {name: pl.Float64() for name in reals} | {"replicates": pl.Int64()}
    return pl.DataFrame(rows, schema=schema)


def _thresholds(thresholds: Sequence[float] | Float[ndarray, " t"]) -> Float[ndarray, " t"]:
    cuts = np.unique(np.asarray(thresholds, dtype=np.float64))
    if cuts.size == 0:
        raise ConfigError("There are no thresholds; name at least one risk, such as 0.1.")
    if not ((cuts > 0) & (cuts < 1)).all():
        wrong = cuts[~((cuts > 0) & (cuts < 1))][0]
        raise ConfigError(f"A threshold is {wrong:g}; expected a risk between 0 and 1, both excluded.")
    return cuts


def _refuse(risks: Mapping[str, Float[ndarray, " n"]], target: SurvivalTarget, horizon: float) -> None:
    if not risks:
        raise ConfigError("There is no model; pass at least one vector of risks.")
    if len(target) == 0 or not target.time.max() >= horizon:
        last = target.time.max(initial=0.0)
        raise DataError(f"Follow-up ends at {last:g}, before the horizon {horizon:g}. Choose an earlier horizon.")
    for name, risk in risks.items():
        if name in {TREAT_ALL, TREAT_NONE}:
            raise ConfigError(f"A model is named {name!r}, as one of the default strategies; give it another name.")
        if risk.shape != (len(target),):
            raise DataError(f"Model {name!r} has risks of shape {risk.shape}; the target has {len(target)} patients.")
        wrong = np.flatnonzero(~((risk >= 0) & (risk <= 1)))
        if wrong.size:
            raise DataError(
                f"Model {name!r}, row {wrong[0]} (counted from 0): the risk is {risk[wrong[0]]:g}; expected "
                "P(event by the horizon), in [0, 1]."
            )
