"""What the sites' results say together: hazard ratios by random effects, models by averaging their log hazards."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from biolab.core.arrays import Float
from biolab.survival import Prediction

from .pooled_performance import method_of, pool
from .protocol import RESERVED

POOLED = RESERVED
"""Stands for a training site where the models of all other sites were pooled."""

POOLED_SCHEMA = {
    "model": pl.String,
    "term": pl.String,
    "label_en": pl.String,
    "label_ko": pl.String,
    "hazard_ratio": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "prediction_lower": pl.Float64,
    "prediction_upper": pl.Float64,
    "tau2": pl.Float64,
    "i2": pl.Float64,
    "method": pl.String,
}


def pool_hazard_ratios(coefficients: pl.DataFrame, *, confidence: float = 0.95) -> pl.DataFrame:
    """Pool each term's log hazard ratio over the sites by a random-effects model (REML).

    With three sites or more the interval is Hartung and Knapp's. With two it is the normal one: Hartung and Knapp's
    would rest on one degree of freedom and be too wide to tell anything (its t quantile is 12.7). With so few sites
    tau² is poorly known; I² is to be read with care. The prediction limits need three sites.
    """
    rows = []
    for (model, term), group in coefficients.group_by("model", "term", maintain_order=True):
        if group.height < 2:
            continue
        effects, errors = group["log_hazard_ratio"].to_numpy(), group["standard_error"].to_numpy()
        pooled = pool(effects, errors, confidence=confidence)
        ahead = (None, None) if pooled.prediction is None else np.exp(pooled.prediction).tolist()
        rows.append(
            {
                "model": model,
                "term": term,
                "label_en": group["label_en"][0],
                "label_ko": group["label_ko"][0],
                "hazard_ratio": float(np.exp(pooled.estimate)),
                "lower": float(np.exp(pooled.lower)),
                "upper": float(np.exp(pooled.upper)),
                "prediction_lower": ahead[0],
                "prediction_upper": ahead[1],
                "tau2": pooled.tau2,
                "i2": pooled.i2,
                "method": method_of(pooled),
            }
        )
    return pl.DataFrame(rows, schema=POOLED_SCHEMA)


def pool_predictions(predictions: Sequence[Prediction], weights: Float[np.ndarray, " s"]) -> Prediction:
    """Average what several released models say of the same patients, on the scale of the log cumulative hazard.

    log H(t | x) = sum over models s of w_s log H_s(t | x), weights scaled to a sum of 1

    For Cox models this is the model of the averaged coefficients; a shrunken signature, whose log hazards spread
    little, says little. No row is pooled: each site sends its released model only.

    >>> def at(hazard: float) -> Prediction:
    ...     score = np.log(np.array([hazard]))
    ...     return Prediction(risk_score=score, survival=np.exp(-np.array([[hazard]])), times=np.ones(1))
    >>> pool_predictions([at(0.1), at(0.4)], np.ones(2)).survival.round(3)
    array([[0.819]])
    """
    shares = weights / weights.sum()
    risk_score = np.tensordot(shares, np.stack([one.risk_score for one in predictions]), axes=1)
    curves = np.stack([one.survival for one in predictions])
    with np.errstate(divide="ignore"):  # nobody has had the event yet: log H is -inf, and H stays 0
        log_hazard = np.tensordot(shares, np.log(-np.log(curves)), axes=1)
    return Prediction(risk_score=risk_score, survival=np.exp(-np.exp(log_hazard)), times=predictions[0].times)
