"""The demonstration class: twelve trainees of known skill, ranked rightly by the board."""

import importlib.util
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from biolab.course import class_matrix, class_scores, common_errors, sandbox_fault

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sandbox_fault() is not None, reason=f"no sandbox here: {sandbox_fault()}"),
]
RUN = Path(__file__).parents[2] / "experiments" / "class-demo" / "run.py"


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("class_demo", RUN)
    assert spec is not None
    loaded = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def outcome(demo: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    return demo.run_class(tmp_path_factory.mktemp("class"))


def test_the_board_ranks_by_skill(demo: ModuleType, outcome: tuple):
    _, _, board = outcome
    assert board.table()["trainee"].to_list() == list(reversed(demo.BIRDS))
    assert board.table()["rank"].to_list() == list(range(1, 13))


def test_what_was_logged_is_shown_and_ranks_nothing(demo: ModuleType, outcome: tuple):
    _, _, board = outcome
    assert board.differing == (demo.BOASTER,)
    boaster = board.table().row(by_predicate=pl.col("trainee") == demo.BOASTER, named=True)
    assert (boaster["rank"], boaster["logged"]) == (11, 1.5)


def test_a_loop_costs_only_its_author(demo: ModuleType, outcome: tuple):
    _, grades, _ = outcome
    verdicts = {grade.trainee: grade.verdict for grade in grades}
    assert {name for name, verdict in verdicts.items() if verdict != "graded"} == {demo.LOOPER}
    assert verdicts[demo.LOOPER] == "time"


def test_the_instructor_sees_who_found_what(demo: ModuleType, outcome: tuple):
    room, grades, _ = outcome
    matrix = class_matrix(grades)
    assert matrix.columns == ["trainee", "91 dose", "91 drift"]
    assert matrix.filter(pl.col("trainee") == "lark").row(0)[1:] == (1.0, 1.0)
    delays = class_scores(grades, "time_to_detect_h")
    assert delays["trainee"][0] == "lark"
    assert delays["time_to_detect_h"].drop_nulls().is_sorted()
    assert common_errors(grades)["test"][0] == "drift-hidden-1"
    pages = {path.parent.name: path.read_text(encoding="utf-8") for path in (room.folder / "feedback").rglob("*.html")}
    assert len(pages) == 12
    assert 'lang="en"' in pages["avocet"]
    assert "제어기가 어긋남을 감춥니다" in pages["bunting"]
