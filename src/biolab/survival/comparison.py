"""Which of several models is better on the same patients: paired differences, held to the number of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy import ndarray
from scipy.special import ndtr

from biolab.core import ConfigError, did_you_mean
from biolab.core.arrays import Float
from biolab.stats import holm
from biolab.stats.intervals import normal_quantile

from .evaluation import Key, evaluation_draws
from .prediction import Prediction
from .target import SurvivalTarget


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelComparison:
    """Paired differences between models on one cohort, free of patient rows."""

    settings: dict[str, object]
    rows: pl.DataFrame

    @property
    def metrics(self) -> dict[str, float]:
        """Each difference and its adjusted p-value, ``harrell_c.one_minus_other``, ``....adjusted_p_value``."""
        flat: dict[str, float] = {}
        for row in self.rows.iter_rows(named=True):
            at = "" if row["horizon"] is None else f".at_{row['horizon']:g}"
            name = f"{row['metric']}{at}.{row['model']}_minus_{row['reference']}"
            numbers = {name: row["difference"], f"{name}.adjusted_p_value": row["adjusted_p_value"]}
            flat |= {key: value for key, value in numbers.items() if value is not None}
        return flat

    def table(self) -> pl.DataFrame:
        """Return model, reference, metric, horizon, difference, its error, limits, p-values and replicates.

        Columns: ``model, reference, metric, horizon, difference, standard_error, lower, upper, p_value,
        adjusted_p_value, replicates``; null where the metric is undefined on the cohort, or, for all but the
        difference, on more than half of the draws.
        """
        return self.rows


def compare_models(  # noqa: PLR0913 - the arguments of evaluate, and which tests are made
    predictions: Mapping[str, Prediction],
    target: SurvivalTarget,
    *,
    horizons: Float[ndarray, " h"],
    grid: Float[ndarray, " g"],
    tau: float | None = None,
    metrics: Sequence[str] | None = None,
    reference: str | None = None,
    replicates: int = 500,
    seed: int,
    confidence: float = 0.95,
) -> ModelComparison:
    """Compare models on the same patients by the bootstrap draws of `evaluate`.

    z = (metric of model - metric of reference) / standard deviation of that difference over the draws

    Every pair of models is compared, or each with ``reference``, on each of ``metrics`` (all by default). P-values are
    two-sided from the normal distribution and the limits Wald, so that the two agree; ``adjusted_p_value`` is Holm's
    over all rows of the table: name beforehand the few metrics that decide. Predictions are taken as given: the
    patients must not have trained the models.

    A difference in calibration slope or observed over expected says that the two differ, not which is nearer to 1.

    Raises
    ------
    DataError
        If a prediction has another number of patients than the target.
    ConfigError
        If there are fewer than two models, no such metric or reference, or a horizon or grid time was not predicted.

    References
    ----------
    Efron, Tibshirani (1993), An Introduction to the Bootstrap, chapters 6 and 12, doi:10.1201/9780429246593

    Holm (1979), Scand. J. Stat. 6:65-70, https://www.jstor.org/stable/4615733

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> x, times = generator.normal(size=(150, 2)), np.array([1.0, 2.0])
    >>> time = generator.exponential(3 * np.exp(-1.5 * x[:, 0]))
    >>> target = SurvivalTarget(time=time, event=time < 8)
    >>> models = {
    ...     name: Prediction(risk_score=score, survival=np.exp(-np.exp(score)[:, None] * times / 3), times=times)
    ...     for name, score in {"right": 1.5 * x[:, 0], "noise": x[:, 1]}.items()
    ... }
    >>> found = compare_models(
    ...     models, target, horizons=times[:1], grid=times, metrics=["harrell_c"], replicates=50, seed=1
    ... )
    >>> found.table().select("model", "reference", pl.col("adjusted_p_value") < 0.001).rows()
    [('right', 'noise', True)]
    """
    pairs = _pairs(tuple(predictions), reference)
    draws = evaluation_draws(
        predictions, target, horizons=horizons, grid=grid, tau=tau, replicates=replicates, seed=seed
    )
    keys = _chosen(draws[pairs[0][0]], metrics)
    rows = [
        {"model": model, "reference": other, "metric": key[0], "horizon": key[1]}
        | difference_row(draws[model][key] - draws[other][key], confidence)
        for model, other in pairs
        for key in keys
    ]
    settings: dict[str, object] = {
        "horizons": np.asarray(horizons, dtype=np.float64).tolist(),
        "tau": tau,
        "tests": len(rows),
        "multiplicity": "Holm over all tests of the table",
        "interval": "Wald with the bootstrap standard error of the paired difference, predictions fixed",
        "replicates": replicates,
        "seed": seed,
        "confidence": confidence,
        "reference": reference,
    }
    return ModelComparison(settings=settings, rows=difference_frame(rows, ("model", "reference", "metric")))


def difference_row(draws: Float[ndarray, " b+1"], confidence: float) -> dict[str, float | int | None]:
    """Test a difference (first draw) by its spread over the others; null where fewer than half are finite."""
    value, known = float(draws[0]), draws[1:][np.isfinite(draws[1:])]
    row: dict[str, float | int | None] = {"difference": value if np.isfinite(value) else None}
    row |= {"standard_error": None, "lower": None, "upper": None, "p_value": None, "replicates": known.size}
    if not np.isfinite(value) or known.size < max(2, (draws.size - 1) / 2):
        return row
    error = float(known.std(ddof=1))
    reach = normal_quantile(confidence) * error
    if error == 0 and value != 0:  # a difference that no draw changes has no test
        return row | {"standard_error": 0.0, "lower": value, "upper": value}
    p_value = float(2 * ndtr(-abs(value) / error)) if error > 0 else 1.0
    return row | {"standard_error": error, "lower": value - reach, "upper": value + reach, "p_value": p_value}


def difference_frame(rows: Sequence[dict[str, Any]], names: tuple[str, ...]) -> pl.DataFrame:
    """Lay out tested differences, with Holm's p-values over all of them."""
    reals = ("horizon", "difference", "standard_error", "lower", "upper", "p_value")
    schema = {name: pl.String() for name in names} | {name: pl.Float64() for name in reals}
    frame = pl.DataFrame(list(rows), schema=schema | {"replicates": pl.Int64()})
    adjusted = holm(frame["p_value"].fill_null(np.nan).to_numpy())
    return frame.insert_column(
        frame.get_column_index("replicates"), pl.Series("adjusted_p_value", adjusted, dtype=pl.Float64).fill_nan(None)
    )


def _pairs(models: tuple[str, ...], reference: str | None) -> list[tuple[str, str]]:
    if len(models) < 2:
        raise ConfigError(f"There are {len(models)} models; a comparison needs at least two.")
    if reference is None:
        return list(combinations(models, 2))
    if reference not in models:
        raise ConfigError(f"The reference model is {reference!r}. {did_you_mean(reference, models)}")
    return [(name, reference) for name in models if name != reference]


def _chosen(found: Mapping[Key, object], metrics: Sequence[str] | None) -> list[Key]:
    known = list(dict.fromkeys(metric for metric, _ in found))
    for metric in metrics or ():
        if metric not in known:
            raise ConfigError(f"There is no metric {metric!r}. {did_you_mean(metric, known)}")
    chosen = [key for key in found if metrics is None or key[0] in metrics]
    if not chosen:
        raise ConfigError("metrics is empty; name at least one, or leave it out to compare on all.")
    return chosen
