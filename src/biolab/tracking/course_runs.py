"""Runs of the course: what trainees tried and what grading found, under pseudonyms, in ``biolab/course/<module>``."""

from collections.abc import Mapping
from typing import Literal

from biolab import __version__

from .conventions import CODE_VERSION, ROLE, checked_word, experiment_name
from .runs import recorded_run
from .search import RunRecord, find_runs
from .store import Store

COURSE = "course"
CourseRole = Literal["trainee", "graded"]
CourseTag = Literal["trainee", "cohort", "module", "language", "seed"]
COURSE_TAGS: dict[CourseTag, str] = {
    "trainee": "biolab.course.trainee",
    "cohort": "biolab.course.cohort",
    "module": "biolab.course.module",
    "language": "biolab.course.language",
    "seed": "biolab.course.seed",
}
"""What every run of the course carries. Anyone who can write to the store can write any of them: they are labels."""


def log_trainee_run(  # noqa: PLR0913 - one keyword a part of the run
    store: Store,
    *,
    name: str,
    tags: Mapping[CourseTag, str],
    metrics: Mapping[str, float],
    params: Mapping[str, object] | None = None,
    texts: Mapping[str, str] | None = None,
    role: CourseRole = "trainee",
) -> str:
    """Keep one run of a trainee, or what grading found; return its identifier.

    Raises
    ------
    ConfigError
        If a tag is missing or cannot stand in MLflow.
    TrackingError
        If the store cannot be written.
    """
    labels = {tag: checked_word(key, tags[key]) for key, tag in COURSE_TAGS.items()} | {
        ROLE: role,
        CODE_VERSION: __version__,
    }
    experiment = experiment_name(COURSE, tags["module"])
    with recorded_run(store, experiment=experiment, name=name, tags=labels) as run:
        run.params(params or {})
        run.metrics(metrics)
        for path, text in (texts or {}).items():
            run.text(path, text)
    return run.run_id


def find_course_runs(
    store: Store, *, module: str, cohort: str | None = None, role: CourseRole = "trainee"
) -> list[RunRecord]:
    """Find the finished runs of a module, newest first, of one class or all.

    Raises
    ------
    TrackingError
        If the store cannot be read.
    """
    wanted = {ROLE: role, COURSE_TAGS["module"]: module} | ({} if cohort is None else {COURSE_TAGS["cohort"]: cohort})
    runs = find_runs(store, protocol=COURSE, latest=False)
    return [run for run in runs if all(run.tags.get(tag) == value for tag, value in wanted.items())]
