"""Release modules to a class: nbgrader takes solutions and hidden tests out, and each trainee gets a folder."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from biolab.core import BiolabError, MissingExtraError, write_atomically

from .blocks import LANGUAGES, Language
from .build import copy_figures
from .cells import STUB
from .classroom import Classroom
from .module import Module
from .notebook import notebook, notebook_text
from .trainee import FILE_NAME as CARD_NAME
from .trainee import Trainee

GRADEBOOK = "gradebook.db"
_PATIENCE_S = 300


@dataclass(frozen=True, kw_only=True)
class Released:
    """One trainee's folder for a module."""

    trainee: Trainee
    folder: Path
    kept: bool = False
    """Whether the notebook is the one that was handed out before."""
    outdated: bool = False
    """Whether that one is not what the module would give now: it was worked on, or the module changed."""

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON-able content."""
        who = self.trainee
        said = {"module": who.module, "trainee": who.pseudonym, "language": who.language, "seed": who.seed}
        return {**said, "folder": str(self.folder), "kept": self.kept, "outdated": self.outdated}


def release(modules: Sequence[Module], classroom: Classroom, *, again: bool = False) -> list[Released]:
    """Make the notebooks of a class: released by nbgrader, checked to hold nothing they should not, handed out.

    The gradebook (``gradebook.db``) knows the module's exercises and points afterwards. A folder that was handed out
    before is left as it is, unless ``again``; a notebook that is replaced and differs is kept beside the new one.

    Raises
    ------
    MissingExtraError
        If nbgrader is not installed.
    BiolabError
        If nbgrader refuses a notebook, or what it made is not exactly the module without solutions and hidden tests.
    """
    require_nbgrader()
    done: list[Released] = []
    for module in modules:
        members = classroom.cohort.members(module.slug)
        used = sorted({member.language for member in members} | {LANGUAGES[0]}, key=LANGUAGES.index)
        texts = {language: _released_text(module, language, classroom) for language in used}
        for member in members:
            folder = classroom.handout(member)
            path = folder / f"{module.slug}.ipynb"
            text, before = texts[member.language], _read(path)
            if again or before is None:
                copy_figures(module, folder)
                write_atomically(folder / CARD_NAME, member.card())
                if before not in (None, text.encode()):
                    path.replace(_free_name(path))
                write_atomically(path, text)
            kept = before is not None and not again
            done.append(Released(trainee=member, folder=folder, kept=kept, outdated=kept and before != text.encode()))
    return done


def _read(path: Path) -> bytes | None:
    """Return what was handed out before, if anything was."""
    try:
        return path.read_bytes() if path.exists() else None
    except OSError as error:
        raise BiolabError(f"{path} cannot be read: {error.strerror or error}. Nothing was changed there.") from error


def _free_name(path: Path) -> Path:
    """Name the file that keeps a replaced notebook, which somebody may have worked on."""
    names = (path.with_name(f"{path.stem}.replaced-{number}{path.suffix}") for number in count(1))
    return next(name for name in names if not name.exists())


def require_nbgrader() -> None:
    """Make sure that nbgrader is there.

    Raises
    ------
    MissingExtraError
        If it is not.
    """
    if find_spec("nbgrader") is None:
        raise MissingExtraError("nbgrader is not installed. Install it with: pip install 'biolab[course]'.")


def nbgrader_environment() -> dict[str, str]:
    """Return an environment in which nbgrader finds the commands that it calls by name (alembic)."""
    folder = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])}


def said_last(printed: str) -> str:
    r"""Return what was wrong from what a Python program printed when it failed: one line, no traceback.

    >>> said_last("Traceback ...\nsqlite3.DatabaseError: file is not a database\n[App | ERROR] See above.")
    'sqlite3.DatabaseError: file is not a database'
    """
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b[^:]*: ", line)]
    return (named or lines or ["it said nothing"])[-1][:300]


def _released_text(module: Module, language: Language, classroom: Classroom) -> str:
    """Run nbgrader on a module; the first language goes into the class's gradebook, the others need none."""
    if language == LANGUAGES[0]:
        return _generate(module, language, classroom.folder, classroom.cohort.name)
    with tempfile.TemporaryDirectory(prefix="biolab-course-") as place:
        return _generate(module, language, Path(place), classroom.cohort.name)


def _generate(module: Module, language: Language, root: Path, course: str) -> str:
    source = root / "source" / module.slug
    copy_figures(module, source)
    text = notebook_text(module, language=language, audience="nbgrader")
    write_atomically(source / f"{module.slug}.ipynb", text, mode=0o600)
    config = {"CourseDirectory": {"course_id": course}, "ClearSolutions": {"code_stub": {"python": STUB}}}
    write_atomically(root / "nbgrader_config.json", json.dumps(config, ensure_ascii=False, indent=1) + "\n")
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", module.slug, "--create", "--force"]
    try:
        made = subprocess.run(
            command,
            cwd=root,
            env=nbgrader_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
            stdin=subprocess.DEVNULL,
            umask=0o077,  # the gradebook holds hidden tests
        )
    except subprocess.TimeoutExpired as error:
        raise BiolabError(f"{module.slug}: nbgrader did not answer in {_PATIENCE_S} s.") from error
    path = root / "release" / module.slug / f"{module.slug}.ipynb"
    if made.returncode != 0 or not path.exists():
        raise BiolabError(
            f"{module.slug}: nbgrader refused the notebook: {said_last(made.stderr)}. If the gradebook "
            f"{root / GRADEBOOK} is damaged, bring it back from a copy, or move it away: release makes a new one, "
            "and grade --gradebook fills it again."
        )
    if (root / GRADEBOOK).exists():
        (root / GRADEBOOK).chmod(0o600)
    released = path.read_text(encoding="utf-8")
    prove_clean(module, language, released)
    return released


def prove_clean(module: Module, language: Language, released: str) -> None:
    """Check that a released notebook is the module as trainees may see it: cell by cell, and nothing else.

    Raises
    ------
    BiolabError
        Names the first cell that differs.
    """
    wanted = _sources(notebook(module, language=language, audience="trainee"))
    found = _sources(json.loads(released))
    if wanted.keys() != found.keys():
        other = sorted(wanted.keys() ^ found.keys())[0]
        raise BiolabError(f"{module.slug}: the cell {other!r} stands only in one of module and release.")
    for name, source in wanted.items():
        if found[name] != source:
            raise BiolabError(
                f"{module.slug}: the released cell {name!r} is not what trainees may see; not handed out."
            )
    secret = [line.strip() for exercise in module.exercises for line in exercise.solution_lines]
    secret += [line.strip() for check in module.checks if check.is_hidden for line in check.source.splitlines()]
    shown = "\n".join(wanted.values())
    for line in secret:
        if len(line) >= 12 and line not in shown and json.dumps(line, ensure_ascii=False)[1:-1] in released:
            raise BiolabError(
                f"{module.slug}: the released notebook holds {line!r} outside of its cells; not handed out."
            )


def _sources(content: dict[str, object]) -> dict[str, str]:
    cells = content["cells"]
    assert isinstance(cells, list)
    sources: dict[str, str] = {}
    for cell in cells:
        source = cell["source"]
        sources[str(cell["id"])] = source if isinstance(source, str) else "".join(source)
        if cell.get("outputs") or cell.get("attachments"):
            raise BiolabError(f"The cell {cell['id']!r} holds outputs; a release has none.")
    return sources
