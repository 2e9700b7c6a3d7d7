"""The instructor's folder of a class: releases, hand-outs, submissions, grades and feedback.

========================================  ========================================================
``cohort.toml``                           who takes part
``source/``, ``release/``, ``gradebook.db``  nbgrader's, written by ``release``
``handout/<pseudonym>/<module>/``         what a trainee gets: notebook, ``trainee.toml``, figures
``submitted/<pseudonym>/<module>/``       what a trainee hands in
``grades/<module>.json``                  what grading found, hidden tests included
``feedback/<pseudonym>/<module>.html``    what a trainee gets back
========================================  ========================================================
"""

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biolab.core import BiolabError, ConfigError, DataError, write_atomically
from biolab.core.validation import parse_settings

from .cohort import Cohort
from .grading import Grade
from .module import Module
from .trainee import Trainee

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Classroom:
    """A class and its folder."""

    folder: Path
    cohort: Cohort

    @classmethod
    def open(cls, folder: Path) -> "Classroom":
        """Open the folder of a class.

        Raises
        ------
        ConfigError
            If it has no ``cohort.toml`` or that cannot be read.
        """
        return cls(folder=folder, cohort=Cohort.load(folder))

    def handout(self, trainee: Trainee) -> Path:
        """Return the folder of what a trainee gets for a module."""
        return self.folder / "handout" / trainee.pseudonym / trainee.module

    def submitted(self, trainee: Trainee) -> Path:
        """Return where a trainee's notebook is handed in.

        It is named as the module; another single notebook in the folder is taken as well, as browsers rename files.
        """
        folder = self.folder / "submitted" / trainee.pseudonym / trainee.module
        named = folder / f"{trainee.module}.ipynb"
        try:
            found = sorted(folder.glob("*.ipynb"))
            return found[0] if len(found) == 1 and not named.exists() else named
        except OSError:  # a folder that may not be looked into: whoever reads the notebook says so
            return named

    def strays(self) -> list[Path]:
        """List the folders of what was handed in that belong to nobody of the class: a mistyped pseudonym, mostly."""
        known = {member.pseudonym for member in self.cohort.trainees}
        place = self.folder / "submitted"
        return sorted(path for path in place.glob("*") if path.name not in known and not path.name.startswith("."))

    def require_access(self) -> None:
        """Look whether submissions can be found and grades kept, before an hour of grading shows that they cannot.

        Raises
        ------
        DataError
            If what was handed in may not be looked into.
        BiolabError
            If grades or feedback cannot be written.
        """
        place = self.folder / "submitted"
        try:
            with os.scandir(place) as found:
                any(found)
        except FileNotFoundError:
            pass  # nobody has handed in
        except OSError as error:
            raise DataError(
                f"{place} cannot be looked into: {error.strerror or error}. Nothing was graded; make it readable to "
                "you."
            ) from error
        for name in ("grades", "feedback"):
            try:
                (self.folder / name).mkdir(exist_ok=True)
                with tempfile.TemporaryFile(dir=self.folder / name):
                    pass
            except OSError as error:
                raise BiolabError(
                    f"{self.folder / name} cannot be written: {error.strerror or error}. Nothing was graded; make it "
                    "writable to you."
                ) from error

    def feedback(self, trainee: Trainee) -> Path:
        """Return the page that a trainee gets back."""
        return self.folder / "feedback" / trainee.pseudonym / f"{trainee.module}.html"

    def keep_grades(self, module: Module, grades: Sequence[Grade]) -> Path:
        """Write the grades of a module, readable by the instructor alone; others' stay as they are.

        Raises
        ------
        BiolabError
            If the folder cannot be written.
        """
        kept = {grade.trainee: grade for grade in self.grades(module.slug)} | {grade.trainee: grade for grade in grades}
        content = {
            "format": FORMAT,
            "module": module.slug,
            "version": module.header.version,
            "sha256": module.sha256,
            "cohort": self.cohort.name,
            "grades": [kept[name].as_dict() for name in sorted(kept)],
        }
        path = self._grades_path(module.slug)
        return write_atomically(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n", mode=0o600)

    def grades(self, module: str) -> list[Grade]:
        """Read the grades of a module; none if nothing has been graded.

        Raises
        ------
        DataError
            If the file is not one that ``keep_grades`` wrote.
        """
        path = self._grades_path(module)
        if not path.exists():
            return []
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return [Grade.from_dict(each) for each in content["grades"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path} is not a file of grades ({error}). Bring it back from a copy, or move it away and grade all "
                "trainees again: biolab course grade."
            ) from error

    def graded_modules(self) -> list[str]:
        """List the modules that have grades."""
        return sorted(path.stem for path in (self.folder / "grades").glob("*.json"))

    def all_grades(self) -> list[Grade]:
        """Read the grades of all modules."""
        return [grade for module in self.graded_modules() for grade in self.grades(module)]

    def _grades_path(self, module: str) -> Path:
        return self.folder / "grades" / f"{module}.json"

    def require_trainees(self, pseudonyms: Sequence[str], module: str) -> list[Trainee]:
        """Return the named trainees of the class, or all.

        Raises
        ------
        ConfigError
            If one is not in the class.
        """
        if not pseudonyms:
            return self.cohort.members(module)
        return [self.cohort.member(each, module) for each in pseudonyms]


def new_classroom(folder: Path, name: str, pseudonyms: Sequence[str]) -> Path:
    """Write a ``cohort.toml`` to start from.

    Raises
    ------
    ConfigError
        If the folder has one already, or a name cannot stand in a path.
    """
    path = folder / "cohort.toml"
    if path.exists():
        raise ConfigError(f"{path} is there already; add trainees to it.")
    members = [{"pseudonym": pseudonym} for pseudonym in pseudonyms]
    parse_settings(Cohort, {"name": name, "trainees": members}, source="biolab course new")
    lines = [f'name = "{name}"', 'language = "ko"', ""]
    for pseudonym in pseudonyms:
        lines += ["[[trainees]]", f'pseudonym = "{pseudonym}"', ""]
    return write_atomically(path, "\n".join(lines))
