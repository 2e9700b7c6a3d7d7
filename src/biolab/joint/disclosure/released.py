"""Models as they leave: few parameters, none of them a patient."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from biolab.core import canonical_json

from .findings import Finding
from .scrutiny import Scrutiny

FILL_DIGITS = 3
MOST_PARAMETERS = 3
"""A model may have a parameter for every three patients at most."""
_PARTS = frozenset({"format", "kind", "design", "hazard", "grid", "horizons"})


def is_released(content: object) -> TypeGuard[Mapping[str, Any]]:
    """Say whether JSON claims to be a released model."""
    return isinstance(content, Mapping) and str(content.get("format", "")).startswith("biolab.released-model")


def check_released(where: str, content: Mapping[str, Any], scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check a released model: its kind, its parts, how many parameters it has, its grid, its numbers."""
    rules = scrutiny.rules
    if content.get("kind") not in rules.models:
        yield _finding(
            where, "model-kind", "the protocol releases no model of this kind", "Release one of the protocol's models."
        )
        return
    if content.keys() - _PARTS:
        yield _finding(
            where,
            "unknown-part",
            "the model has parts that a released model has not",
            "Save it with ReleasedModel.save.",
        )
    try:
        yield from _check_design(where, content["design"], scrutiny)
        grid = [float(time) for time in content["grid"]]
        hazard = content["hazard"]
        parameters = _parameters(hazard)
    except (KeyError, TypeError, ValueError, AttributeError):
        yield _finding(where, "unreadable", "it is not a released model", "Save it with ReleasedModel.save.")
        return
    if rules.times and not set(grid) <= set(rules.times):
        yield _finding(
            where, "off-grid", "its baseline stands at times off the protocol's grid", "Release it on the grid."
        )
    if len(hazard.get("baseline", ())) > len(grid):
        yield _finding(where, "off-grid", "its baseline is longer than its grid", "Release it on the grid.")
    if rules.cohort_size is not None and parameters * MOST_PARAMETERS > rules.cohort_size:
        yield saturated(where)


def _check_design(where: str, design: Mapping[str, Any], scrutiny: Scrutiny) -> Iterator[Finding]:
    wanted = scrutiny.rules.codebook
    if wanted is not None and canonical_json(design["codebook"]).decode() != wanted:
        yield _finding(where, "unknown-part", "its codebook is not the protocol's", "Release a model of this protocol.")
    if wanted is None:
        yield from scrutiny.text(where, json.dumps(design["codebook"], ensure_ascii=False))
    for column in design["columns"]:
        fill = column.get("fill")
        if isinstance(fill, float) and float(f"{fill:.{FILL_DIGITS}g}") != fill:
            yield _finding(
                where, "cohort-value", "what fills in missing numbers is not rounded and can be a patient's value",
                f"Round it to {FILL_DIGITS} digits.",
            )  # fmt: skip


def _parameters(hazard: Mapping[str, Any]) -> int:
    """Count coefficients that are not zero; of trees, the splits that differ."""
    if "coefficients" in hazard:
        return sum(1 for value in hazard["coefficients"] if value != 0)
    splits = {
        (feature, threshold)
        for tree in hazard["trees"]
        for feature, threshold in zip(tree["feature"], tree["threshold"], strict=True)
        if feature >= 0
    }
    return len(splits)


def saturated(where: str) -> Finding:
    """Return the finding of a model with too many parameters for its patients."""
    return _finding(
        where, "saturated", "it has more than a third as many parameters as there are patients",
        "Fit fewer terms, or penalise more.",
    )  # fmt: skip


def _finding(where: str, rule: str, what: str, remedy: str) -> Finding:
    return Finding(where=where, rule=rule, what=what, remedy=remedy)
