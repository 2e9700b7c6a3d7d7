"""Grades into nbgrader's gradebook, so that its lists and exports show them."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from biolab.core import BiolabError

from .grading import Grade
from .release import nbgrader_environment, require_nbgrader

NAME = "gradebook.db"


def keep_in_gradebook(folder: Path, grades: Sequence[Grade]) -> int:
    """Write the points of each test into ``gradebook.db``; return how many submissions it took.

    The module must have been released in this folder. nbgrader runs as a process of its own.

    Raises
    ------
    MissingExtraError
        If nbgrader is not installed.
    BiolabError
        If the gradebook does not know the module or cannot be written.
    """
    require_nbgrader()
    database = (folder / NAME).resolve()
    if not database.exists():
        raise BiolabError(f"{database} is not there. Release the module first: biolab course release.")
    content = [
        {
            "module": grade.module,
            "trainee": grade.trainee,
            "points": {check.name: check.points if check.passed else 0.0 for check in grade.checks},
        }
        for grade in grades
        if grade.verdict != "missing"
    ]
    written = subprocess.run(
        [sys.executable, "-c", _WRITE, f"sqlite:///{database}"],
        input=json.dumps(content),
        env=nbgrader_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if written.returncode != 0:
        raise BiolabError(f"{database} could not be written.\n{written.stderr[-1000:].strip()}")
    return len(content)


_WRITE = """
import json, sys
from nbgrader.api import Gradebook

with Gradebook(sys.argv[1]) as book:
    for given in json.load(sys.stdin):
        book.update_or_create_student(given["trainee"])
        submission = book.update_or_create_submission(given["module"], given["trainee"])
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                if grade.cell.name in given["points"]:
                    grade.auto_score = given["points"][grade.cell.name]
                    grade.needs_manual_grade = False
    book.db.commit()
"""
