"""Does a module grade rightly? Its own solutions get every point, and answers without content get none."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import polars as pl

from .answers import KIND
from .cells import Exercise
from .grading.grading import ATTEMPT, answers_of, judge, prepare_kernels
from .grading.submission import AttemptCell
from .module import Module
from .sandbox import Limits, Strength, require_sandbox, run_sandboxed
from .trainee import Trainee

EMPTY_ANSWERS: Mapping[str, object] = {
    "...": {KIND: "unanswered"},
    "None": None,
    "nan": {KIND: "float", "value": "nan"},
    "infinity": {KIND: "float", "value": "inf"},
    "0": 0,
    "True": True,
    "empty text": "",
    "empty list": [],
    "empty mapping": {},
}
"""Answers that no hidden test may take for right."""


@dataclass(frozen=True, kw_only=True)
class SelfCheck:
    """What checking a module found; it is sound if nothing is wrong."""

    module: str
    wrong: pl.DataFrame
    """``answers`` (whose: the solution, or an empty answer), ``test``, ``message``."""
    scores: dict[str, float | None]
    """The scores of the module's own solutions."""

    @property
    def is_sound(self) -> bool:
        """Say whether the module grades rightly."""
        return self.wrong.is_empty()


def check_module(
    module: Module, *, trainee: Trainee | None = None, limits: Limits | None = None, strength: Strength = "full"
) -> SelfCheck:
    """Grade a module's own solutions, and answers without content.

    Raises
    ------
    MissingExtraError
        If this computer has no sandbox of this strength.
    BiolabError
        If the module's set-up fails.
    """
    require_sandbox(strength)
    prepare_kernels()
    who = trainee or Trainee(pseudonym="check", cohort="check", module=module.slug)
    allowed = limits or Limits()
    answers, faults = _solutions(module, who, allowed, strength)
    names = [name for exercise in module.exercises for name in exercise.answers]
    empty = {label: dict.fromkeys(names, value) for label, value in EMPTY_ANSWERS.items()}
    judged = judge(module, who, answers, limits=allowed, strength=strength, tried_answers=empty)
    wrong = [("solution", name, fault) for name, fault in faults.items()]
    said = {str(each["check"]): each for each in judged.reported if "check" in each}
    for check in module.checks:
        found = said.get(check.name, {"passed": False, "message": f"it was not judged: {judged.ending}"})
        if found["passed"] is not True:
            wrong.append(("solution", check.name, str(found["message"])))
    hidden = {check.name for check in module.checks if check.is_hidden}
    for each in judged.reported:
        right = each.get("right", [])
        for name in right if isinstance(right, list) else []:
            if name in hidden:
                fault = "this answer passes; write the test so that only right ones do"
                wrong.append((str(each["tried_answers"]), str(name), fault))
        scored = each.get("scored", []) if each.get("tried_answers") == "None" else []
        for name in scored if isinstance(scored, list) else []:
            wrong.append(("None", str(name), "no answer has a score; let the cell fail where there is none"))
    values = {str(each["score"]): each["value"] for each in judged.reported if "score" in each}
    wrong += [("solution", name, "the score cannot be found") for name, value in values.items() if value is None]
    frame = pl.DataFrame(wrong, schema=dict.fromkeys(("answers", "test", "message"), pl.String), orient="row")
    scores = {name: float(value) if isinstance(value, int | float) else None for name, value in values.items()}
    return SelfCheck(module=module.slug, wrong=frame, scores=scores)


def _solutions(
    module: Module, who: Trainee, limits: Limits, strength: Strength
) -> tuple[dict[str, object], dict[str, str]]:
    cells = [
        AttemptCell(name=cell.name, source=cell.source, answers=cell.answers if isinstance(cell, Exercise) else ())
        for cell in module.cells
        if cell.kind in {"setup", "code", "exercise"}
    ]
    content = {"card": who.card(), "cells": [asdict(cell) for cell in cells]}
    attempt = run_sandboxed(ATTEMPT, content, limits=limits, strength=strength)
    answers, faults = answers_of(attempt, module)
    broken = {str(each["cell"]): str(each["error"]) for each in attempt.reported if "error" in each and "cell" in each}
    if attempt.ending != "finished":
        broken["notebook"] = f"it was stopped: {attempt.ending}\n{attempt.printed[-500:]}"
    return answers, faults | broken
