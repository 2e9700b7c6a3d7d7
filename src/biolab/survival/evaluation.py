"""Every metric of every model on one cohort, with intervals and paired differences from shared bootstrap draws."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy import ndarray

from biolab.core import ConfigError, DataError, Estimate, did_you_mean
from biolab.core.arrays import Float

from .draws import estimate_of_draws
from .metric_draws import MEASURES, Key, evaluation_draws
from .prediction import Prediction
from .target import SurvivalTarget


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Metrics of several models on one cohort, free of patient rows."""

    settings: dict[str, object]
    models: tuple[str, ...]
    rows: pl.DataFrame
    difference_rows: pl.DataFrame

    def table(self) -> pl.DataFrame:
        """Return model, metric, horizon (null if none), estimate, standard_error, lower, upper, replicates.

        ``replicates`` is how many draws gave the metric; where fewer than half did, error and limits are null.
        """
        return self.rows

    def differences(self) -> pl.DataFrame:
        """Return model, reference, metric, horizon, difference, standard_error, lower, upper, replicates.

        A difference is model minus reference on the same draws; the frame is empty without a reference.
        """
        return self.difference_rows

    def estimate(self, model: str, metric: str, horizon: float | None = None) -> Estimate:
        """Return one estimate with its interval.

        Raises
        ------
        ConfigError
            If there is no such model, metric or horizon.
        """
        for row in self.rows.iter_rows(named=True):
            if (row["model"], row["metric"], row["horizon"]) == (model, metric, horizon):
                return _estimate(row, self.settings["confidence"])
        known = {
            f"{m}, {k}" + ("" if h is None else f", {h:g}")
            for m, k, h in self.rows.select("model", "metric", "horizon").rows()
        }
        asked = f"{model}, {metric}" + ("" if horizon is None else f", {horizon:g}")
        raise ConfigError(f"There is no estimate of {asked}. {did_you_mean(asked, known)}")

    def metrics(self, model: str) -> dict[str, float]:
        """Flatten one model's estimates for MLflow: ``harrell_c``, ``harrell_c.lower``, ``time_dependent_auc.at_60``.

        Raises
        ------
        ConfigError
            If there is no such model.
        """
        if model not in self.models:
            raise ConfigError(f"There is no model {model!r}. {did_you_mean(model, self.models)}")
        flat: dict[str, float] = {}
        for row in self.rows.filter(pl.col("model") == model).iter_rows(named=True):
            name = row["metric"] if row["horizon"] is None else f"{row['metric']}.at_{row['horizon']:g}"
            if row["estimate"] is not None:
                flat |= {name: row["estimate"]}
            if row["lower"] is not None:
                flat |= {f"{name}.lower": row["lower"], f"{name}.upper": row["upper"]}
        return flat


def evaluate(  # noqa: PLR0913 - all keyword-only, each a choice that the result must name
    predictions: Mapping[str, Prediction],
    target: SurvivalTarget,
    *,
    horizons: Float[ndarray, " h"],
    grid: Float[ndarray, " g"],
    tau: float | None = None,
    replicates: int = 500,
    seed: int,
    confidence: float = 0.95,
    reference: str | None = None,
    measures: Collection[str] = MEASURES,
    undefined: Literal["refuse", "null"] = "refuse",
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluate models on one cohort with percentile bootstrap intervals, all from the same draws.

    Metrics: Harrell's C, Uno's C up to ``tau``, the integrated Brier score over ``grid``, the calibration slope, and
    at each horizon the time-dependent AUC (of the predicted risk at that horizon) and observed over expected. Every
    replicate resamples patients and estimates the censoring distribution anew; predictions are taken as given, so the
    intervals speak of the cohort, not of refitting. Differences to ``reference`` are paired draw by draw.

    Replicates on which a metric cannot be computed (no event before a horizon, say) are left out of its interval and
    counted in the column ``replicates``. Time is O(models * replicates * n log n), memory that of the multiplicities.

    Only ``measures`` are computed. One that the cohort itself leaves undefined is refused, or with
    ``undefined="null"`` stands without an estimate: a small cohort then keeps what can be known of it.

    Raises
    ------
    DataError
        If a prediction has another number of patients than the target, or a metric cannot be computed on the cohort.
    ConfigError
        If a horizon or grid time was not predicted, there are no models, the reference is not one of them, or a
        measure is not known.

    References
    ----------
    Royston, Altman (2013), BMC Med. Res. Methodol. 13:33, doi:10.1186/1471-2288-13-33
    """
    horizons, grid = np.asarray(horizons, dtype=np.float64), np.asarray(grid, dtype=np.float64)
    if reference is not None and reference not in predictions:
        raise ConfigError(f"The reference model is {reference!r}. {did_you_mean(reference, predictions)}")
    joined = evaluation_draws(
        predictions,
        target,
        horizons=horizons,
        grid=grid,
        tau=tau,
        replicates=replicates,
        seed=seed,
        measures=measures,
        on_progress=on_progress,
    )
    if undefined == "refuse":
        _refuse_undefined(joined)
    settings = {
        "horizons": horizons.tolist(),
        "tau": tau,
        "integrated_brier_score_over": [float(grid[0]), float(grid[-1])],
        "grid_points": int(grid.size),
        "censoring_weights": "Kaplan-Meier of the evaluated patients, estimated anew in each replicate",
        "interval": "percentile bootstrap over patients, predictions fixed",
        "replicates": replicates,
        "seed": seed,
        "confidence": confidence,
        "reference": reference,
    }
    return evaluation_of_draws(joined, settings, reference=reference, confidence=confidence)


def evaluation_of_draws(
    joined: Mapping[str, Mapping[Key, Float[ndarray, " b+1"]]],
    settings: dict[str, object],
    *,
    reference: str | None,
    confidence: float,
) -> Evaluation:
    """Lay out each model's draws (the cohort's value first) as estimates with intervals and paired differences."""
    return Evaluation(
        settings=settings,
        models=tuple(joined),
        rows=_rows(joined, confidence),
        difference_rows=_difference_rows(joined, reference, confidence),
    )


def _refuse_undefined(joined: Mapping[str, Mapping[Key, Float[ndarray, " b"]]]) -> None:
    reasons = {
        "calibration_slope": "the risk score is constant or orders the events perfectly",
        "integrated_brier_score": "nobody is followed beyond the end of the grid",
        "observed_expected": "follow-up ends before the horizon or every predicted risk is 0",
        "time_dependent_auc": "nobody fails by the horizon or nobody is followed beyond it",
    }
    for name, found in joined.items():
        for (metric, horizon), draws in found.items():
            if not np.isfinite(draws[0]):
                where = "" if horizon is None else f" at horizon {horizon:g}"
                reason = reasons.get(metric, "no two patients can be compared")
                raise DataError(f"{metric}{where} of model {name!r} cannot be computed on this cohort: {reason}.")


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pl.DataFrame:
    text, counts = ("model", "reference", "metric"), ("replicates",)
    schema = {name: pl.String() if name in text else pl.Int64() if name in counts else pl.Float64() for name in columns}
    return pl.DataFrame(rows, schema=schema)


def _rows(joined: Mapping[str, Mapping[Key, Float[ndarray, " b"]]], confidence: float) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {"model": name, "metric": metric, "horizon": horizon} | estimate_of_draws(draws, confidence)
        for name, found in joined.items()
        for (metric, horizon), draws in found.items()
    ]
    return _frame(rows, ("model", "metric", "horizon", "estimate", "standard_error", "lower", "upper", "replicates"))


def _difference_rows(
    joined: Mapping[str, Mapping[Key, Float[ndarray, " b"]]], reference: str | None, confidence: float
) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for name, found in joined.items() if reference is not None else ():
        for (metric, horizon), draws in found.items() if name != reference else ():
            apart = draws - joined[str(reference)][metric, horizon]
            row = {"model": name, "reference": reference, "metric": metric, "horizon": horizon}
            found_apart = estimate_of_draws(apart, confidence)
            rows.append(row | {"difference": found_apart.pop("estimate")} | found_apart)
    columns = (
        "model",
        "reference",
        "metric",
        "horizon",
        "difference",
        "standard_error",
        "lower",
        "upper",
        "replicates",
    )
    return _frame(rows, columns)


def _estimate(row: dict[str, float], confidence: object) -> Estimate:
    error, lower, upper = (np.nan if row[name] is None else row[name] for name in ("standard_error", "lower", "upper"))
    return Estimate(
        estimate=row["estimate"], standard_error=error, lower=lower, upper=upper, confidence=float(str(confidence))
    )
