"""``biolab course``: build the modules, release them to a class, grade what comes back, and show the board."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from biolab.core.errors import BiolabError, DataError

from .options import AsJson, StoreOptions, print_json
from .progress import progress

if TYPE_CHECKING:
    from biolab.course import Classroom, Grade, Module

course = App(name="course", help="Modules, classes, grading and the board of the course.", help_format="plaintext")
CourseFolder = Annotated[Path, Parameter(name="--course")]
Modules = Annotated[tuple[str, ...], Parameter(name="--module", negative="")]
Trainees = Annotated[tuple[str, ...], Parameter(name="--trainee", negative="")]
Sandbox = Annotated[Literal["full", "limits"], Parameter(name="--sandbox")]
_COURSE = Path("notebooks/course")


@course.command
def build(
    module: str | None = None,
    *,
    language: Literal["en", "ko", "both"] = "both",
    output: Path = Path("course-build"),
    folder: CourseFolder = _COURSE,
    as_json: AsJson = False,
) -> None:
    """Write the notebooks of a module, or of all: for trainees, and for the instructor below instructor/.

    Parameters
    ----------
    module
        The module's name, its number or its folder; without it, all modules.
    language
        Language of the notebooks.
    output
        Where the notebooks go.
    folder
        The folder of the modules.
    """
    from biolab.course import LANGUAGES
    from biolab.course import build as build_modules

    languages = LANGUAGES if language == "both" else (language,)
    written = build_modules(_modules((module,) if module else (), folder), output, languages=languages)
    if as_json:
        print_json({"notebooks": [each.as_dict() for each in written]})
        return
    for each in written:
        print(f"{each.module}  {each.language}  {each.audience:<10}  {each.path}")


@course.command
def check(
    module: str | None = None, *, folder: CourseFolder = _COURSE, sandbox: Sandbox = "full", as_json: AsJson = False
) -> None:
    """Check that modules grade rightly: their solutions get every point, empty answers pass no hidden test.

    Parameters
    ----------
    module
        The module's name, its number or its folder; without it, all modules.
    folder
        The folder of the modules.
    sandbox
        As for grade.
    """
    from biolab.course import check_module

    modules, found = _modules((module,) if module else (), folder), []
    with progress("course check", total=len(modules), quiet=as_json) as advance:
        for each in modules:
            advance(each.slug)
            found.append(check_module(each, strength=sandbox))
    if as_json:
        print_json(
            {
                "modules": [
                    {
                        "module": each.module,
                        "sound": each.is_sound,
                        "wrong": each.wrong.to_dicts(),
                        "scores": each.scores,
                    }
                    for each in found
                ]
            }
        )
    else:
        for each in found:
            print(f"{each.module}: {'sound' if each.is_sound else 'not sound'}")
            for row in each.wrong.iter_rows(named=True):
                print(f"  {row['test']} ({row['answers']}): {row['message']}")
    if unsound := [each.module for each in found if not each.is_sound]:
        raise BiolabError(f"{', '.join(unsound)}: not fit to grade with.")


@course.command
def new(
    name: str,
    *,
    trainee: Trainees = ("heron", "crane"),
    classroom: Annotated[Path | None, Parameter(name="--class")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the folder of a class with a cohort.toml to fill in.

    Parameters
    ----------
    name
        Name of the class.
    trainee
        A trainee's pseudonym; once for each.
    classroom
        The folder; by default named as the class.
    """
    from biolab.course import new_classroom

    path = new_classroom(classroom or Path(name), name, trainee)
    if as_json:
        print_json({"path": str(path), "trainees": list(trainee)})
        return
    print(f"{path}: add the trainees, then: biolab course release {path.parent} --module 02")


@course.command
def release(
    classroom: Annotated[Path, Parameter(name="--class")],
    *,
    module: Modules = (),
    folder: CourseFolder = _COURSE,
    again: bool = False,
    as_json: AsJson = False,
) -> None:
    """Release modules to a class with nbgrader: one folder a trainee, on a plant of the trainee's own.

    Parameters
    ----------
    classroom
        The folder of the class, with its cohort.toml.
    module
        A module's name or number; once for each. Without it, all modules.
    folder
        The folder of the modules.
    again
        Replace notebooks that were handed out before; one that was changed since is kept beside the new one.
    """
    from biolab.course import Classroom
    from biolab.course import release as release_modules

    room, modules, done = Classroom.open(classroom), _modules(module, folder), []
    with progress(room.cohort.name, total=len(modules), quiet=as_json) as advance:
        for one in modules:
            advance(one.slug)
            done += release_modules([one], room, again=again)
    if as_json:
        print_json({"released": [each.as_dict() for each in done]})
        return
    for each in done:
        kept = "  kept, not the newest: --again replaces it" if each.outdated else "  kept" if each.kept else ""
        print(f"{each.trainee.module}  {each.trainee.pseudonym:<16} {each.trainee.language}  {each.folder}{kept}")


@course.command
def grade(  # noqa: PLR0913 - one keyword an option
    classroom: Annotated[Path, Parameter(name="--class")],
    *,
    module: Modules = (),
    trainee: Trainees = (),
    folder: CourseFolder = _COURSE,
    sandbox: Sandbox = "full",
    gradebook: bool = False,
    store: StoreOptions | None = None,
    as_json: AsJson = False,
) -> None:
    """Grade what was handed in, each in a sandbox, and write feedback without hidden tests.

    Parameters
    ----------
    classroom
        The folder of the class; notebooks lie in submitted/PSEUDONYM/MODULE/.
    module
        A module's name or number; once for each. Without it, all modules.
    trainee
        Grade these trainees only.
    folder
        The folder of the modules.
    sandbox
        limits leaves out the namespaces, where there are none: a submission can then read what you can.
    gradebook
        Write the points into nbgrader's gradebook too.
    """
    from biolab.course import Classroom, same_answers
    from biolab.reports import grade_and_report

    room = Classroom.open(classroom)
    modules, opened = _modules(module, folder), _store(room, store).open()
    size = len(trainee) or len(room.cohort.trainees)
    with progress(room.cohort.name, total=len(modules) * size, quiet=as_json) as advance:
        graded = [
            each
            for one in modules
            for each in grade_and_report(
                one, room, opened, pseudonyms=trainee, strength=sandbox, gradebook=gradebook, advance=advance
            )
        ]
    for stray in room.strays():
        print(f"biolab: warning: {stray} is not graded: nobody in the class is called so.", file=sys.stderr)
    if as_json:
        said = {"cohort": room.cohort.name, "grades": [each.as_dict() for each in graded]}
        same = {one.slug: same_answers(one, room.grades(one.slug)).to_dicts() for one in modules}
        print_json({**said, "strays": [str(path) for path in room.strays()], "same_answers": same})
        return
    for one in modules:
        _print_grades(one.slug, [each for each in graded if each.module == one.slug])
        for row in same_answers(one, room.grades(one.slug)).iter_rows(named=True):
            print("{trainee}: {exercise} is {same_as}'s to the last digit, and right on that plant only.".format(**row))


@course.command
def board(
    classroom: Annotated[Path, Parameter(name="--class")],
    *,
    module: str,
    folder: CourseFolder = _COURSE,
    sandbox: Sandbox = "full",
    store: StoreOptions | None = None,
    as_json: AsJson = False,
) -> None:
    """Rank a class: every submitted answer is run again on its trainee's plant; what was logged stands beside it.

    Parameters
    ----------
    classroom
        The folder of the class.
    module
        The module's name or number.
    folder
        The folder of the modules.
    sandbox
        As for grade.
    """
    from biolab.course import Classroom
    from biolab.course import board as rank

    room = Classroom.open(classroom)
    one = _modules((module,), folder)[0]
    grades = room.grades(one.slug)
    if not grades:
        raise DataError(f"{one.slug}: nothing is graded yet. Run: biolab course grade {classroom} --module {module}")
    made = rank(one, grades, store=_store(room, store).open(), limits=room.cohort.limits, strength=sandbox)
    if as_json:
        print_json(made.as_dict())
        return
    _print_frame(made.table().drop("note"))
    for row in made.rows.filter(made.rows["note"] != "").iter_rows(named=True):
        print(f"{row['trainee']}: {row['note']}")
    for name in made.differing:
        print(f"{name}: the logged {made.ranked_by} is not what the submission gives.")


def _store(room: "Classroom", chosen: StoreOptions | None) -> StoreOptions:
    """Return where runs are: as the command says, else as ``cohort.toml`` does, else in the class's folder."""
    given = chosen or StoreOptions(output=room.folder / "mlflow")
    if given.tracking_uri is not None or room.cohort.tracking_uri is None:
        return given
    return StoreOptions(tracking_uri=room.cohort.tracking_uri, output=given.output)


def _modules(names: tuple[str, ...], folder: Path) -> "list[Module]":
    from biolab.course import Module, find_module, find_modules

    paths = [find_module(name, folder) for name in names] or find_modules(folder)
    return [Module.load(path) for path in paths]


def _print_grades(module: str, grades: "list[Grade]") -> None:
    """Print who got what; what there is to say of one stands below, at its full length."""
    import polars as pl

    rows = [
        {
            "trainee": each.trainee,
            "language": each.language,
            "verdict": each.verdict,
            "points": f"{each.points:g} of {each.most_points:g}",
        }
        for each in grades
    ]
    print(module)
    _print_frame(pl.DataFrame(rows))
    for each in grades:
        told = [each.message.removesuffix("."), *(f"tried: {what}" for what in each.tried)]
        if notes := [note for note in told if note]:
            print(f"{each.trainee}: {'; '.join(notes)}.")


def _print_frame(frame: object) -> None:
    import polars as pl
    from rich.console import Console
    from rich.table import Table

    assert isinstance(frame, pl.DataFrame)
    table = Table(*frame.columns, box=None)
    for row in frame.iter_rows():
        table.add_row(
            *("" if value is None else f"{value:g}" if isinstance(value, float) else str(value) for value in row)
        )
    Console().print(table)
