"""Hazard ratios of the sites, pooled by random effects."""

import numpy as np
import polars as pl

from biolab.stats import meta_analyse

POOLED_SCHEMA = {
    "model": pl.String,
    "term": pl.String,
    "label_en": pl.String,
    "label_ko": pl.String,
    "hazard_ratio": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "tau2": pl.Float64,
    "i2": pl.Float64,
    "method": pl.String,
}


def pool_hazard_ratios(coefficients: pl.DataFrame) -> pl.DataFrame:
    """Pool each term's log hazard ratio over the sites by a random-effects model (REML).

    The interval is the normal one: the Hartung-Knapp interval with two sites rests on one degree of freedom and is too
    wide to tell anything (its t quantile is 12.7). With so few sites tau² is poorly known; I² is to be read with care.
    """
    rows = []
    for (model, term), group in coefficients.group_by("model", "term", maintain_order=True):
        if group.height < 2:
            continue
        pooled = meta_analyse(
            group["log_hazard_ratio"].to_numpy(), group["standard_error"].to_numpy(), method="reml", hartung_knapp=False
        )
        rows.append(
            {
                "model": model,
                "term": term,
                "label_en": group["label_en"][0],
                "label_ko": group["label_ko"][0],
                "hazard_ratio": float(np.exp(pooled.estimate)),
                "lower": float(np.exp(pooled.lower)),
                "upper": float(np.exp(pooled.upper)),
                "tau2": pooled.tau2,
                "i2": pooled.i2,
                "method": "REML, normal interval",
            }
        )
    return pl.DataFrame(rows, schema=POOLED_SCHEMA)
