"""Feedback pages: what failed in the open and hints, and nothing of the hidden tests."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from biolab.course import CheckResult, Grade, Module, ScoreResult, read_module
from biolab.reports import feedback_page

FOLDER = Path(__file__).parents[1] / "course" / "modules" / "90-dilution"
SECRET = "feed_volume_l must be 0.44 on your plant"


@pytest.fixture(scope="module")
def module() -> Module:
    return Module.load(FOLDER)


@pytest.fixture
def grade(module: Module) -> Grade:
    checks = tuple(
        CheckResult(
            name=check.name,
            exercise=check.key,
            hidden=check.is_hidden,
            points=check.points,
            passed=not check.is_hidden,
            message=SECRET if check.is_hidden else "",
            hint=check.hint,
        )
        for check in module.checks
    )
    return Grade(
        module=module.slug,
        cohort="spring",
        trainee="heron",
        language="ko",
        seed=12345,
        verdict="graded",
        checks=checks,
        scores=(ScoreResult(name="feed_excess", value=0.25), ScoreResult(name="other", value=None)),
        errors=(("cell-3", "NameError: name '<script>' is not defined"),),
        answers={"feed_volume_l": 0.1},
    )


@pytest.mark.parametrize("language", ["en", "ko"])
def test_hidden_tests_stay_hidden(module: Module, grade: Grade, language: str):
    page = feedback_page(module, grade, language=language)
    assert SECRET not in page
    assert "dilution-hidden" not in page
    hidden = [line.strip() for check in module.checks if check.is_hidden for line in check.source.splitlines()]
    assert [line for line in hidden if line in page] == []
    assert module.hints["conserved"][language] in page
    assert "0.25" in page
    assert "<script>" not in page


def test_pages_read_in_their_language(module: Module, grade: Grade):
    korean, english = (feedback_page(module, grade, language=language) for language in ("ko", "en"))
    assert "공개되지 않은 검사: 2개 중 0개 통과" in korean
    assert "Checks you did not see: 0 of 2 passed" in english
    assert re.search(r'<html lang="ko">', korean)


@pytest.mark.parametrize("verdict", ["missing", "unreadable", "time", "output", "memory", "killed"])
def test_every_verdict_is_explained(module: Module, grade: Grade, verdict: str):
    page = feedback_page(module, replace(grade, verdict=verdict, tried=("reach the network",)), language="en")
    assert page.count('class="lead"') == 2


def test_exercises_go_by_the_heading_before_them(grade: Grade, module: Module):
    text = (FOLDER / "module.md").read_text(encoding="utf-8").replace("**연습.**", "## 연습 1: 얼마나\n\n")
    changed = read_module(text, folder=FOLDER)
    assert "<h3>연습 1: 얼마나</h3>" in feedback_page(changed, grade, language="ko")
    assert "<h3>dilution</h3>" in feedback_page(module, grade, language="en")


def test_hints_are_set_as_html(grade: Grade):
    source = (FOLDER / "module.md").read_text(encoding="utf-8")
    text = source.replace("Write down what", "Look at `a_b` *well*, kLa (c* - c), c* <b>. What")
    page = feedback_page(read_module(text, folder=FOLDER), grade, language="en")
    assert "<code>a_b</code> <em>well</em>, kLa (c* - c), c* &lt;b&gt;." in page


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_page_speaks_one_language_and_names_no_file_of_the_instructor(module: Module, grade: Grade, language: str):
    opened = [replace(each, passed=False, message="boluses_l, feed_volume_l: not answered") for each in grade.checks]
    page = feedback_page(module, replace(grade, checks=tuple(opened)), language=language)
    asked = {
        "en": "not answered yet: boluses_l, feed_volume_l",
        "ko": "아직 답하지 않았습니다: boluses_l, feed_volume_l",
    }
    assert asked[language] in page
    assert "feed_volume_l: not answered" not in page
    where = "spring/submitted/heron/90-dilution/90-dilution.ipynb is not a notebook"
    unreadable = replace(
        grade, verdict="unreadable", message=where, checks=tuple(replace(each, message=where) for each in opened)
    )
    assert "submitted" not in feedback_page(module, unreadable, language=language)
