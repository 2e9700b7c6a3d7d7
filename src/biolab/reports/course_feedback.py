"""What a trainee gets back: points, what failed in the open, and hints; never a hidden test or what it said."""

import re

from markupsafe import Markup, escape

from biolab.course import Exercise, Grade, Module
from biolab.course.grading import UNANSWERED

from .language import Language, Prose, prose
from .page import page_environment

Facts = dict[str, object]
_CODE = re.compile(r"`([^`]+)`")
_EMPHASIS = re.compile(r"(?<![\w*])\*([^*\s](?:[^*]*[^*\s])?)\*(?![\w*])")


def feedback_page(module: Module, grade: Grade, *, language: Language) -> str:
    """Write a grade as one HTML page that opens offline.

    Of hidden tests it tells how many held, and the hints that the module has for those that did not; their names,
    code and messages stay out (nbgrader's own feedback pages can show them, so those are not used).

    Raises
    ------
    ConfigError
        If biolab does not write in that language.
    """
    say = prose(language)
    nothing_ran = grade.verdict in {"missing", "unreadable"}
    content: Facts = {
        "language": language,
        "say": say,
        "title": module.header.title[language],
        "grade": grade,
        "points": f"{grade.points:g}",
        "most": f"{grade.most_points:g}",
        "standing": _standing(grade, say),
        "exercises": [] if nothing_ran else [_exercise(module, grade, each, say) for each in module.exercises],
        "scores": []
        if nothing_ran
        else [(score.name, None if score.value is None else f"{score.value:.4g}") for score in grade.scores],
    }
    return page_environment().get_template("feedback.html.j2").render(content)


def _standing(grade: Grade, say: Prose) -> list[str]:
    told = {
        "missing": say("feedback.missing"),
        "unreadable": say("feedback.unreadable"),
        "time": say("feedback.time"),
        "output": say("feedback.output"),
        "memory": say("feedback.memory"),
        "killed": say("feedback.killed"),
    }
    lines = [told[grade.verdict]] if grade.verdict in told else []
    return [*lines, *([say("feedback.tried")] if grade.tried else [])]


def _exercise(module: Module, grade: Grade, exercise: Exercise, say: Prose) -> Facts:
    key = exercise.key
    ours = [check for check in grade.checks if check.exercise == key]
    unseen = [check for check in ours if check.hidden]
    points, most = grade.exercise_points(key)
    failed = dict.fromkeys(check.hint for check in ours if not check.passed and check.hint is not None)
    return {
        "title": module.title_of(exercise, say.language),
        "points": f"{points:g}",
        "most": f"{most:g}",
        "public": [
            {"passed": check.passed, "message": _said(check.message, say)} for check in ours if not check.hidden
        ],
        "hidden_passed": sum(check.passed for check in unseen),
        "hidden_count": len(unseen),
        "hints": [_hint(module.hints[hint][say.language], say) for hint in failed if hint in module.hints],
    }


def _said(message: str, say: Prose) -> str:
    """Say what a public test said; that nothing was answered, in the trainee's language."""
    names, _, said = message.rpartition(": ")
    return say("feedback.unanswered", {"names": names}) if names and said == UNANSWERED else message


def _hint(text: str, say: Prose) -> Markup:
    """Set a hint as HTML; of Markdown it may have code and emphasis."""
    said = str(escape(say("feedback.hint", {"hint": text})))
    return Markup(_EMPHASIS.sub(r"<em>\1</em>", _CODE.sub(r"<code>\1</code>", said)))
