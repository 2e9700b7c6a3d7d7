"""Notebooks of a module: the same code in both languages, and for trainees neither solutions nor hidden tests."""

import json
from pathlib import Path

import nbformat
import pytest

from biolab.course import LANGUAGES, Module, build, notebook, notebook_text, trainee

REAL = sorted((Path(__file__).parents[2] / "notebooks" / "course").glob("*/module.md"))
MODULES = [Path(__file__).parent / "modules" / "90-dilution" / "module.md", *REAL]


def code(content: dict) -> list[tuple[str, str]]:
    return [(cell["id"], "".join(cell["source"])) for cell in content["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(params=MODULES, ids=lambda path: path.parent.name)
def each(request: pytest.FixtureRequest) -> Module:
    return Module.load(request.param)


@pytest.mark.parametrize("audience", ["trainee", "instructor", "nbgrader"])
def test_both_languages_have_the_same_code_and_the_same_keys(each: Module, audience: str):
    english, korean = (notebook(each, language=language, audience=audience) for language in ("en", "ko"))
    assert code(english) == code(korean)
    assert [cell["id"] for cell in english["cells"]] == [cell["id"] for cell in korean["cells"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_notebooks_are_valid(each: Module, language: str):
    for audience in ("trainee", "instructor", "nbgrader"):
        nbformat.validate(nbformat.reads(notebook_text(each, language=language, audience=audience), as_version=4))


def test_trainees_get_neither_solutions_nor_hidden_tests(each: Module):
    shown = notebook_text(each, language="en", audience="trainee")
    visible = "\n".join(source for _, source in code(json.loads(shown)))
    secret = [line.strip() for exercise in each.exercises for line in exercise.solution_lines]
    secret += [line.strip() for check in each.checks if check.is_hidden for line in check.source.splitlines()]
    secret += [line.strip() for score in each.scores for line in score.source.splitlines()]
    assert len(secret) >= 3 * len(each.exercises)
    assert [line for line in secret if len(line) > 11 and line in visible] == []
    assert "SOLUTION" not in shown
    assert "HIDDEN" not in shown


def test_hints_are_kept_for_feedback(module: Module):
    assert "grams of product" not in notebook_text(module, language="en", audience="instructor")


def test_build_keeps_solutions_apart(module: Module, tmp_path: Path):
    written = build([module], tmp_path)
    assert [(each.language, each.audience) for each in written] == [
        ("en", "trainee"), ("ko", "trainee"), ("en", "instructor"), ("ko", "instructor"),
    ]  # fmt: skip
    given = [path.read_text(encoding="utf-8") for path in (tmp_path / "90-dilution").rglob("*.*")]
    assert len(given) == 4
    assert all("BEGIN SOLUTION" not in text for text in given)
    assert "BEGIN SOLUTION" in written[3].path.read_text(encoding="utf-8")
    assert written[3].path.is_relative_to(tmp_path / "instructor")


def test_a_built_notebook_knows_its_language(module: Module, tmp_path: Path):
    for each in build([module], tmp_path):
        who = trainee(each.path.parent)
        assert (who.language, who.module, who.is_guest) == (each.language, "90-dilution", True)


def test_the_same_module_gives_the_same_bytes(module: Module):
    assert notebook_text(module, language="ko", audience="trainee") == notebook_text(
        module, language="ko", audience="trainee"
    )
