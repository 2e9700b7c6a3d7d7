"""Answers that are another trainee's to the last digit: right on the other's plant, wrong on one's own."""

import json
import re
from collections.abc import Sequence

import polars as pl

from .grading import Grade
from .module import Module

_MEASURED = re.compile(r"\d\.\d{6,}")
"""A number that nobody writes by hand; on plants with noise of their own, two trainees do not find the same one."""


def same_answers(module: Module, grades: Sequence[Grade]) -> pl.DataFrame:
    """Return who gave, to the last digit, answers that hold on another trainee's plant and not on the own.

    It is no proof: ask. Recipes and set-points are left out, they may be right on many plants; so is what passes, and
    what passes nowhere (the same slip with the same constants gives the same number).
    """
    rows = [
        {"trainee": one.trainee, "exercise": exercise.key, "same_as": other.trainee}
        for exercise in module.exercises
        for one in grades
        if not _holds(one, exercise.key)
        for other in grades
        if other.trainee != one.trainee
        and _holds(other, exercise.key)
        and _MEASURED.search(found := _written(one, exercise.answers))
        and found == _written(other, exercise.answers)
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("trainee", "exercise", "same_as"), pl.String))


def _holds(grade: Grade, exercise: str) -> bool:
    points, most = grade.exercise_points(exercise, hidden=True)
    return points == most > 0


def _written(grade: Grade, names: Sequence[str]) -> str:
    return json.dumps([grade.answers.get(name) for name in names], sort_keys=True)
