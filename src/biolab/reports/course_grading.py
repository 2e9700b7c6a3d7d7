"""Grade a class and tell everybody: the instructor's file, MLflow, nbgrader's gradebook, and a page a trainee."""

from collections.abc import Callable, Sequence

from biolab.core import write_atomically
from biolab.course import Classroom, Grade, Module, Strength, Trainee, grade_class
from biolab.course.gradebook import keep_in_gradebook, require_gradebook
from biolab.tracking import Store, log_trainee_run

from .course_feedback import feedback_page


def grade_and_report(  # noqa: PLR0913 - one keyword a choice
    module: Module,
    classroom: Classroom,
    store: Store | None,
    *,
    pseudonyms: Sequence[str] = (),
    strength: Strength = "full",
    gradebook: bool = False,
    advance: Callable[[str], None] = lambda _: None,
) -> list[Grade]:
    """Grade what a class handed in for a module, and write grades, feedback and runs.

    Parameters
    ----------
    module, classroom
        What is graded.
    store
        MLflow, for a run a submission with role ``graded``; ``None`` keeps none.
    pseudonyms
        Only these trainees; all if empty.
    strength
        The sandbox.
    gradebook
        Write nbgrader's gradebook too.
    advance
        Told of each trainee.

    Raises
    ------
    ConfigError
        If a trainee is not in the class.
    DataError
        If kept grades cannot be read, or nbgrader's gradebook is wanted and is missing or damaged; nothing was graded.
    MissingExtraError
        If this computer has no such sandbox, or nbgrader is wanted and missing.
    TrackingError
        If the store cannot be written.
    """
    trainees = classroom.require_trainees(pseudonyms, module.slug)
    classroom.require_access()
    classroom.grades(module.slug)  # kept ones must be readable before an hour of grading is added to them
    if gradebook:
        require_gradebook(classroom.folder, module.slug)
    handed_in = [(trainee, classroom.submitted(trainee)) for trainee in trainees]
    limits = classroom.cohort.limits
    grades = grade_class(module, handed_in, limits=limits, strength=strength, advance=advance)
    classroom.keep_grades(module, grades)
    for trainee, grade in zip(trainees, grades, strict=True):
        page = feedback_page(module, grade, language=trainee.language)
        write_atomically(classroom.feedback(trainee), page)
        if store is not None and grade.verdict != "missing":
            _log(store, trainee, grade)
    if gradebook:
        keep_in_gradebook(classroom.folder, grades)
    return grades


def _log(store: Store, trainee: Trainee, grade: Grade) -> None:
    params = {"verdict": grade.verdict, "submission_sha256": grade.submission_sha256 or ""}
    name = f"graded {trainee.pseudonym}"
    log_trainee_run(store, name=name, tags=trainee.tags, metrics=grade.metrics, params=params, role="graded")
