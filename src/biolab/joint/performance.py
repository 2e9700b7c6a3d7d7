"""How well models predict: inside a site by cross-validation, outside it on another site's patients."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from biolab.core import spawn_seed
from biolab.data import Cohort
from biolab.stats import stratified_folds
from biolab.survival import Evaluation, Prediction, SurvivalTarget, calibration_curve, evaluate

from .fitting import fit_model
from .model_specs import IndexSpec, ModelSpec
from .protocol import Protocol

Advance = Callable[[str], None]
CALIBRATION_GROUPS = 5
CALIBRATION_SCHEMA = {"group": pl.Int64, "patients": pl.Int64} | dict.fromkeys(
    ("predicted", "observed", "lower", "upper", "horizon"), pl.Float64
)


def cross_validated_predictions(
    protocol: Protocol, cohort: Cohort, site: str, *, models: Sequence[ModelSpec] | None = None, advance: Advance
) -> dict[str, Prediction]:
    """Predict every patient by models that never saw them: one pass of event-balanced folds.

    Imputation, scaling and the choice of penalties are learned anew in each fold. An index under a protocol that claims
    discrimination only has nothing to learn, so all patients are ranked at once.
    """
    rules = protocol.evaluation
    fold = stratified_folds(cohort.event, rules.folds, seed=spawn_seed(rules.seed, site, "folds"))
    predictions = {}
    for spec in protocol.models if models is None else models:
        advance(f"{site}: cross-validating {spec.name}")
        if isinstance(spec, IndexSpec) and protocol.evaluation.claims == "discrimination":
            predictions[spec.name] = fit_model(protocol, spec, cohort.frame, site=site).released.predict(cohort.frame)
            continue
        parts = {}
        for held_out in range(rules.folds):
            train, test = cohort.frame.filter(fold != held_out), cohort.frame.filter(fold == held_out)
            parts[held_out] = fit_model(protocol, spec, train, site=site).released.predict(test)
        predictions[spec.name] = _reassembled(parts, fold)
    return predictions


def _reassembled(parts: Mapping[int, Prediction], fold: np.ndarray) -> Prediction:
    any_part = parts[0]
    risk_score = np.empty(len(fold))
    survival = np.empty((len(fold), len(any_part.times)))
    for held_out, part in parts.items():
        risk_score[fold == held_out] = part.risk_score
        survival[fold == held_out] = part.survival
    return Prediction(risk_score=risk_score, survival=survival, times=any_part.times)


def judge(protocol: Protocol, cohort: Cohort, predictions: Mapping[str, Prediction], *, test_site: str) -> Evaluation:
    """Compute every metric of every model on one cohort, with intervals and paired differences from shared draws."""
    rules = protocol.evaluation
    return evaluate(
        predictions,
        SurvivalTarget(time=cohort.time, event=cohort.event),
        horizons=np.asarray(protocol.endpoint.horizons),
        tau=protocol.endpoint.tau,
        grid=np.asarray(protocol.grid),
        replicates=rules.replicates,
        seed=spawn_seed(rules.seed, test_site, "bootstrap"),
        confidence=rules.confidence,
        reference=rules.reference if rules.reference in predictions else None,
        measures=protocol.measures,
        undefined="null",
    )


def calibration_table(protocol: Protocol, cohort: Cohort, prediction: Prediction) -> pl.DataFrame:
    """Compare predicted and observed risk in fifths of predicted risk, at each horizon.

    Small cohorts make fewer groups, so that each holds the minimum cell. The table has no rows for a horizon that would
    still leave a smaller group or that lies beyond follow-up, nor where the protocol claims discrimination only.
    """
    minimum = protocol.release.minimum_cell
    groups = min(CALIBRATION_GROUPS, cohort.patients // minimum)
    tables = [pl.DataFrame(schema=CALIBRATION_SCHEMA)]
    for horizon in protocol.endpoint.horizons:
        if groups < 2 or protocol.evaluation.claims != "risks" or cohort.time.max() <= horizon:
            continue
        at = int(np.searchsorted(prediction.times, horizon))
        curve = calibration_curve(cohort.time, cohort.event, prediction.survival[:, at], horizon, groups=groups)
        found = curve.table().drop("events").with_columns(horizon=pl.lit(float(horizon)))
        if (found["patients"] >= minimum).all():
            tables.append(found.select(*CALIBRATION_SCHEMA))
    return pl.concat(tables, how="vertical_relaxed")
