"""Grades into nbgrader's gradebook, so that its lists and exports show them."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from biolab.core import BiolabError, DataError

from .grading import Grade
from .release import GRADEBOOK, nbgrader_environment, require_nbgrader, said_last


def require_gradebook(folder: Path, module: str, *, patience_s: float = 5.0) -> Path:
    """Make sure, before anything is graded, that points can be written into nbgrader's gradebook.

    Raises
    ------
    MissingExtraError
        If nbgrader is not installed.
    DataError
        If the gradebook is missing or damaged, or does not know the module.
    BiolabError
        If it cannot be written.
    """
    require_nbgrader()
    path = (folder / GRADEBOOK).resolve()
    if not path.is_file():
        raise DataError(
            f"{path} is not there, and --gradebook writes into it. Release the module: biolab course release {folder} "
            f"--module {module}; notebooks that were handed out stay."
        )
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=patience_s)) as book:
            known = {str(name) for (name,) in book.execute("SELECT name FROM assignment")}
            book.execute("BEGIN IMMEDIATE")
            book.rollback()
    except sqlite3.OperationalError as error:
        raise BiolabError(
            f"{path} cannot be written: {error}. Make it writable, or end what holds it open, and run this again."
        ) from error
    except sqlite3.DatabaseError as error:
        raise DataError(
            f"{path} is damaged: {error}. Bring it back from a copy, or move it away and release the module again."
        ) from error
    if module not in known:
        raise DataError(f"{path} does not know {module}. Release it: biolab course release {folder} --module {module}")
    return path


def keep_in_gradebook(folder: Path, grades: Sequence[Grade]) -> int:
    """Write the points of each test into ``gradebook.db``; return how many submissions it took.

    The modules must have been released in this folder. nbgrader runs as a process of its own.

    Raises
    ------
    MissingExtraError
        If nbgrader is not installed.
    BiolabError
        As ``require_gradebook``, and if nbgrader fails.
    """
    for module in {grade.module for grade in grades}:
        require_gradebook(folder, module)
    database = (folder / GRADEBOOK).resolve()
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
        raise BiolabError(
            f"{database} could not be written: {said_last(written.stderr)}. Grades and feedback are kept; mend it and "
            "grade again with --gradebook."
        )
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
