"""The board: scored anew from the seed, whatever was kept or logged."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from biolab.core import ConfigError
from biolab.course import Grade, Module, ScoreResult, Trainee, board, grade_submission, sandbox_fault
from biolab.course.board import ranking_score
from biolab.tracking import embedded_store, find_course_runs

pytestmark = pytest.mark.skipif(sandbox_fault() is not None, reason=f"no sandbox here: {sandbox_fault()}")


def graded(trainee: str, answers: dict[str, object]) -> Grade:
    who = Trainee(pseudonym=trainee, cohort="spring", module="90-dilution")
    names = {"module": who.module, "cohort": who.cohort, "trainee": trainee, "language": "en"}
    return Grade(**names, seed=who.seed, verdict="graded", answers=answers)


def right_volume(trainee: str) -> float:
    who = Trainee(pseudonym=trainee, cohort="spring", module="90-dilution")
    return 0.2 * (2.0 + who.seed % 5 / 10)


@pytest.mark.slow
def test_answers_are_scored_anew_on_each_plant(module: Module, tmp_path: Path):
    volumes = {name: right_volume(name) for name in ("heron", "crane")}
    heron = graded("heron", {"boluses_l": [volumes["heron"]]})
    crane = graded("crane", {"boluses_l": [volumes["crane"] * 1.5]})
    egret = graded("egret", {"boluses_l": "many"})
    boast = (ScoreResult(name="feed_excess", value=0.0),)
    store = embedded_store(tmp_path)
    for name, claim in {"heron": 0.0, "crane": 0.0}.items():
        who = Trainee(pseudonym=name, cohort="spring", module="90-dilution")
        who.record("claim", {"feed_excess": claim}, store=store)
    made = board(module, [replace(crane, scores=boast), heron, egret], store=store)
    rows = made.table().select("rank", "trainee", "says").rows()
    assert rows == [(1, "heron", "agrees"), (2, "crane", "differs"), (None, "egret", "none")]
    assert made.table()["feed_excess"].to_list() == [pytest.approx(0), pytest.approx(0.5), None]
    assert made.differing == ("crane",)
    assert "feed_excess: TypeError" in made.table()["note"][2]
    assert made.as_dict()["rows"][0]["trainee"] == "heron"


def test_a_module_without_scores_has_no_board(module: Module):
    without = replace(module, pieces=tuple(piece for piece in module.pieces if piece not in module.scores))
    with pytest.raises(ConfigError, match="nothing to rank by"):
        ranking_score(without)
    assert board(module, []).table().is_empty()


FAKES = """
import os
del os.environ["BIOLAB_COURSE_GRADING"]
feed_volume_l, boluses_l = 9.0, [9.0]
for fake in (
    lambda: trainee.record("mine", {"feed_excess": 0.0}),
    lambda: __import__("mlflow").log_metrics({"feed_excess": 0.0, "points": 99.0}),
):
    try:
        fake()
    except BaseException:
        pass
"""


@pytest.mark.slow
def test_a_submission_that_fakes_its_metrics_is_scored_by_its_answer(
    module: Module, heron: Trainee, hand_in: Callable[..., Path], tmp_path: Path
):
    store = embedded_store(tmp_path / "class")
    grade = grade_submission(module, heron, hand_in(FAKES))
    assert (grade.verdict, grade.points) == ("graded", 1)
    made = board(module, [grade], store=store)
    assert find_course_runs(store, module=module.slug) == []
    assert made.table().select("says", "feed_excess").row(0) == ("none", pytest.approx(9 / right_volume("heron") - 1))
