"""How good predictions of a class or a number are: measures with intervals, by cross-validation and by subgroup."""

from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from numpy import ndarray

from biolab.core import spawn_seed
from biolab.core.arrays import Bool, Float
from biolab.data import Cohort
from biolab.joint.model_specs import TabularSpec
from biolab.joint.protocol import Protocol
from biolab.stats import stratified_folds
from biolab.stats.prediction_measures import (
    auc_draws,
    brier_draws,
    linear_slope_draws,
    logistic_slope_draws,
    mae_draws,
    observed_expected_ratio_draws,
    r2_draws,
    rmse_draws,
)
from biolab.survival import Evaluation, evaluation_of_draws, grouped_metrics, weight_blocks

from .fitting import fit_tabular, outcome_values

Key = tuple[str, float | None]
Draws = dict[str, dict[Key, ndarray]]
Measure = Callable[[ndarray, ndarray, ndarray], ndarray]
BINARY: dict[str, Measure] = {
    "auc": lambda outcome, predicted, weights: auc_draws(outcome > 0.5, predicted, weights),
    "brier_score": lambda outcome, predicted, weights: brier_draws(outcome > 0.5, predicted, weights),
    "calibration_slope": lambda outcome, predicted, weights: logistic_slope_draws(outcome > 0.5, predicted, weights),
    "observed_expected": observed_expected_ratio_draws,
}
NUMBER: dict[str, Measure] = {
    "r2": r2_draws,
    "rmse": rmse_draws,
    "mae": mae_draws,
    "calibration_slope": linear_slope_draws,
}
CLAIMED = {"discrimination": ("auc", "r2")}


def outcome_of(protocol: Protocol, cohort: Cohort) -> Float[ndarray, " n"]:
    """Return the outcome of a cohort's patients."""
    return outcome_values(protocol, cohort.frame)


def cross_validated(protocol: Protocol, spec: TabularSpec, cohort: Cohort, *, site: str) -> Float[ndarray, " n"]:
    """Predict every patient by models that never saw them; folds are balanced by the outcome, or its upper half."""
    rules = protocol.evaluation
    outcome = outcome_of(protocol, cohort)
    high = outcome > (0.5 if protocol.endpoint.kind == "binary" else np.median(outcome))
    fold = stratified_folds(high, rules.folds, seed=spawn_seed(rules.seed, site, "folds"))
    seed = spawn_seed(rules.seed, site, spec.name)
    predicted = np.empty(cohort.patients)
    for held_out in range(rules.folds):
        test = fold == held_out
        model = fit_tabular(protocol, spec, cohort.frame.filter(~test), seed=seed)
        predicted[test] = model.predict(cohort.frame.filter(test))
    return predicted


def judge_tabular(
    protocol: Protocol, cohort: Cohort, predictions: Mapping[str, Float[ndarray, " n"]], *, test_site: str
) -> Evaluation:
    """Compute every measure of every model on one cohort, with bootstrap intervals and paired differences."""
    rules = protocol.evaluation
    seed = spawn_seed(rules.seed, test_site, "bootstrap")
    joined = _draws(protocol, outcome_of(protocol, cohort), predictions, rules.replicates, seed)
    settings: dict[str, object] = {
        "interval": "percentile bootstrap over patients, predictions fixed",
        "replicates": rules.replicates,
        "seed": seed,
        "confidence": rules.confidence,
        "reference": rules.reference,
    }
    reference = rules.reference if rules.reference in predictions else None
    return evaluation_of_draws(joined, settings, reference=reference, confidence=rules.confidence)


def subgroup_tabular(
    protocol: Protocol,
    cohort: Cohort,
    predictions: Mapping[str, Float[ndarray, " n"]],
    labels: ndarray,
    *,
    replicates: int,
    seed: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Judge the models in each group of patients and test it against the rest."""
    outcome, rules = outcome_of(protocol, cohort), protocol.release
    events = outcome > 0.5 if protocol.endpoint.kind == "binary" else np.ones(cohort.patients, dtype=bool)

    def enough(mine: Bool[ndarray, " n"]) -> bool:
        positive = int(events[mine].sum())
        cells = (positive, int(mine.sum()) - positive) if protocol.endpoint.kind == "binary" else (int(mine.sum()),)
        return int(mine.sum()) >= 2 * rules.minimum_cell and min(cells) >= rules.minimum_events

    def draws(mine: Bool[ndarray, " n"], stream: np.random.SeedSequence) -> Draws:
        part = {name: predicted[mine] for name, predicted in predictions.items()}
        return _draws(protocol, outcome[mine], part, replicates, int(stream.generate_state(1)[0]))

    rows, differences, _ = grouped_metrics(
        labels,
        models=tuple(predictions),
        keys=[(name, None) for name in _measures(protocol)],
        enough=enough,
        count=lambda mine: int(events[mine].sum()),
        draws=draws,
        seed=seed,
        confidence=protocol.evaluation.confidence,
    )
    return rows, differences


def calibration_groups(
    protocol: Protocol, cohort: Cohort, predicted: Float[ndarray, " n"], *, groups: int
) -> pl.DataFrame:
    """Compare predicted and observed means in groups of rising prediction, with normal intervals of the observed."""
    outcome = outcome_of(protocol, cohort)
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, groups + 1)[1:-1]))
    member = np.searchsorted(edges, predicted, side="left")
    rows = []
    for number, name in enumerate(np.unique(member)):
        mine = member == name
        observed, size = float(outcome[mine].mean()), int(mine.sum())
        reach = 1.96 * float(outcome[mine].std()) / np.sqrt(size)
        limits = (observed - reach, observed + reach)
        low, high = np.clip(limits, 0, 1) if protocol.endpoint.kind == "binary" else limits
        rows.append((number + 1, size, float(predicted[mine].mean()), observed, float(low), float(high)))
    return pl.DataFrame(
        rows, schema=["group", "patients", "predicted", "observed", "lower", "upper"], orient="row"
    ).with_columns(horizon=pl.lit(None, dtype=pl.Float64))


def _measures(protocol: Protocol) -> dict[str, Measure]:
    known = BINARY if protocol.endpoint.kind == "binary" else NUMBER
    allowed = CLAIMED.get(protocol.evaluation.claims, tuple(known))
    return {name: measure for name, measure in known.items() if name in allowed}


def _draws(
    protocol: Protocol,
    outcome: Float[ndarray, " n"],
    predictions: Mapping[str, Float[ndarray, " n"]],
    replicates: int,
    seed: int,
) -> Draws:
    """Return each model's measures: the value on the patients, then one on each replicate, the same for all models."""
    blocks = [block.astype(np.float64) for block in weight_blocks(len(outcome), replicates, seed)]
    return {
        name: {
            (metric, None): np.concatenate([measure(outcome, predicted, block) for block in blocks])
            for metric, measure in _measures(protocol).items()
        }
        for name, predicted in predictions.items()
    }
