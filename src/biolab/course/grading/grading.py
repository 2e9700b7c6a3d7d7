"""Grade submissions: run each alone in the sandbox, judge its answers in another, and let none disturb the next."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from biolab.core import BiolabError, DataError
from biolab.course.cells import Check, Score
from biolab.course.module import Module
from biolab.course.sandbox import Limits, Outcome, Strength, require_sandbox, run_sandboxed
from biolab.course.trainee import Trainee

from .grades import CheckResult, Grade, ScoreResult, Verdict
from .submission import Submission, read_submission

ATTEMPT, JUDGE = "biolab.course.grading.attempt", "biolab.course.grading.judge"
_LONGEST = 400
_REASONS: Mapping[str, str] = {
    "time": "it computed for more than {seconds} s (or waited four times as long) and was stopped",
    "output": "it printed more than {output_kb} kB (or gave answers of more than {answers_kb} kB) and was stopped",
    "memory": "it took more than {memory_mb} MB of memory and was stopped",
    "killed": "it ended its own process or was killed",
}


def grade_submission(
    module: Module, trainee: Trainee, path: Path, *, limits: Limits | None = None, strength: Strength = "full"
) -> Grade:
    """Grade one notebook.

    It runs in a sandbox that holds neither tests nor solutions; its answers leave as data and are judged in a second
    one where no line of the notebook runs. What it prints, logs or patches cannot change a point.

    Raises
    ------
    MissingExtraError
        If this computer has no sandbox of this strength.
    BiolabError
        If the module itself is at fault: its set-up fails, or it lies where submissions can read it.
    """
    allowed = limits or Limits()
    try:
        submission = read_submission(path, module)
    except DataError as error:
        missing = "missing" if "nothing was handed in" in str(error) else "unreadable"
        return _empty(module, trainee, missing, str(error))
    attempt = _attempt(module, trainee, submission, allowed, strength)
    answers, faults = answers_of(attempt, module)
    judged = judge(module, trainee, answers, limits=allowed, strength=strength)
    verdict, message = _verdict(attempt, allowed)
    return Grade(
        **_named(module, trainee),
        verdict=verdict,
        message=message or "; ".join(f"the cell of {name} is gone" for name in submission.missing),
        checks=_checks(module, judged, faults),
        scores=_scores(module, judged),
        errors=tuple(_errors(attempt)),
        tried=tuple(_tried(attempt)),
        answers=answers,
        seconds=round(attempt.seconds, 2),
        submission_sha256=submission.sha256,
    )


def grade_class(
    module: Module,
    trainees: Sequence[tuple[Trainee, Path]],
    *,
    limits: Limits | None = None,
    strength: Strength = "full",
    advance: Callable[[str], None] = lambda _: None,
) -> list[Grade]:
    """Grade the notebooks of a class, one after the other; whatever one does, the others go on.

    Raises
    ------
    MissingExtraError
        If this computer has no sandbox of this strength; then nothing was run.
    """
    require_sandbox(strength)
    prepare_kernels()
    grades: list[Grade] = []
    for trainee, path in trainees:
        advance(trainee.pseudonym)
        grades.append(grade_submission(module, trainee, path, limits=limits, strength=strength))
    return grades


@lru_cache
def prepare_kernels() -> None:
    """Compile here, once, what simulates the plants: a sandbox loses what it compiles, and would take a minute each."""
    from biolab.bioprocess import CHOFedBatch, simulate

    simulate(CHOFedBatch(), hours=1.0)


def judge(  # noqa: PLR0913 - what is judged, and how
    module: Module,
    trainee: Trainee,
    answers: Mapping[str, object],
    *,
    limits: Limits,
    strength: Strength = "full",
    scores_only: bool = False,
    tried_answers: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
) -> Outcome:
    """Run the module's tests and scores on answers (encoded) in a sandbox where only the module's own code runs.

    ``tried_answers`` are other sets of answers, by label: for each the tests are named that take it for right.

    Raises
    ------
    BiolabError
        If the module's set-up fails.
    """
    wanted = {name: value for name, value in answers.items() if name in _names(module)}
    checks = [] if scores_only else [_described(module, check) for check in module.checks]
    content = {
        "card": trainee.card(),
        "setup": [{"name": cell.name, "source": cell.source} for cell in module.cells if cell.kind == "setup"],
        "answers": wanted,
        "checks": checks,
        "tried_answers": {label: dict(each) for label, each in tried_answers.items()},
        "scores": [_described(module, score) for score in module.scores],
    }
    outcome = run_sandboxed(JUDGE, content, limits=limits, hidden=[module.folder], strength=strength)
    fault = next((said["fault"] for said in outcome.reported if "fault" in said), None)
    if fault is not None or (outcome.ending in {"killed", "memory"} and not outcome.reported):
        raise BiolabError(f"{module.slug}: {fault or 'the judge did not start'}\n{outcome.printed[-2000:]}")
    return outcome


def scores_of(module: Module, judged: Outcome) -> tuple[ScoreResult, ...]:
    """Return what a judge said about the scores."""
    return _scores(module, judged)


def _attempt(module: Module, trainee: Trainee, submission: Submission, limits: Limits, strength: Strength) -> Outcome:
    content = {"card": trainee.card(), "cells": [asdict(cell) for cell in submission.cells]}
    hidden = [module.folder, submission.path.parent]
    return run_sandboxed(ATTEMPT, content, limits=limits, hidden=hidden, strength=strength)


def _names(module: Module) -> set[str]:
    return {name for exercise in module.exercises for name in exercise.answers}


def _described(module: Module, cell: Check | Score) -> dict[str, Any]:
    """Describe a cell to the judge: it sees the answers that it names."""
    return {"name": cell.name, "source": cell.source, "answers": sorted(_names(module) & _words(cell.source))}


def _words(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def answers_of(attempt: Outcome, module: Module) -> tuple[dict[str, object], dict[str, str]]:
    """Take the last report of each answer; everything in it is the trainee's word and only that."""
    answers: dict[str, object] = {}
    faults: dict[str, str] = {}
    for said in attempt.reported:
        name = said.get("answer")
        if isinstance(name, str) and name in _names(module):
            answers.pop(name, None)
            faults.pop(name, None)
            if "value" in said:
                answers[name] = said["value"]
            else:
                faults[name] = str(said.get("fault", ""))[:_LONGEST]
    return answers, faults


def _verdict(attempt: Outcome, limits: Limits) -> tuple[Verdict, str]:
    done = any(said.get("done") is True for said in attempt.reported)
    ending = attempt.ending
    if ending == "finished" and done:
        return "graded", ""
    verdict: Verdict = "killed" if ending == "finished" else ending
    return verdict, _REASONS[verdict].format(**limits.model_dump())


def _checks(module: Module, judged: Outcome, faults: Mapping[str, str]) -> tuple[CheckResult, ...]:
    said = {str(each["check"]): each for each in judged.reported if "check" in each}
    results: list[CheckResult] = []
    for check in module.checks:
        found = said.get(check.name)
        passed = found is not None and found["passed"] is True
        message = f"it was not judged: {judged.ending}" if found is None else str(found["message"])
        wrong = [f"{name}: {fault}" for name, fault in faults.items() if name in _words(check.source)]
        results.append(
            CheckResult(
                name=check.name,
                exercise=check.key,
                hidden=check.is_hidden,
                points=check.points,
                passed=passed,
                message="; ".join(wrong) if wrong and not passed else message,
                hint=check.hint,
            )
        )
    return tuple(results)


def _scores(module: Module, judged: Outcome) -> tuple[ScoreResult, ...]:
    said = {str(each["score"]): each for each in judged.reported if "score" in each}
    results: list[ScoreResult] = []
    for score in module.scores:
        found = said.get(score.name, {"value": None, "message": f"it was not judged: {judged.ending}"})
        value = found["value"]
        number = float(value) if isinstance(value, int | float) else None
        results.append(ScoreResult(name=score.name, value=number, message=str(found["message"])))
    return tuple(results)


def _errors(attempt: Outcome) -> list[tuple[str, str]]:
    found = [
        (str(each["cell"])[:80], str(each["error"])[:_LONGEST])
        for each in attempt.reported
        if "error" in each and "cell" in each
    ]
    return found[:50]


def _tried(attempt: Outcome) -> list[str]:
    return [str(each["tried"])[:120] for each in attempt.reported if "tried" in each][:10]


def _empty(module: Module, trainee: Trainee, verdict: Verdict, message: str) -> Grade:
    checks = tuple(
        CheckResult(
            name=check.name,
            exercise=check.key,
            hidden=check.is_hidden,
            points=check.points,
            passed=False,
            message=message,
        )
        for check in module.checks
    )
    scores = tuple(ScoreResult(name=score.name, value=None, message=message) for score in module.scores)
    return Grade(**_named(module, trainee), verdict=verdict, message=message, checks=checks, scores=scores, answers={})


def _named(module: Module, trainee: Trainee) -> dict[str, Any]:
    return {
        "module": module.slug,
        "cohort": trainee.cohort,
        "trainee": trainee.pseudonym,
        "language": trainee.language,
        "seed": trainee.seed,
    }
