"""Whether withheld counts can be found again: from totals, margins, percentages and other tables."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import linprog

from .columns import CONSTANT, KEY_NUMBERS, TOTALS, counted, normalised
from .curves import curve_shares
from .findings import Finding
from .rules import Rules

Key = frozenset[tuple[str, str]]
"""What a count is of: variables and their levels; empty for the whole cohort."""

MOST_AUDITED = 300
_LABELS = ("label", "unit", "reason")
_NO_PARTS = frozenset({"horizon", "time", "months", "month", "days", "day", "years", "threshold", "metric", "step"})
"""Keys whose levels do not add up to anything."""


@dataclass(frozen=True, kw_only=True)
class Count:
    """A published or withheld (null) count: what it counts, of whom, and where it stands."""

    measure: str
    key: Key
    value: int | None
    where: str


def counts_in(where: str, frame: pl.DataFrame, rules: Rules) -> list[Count]:
    """Return every count of a table with what it is a count of; constant keys such as the site are left out.

    A column is a count by its name, or, in a table of whole numbers only, because nothing else can be: a cross-table
    has its levels as columns.
    """
    columns = _count_columns(frame, rules)
    names = [name for name in frame.columns if name not in columns and _is_key(frame[name])]
    found = []
    for number, row in enumerate(frame.iter_rows(named=True), start=1):
        if row.get("kind", "count") not in {"count", "missing"}:
            continue
        base = _key_of(row, names)
        for column, meaning in columns.items():
            value = row[column]
            if value is not None and (value != value or value != round(value)):  # noqa: PLR0124 - NaN
                continue
            measure, key = ("patients", base | _level(column)) if meaning == "" else (meaning, base)
            found.append(
                Count(
                    measure=measure,
                    key=key,
                    value=None if value is None else round(value),
                    where=f"{where}, row {number}, column {column!r}",
                )
            )
    return found


def _count_columns(frame: pl.DataFrame, rules: Rules) -> dict[str, str]:
    """Return what each column of counts counts; an empty meaning says that the column is itself a level."""
    numeric = [name for name, dtype in frame.schema.items() if dtype.is_numeric() or dtype == pl.Null]
    named = {name: meaning for name in numeric if (meaning := counted(name)) is not None}
    if "value" in numeric and "kind" in frame.columns:
        named["value"] = "patients"
    settled = named.keys() | curve_shares(frame)
    others = [
        name for name in numeric if name not in settled and not _is_key_number(name) and frame[name].dtype != pl.Null
    ]
    whole = [name for name in others if _is_whole(frame[name])]
    if len(whole) >= 2 and whole == others and not rules.variables & set(whole):
        named |= dict.fromkeys(whole, "")
    return {
        name: "" if "" in named.values() and normalised(name) in TOTALS else meaning for name, meaning in named.items()
    }


def _is_whole(values: pl.Series) -> bool:
    known = values.drop_nulls()
    return known.len() > 0 and bool((known >= 0).all()) and bool((known == known.round()).all())


def _is_key_number(name: str) -> bool:
    return normalised(name) in KEY_NUMBERS | {"replicates", "seed", "version"}


def _is_key(values: pl.Series) -> bool:
    name = normalised(values.name)
    if name in CONSTANT or name.startswith(_LABELS) or name.endswith(("_en", "_ko")) or name == "kind":
        return False
    return (
        values.dtype in {pl.String, pl.Boolean}
        or isinstance(values.dtype, pl.Enum | pl.Categorical)
        or _is_key_number(name)
        or (values.dtype.is_integer() and name in {"grade", "stage"})
    )


def _key_of(row: Mapping[str, object], names: list[str]) -> Key:
    if "variable" in row and "level" in row:
        level = row["level"] if row["level"] is not None else row.get("kind", "missing")
        rest = [name for name in names if name not in {"variable", "level"}]
        return frozenset({(str(row["variable"]), str(level))}) | _key_of({name: row[name] for name in rest}, rest)
    return frozenset(
        (name, str(row[name]))
        for name in names
        if row[name] is not None and str(row[name]).strip().lower() not in TOTALS
    )


def _level(column: str) -> Key:
    return frozenset() if normalised(column) in TOTALS else frozenset({("column", column)})


def check_counts(counts: Iterable[Count], rules: Rules) -> Iterator[Finding]:
    """Refuse counts from 1 to the minimum less one, and withheld ones that the others give back.

    The tables of a run are read together as one system of equations: for each variable, the counts of its levels add up
    to the count without it. A count that is not published is bounded by linear programming from all that is; it is
    given away if both bounds agree, or if the upper one shows that it is small.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, Wiley, doi:10.1002/9781118348239, chapter 4.
    """
    listed = list(counts)
    yield from _small(listed, rules)
    by_measure: dict[str, dict[Key, Count]] = defaultdict(dict)
    for count in listed:
        by_measure[count.measure].setdefault(count.key, count)
    if rules.cohort_size is not None and "patients" in by_measure:
        whole = Count(measure="patients", key=frozenset(), value=rules.cohort_size, where="the cohort")
        by_measure["patients"].setdefault(whole.key, whole)
    for facts in by_measure.values():
        yield from _audit(facts, rules)
    yield from _without_event(by_measure.get("patients", {}), by_measure.get("events", {}), rules)


def _small(counts: Iterable[Count], rules: Rules) -> Iterator[Finding]:
    for count in counts:
        if count.value is not None and 0 < count.value < rules.minimum_cell:
            yield Finding(
                where=count.where,
                rule="small-cell",
                what=f"a count is from 1 to {rules.minimum_cell - 1}",
                remedy="Withhold it with suppress_counts, and a second one where a total would give it back.",
            )


def _without_event(patients: Mapping[Key, Count], events: Mapping[Key, Count], rules: Rules) -> Iterator[Finding]:
    for key in patients.keys() & events.keys():
        everyone, with_event = patients[key].value, events[key].value
        if everyone is not None and with_event is not None and 0 < everyone - with_event < rules.minimum_cell:
            yield Finding(
                where=events[key].where,
                rule="complement",
                what=f"patients less events leaves from 1 to {rules.minimum_cell - 1} without the event",
                remedy="Withhold the number of events.",
            )


@dataclass(frozen=True)
class _Sum:
    """The counts of all levels of one variable, and the count that they add up to."""

    whole: Key
    parts: tuple[Key, ...]


def _sums(facts: Mapping[Key, Count]) -> list[_Sum]:
    parts: dict[tuple[Key, str], list[Key]] = defaultdict(list)
    for key in facts:
        for pair in key:
            if pair[0] not in _NO_PARTS:
                parts[key - {pair}, pair[0]].append(key)
    return [_Sum(whole, tuple(keys)) for (whole, _), keys in parts.items() if whole in facts]


def _audit(facts: Mapping[Key, Count], rules: Rules) -> Iterator[Finding]:
    hidden = [key for key, count in facts.items() if count.value is None]
    equations = []
    for one in _sums(facts):
        unknown = [key for key in (one.whole, *one.parts) if facts[key].value is None]
        if unknown:
            equations.append(one)
        else:
            yield from _check_rest(facts, one, rules)
    if hidden and equations and len(hidden) <= MOST_AUDITED:
        yield from _recovered(facts, hidden, equations, rules)


def _check_rest(facts: Mapping[Key, Count], one: _Sum, rules: Rules) -> Iterator[Finding]:
    rest = (facts[one.whole].value or 0) - sum(facts[key].value or 0 for key in one.parts)
    if 0 < rest < rules.minimum_cell:
        yield Finding(
            where=facts[one.parts[0]].where,
            rule="complement",
            what=f"the total less the counts shown leaves from 1 to {rules.minimum_cell - 1} patients",
            remedy="Withhold one of the counts, or leave out the total.",
        )


def _recovered(facts: Mapping[Key, Count], hidden: list[Key], equations: list[_Sum], rules: Rules) -> Iterator[Finding]:
    place = {key: number for number, key in enumerate(hidden)}
    matrix, known = np.zeros((len(equations), len(hidden))), np.zeros(len(equations))
    for row, one in enumerate(equations):
        for key, sign in [(one.whole, -1.0), *((part, 1.0) for part in one.parts)]:
            value = facts[key].value
            if value is None:
                matrix[row, place[key]] += sign
            else:
                known[row] -= sign * value
    used = np.flatnonzero(np.abs(matrix).sum(axis=0))
    for column in used:
        low, high = _bounds(matrix, known, int(column))
        count = facts[hidden[column]]
        if high - low < 1:
            yield _given_back(count.where, "a withheld count follows exactly from the counts shown")
        elif high < rules.minimum_cell:
            yield _given_back(count.where, "the counts shown prove that a withheld count is under the minimum")


def _bounds(matrix: np.ndarray, known: np.ndarray, column: int) -> tuple[float, float]:
    """Return the least and the greatest value that a withheld count can have."""
    goal = np.zeros(matrix.shape[1])
    ends = []
    for sign in (1.0, -1.0):
        goal[column] = sign
        solved = linprog(goal, A_eq=matrix, b_eq=known, bounds=(0, None), method="highs")
        if solved.status == 3:
            ends.append(np.inf)
        elif solved.status != 0:  # the tables contradict each other: nothing can be inferred
            return 0.0, np.inf
        else:
            ends.append(float(solved.x[column]))
    return ends[0], ends[1]


def _given_back(where: str, what: str) -> Finding:
    return Finding(
        where=where,
        rule="given-back",
        what=what,
        remedy="Withhold a second count of the same total (complementary suppression), or the total.",
    )
