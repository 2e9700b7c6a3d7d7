"""What cross-validation promised at home, and what the same models were worth elsewhere."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from biolab.stats import meta_analyse

from .pooling import POOLED

Setting = Literal["home", "abroad", "pooled"]
SETTINGS: tuple[Setting, ...] = ("home", "abroad", "pooled")
TRANSPORT_SCHEMA = {"model": pl.String, "metric": pl.String, "setting": pl.String} | {
    "estimate": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "i2": pl.Float64,
    "test_sites": pl.Int64,
    "directions": pl.Int64,
}


def transport(validation: pl.DataFrame, *, metrics: Sequence[str] = ("harrell_c", "uno_c", "auc")) -> pl.DataFrame:
    """Summarise each model's concordance over the testing sites: at home, from single other sites, from all others.

    ``home`` is the internal cross-validation, ``abroad`` the models of single other sites, ``pooled`` those of all
    others together. Testing sites are independent samples of patients and are pooled by random effects (REML, normal
    interval) on the logit scale. Several models tested on the same patients are not independent: their logits are
    averaged first, and the average keeps the mean of their standard errors, as if they were perfectly correlated. The
    interval of ``abroad`` is therefore rather too wide.

    References
    ----------
    Snell, Ensor, Debray, Moons, Riley (2018), Statistical Methods in Medical Research 27:3505-3522,
    doi:10.1177/0962280217705678 (concordance is pooled on the logit scale).
    """
    rows = []
    usable = validation.filter(
        pl.col("metric").is_in(list(metrics)),
        pl.col("estimate").is_between(0, 1, closed="none") & (pl.col("standard_error") > 0),
    ).with_columns(setting=_setting())
    for (model, metric, setting), group in usable.group_by("model", "metric", "setting", maintain_order=True):
        at_sites = group.with_columns(
            logit=(pl.col("estimate") / (1 - pl.col("estimate"))).log(),
            error=pl.col("standard_error") / (pl.col("estimate") * (1 - pl.col("estimate"))),
        )
        by_site = at_sites.group_by("test_site", maintain_order=True).agg(pl.mean("logit", "error"))
        rows.append(
            {"model": model, "metric": metric, "setting": setting}
            | _pooled(by_site["logit"].to_numpy(), by_site["error"].to_numpy())
            | {"test_sites": by_site.height, "directions": group.height}
        )
    return pl.DataFrame(rows, schema=TRANSPORT_SCHEMA)


def _setting() -> pl.Expr:
    pooled, home = pl.col("train_site") == POOLED, pl.col("train_site") == pl.col("test_site")
    return pl.when(pooled).then(pl.lit("pooled")).when(home).then(pl.lit("home")).otherwise(pl.lit("abroad"))


def _pooled(logit: np.ndarray, error: np.ndarray) -> dict[str, float]:
    if len(logit) == 1:
        estimate, lower, upper, i2 = logit[0], logit[0] - 1.96 * error[0], logit[0] + 1.96 * error[0], 0.0
    else:
        found = meta_analyse(logit, error, method="reml", hartung_knapp=False)
        estimate, lower, upper, i2 = found.estimate, found.lower, found.upper, found.i2
    limits = {"estimate": estimate, "lower": lower, "upper": upper}
    return {name: float(1 / (1 + np.exp(-value))) for name, value in limits.items()} | {"i2": float(i2)}
