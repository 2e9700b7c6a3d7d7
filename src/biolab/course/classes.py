"""What an instructor looks at: who has solved what, how fast faults were found, and which errors are common."""

from collections.abc import Sequence

import polars as pl

from .grading import Grade


def class_matrix(grades: Sequence[Grade]) -> pl.DataFrame:
    """Return the class as a matrix: a row a trainee, a column an exercise, the share of its points reached.

    A module that a trainee did not hand in is null, not zero.

    >>> class_matrix([]).columns
    ['trainee']
    """
    rows = [
        {
            "trainee": grade.trainee,
            "exercise": f"{grade.module.split('-')[0]} {exercise}",
            "share": None if grade.verdict == "missing" or not most else points / most,
        }
        for grade in grades
        for exercise in dict.fromkeys(check.exercise for check in grade.checks)
        for points, most in [grade.exercise_points(exercise)]
    ]
    if not rows:
        return pl.DataFrame(schema={"trainee": pl.String})
    order = list(dict.fromkeys(str(row["exercise"]) for row in rows))
    matrix = pl.DataFrame(rows).pivot("exercise", index="trainee", values="share")
    return matrix.select("trainee", *order).sort("trainee")


def class_scores(grades: Sequence[Grade], score: str) -> pl.DataFrame:
    """Return one score of every trainee, the lowest first: the time to detect a fault, say.

    ``detected`` is whether there is a value; those without one come last and are not averaged away.
    """
    rows = [
        {"trainee": grade.trainee, "module": grade.module, score: each.value, "detected": each.value is not None}
        for grade in grades
        for each in grade.scores
        if each.name == score
    ]
    schema = {"trainee": pl.String, "module": pl.String, score: pl.Float64, "detected": pl.Boolean}
    return pl.DataFrame(rows, schema=schema).sort(score, "trainee", nulls_last=True)


def common_errors(grades: Sequence[Grade]) -> pl.DataFrame:
    """Return the tests that most trainees failed, with what they said, most frequent first.

    Those who handed nothing in are left out. Hidden tests are among them: this is for the instructor.
    """
    handed_in = [grade for grade in grades if grade.verdict != "missing"]
    rows = [
        {
            "module": grade.module,
            "exercise": check.exercise,
            "test": check.name,
            "hidden": check.hidden,
            "message": check.message,
            "failed": not check.passed,
        }
        for grade in handed_in
        for check in grade.checks
    ]
    schema = {"module": pl.String, "exercise": pl.String, "test": pl.String, "hidden": pl.Boolean, "message": pl.String}
    frame = pl.DataFrame(rows, schema={**schema, "failed": pl.Boolean})
    usual = pl.col("message").filter(pl.col("failed")).mode().sort().first()
    found = frame.group_by("module", "exercise", "test", "hidden", maintain_order=True).agg(
        failed=pl.col("failed").sum(), of=pl.len(), usual_message=usual
    )
    return found.filter(pl.col("failed") > 0).sort("failed", "test", descending=[True, False])
