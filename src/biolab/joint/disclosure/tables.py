"""Tables: aggregates with known keys may leave, rows of patients may not."""

import re
from collections.abc import Iterator
from itertools import pairwise

import polars as pl

from . import columns as names
from .curves import check_curve
from .findings import Finding
from .rules import Rules, words_of
from .scrutiny import Scrutiny
from .words import looks_like_numbering

FEW_ROWS = 3
LONGEST_CELL = 200
LONGEST_GRID = 101
_MOMENTS = frozenset({"started", "ended", "created", "locked_at"})
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_OF_SOFTWARE = frozenset(
    {
        "name",
        "version",
        "package",
        "run_id",
        "digest",
        "sha256",
        "path",
        "file",
        "feature",
        "gene",
        "term",
        "probe",
        "variant",
    }
)


def check_table(where: str, frame: pl.DataFrame, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check one table but for its counts: headings, texts, shares, extremes, curves, length, traces of patients."""
    rules = scrutiny.rules
    if is_example(frame, rules):
        return
    yield from check_headings(where, frame, rules)
    yield from check_length(where, frame, rules)
    yield from _check_texts(where, frame, scrutiny)
    yield from _check_shares(where, frame, rules)
    yield from check_curve(where, frame, rules)
    if scrutiny.traces is not None:
        yield from scrutiny.traces.in_rows(where, frame.select(pl.selectors.numeric()).iter_rows())


def is_example(frame: pl.DataFrame, rules: Rules) -> bool:
    """Say whether a table is the made-up input of a model: two rows with the protocol's own two values."""
    if not rules.examples or frame.height > 2 or not frame.columns or not set(frame.columns) <= rules.examples.keys():
        return False
    return all(tuple(frame[name].to_list()) == rules.examples[name][: frame.height] for name in frame.columns)


def check_headings(where: str, frame: pl.DataFrame, rules: Rules) -> Iterator[Finding]:
    """Check what the columns are called: patients, dates, free text, extremes, predictions, variables of the study."""
    for name in frame.columns:
        yield from check_heading(f"{where}, column {name!r}", name, rules)
        if frame.schema[name].is_temporal() and names.normalised(name) not in _MOMENTS:
            yield _finding(
                f"{where}, column {name!r}",
                "exact-date",
                "it holds dates or moments",
                "Give times since a starting point.",
            )
        if frame.schema[name].is_nested() or frame.schema[name] in {pl.Object, pl.Binary}:
            yield _finding(
                f"{where}, column {name!r}", "row-level", "its cells hold lists or objects", "Write one value a cell."
            )
    study = rules.variables & set(frame.columns)
    if len(study) >= 2 and not any(names.counted(name) for name in frame.columns):
        yield _finding(
            where, "row-level", "codebook variables are its columns and nothing is counted: rows of patients",
            "Release counts or summaries of the variables.",
        )  # fmt: skip
    if frame.height > FEW_ROWS:
        for name in frame.columns:
            if names.names_prediction(name) and not _is_keyed(_unnumbered(frame), rules):
                yield _finding(
                    f"{where}, column {name!r}", "per-patient", "it holds a prediction, residual or influence a row",
                    "Release its summary in groups of at least the minimum cell.",
                )  # fmt: skip
    yield from _check_statistics(where, frame)


def check_heading(where: str, name: str, rules: Rules) -> Iterator[Finding]:
    """Check one name: a column's, a key's, a metric's."""
    if names.names_people(name) or name in rules.identifiers:
        yield _finding(where, "identifier", "it tells patients apart by its name", "Leave it out.")
    if names.names_date(name):
        yield _finding(
            where, "exact-date", "it holds dates by its name", "Give times since a starting point, on a grid."
        )
    if names.names_free_text(name):
        yield _finding(where, "free-text", "it holds free text by its name", "Leave it out.")
    if names.names_extreme(name):
        yield _finding(
            where, "extreme", "it is a minimum or maximum by its name: one patient's value",
            "Release quantiles that rest on the minimum cell, such as quartiles.",
        )  # fmt: skip


def _check_statistics(where: str, frame: pl.DataFrame) -> Iterator[Finding]:
    for name in ("statistic", "kind", "measure", "quantity", "stat", "index", ""):
        if name in frame.columns and frame.schema[name] == pl.String:
            for value in frame[name].drop_nulls().unique():
                if names.names_extreme(value):
                    yield _finding(
                        f"{where}, column {name!r}", "extreme", "one of its statistics is a minimum or maximum",
                        "Release quantiles that rest on the minimum cell, such as quartiles.",
                    )  # fmt: skip


def check_length(where: str, frame: pl.DataFrame, rules: Rules) -> Iterator[Finding]:
    """Refuse tables whose rows no known key tells apart."""
    if frame.height > FEW_ROWS and not _is_keyed(frame, rules):
        yield _finding(
            where, "row-level", "no known key tells its rows apart, so each may be a patient",
            "Give every row its key: site, model, term, metric, variable and level, horizon, a time of the grid.",
        )  # fmt: skip
    elif frame.height >= rules.too_long and not rules.words:
        yield _finding(
            where, "too-long", "it is as long as a cohort", "Release a summary, or check with the protocol's rules."
        )


def _is_keyed(frame: pl.DataFrame, rules: Rules) -> bool:
    keys = [name for name in frame.columns if _is_text(frame, name) and not looks_like_numbering(_texts(frame[name]))]
    keys += [name for name in frame.columns if frame.schema[name].is_numeric() and _is_grid(frame[name], rules)]
    return bool(keys) and frame.select(keys).n_unique() == frame.height


def _unnumbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out numbers that only count the rows."""
    return frame.select(
        name
        for name, dtype in frame.schema.items()
        if not dtype.is_integer()
        or frame[name].n_unique() < frame.height
        or names.normalised(name) in {"time", "horizon"}
    )


def _is_text(frame: pl.DataFrame, name: str) -> bool:
    dtype = frame.schema[name]
    return dtype in {pl.String, pl.Boolean} or isinstance(dtype, pl.Enum | pl.Categorical)


def _is_grid(values: pl.Series, rules: Rules) -> bool:
    """Say whether numbers are a grid decided beforehand: the protocol's times, or few evenly spaced ones of a key."""
    plain = names.normalised(values.name)
    if plain not in names.KEY_NUMBERS and not plain.startswith("time"):
        return False
    distinct = sorted({float(value) for value in values.to_list() if value is not None and value == value})  # noqa: PLR0124
    if not distinct or len(distinct) >= min(LONGEST_GRID, rules.too_long):
        return False
    times = rules.times or distinct
    if plain.startswith(("time", "horizon")) and set(distinct) <= set(times):
        return True
    steps = [after - before for before, after in pairwise(distinct)]
    return bool(steps) and max(steps) - min(steps) <= 1e-6 * max(1.0, *steps)


def _texts(values: pl.Series) -> list[str]:
    return [str(value) for value in values.drop_nulls()]


def _check_texts(where: str, frame: pl.DataFrame, scrutiny: Scrutiny) -> Iterator[Finding]:
    for name in frame.columns:
        if not _is_text(frame, name) or frame.schema[name] == pl.Boolean:
            continue
        place, texts = f"{where}, column {name!r}", _texts(frame[name])
        seen: set[str] = set()
        for text in dict.fromkeys(texts):
            for finding in scrutiny.text(place, text):
                if finding.rule not in seen:
                    seen.add(finding.rule)
                    yield finding
        yield from _check_words(place, name, texts, scrutiny.rules)


def _check_words(where: str, name: str, texts: list[str], rules: Rules) -> Iterator[Finding]:
    if any(len(text) > LONGEST_CELL for text in texts):
        yield _finding(where, "free-text", f"a cell is longer than {LONGEST_CELL} characters", "Leave the text out.")
    instants = names.normalised(name) in {"started", "ended"} and all(map(_INSTANT.fullmatch, texts))  # of runs
    if not instants and looks_like_numbering(list(dict.fromkeys(texts))) and len(set(texts)) == len(texts):
        yield _finding(where, "id-like", "its values look like a numbering of patients", "Leave the column out.")
    elif rules.words and names.normalised(name) not in _OF_SOFTWARE and not names.names_index(name):
        strange = {word for text in dict.fromkeys(texts) for word in words_of(text)} - rules.words
        if strange:
            yield _finding(
                where, "free-text", f"{len(strange)} of its words are neither the protocol's nor those of our tables",
                "Use names, codes and labels of the codebook.",
            )  # fmt: skip
    elif (
        len(texts) > FEW_ROWS
        and len(set(texts)) == len(texts)
        and sum(len(text.split()) > 4 for text in texts) > len(texts) / 2
    ):
        yield _finding(where, "free-text", "every cell is a sentence of its own", "Leave the text out.")


def _check_shares(where: str, frame: pl.DataFrame, rules: Rules) -> Iterator[Finding]:
    shares = [name for name in frame.columns if names.names_share(name) and frame.schema[name].is_numeric()]
    counts = [name for name in frame.columns if names.counted(name) or (name == "value" and "kind" in frame.columns)]
    for name in shares:
        known = frame[name].is_not_null()
        if any(
            (frame[count].is_null() & known).any()
            for count in counts
            if frame.schema[count].is_numeric() or frame.schema[count] == pl.Null
        ):
            yield _finding(
                f"{where}, column {name!r}", "given-back", "a share stands beside a withheld count and gives it back",
                "Withhold the share with the count.",
            )  # fmt: skip
        elif not counts and rules.cohort_size is not None:
            yield from _check_bare_share(
                f"{where}, column {name!r}", frame[name].drop_nulls(), rules, rules.cohort_size
            )


def _check_bare_share(where: str, shares: pl.Series, rules: Rules, patients: int) -> Iterator[Finding]:
    scale = 100.0 if re.search(r"percent|pct|%", shares.name.lower()) or bool((shares > 1).any()) else 1.0
    people = shares.cast(pl.Float64) / scale * patients
    rest = patients - people
    edge = rules.minimum_cell - 0.5
    if bool(((people > 0.5) & (people < edge)).any()) or bool(((rest > 0.5) & (rest < edge)).any()):
        yield _finding(
            where, "small-cell", "a share of the cohort is fewer than the minimum, or all but fewer", "Withhold it."
        )


def _finding(where: str, rule: str, what: str, remedy: str) -> Finding:
    return Finding(where=where, rule=rule, what=what, remedy=remedy)
