"""What differs between a survival endpoint and a class or number: predicting, judging, pooling and loading models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface

import numpy as np
import polars as pl
from scipy.special import expit, logit

from biolab.core.arrays import Float
from biolab.data import Cohort
from biolab.survival import Evaluation, ReleasedModel, SurvivalTarget, subgroup_metrics

from .fitting import AbstractReleased, Prediction
from .model_specs import ModelSpec, TabularSpec
from .performance import CALIBRATION_GROUPS, CALIBRATION_SCHEMA, calibration_table, cross_validated_predictions, judge
from .pooling import pool_predictions
from .protocol import Protocol
from .tabular import ReleasedTabular, calibration_groups, cross_validated, judge_tabular, subgroup_tabular

SUBGROUP_MEASURES = ("harrell_c", "calibration_slope", "observed_expected")
_MOST_SUBGROUP_REPLICATES = 200


class AbstractOutcome(Interface):
    """How models of one kind of endpoint are handled."""

    def cross_validate(self, spec: ModelSpec, cohort: Cohort, site: str) -> Prediction:
        """Predict every patient by models that never saw them."""
        ...

    def load(self, folder: Path) -> AbstractReleased:
        """Read a released model."""
        ...

    def pool(self, predictions: Sequence[Prediction], weights: Float[np.ndarray, " s"]) -> Prediction:
        """Average the predictions of several sites' models."""
        ...

    def judge(self, cohort: Cohort, predictions: Mapping[str, Prediction], *, test_site: str) -> Evaluation:
        """Compute every measure with intervals and paired differences."""
        ...

    def calibration(self, cohort: Cohort, prediction: Prediction) -> pl.DataFrame:
        """Compare predicted and observed in groups; empty where they would be too small."""
        ...

    def subgroups(
        self, cohort: Cohort, predictions: Mapping[str, Prediction], labels: np.ndarray, *, seed: int
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Judge the models in each group, and test it against the rest."""
        ...


def outcome_kind(protocol: Protocol) -> AbstractOutcome:
    """Return what handles the protocol's endpoint."""
    return SurvivalOutcome(protocol=protocol) if protocol.is_survival else TabularOutcome(protocol=protocol)


@dataclass(frozen=True, kw_only=True)
class SurvivalOutcome:
    """A time to an event."""

    protocol: Protocol

    def cross_validate(self, spec: ModelSpec, cohort: Cohort, site: str) -> Prediction:
        """Predict survival curves by event-balanced folds."""
        return cross_validated_predictions(self.protocol, cohort, site, models=[spec], advance=lambda _: None)[
            spec.name
        ]

    def load(self, folder: Path) -> AbstractReleased:
        """Read a released survival model."""
        return ReleasedModel.load(folder)

    def pool(self, predictions: Sequence[Prediction], weights: Float[np.ndarray, " s"]) -> Prediction:
        """Average log cumulative hazards."""
        return pool_predictions(predictions, weights)

    def judge(self, cohort: Cohort, predictions: Mapping[str, Prediction], *, test_site: str) -> Evaluation:
        """Compute concordance, and what else the protocol claims."""
        return judge(self.protocol, cohort, predictions, test_site=test_site)

    def calibration(self, cohort: Cohort, prediction: Prediction) -> pl.DataFrame:
        """Compare predicted and Kaplan-Meier risk at the horizons."""
        return calibration_table(self.protocol, cohort, prediction)

    def subgroups(
        self, cohort: Cohort, predictions: Mapping[str, Prediction], labels: np.ndarray, *, seed: int
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Judge concordance and calibration in each group; the horizon is the last one."""
        rules = self.protocol.release
        found = subgroup_metrics(
            predictions,
            SurvivalTarget(time=cohort.time, event=cohort.event),
            labels.tolist(),
            horizons=np.asarray(self.protocol.endpoint.horizons[-1:]),
            grid=np.asarray(self.protocol.grid),
            tau=self.protocol.endpoint.tau,
            minimum_patients=2 * rules.minimum_cell,
            minimum_events=rules.minimum_events,
            replicates=min(self.protocol.evaluation.replicates, _MOST_SUBGROUP_REPLICATES),
            seed=seed,
            confidence=self.protocol.evaluation.confidence,
            measures=[name for name in SUBGROUP_MEASURES if name in self.protocol.measures],
        )
        return found.table(), found.differences()


@dataclass(frozen=True, kw_only=True)
class TabularOutcome:
    """A class or a number."""

    protocol: Protocol

    def cross_validate(self, spec: ModelSpec, cohort: Cohort, site: str) -> Prediction:
        """Predict the probability or number by outcome-balanced folds."""
        assert isinstance(spec, TabularSpec)  # the protocol refuses every other kind for such an endpoint
        return cross_validated(self.protocol, spec, cohort, site=site)

    def load(self, folder: Path) -> AbstractReleased:
        """Read a released model of a class or number."""
        return ReleasedTabular.load(folder)

    def pool(self, predictions: Sequence[Prediction], weights: Float[np.ndarray, " s"]) -> Prediction:
        """Average numbers as they are and probabilities as logits."""
        values = np.stack(list(predictions))
        if self.protocol.endpoint.kind == "binary":
            return expit(np.average(logit(values), axis=0, weights=weights))
        return np.average(values, axis=0, weights=weights)

    def judge(self, cohort: Cohort, predictions: Mapping[str, Prediction], *, test_site: str) -> Evaluation:
        """Compute AUC, Brier score and calibration, or R2, errors and calibration."""
        return judge_tabular(self.protocol, cohort, predictions, test_site=test_site)

    def calibration(self, cohort: Cohort, prediction: Prediction) -> pl.DataFrame:
        """Compare predicted and observed means."""
        groups = min(CALIBRATION_GROUPS, cohort.patients // self.protocol.release.minimum_cell)
        empty = pl.DataFrame(schema=CALIBRATION_SCHEMA)
        if groups < 2 or self.protocol.evaluation.claims != "risks":
            return empty
        found = calibration_groups(self.protocol, cohort, prediction, groups=groups)
        small = not (found["patients"] >= self.protocol.release.minimum_cell).all()
        return empty if small else found.select(*CALIBRATION_SCHEMA)

    def subgroups(
        self, cohort: Cohort, predictions: Mapping[str, Prediction], labels: np.ndarray, *, seed: int
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Judge every measure in each group."""
        replicates = min(self.protocol.evaluation.replicates, _MOST_SUBGROUP_REPLICATES)
        return subgroup_tabular(self.protocol, cohort, predictions, labels, replicates=replicates, seed=seed)
