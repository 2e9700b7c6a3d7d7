"""A submitted notebook: read with suspicion, and turned into the cells that are run."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biolab.core import DataError, sha256_hex
from biolab.course.cells import Cell, Check, Exercise
from biolab.course.module import Module

LARGEST_MB = 32


@dataclass(frozen=True, kw_only=True)
class AttemptCell:
    """A cell to run, and the answers to take once it has run."""

    name: str
    source: str
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What a trainee handed in."""

    path: Path
    sha256: str
    cells: tuple[AttemptCell, ...]
    missing: tuple[str, ...]
    """Exercises whose cell is not in the notebook any more."""


def read_submission(path: Path, module: Module) -> Submission:
    """Read a notebook that anyone may have written.

    Exercises, free code and the trainee's own cells are taken as submitted; set-up cells are the module's own whatever
    the notebook says, tests are left out, and interactive parts do not run.

    Raises
    ------
    DataError
        If it is missing, too large or no notebook.
    """
    raw = _content(path)
    try:
        cells = json.loads(raw)["cells"]
        submitted = [_code_cell(cell) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path} is not a notebook (nbformat 4); hand in the .ipynb file as Jupyter saves it."
        ) from error
    known = {cell.name: cell for cell in module.cells}
    present = {name for name, _ in submitted}
    setup = [cell for cell in module.cells if cell.kind == "setup" and cell.name not in present]
    taken = [AttemptCell(name=cell.name, source=cell.source) for cell in setup]
    taken += _attempted(submitted, known, module)
    missing = tuple(cell.name for cell in module.exercises if cell.name not in present)
    return Submission(path=path, sha256=sha256_hex(raw), cells=tuple(taken), missing=missing)


def _content(path: Path) -> bytes:
    try:
        if path.is_symlink() or not path.is_file():
            raise DataError(f"{path}: nothing was handed in{_others(path)}.")
        size = path.stat().st_size
        if size > LARGEST_MB << 20:
            raise DataError(
                f"{path} has {size / 2**20:.0f} MB; {LARGEST_MB} are taken. Clear the outputs and hand it in again."
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _others(path: Path) -> str:
    """Say which notebooks lie there under other names, of which nobody can tell the one that was meant."""
    found = sorted(each.name for each in path.parent.glob("*.ipynb") if each != path)
    if len(found) < 2:
        return ""
    return f" under this name, but {', '.join(found[:5])}; give the one that counts the module's name"


def _code_cell(cell: Mapping[str, Any]) -> tuple[str, str]:
    """Return what a cell calls itself (nbgrader's name, else the notebook's) and its source."""
    graded = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
    name = str(graded or str(cell.get("id", "")).removeprefix("code-"))
    source = cell["source"]
    return name, source if isinstance(source, str) else "".join(source)


def _attempted(submitted: list[tuple[str, str]], known: Mapping[str, Cell], module: Module) -> Iterator[AttemptCell]:
    answers = {exercise.key: exercise.answers for exercise in module.exercises}
    done: set[str] = set()
    for number, (name, source) in enumerate(submitted, start=1):
        cell = known.get(name) if name not in done else None
        done.add(name)
        if cell is None:
            yield AttemptCell(name=f"cell-{number}", source=source)
        elif isinstance(cell, Check):
            yield AttemptCell(name=cell.name, source="", answers=answers[cell.key])
        elif isinstance(cell, Exercise):
            yield AttemptCell(name=cell.name, source=source, answers=cell.answers)
        elif cell.kind == "setup":
            yield AttemptCell(name=cell.name, source=cell.source)
        elif cell.kind == "code":
            yield AttemptCell(name=cell.name, source=source)
