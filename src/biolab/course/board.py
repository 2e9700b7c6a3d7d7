"""The board of a class: every answer is scored anew from its trainee's seed; what was logged is not trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

from biolab.core import ConfigError

from .cells import Score
from .grading import Grade, ScoreResult
from .grading.grading import judge, prepare_kernels, scores_of
from .module import Module
from .sandbox import Limits, Strength, require_sandbox
from .trainee import Trainee

if TYPE_CHECKING:
    from biolab.tracking import Store

Logged = Literal["agrees", "differs", "none"]
"""What a trainee's own run says of a score: the same, something else, or nothing."""
TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Board:
    """A ranking, and what was logged beside it."""

    module: str
    ranked_by: str
    better: Literal["higher", "lower"]
    rows: pl.DataFrame
    """``rank``, ``trainee``, the scores by name, ``points``, ``logged``, ``says`` (agrees, differs, none), ``note``."""

    def table(self) -> pl.DataFrame:
        """Return the ranking."""
        return self.rows

    @property
    def differing(self) -> tuple[str, ...]:
        """Return the trainees whose logged metric is not what their submission gives."""
        return tuple(self.rows.filter(pl.col("says") == "differs")["trainee"])

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON-able content."""
        said = {"module": self.module, "ranked_by": self.ranked_by, "better": self.better}
        return {**said, "rows": self.rows.to_dicts()}


def board(
    module: Module,
    grades: Sequence[Grade],
    *,
    store: "Store | None" = None,
    limits: Limits | None = None,
    strength: Strength = "full",
) -> Board:
    """Rank a class: each trainee's answers are judged again, with the plant of the trainee's own seed.

    Neither a metric in MLflow nor a number in the kept grades is used; with a ``store`` the newest run that logged the
    score is shown beside it, and whether it says the same.

    Raises
    ------
    ConfigError
        If the module has no score to rank by.
    """
    by = ranking_score(module)
    require_sandbox(strength)
    prepare_kernels()
    claims = {} if store is None or not grades else logged_scores(store, module.slug, grades[0].cohort, by.name)
    rows = [_row(module, grade, claims, limits or Limits(), strength, by.name) for grade in grades]
    return Board(module=module.slug, ranked_by=by.name, better=by.better, rows=_ranked(rows, module, by))


def ranking_score(module: Module) -> Score:
    """Return the score that the board ranks by: the one with ``rank=yes``, else the first.

    Raises
    ------
    ConfigError
        If the module has none.
    """
    if not module.scores:
        raise ConfigError(f"{module.slug} has no '```python score' cell; there is nothing to rank by.")
    return next((score for score in module.scores if score.ranks), module.scores[0])


def logged_scores(store: "Store", module: str, cohort: str, score: str) -> dict[str, float]:
    """Return, for each pseudonym, what the newest run under it says of a score.

    Raises
    ------
    TrackingError
        If the store cannot be read.
    """
    from biolab.tracking import COURSE_TAGS, find_course_runs

    said: dict[str, float] = {}
    for run in find_course_runs(store, module=module, cohort=cohort):
        if score in run.metrics:
            said.setdefault(run.tags[COURSE_TAGS["trainee"]], run.metrics[score])
    return said


def _row(
    module: Module, grade: Grade, claims: Mapping[str, float], limits: Limits, strength: Strength, by: str
) -> dict[str, object]:
    who = Trainee(pseudonym=grade.trainee, cohort=grade.cohort, module=grade.module)
    found = scores_of(module, judge(module, who, grade.answers, limits=limits, strength=strength, scores_only=True))
    values = {score.name: score.value for score in found}
    logged = claims.get(grade.trainee)
    return {
        "trainee": grade.trainee,
        **values,
        "points": grade.points,
        "logged": logged,
        "says": _compared(logged, values[by]),
        "note": "nothing handed in" if grade.verdict == "missing" else _note(found),
    }


def _note(found: Sequence[ScoreResult]) -> str:
    """Say why scores are missing, each reason once."""
    reasons = dict.fromkeys(score.message for score in found if score.value is None)
    return "; ".join(
        f"{', '.join(score.name for score in found if score.value is None and score.message == reason)}: {reason}"
        for reason in reasons
    )


def _compared(logged: float | None, value: float | None) -> Logged:
    if logged is None:
        return "none"
    if value is None:
        return "differs"
    return "agrees" if abs(logged - value) <= TOLERANCE * max(1.0, abs(value)) else "differs"


def _ranked(rows: Sequence[Mapping[str, object]], module: Module, by: Score) -> pl.DataFrame:
    numbers = dict.fromkeys((*(score.name for score in module.scores), "points", "logged"), pl.Float64)
    names = ("trainee", *(score.name for score in module.scores), "points", "logged", "says", "note")
    frame = pl.DataFrame(rows, schema={name: numbers.get(name, pl.String) for name in names})
    best_first = by.better == "higher"
    rank = pl.col(by.name).rank("min", descending=best_first).cast(pl.Int64).alias("rank")
    ordered = frame.with_columns(rank).sort("rank", "trainee", nulls_last=True)
    return ordered.select("rank", *names)
