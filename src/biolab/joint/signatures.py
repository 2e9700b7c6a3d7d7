"""Models on a panel: sparse signatures chosen by an elastic net, and indices of named features without training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab.core import FitError
from biolab.core.arrays import Bool, Float
from biolab.data import Codebook
from biolab.survival import CoxPathCV, Design, DesignColumn, ReleasedCox, ReleasedModel, breslow_hazard
from biolab.survival import Term as DesignTerm

from .model_specs import IndexSpec, PanelSpec, SignatureSpec
from .protocol import Protocol

SIGNATURE_SCHEMA = {"model": pl.String, "site": pl.String, "feature": pl.String, "log_hazard_ratio": pl.Float64}


@dataclass(frozen=True, kw_only=True)
class PanelFit:
    """A panel model as it may leave: the features it uses and their log hazard ratios, and nothing of the others."""

    released: ReleasedModel
    signature: pl.DataFrame


def fit_panel_model(protocol: Protocol, spec: PanelSpec, frame: pl.DataFrame, *, site: str, seed: int) -> PanelFit:
    """Fit a signature, or the baseline hazard of an index, on a site's patients.

    A signature without any feature is a possible answer: it ranks nobody, and its concordance is 0.5.

    Raises
    ------
    FitError
        If there is no event.
    """
    book, panel = protocol.codebook, protocol.panels[spec.panel]
    time, event = frame[book.time.name].to_numpy(), frame[book.event.name].to_numpy()
    if isinstance(spec, IndexSpec):
        chosen, weights = spec.features, np.full(len(spec.features), 1 / len(spec.features))
    else:
        matrix = frame.select(panel.columns(spec.panel)).to_numpy()
        coef = _signature(spec, matrix, (time, event), limit=protocol.release.parameters_per_patient, seed=seed)
        kept = np.flatnonzero(coef)
        chosen, weights = tuple(panel.features[at] for at in kept), coef[kept]
    columns = panel.columns(spec.panel, chosen)
    log_hazard = frame.select(columns).to_numpy() @ weights if columns else np.zeros(frame.height)
    baseline = breslow_hazard(time, event, log_hazard)(protocol.grid)
    released = ReleasedModel(
        kind="cox",
        design=_design(protocol, spec, chosen),
        hazard=ReleasedCox(coefficients=tuple(weights.tolist()), baseline=tuple(baseline.tolist())),
        grid=protocol.grid,
        horizons=protocol.endpoint.horizons,
    )
    rows = {"feature": list(chosen), "log_hazard_ratio": weights.tolist()}
    table = pl.DataFrame(rows, schema={name: SIGNATURE_SCHEMA[name] for name in rows})
    return PanelFit(
        released=released,
        signature=table.select(pl.lit(spec.name).alias("model"), pl.lit(site).alias("site"), pl.all()),
    )


def _signature(
    spec: SignatureSpec,
    matrix: Float[np.ndarray, "n p"],
    target: tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]],
    *,
    limit: float,
    seed: int,
) -> Float[np.ndarray, " p"]:
    """Return the coefficients at the best strength among those that keep few enough features."""
    model = CoxPathCV(
        spec.l1_ratio,
        spec.strengths,
        spec.lambda_ratio,
        folds=spec.folds,
        rule=spec.rule,
        seed=seed,
    ).fit(matrix, target)
    most = int(limit * len(matrix))
    if np.count_nonzero(model.coef_) <= most:
        return model.coef_
    small = model.path_.with_row_index("at").filter(pl.col("degrees_of_freedom") <= most)
    best = int(small.sort("log_likelihood", descending=True, maintain_order=True)["at"][0])
    return model.model_.coef_path_[best]


def _design(protocol: Protocol, spec: PanelSpec, features: Sequence[str]) -> Design:
    """Build the design of the features alone; they are on the panel's scale already and never missing."""
    panel = protocol.panels[spec.panel]
    variables = [panel.variable(spec.panel, feature) for feature in features]
    book = Codebook({one.name: one for one in (protocol.codebook.time, protocol.codebook.event, *variables)})
    design = Design([DesignTerm(variable=one.name) for one in variables], book)
    design.columns_ = tuple(DesignColumn(name=one.name, variable=one.name) for one in variables)
    return design


def refuse_large_model(parameters: int, patients: int, *, limit: float, what: str) -> None:
    """Refuse to release a model with so many coefficients that it could describe single patients.

    Raises
    ------
    FitError
        Says how many coefficients the protocol allows.
    """
    if parameters > limit * patients:
        raise FitError(
            f"{what} has {parameters} coefficients; release.parameters_per_patient allows {limit:.2g} a patient. Use "
            "fewer terms at small sites, or a larger minimum of events."
        )
