"""Models as they leave: few parameters, none of them a patient."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from biolab.core import canonical_json

from .findings import Finding
from .scrutiny import Scrutiny

ROUNDED = 3
"""Significant digits of medians and splits."""
MOST_PARAMETERS = 3
"""A model may have a parameter for every three patients at most."""
_PARTS = {
    "biolab.released-model": frozenset({"format", "kind", "design", "hazard", "grid", "horizons"}),
    "biolab.released-tabular": frozenset({"format", "kind", "design", "intercept", "coefficients", "trees"}),
}
"""What a released model is made of, by its format: of a time to an event, and of a class or number."""


def is_released(content: object) -> TypeGuard[Mapping[str, Any]]:
    """Say whether JSON claims to be a released model."""
    return isinstance(content, Mapping) and _format(content) in _PARTS


def check_released(where: str, content: Mapping[str, Any], scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check a released model: its kind, its parts, how many parameters it has, its grid, its numbers."""
    rules = scrutiny.rules
    if content.get("kind") not in rules.models:
        yield _finding(
            where, "model-kind", "the protocol releases no model of this kind", "Release one of the protocol's models."
        )
        return
    if content.keys() - _PARTS[_format(content)]:
        yield _finding(
            where,
            "unknown-part",
            "the model has parts that a released model has not",
            "Save it with ReleasedModel.save.",
        )
    try:
        yield from _check_design(where, content["design"], scrutiny)
        tabular = "hazard" not in content
        grid = [] if tabular else [float(time) for time in content["grid"]]
        hazard = content if tabular else content["hazard"]
        parameters = _parameters(hazard)
        exact = _has_exact_splits(hazard, content["design"]["columns"])
    except (KeyError, TypeError, ValueError, AttributeError):
        yield _finding(where, "unreadable", "it is not a released model", "Save it with ReleasedModel.save.")
        return
    if rules.times and not set(grid) <= set(rules.times):
        yield _finding(
            where, "off-grid", "its baseline stands at times off the protocol's grid", "Release it on the grid."
        )
    if len(hazard.get("baseline", ())) > len(grid):
        yield _finding(where, "off-grid", "its baseline is longer than its grid", "Release it on the grid.")
    if exact:
        yield _finding(
            where, "cohort-value", "it splits at numbers that are not rounded, which are values of patients",
            f"Release it with release(...), which rounds splits to {ROUNDED} digits.",
        )  # fmt: skip
    if rules.cohort_size is not None and parameters * MOST_PARAMETERS > rules.cohort_size:
        yield saturated(where)


def _check_design(where: str, design: Mapping[str, Any], scrutiny: Scrutiny) -> Iterator[Finding]:
    wanted = scrutiny.rules.codebook
    known = {} if wanted is None else wanted
    said = {name: canonical_json(variable).decode() for name, variable in design["codebook"].items()}
    if wanted is not None and any(known.get(name) != variable for name, variable in said.items()):
        yield _finding(
            where, "unknown-part", "its codebook is not of the protocol", "Release a model of this protocol."
        )
    if wanted is None:
        yield from scrutiny.text(where, json.dumps(design["codebook"], ensure_ascii=False))
    for column in design["columns"]:
        fill = column.get("fill")
        if isinstance(fill, float) and not _is_rounded(fill):
            yield _finding(
                where, "cohort-value", "what fills in missing numbers is not rounded and can be a patient's value",
                f"Round it to {ROUNDED} digits.",
            )  # fmt: skip


def _has_exact_splits(hazard: Mapping[str, Any], columns: list[Mapping[str, Any]]) -> bool:
    """Say whether a tree splits a number, on the variable's own scale, or time at more than three digits.

    The design's centre and scale stand in the model: standardised splits hide nothing.
    """
    if not all(_is_rounded(float(edge)) for edge in hazard.get("edges", ())):
        return True
    for tree in hazard.get("trees", ()):
        for feature, threshold in zip(tree["feature"], tree["threshold"], strict=True):
            if 0 <= feature < len(columns) and columns[feature].get("level") is None:
                value = threshold * columns[feature]["scale"] + columns[feature]["centre"]
                if not _is_rounded(math.expm1(value) if columns[feature]["transform"] == "log1p" else value):
                    return True
    return False


def _is_rounded(value: float) -> bool:
    return math.isclose(float(f"{value:.{ROUNDED}g}"), value, rel_tol=1e-9, abs_tol=1e-9)


def _parameters(hazard: Mapping[str, Any]) -> int:
    """Count coefficients that are not zero; of trees, the splits that differ."""
    splits = {
        (feature, threshold)
        for tree in hazard.get("trees", ())
        for feature, threshold in zip(tree["feature"], tree["threshold"], strict=True)
        if feature >= 0
    }
    return len(splits) + sum(1 for value in hazard.get("coefficients", ()) if value != 0)


def _format(content: Mapping[str, Any]) -> str:
    return str(content.get("format", "")).partition("/")[0]


def saturated(where: str) -> Finding:
    """Return the finding of a model with too many parameters for its patients."""
    return _finding(
        where, "saturated", "it has more than a third as many parameters as there are patients",
        "Fit fewer terms, or penalise more.",
    )  # fmt: skip


def _finding(where: str, rule: str, what: str, remedy: str) -> Finding:
    return Finding(where=where, rule=rule, what=what, remedy=remedy)
