"""Hazard ratios on the codebook's scale: the same at every site, so that they can be compared and pooled."""

import numpy as np
import polars as pl
from scipy.special import ndtri

from biolab.data import Language, Variable
from biolab.survival import DesignColumn, RiskModel

from .model_specs import CoxSpec, Term
from .protocol import Protocol

COEFFICIENT_SCHEMA = dict.fromkeys(("model", "site", "term", "label_en", "label_ko"), pl.String) | dict.fromkeys(
    ("log_hazard_ratio", "standard_error", "hazard_ratio", "lower", "upper"), pl.Float64
)


def coefficient_table(protocol: Protocol, spec: CoxSpec, model: RiskModel, *, site: str) -> pl.DataFrame:
    """Return a fitted Cox model's hazard ratios, one row a design column.

    The design divides numbers by the site's own standard deviation; here that is undone. Hazard ratios of numbers are
    per ``per`` units, those of log(1 + x) per doubling of 1 + x, those of categories against the codebook's first code.
    """
    width = float(ndtri((1 + protocol.evaluation.confidence) / 2))
    terms = {term.variable: term for term in spec.terms}
    rows = []
    fitted = zip(model.design_.columns_, model.estimator_.coef_, model.estimator_.standard_error_, strict=True)
    for column, coefficient, error in fitted:
        term, variable = terms[column.variable], protocol.codebook[column.variable]
        step = step_of(term, column)
        estimate, deviation = coefficient * step / column.scale, error * step / column.scale
        rows.append(
            {
                "model": spec.name,
                "site": site,
                "term": column.name,
                "label_en": label(term, column, variable, language="en"),
                "label_ko": label(term, column, variable, language="ko"),
                "log_hazard_ratio": float(estimate),
                "standard_error": float(deviation),
                "hazard_ratio": float(np.exp(estimate)),
                "lower": float(np.exp(estimate - width * deviation)),
                "upper": float(np.exp(estimate + width * deviation)),
            }
        )
    return pl.DataFrame(rows)


def step_of(term: Term, column: DesignColumn) -> float:
    """Return the change of the transformed variable that a hazard ratio is stated for."""
    if column.level is not None:
        return 1.0
    return float(np.log(2)) if term.transform == "log1p" else term.per


def label(term: Term, column: DesignColumn, variable: Variable, *, language: Language) -> str:
    """Return what a reader calls a coefficient, in English or Korean."""
    name, unit = variable.label[language], variable.said_unit[language]
    if column.level is not None and column.reference is not None:
        level, reference = (variable.code_label(code)[language] for code in (column.level, column.reference))
        return f"{name}: {level} vs {reference} {unit}".strip()
    if term.transform == "log1p":
        return f"{name} (per doubling)" if language == "en" else f"{name} (2배마다)"
    if language == "ko":
        return f"{name} ({term.per:g}{unit}마다)"
    return f"{name} (per {term.per:g} {unit}".strip() + ")"
