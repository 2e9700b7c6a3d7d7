"""What grading found: one grade a trainee and module, as data that can be kept and read again."""

from dataclasses import asdict, dataclass
from typing import Literal

import polars as pl

UNANSWERED = "not answered"
"""What a test says, after the names, of answers that are still open."""
Verdict = Literal["graded", "missing", "unreadable", "time", "output", "memory", "killed"]
"""``graded``: it ran to its end. ``time`` ... ``killed``: it was stopped, and what was answered before counts."""


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One test on the answers of one exercise."""

    name: str
    exercise: str
    hidden: bool
    points: float
    passed: bool
    message: str
    """Why it failed. Of a hidden test it is for the instructor's eyes."""
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class ScoreResult:
    """A number found anew from the answers."""

    name: str
    value: float | None
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Grade:
    """A trainee's grade in a module."""

    module: str
    cohort: str
    trainee: str
    language: str
    seed: int
    verdict: Verdict
    message: str = ""
    checks: tuple[CheckResult, ...] = ()
    scores: tuple[ScoreResult, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    """Cells that failed when run, and how."""
    tried: tuple[str, ...] = ()
    """What the submission tried that no submission may."""
    answers: dict[str, object]
    """The answers as data, for the board."""
    seconds: float = 0.0
    submission_sha256: str | None = None

    @property
    def points(self) -> float:
        """Return the points reached."""
        return sum(check.points for check in self.checks if check.passed)

    @property
    def most_points(self) -> float:
        """Return the points of all tests."""
        return sum(check.points for check in self.checks)

    @property
    def metrics(self) -> dict[str, float]:
        """Return the numbers that MLflow keeps."""
        values = {"points": self.points, "points.most": self.most_points, "seconds": self.seconds}
        return values | {score.name: score.value for score in self.scores if score.value is not None}

    def exercise_points(self, exercise: str, *, hidden: bool | None = None) -> tuple[float, float]:
        """Return reached and possible points of an exercise, of all its tests or one kind of them."""
        ours = [each for each in self.checks if each.exercise == exercise and hidden in (None, each.hidden)]
        return sum(each.points for each in ours if each.passed), sum(each.points for each in ours)

    def as_dict(self) -> dict[str, object]:
        """Return everything as JSON-able content."""
        return {**asdict(self), "points": self.points, "most_points": self.most_points}

    @classmethod
    def from_dict(cls, content: dict[str, object]) -> "Grade":
        """Read what ``as_dict`` gave."""
        said = {key: value for key, value in content.items() if key not in {"points", "most_points"}}
        said["checks"] = tuple(CheckResult(**each) for each in said["checks"])  # ty: ignore[not-iterable]
        said["scores"] = tuple(ScoreResult(**each) for each in said["scores"])  # ty: ignore[not-iterable]
        said["errors"] = tuple((str(cell), str(error)) for cell, error in said["errors"])  # ty: ignore[not-iterable]
        said["tried"] = tuple(said["tried"])  # ty: ignore[invalid-argument-type]
        return cls(**said)  # ty: ignore[invalid-argument-type]


def grades_frame(grades: list[Grade]) -> pl.DataFrame:
    """Lay grades out as a frame, one row a trainee and module."""
    rows = [
        {
            "module": grade.module,
            "trainee": grade.trainee,
            "language": grade.language,
            "seed": grade.seed,
            "verdict": grade.verdict,
            "points": grade.points,
            "most_points": grade.most_points,
            "seconds": grade.seconds,
            "tried": "; ".join(grade.tried),
            "message": grade.message,
        }
        for grade in grades
    ]
    schema = {"module": pl.String, "trainee": pl.String, "language": pl.String, "seed": pl.Int64, "verdict": pl.String}
    numbers = dict.fromkeys(("points", "most_points", "seconds"), pl.Float64)
    return pl.DataFrame(rows, schema={**schema, **numbers, "tried": pl.String, "message": pl.String})
