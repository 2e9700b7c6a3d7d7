"""Habits of the house that no linter knows."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "biolab").rglob("*.py"))
DRAWERS = {"utils", "helpers", "common", "misc", "base"}


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 20


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_one_idea(path: Path) -> None:
    assert path.stem not in DRAWERS
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_makefile_stays_small() -> None:
    assert len((ROOT / "Makefile").read_text(encoding="utf-8").splitlines()) <= 40


def test_notebooks_store_no_output() -> None:
    assert list((ROOT / "notebooks").rglob("*.ipynb")) == []


def test_constraints_name_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 100
    assert [line for line in lines if re.search(r"https?://|file:|--index|--find-links", line)] == []


def test_constraints_cover_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    for extra in project["project"]["optional-dependencies"].values():
        wanted += [line for line in extra if not line.startswith("biolab[")]
    names = {re.match(r"[A-Za-z0-9_.-]+", line).group().lower() for line in wanted}
    pinned = {line.split("==")[0].split("[")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert names - pinned == set()
