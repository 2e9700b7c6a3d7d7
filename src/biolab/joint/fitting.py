"""The models of a protocol: built from their specification, fitted at one site, released without rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never
from typing import Protocol as Interface

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier

from biolab.core import spawn_seed
from biolab.data import Codebook
from biolab.survival import CoxPH, CoxPHCV, Design, DiscreteTimeHazard, ReleasedModel, RiskModel, release
from biolab.survival import Term as DesignTerm

from .coefficients import coefficient_table
from .model_specs import BoostedHazardSpec, CoxSpec, ModelSpec, PanelSpec, RidgeChoice, TabularSpec, TermsSpec
from .protocol import Protocol
from .signatures import fit_panel_model, refuse_large_model
from .tabular import fit_tabular

COARSE_BINS = 32


Prediction = Any
"""What a model says of a cohort: a survival ``Prediction``, or one number a patient. Only its outcome looks inside."""


class AbstractReleased(Interface):
    """A released model of any kind."""

    @property
    def design(self) -> Design:
        """Variables and how they become columns."""
        ...

    def predict(self, frame: pl.DataFrame) -> Prediction:
        """Predict for harmonised patients."""
        ...

    def table(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the prediction as columns, as MLflow shows it."""
        ...

    def save(self, folder: Path) -> Path:
        """Write the model into a folder."""
        ...


@dataclass(frozen=True, kw_only=True)
class FittedModel:
    """A model as it may leave the site, with its coefficients where it has any."""

    released: AbstractReleased
    coefficients: pl.DataFrame | None
    signature: pl.DataFrame | None = None
    settings: Mapping[str, object]


def build_model(spec: TermsSpec, codebook: Codebook, *, tau: float, seed: int) -> RiskModel:
    """Build the unfitted estimator that a specification describes."""
    terms = tuple(DesignTerm(variable=term.variable, transform=term.transform) for term in spec.terms)
    return RiskModel(Design(terms, codebook), _estimator(spec, tau, seed))


def _estimator(spec: TermsSpec, tau: float, seed: int) -> BaseEstimator:
    match spec:
        case CoxSpec(penalty=RidgeChoice() as choice):
            return CoxPHCV(strengths=choice.strengths, folds=choice.folds, ties=spec.ties, seed=seed)
        case CoxSpec():
            return CoxPH(ties=spec.ties)
        case BoostedHazardSpec():
            edges = np.arange(spec.interval, tau + spec.interval / 2, spec.interval)
            trees = HistGradientBoostingClassifier(
                max_iter=spec.iterations,
                learning_rate=spec.learning_rate,
                max_leaf_nodes=spec.leaves,
                min_samples_leaf=spec.leaf_size,
                max_bins=COARSE_BINS,
                early_stopping=False,
                random_state=seed % 2**32,
            )
            return DiscreteTimeHazard(classifier=trees, intervals=tuple(edges))
        case _:
            assert_never(spec)


def fit_model(protocol: Protocol, spec: ModelSpec, frame: pl.DataFrame, *, site: str) -> FittedModel:
    """Fit one model of the protocol on harmonised rows and release it on the protocol's time grid."""
    book = protocol.codebook
    seed = spawn_seed(protocol.evaluation.seed, site, spec.name)
    settings = spec.model_dump(mode="json")
    if isinstance(spec, PanelSpec):
        found = fit_panel_model(protocol, spec, frame, site=site, seed=seed)
        return FittedModel(released=found.released, coefficients=None, signature=found.signature, settings=settings)
    if isinstance(spec, TabularSpec):
        tabular = fit_tabular(protocol, spec, frame, seed=seed)
        refuse_large_model(
            len(tabular.coefficients),
            frame.height,
            limit=protocol.release.parameters_per_patient,
            what=f"Model {spec.name!r} at {site}",
        )
        return FittedModel(released=tabular, coefficients=None, settings=settings)
    model = build_model(spec, book, tau=protocol.endpoint.tau, seed=seed)
    time, event = frame[book.time.name].to_numpy(), frame[book.event.name].to_numpy()
    model.fit(frame, (time, event))
    if not isinstance(spec, CoxSpec):
        return FittedModel(released=_released(protocol, model), coefficients=None, settings=settings)
    refuse_large_model(
        len(model.design_.columns_),
        frame.height,
        limit=protocol.release.parameters_per_patient,
        what=f"Model {spec.name!r} at {site}",
    )
    coefficients = coefficient_table(protocol, spec, model, site=site)
    return FittedModel(released=_released(protocol, model), coefficients=coefficients, settings=settings)


def _released(protocol: Protocol, model: RiskModel) -> ReleasedModel:
    return release(model, grid=protocol.grid, horizons=protocol.endpoint.horizons)
