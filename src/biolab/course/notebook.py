"""A module as a Jupyter notebook: in one language, for trainees, for instructors or for nbgrader."""

import json
from typing import Literal

from .blocks import Language
from .cells import Cell, Check, Exercise, Prose, Score
from .module import Module

Audience = Literal["trainee", "instructor", "nbgrader"]
"""``nbgrader`` is what its generate_assignment takes: as for instructors, without the cells that make scores."""
HIDDEN_BEGINS, HIDDEN_ENDS = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"


def notebook(module: Module, *, language: Language, audience: Audience) -> dict[str, object]:
    """Lay a module out as a notebook (nbformat 4.5).

    All audiences and languages get the same cells in the same order but for scores, which trainees and nbgrader do not
    get; trainees' exercises lack their solutions and their hidden tests are empty.
    """
    cells = [
        _markdown(piece, language) if isinstance(piece, Prose) else _code(piece, audience)
        for piece in module.pieces
        if audience == "instructor" or not isinstance(piece, Score)
    ]
    about = {"module": module.slug, "version": module.header.version, "language": language, "audience": audience}
    return {
        "cells": cells,
        "metadata": {
            "biolab": {**about, "sha256": module.sha256},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "title": module.header.title[language],
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def notebook_text(module: Module, *, language: Language, audience: Audience) -> str:
    """Return a module's notebook as the text of an ``.ipynb`` file."""
    content = notebook(module, language=language, audience=audience)
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _markdown(piece: Prose, language: Language) -> dict[str, object]:
    return {
        "cell_type": "markdown",
        "id": f"text-{piece.key}",
        "metadata": {"biolab": {"key": piece.key}},
        "source": _lines(piece.text[language]),
    }


def _code(cell: Cell, audience: Audience) -> dict[str, object]:
    about: dict[str, object] = {"key": cell.key, "kind": cell.kind}
    metadata: dict[str, object] = {"biolab": about}
    if graded := _nbgrader(cell):
        metadata["nbgrader"] = graded
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"code-{cell.name}",
        "metadata": metadata,
        "outputs": [],
        "source": _lines(_shown_source(cell, audience)),
    }


def _shown_source(cell: Cell, audience: Audience) -> str:
    for_trainee = audience == "trainee"
    if isinstance(cell, Exercise):
        return cell.stripped if for_trainee else cell.source
    if isinstance(cell, Check) and cell.is_hidden:
        said = f"# checked when graded · 채점할 때 확인합니다: {cell.points:g}"
        return said if for_trainee else "\n".join([said, HIDDEN_BEGINS, cell.source, HIDDEN_ENDS])
    return cell.source


def _nbgrader(cell: Cell) -> dict[str, object]:
    said = {"schema_version": 3, "task": False, "grade_id": cell.name}
    if isinstance(cell, Exercise):
        return {**said, "grade": False, "solution": True, "locked": False}
    if isinstance(cell, Check):
        return {**said, "grade": True, "solution": False, "locked": True, "points": cell.points}
    if cell.kind == "setup":
        return {**said, "grade": False, "solution": False, "locked": True}
    return {}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
