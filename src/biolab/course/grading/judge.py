"""Inside the sandbox, after the attempt: the module's own tests and scores, on answers that are only data.

No line of a trainee's runs here, so no trick played on the process that made the answers reaches the points.
"""

import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from biolab.core import DataError
from biolab.course.answers import decode, is_unanswered
from biolab.course.sandbox.syscalls import restrict
from biolab.course.trainee import FILE_NAME

from .grades import UNANSWERED
from .reporting import report

LONGEST_MESSAGE = 400


def main() -> None:
    """Judge what standard input describes."""
    given = json.load(sys.stdin)
    Path(FILE_NAME).write_text(given["card"], encoding="utf-8")
    restrict()
    known = _set_up(given["setup"])
    for check in given["checks"]:
        passed, message = _check(check, known, given["answers"])
        report({"check": check["name"], "passed": passed, "message": message})
    for label, answers in given["tried_answers"].items():
        right = [check["name"] for check in given["checks"] if _check(check, known, answers)[0]]
        scored = [score["name"] for score in given["scores"] if _score(score, known, answers)[0] is not None]
        report({"tried_answers": label, "right": right, "scored": scored})
    for score in given["scores"]:
        value, message = _score(score, known, given["answers"])
        report({"score": score["name"], "value": value, "message": message})
    report({"done": True})
    sys.stdout.flush()
    os._exit(0)


def _set_up(cells: list[Mapping[str, str]]) -> dict[str, object]:
    known: dict[str, object] = {"__name__": "judge", "display": lambda *_: None}
    for cell in cells:
        try:
            exec(compile(cell["source"], f"<{cell['name']}>", "exec"), known)
        except Exception as error:
            report({"fault": f"The set-up cell {cell['name']!r} failed: {_said(error)}"})
            raise
    return known


def _answers(wanted: list[str], given: Mapping[str, object]) -> dict[str, Any]:
    """Decode the answers that a cell needs, anew for each so that none can change another's."""
    missing = [name for name in wanted if name not in given or is_unanswered(given[name])]
    if missing:
        raise DataError(f"{', '.join(missing)}: {UNANSWERED}")
    return {name: decode(given[name]) for name in wanted}


def _check(check: Mapping[str, Any], known: Mapping[str, object], given: Mapping[str, object]) -> tuple[bool, str]:
    try:
        namespace = {**known, **_answers(check["answers"], given)}
        exec(compile(check["source"], f"<{check['name']}>", "exec"), namespace)
    except Exception as error:  # noqa: BLE001 - any fault of a test on an answer means that it did not hold
        return False, _said(error)
    return True, ""


def _score(
    score: Mapping[str, Any], known: Mapping[str, object], given: Mapping[str, object]
) -> tuple[float | None, str]:
    try:
        namespace = {**known, **_answers(score["answers"], given)}
        exec(compile(score["source"], f"<{score['name']}>", "exec"), namespace)
        value = float(namespace["score"])  # ty: ignore[invalid-argument-type]
    except Exception as error:  # noqa: BLE001 - a recipe that cannot be run has no score
        return None, _said(error)
    return (value, "") if math.isfinite(value) else (None, f"the score is {value}")


def _said(error: Exception) -> str:
    text = str(error)
    if isinstance(error, AssertionError):
        return text[:LONGEST_MESSAGE] or "the check did not hold"
    return (
        text[:LONGEST_MESSAGE] if isinstance(error, DataError) else f"{type(error).__name__}: {text}"[:LONGEST_MESSAGE]
    )


if __name__ == "__main__":
    main()
