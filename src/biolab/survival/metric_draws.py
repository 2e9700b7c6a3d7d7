"""Every metric of every model on the same bootstrap draws of one cohort."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy import ndarray

from biolab.core import ConfigError, DataError, did_you_mean
from biolab.core.arrays import Float, Int
from biolab.kernels.torch_if_loaded import thread_count
from biolab.stats import bootstrap_weights

from .auc import time_dependent_auc_draws
from .brier import integrated_brier_score_draws, trapezoid_shares
from .calibration import calibration_slope_draws, observed_expected_draws
from .censoring import censoring_distribution
from .discrimination import harrell_c_draws, uno_c_draws
from .prediction import Prediction
from .product_limit import ProductLimit, product_limit
from .target import SurvivalTarget

Key = tuple[str, float | None]
MEASURES = (
    "harrell_c",
    "uno_c",
    "integrated_brier_score",
    "calibration_slope",
    "time_dependent_auc",
    "observed_expected",
)
BLOCK_CELLS = 250_000  # replicates x patients at a time: a few arrays of 2 MB, which stay in cache


def evaluation_draws(  # noqa: PLR0913 - the arguments of evaluate
    predictions: Mapping[str, Prediction],
    target: SurvivalTarget,
    *,
    horizons: Float[ndarray, " h"],
    grid: Float[ndarray, " g"],
    tau: float | None = None,
    replicates: int = 500,
    seed: int,
    measures: Collection[str] = MEASURES,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, dict[Key, Float[ndarray, " b+1"]]]:
    """Return each model's metrics, by (metric, horizon): the value on the cohort, then one on each replicate.

    The draws behind `evaluate`: replicate k holds the same patients for every model and metric. NaN where a metric
    cannot be computed.

    Raises
    ------
    DataError
        If a prediction has another number of patients than the target, or the grid does not increase.
    ConfigError
        If a horizon or grid time was not predicted, a measure is not known, or there are no models.
    """
    horizons, grid = np.asarray(horizons, dtype=np.float64), np.asarray(grid, dtype=np.float64)
    _refuse_mismatch(predictions, target)
    trapezoid_shares(grid)  # refuses a grid that does not increase, before any work
    ready = {
        name: (prediction.risk_score, prediction.at(horizons, "Horizon"), prediction.at(grid, "Grid time"))
        for name, prediction in predictions.items()
    }
    blocks = weight_blocks(len(target), replicates, seed)
    chosen = _chosen(measures)
    samples = (
        _sample(target, weights.astype(np.float64), horizons=horizons, grid=grid, tau=tau, measures=chosen)
        for weights in blocks
    )
    return _draws(samples, ready, on_progress, total=len(blocks) * len(ready))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sample:
    """One block of weightings of the cohort, with what all models share."""

    target: SurvivalTarget
    weights: Float[ndarray, "b n"]
    censoring: ProductLimit
    observed: ProductLimit
    horizons: Float[ndarray, " h"]
    grid: Float[ndarray, " g"]
    tau: float | None
    measures: frozenset[str]

    def metrics(
        self, score: Float[ndarray, " n"], at_horizons: Float[ndarray, "n h"], at_grid: Float[ndarray, "n g"]
    ) -> Iterator[tuple[Key, Float[ndarray, " b"]]]:
        """Yield each metric's values, one a weighting."""
        time, event, weights, seen = self.target.time, self.target.event, self.weights, self.censoring
        if "harrell_c" in self.measures:
            yield ("harrell_c", None), harrell_c_draws(time, event, score, weights)
        if "uno_c" in self.measures:
            yield ("uno_c", None), uno_c_draws(time, event, score, weights, tau=self.tau, censoring=seen)
        if "integrated_brier_score" in self.measures:
            yield (
                ("integrated_brier_score", None),
                integrated_brier_score_draws(time, event, at_grid, weights, times=self.grid, censoring=seen),
            )
        if "calibration_slope" in self.measures:
            yield ("calibration_slope", None), calibration_slope_draws(time, event, score, weights)
        yield from self._at_horizons(at_horizons)

    def _at_horizons(self, survival: Float[ndarray, "n h"]) -> Iterator[tuple[Key, Float[ndarray, " b"]]]:
        time, event, weights = self.target.time, self.target.event, self.weights
        for k, horizon in enumerate(self.horizons.tolist()):
            if "time_dependent_auc" in self.measures:
                risk = 1 - survival[:, k]
                yield (
                    ("time_dependent_auc", horizon),
                    time_dependent_auc_draws(time, event, risk, weights, horizon=horizon, censoring=self.censoring),
                )
            if "observed_expected" in self.measures:
                ratio = observed_expected_draws(
                    time, event, survival[:, [k]], weights, horizons=self.horizons[[k]], observed=self.observed
                )
                yield ("observed_expected", horizon), ratio[:, 0]


def _sample(
    target: SurvivalTarget,
    weights: Float[ndarray, "b n"],
    *,
    horizons: Float[ndarray, " h"],
    grid: Float[ndarray, " g"],
    tau: float | None,
    measures: frozenset[str],
) -> _Sample:
    return _Sample(
        target=target,
        weights=weights,
        censoring=censoring_distribution(target.time, target.event, weights=weights),
        observed=product_limit(target.time, target.event, weights=weights),
        horizons=horizons,
        grid=grid,
        tau=tau,
        measures=measures,
    )


def _chosen(measures: Collection[str]) -> frozenset[str]:
    for name in measures:
        if name not in MEASURES:
            raise ConfigError(f"{name!r} is no measure of a survival model. {did_you_mean(name, MEASURES)}")
    return frozenset(measures)


def _draws(
    samples: Iterable[_Sample],
    ready: Mapping[str, tuple[Float[ndarray, " n"], Float[ndarray, "n h"], Float[ndarray, "n g"]]],
    on_progress: Callable[[int, int], None] | None,
    total: int,
) -> dict[str, dict[Key, Float[ndarray, " b"]]]:
    """Return, for each model and metric, its value on the cohort followed by those on the replicates.

    Threads take one model on one block at a time, which changes no number.
    """
    parts: dict[str, dict[Key, list[ndarray]]] = {name: {} for name in ready}

    def measured(work: tuple[_Sample, str]) -> tuple[str, list[tuple[Key, Float[ndarray, " b"]]]]:
        sample, name = work
        return name, list(sample.metrics(*ready[name]))

    with ThreadPoolExecutor(thread_count()) as pool:
        for done, (name, found) in enumerate(pool.map(measured, product(samples, ready)), start=1):
            for key, values in found:
                parts[name].setdefault(key, []).append(values)
            if on_progress is not None:
                on_progress(done, total)
    return {name: {key: np.concatenate(values) for key, values in found.items()} for name, found in parts.items()}


def weight_blocks(n: int, replicates: int, seed: int) -> list[Int[ndarray, "b n"]]:
    """Return the cohort itself followed by its bootstrap replicates, in pieces that fit memory."""
    weights = np.concatenate([np.ones((1, n), dtype=np.int32), bootstrap_weights(n, replicates, seed=seed)])
    size = max(1, BLOCK_CELLS // n)
    return [weights[start : start + size] for start in range(0, len(weights), size)]


def _refuse_mismatch(predictions: Mapping[str, Prediction], target: SurvivalTarget) -> None:
    if not predictions:
        raise ConfigError("There is no model to evaluate; pass at least one prediction.")
    for name, prediction in predictions.items():
        if prediction.risk_score.size != len(target):
            raise DataError(
                f"Model {name!r} predicts {prediction.risk_score.size} patients; the target has {len(target)}."
            )
