"""What the instructor sees of a class."""

import polars as pl
import pytest

from biolab.course import (
    CheckResult,
    Grade,
    Module,
    ScoreResult,
    class_matrix,
    class_scores,
    common_errors,
    grades_frame,
    same_answers,
)


def grade(trainee: str, *, right: tuple[bool, bool, bool], delay: float | None, verdict: str = "graded") -> Grade:
    points = (("feed", False, 1.0), ("feed", True, 3.0), ("drift", True, 2.0))
    checks = tuple(
        CheckResult(
            name=f"{exercise}-{number}",
            exercise=exercise,
            hidden=hidden,
            points=worth,
            passed=ok,
            message="" if ok else "no",
        )
        for number, ((exercise, hidden, worth), ok) in enumerate(zip(points, right, strict=True))
    )
    scores = (ScoreResult(name="time_to_detect_h", value=delay),)
    return Grade(
        module="05-deviations",
        cohort="spring",
        trainee=trainee,
        language="ko",
        seed=1,
        verdict=verdict,
        checks=checks,
        scores=scores,
        answers={},
    )


@pytest.fixture
def grades() -> list[Grade]:
    return [
        grade("heron", right=(True, True, True), delay=4.0),
        grade("crane", right=(True, False, False), delay=None),
        grade("egret", right=(True, False, True), delay=30.0),
        grade("ibis", right=(False, False, False), delay=None, verdict="missing"),
    ]


def test_the_matrix_tells_zero_from_nothing(grades: list[Grade]):
    assert class_matrix(grades).to_dicts() == [
        {"trainee": "crane", "05 feed": 0.25, "05 drift": 0.0},
        {"trainee": "egret", "05 feed": 0.25, "05 drift": 1.0},
        {"trainee": "heron", "05 feed": 1.0, "05 drift": 1.0},
        {"trainee": "ibis", "05 feed": None, "05 drift": None},
    ]


def test_times_to_detect_put_those_who_did_not_last(grades: list[Grade]):
    found = class_scores(grades, "time_to_detect_h")
    assert found["trainee"].to_list() == ["heron", "egret", "crane", "ibis"]
    assert found["detected"].to_list() == [True, True, False, False]


def test_common_errors_count_those_who_handed_in(grades: list[Grade]):
    errors = common_errors(grades)
    assert errors.select("test", "failed", "of", "usual_message").rows() == [
        ("feed-1", 2, 3, "no"),
        ("drift-2", 1, 3, "no"),
    ]
    assert common_errors([]).is_empty()


def test_grades_as_a_frame(grades: list[Grade]):
    frame = grades_frame(grades)
    assert frame.select(pl.col("points").sum()).item() == 6 + 1 + 3
    assert grades_frame([]).is_empty()


def test_numbers_of_a_neighbour_are_told_of_and_nothing_else(module: Module):
    def handed_in(name: str, volume: object, *, right: bool) -> Grade:
        checks = tuple(
            CheckResult(
                name=check.name, exercise=check.key, hidden=check.is_hidden, points=1.0, passed=right, message=""
            )
            for check in module.checks
        )
        answers = {"feed_volume_l": volume, "boluses_l": [0.25, 0.25]}
        who = {"module": module.slug, "cohort": "spring", "trainee": name, "language": "en", "seed": 1}
        return Grade(**who, verdict="graded", checks=checks, answers=answers)

    measured = 0.412345678901
    grades = [
        handed_in("heron", measured, right=True),
        handed_in("finch", measured, right=False),
        handed_in("crane", measured + 1e-12, right=False),
        handed_in("egret", 0.5, right=True),
        handed_in("ibis", 0.5, right=False),
        handed_in("owl", None, right=False),
    ]
    assert same_answers(module, grades).rows() == [("finch", "dilution", "heron")]
    assert same_answers(module, []).is_empty()
