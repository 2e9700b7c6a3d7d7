"""Survival curves: how many patients their steps rest on."""

import math
from collections.abc import Iterator
from itertools import pairwise

import polars as pl

from .columns import CONSTANT, normalised
from .findings import Finding
from .rules import Rules

_SURVIVAL = frozenset({"survival", "event_free", "s", "surv", "km", "kaplan_meier", "survival_probability"})
_AT_RISK = frozenset({"at_risk", "n_at_risk", "number_at_risk", "n_risk", "num_at_risk"})
_TIME = frozenset({"time", "times", "t", "month", "months", "day", "days", "year", "years"})
_MERGE = "Merge steps with coarsen_steps, or choose a coarser release.grid."


def check_curve(where: str, frame: pl.DataFrame, rules: Rules) -> Iterator[Finding]:
    """Check a table of a survival curve: its times, its numbers at risk and the events its steps rest on.

    A point needs the minimum still at risk. Between two points nobody or the minimum may have left, and nobody or the
    minimum may have had the event. With n at risk at a step's start and survival falling by a factor r, there were at
    most log(r) / log(1 - 1 / n) events, however they were spread: a step whose bound is under the minimum is refused.
    """
    columns = {normalised(name): name for name in frame.columns}
    time, survival, at_risk = (_first(columns, names) for names in (_TIME, _SURVIVAL, _AT_RISK))
    if time is None or survival is None or not all(frame[name].dtype.is_numeric() for name in (time, survival)):
        return
    by = [name for name in frame.columns if frame[name].dtype == pl.String and normalised(name) in CONSTANT | {"group"}]
    for part in frame.partition_by(by) if by else [frame]:
        curve = part.sort(time)
        yield from _check_grid(where, curve[time], rules)
        if at_risk is None:
            yield from _check_bare(where, curve[survival], rules)
        elif curve[at_risk].dtype.is_numeric():
            yield from _check_steps(where, curve[survival].to_list(), curve[at_risk].to_list(), rules)


def curve_shares(frame: pl.DataFrame) -> set[str]:
    """Name the columns of a survival curve that hold shares: one that never falls holds whole numbers, yet no counts.

    >>> sorted(curve_shares(pl.DataFrame({"time": [0.0], "at_risk": [18], "survival": [1.0], "lower": [1.0]})))
    ['lower', 'survival']
    """
    columns = {normalised(name): name for name in frame.columns}
    if _first(columns, _TIME) is None or (survival := _first(columns, _SURVIVAL)) is None:
        return set()
    limits = (columns[name] for name in ("lower", "upper") if name in columns)
    return {
        name
        for name in (survival, *limits)
        if frame[name].dtype.is_numeric() and bool(frame[name].drop_nulls().is_between(0, 1).all())
    }


def _first(columns: dict[str, str], names: frozenset[str]) -> str | None:
    return next((columns[name] for name in columns if name in names), None)


def _check_grid(where: str, times: pl.Series, rules: Rules) -> Iterator[Finding]:
    if rules.times and not set(times.drop_nulls().to_list()) <= set(rules.times):
        yield Finding(
            where=where,
            rule="off-grid",
            what="a curve stands at times that are not on the protocol's grid, so its steps can be single patients",
            remedy="Read the curve off at the protocol's grid.",
        )


def _check_bare(where: str, survival: pl.Series, rules: Rules) -> Iterator[Finding]:
    """Without numbers at risk the cohort's size bounds them; without that, only the grid speaks for the curve."""
    values = survival.drop_nulls().to_list()
    if rules.cohort_size is not None:
        yield from _check_steps(where, values, [rules.cohort_size] * len(values), rules)
    elif not rules.times:
        yield Finding(
            where=where,
            rule="curve-step",
            what="a survival curve without numbers at risk cannot be judged",
            remedy="Add the column at_risk, or check with the rules of the protocol.",
        )


def _check_steps(where: str, survival: list[float], at_risk: list[float], rules: Rules) -> Iterator[Finding]:
    minimum = rules.minimum_cell
    known = [(s, n) for s, n in zip(survival, at_risk, strict=True) if s is not None and n is not None]
    if any(n < minimum for _, n in known):
        yield _finding(
            where, f"a point rests on fewer than {minimum} patients at risk", "End it with stop_where_few_remain."
        )
    pairs = list(pairwise(known))
    if any(0 < abs(before[1] - after[1]) < minimum for before, after in pairs):
        yield _finding(where, f"fewer than {minimum} patients left between two points", _MERGE)
    if any(_most_events(before, after) < minimum for before, after in pairs if 0 < after[0] < before[0]):
        yield _finding(where, f"a step rests on fewer than {minimum} events", _MERGE)


def _most_events(before: tuple[float, float], after: tuple[float, float]) -> float:
    n = before[1]
    return math.inf if n <= 1 else math.log(after[0] / before[0]) / math.log1p(-1 / n) + 1e-6


def _finding(where: str, what: str, remedy: str) -> Finding:
    return Finding(where=where, rule="curve-step", what=what, remedy=remedy)
