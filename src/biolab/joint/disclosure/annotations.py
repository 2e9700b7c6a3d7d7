"""Parameters, metrics, tags and what else a run says about itself."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import columns as names
from .findings import Finding
from .scrutiny import Scrutiny

RUN_PARTS = frozenset({"params", "metrics", "tags"})
_NUMBERED = re.compile(r"\d+")
_AT = re.compile(r"(?:\.|_)at_[\d.]+")
_OF_THE_STORE = re.compile(
    r"mlflow\.loggedArtifacts|mlflow\.log-model\.history|biolab\.process|biolab\.run_digest|biolab\.signature|biolab\.site\.key"
)
_COMPUTED = frozenset({"c", "k", "se", "n"})


def check_annotations(where: str, content: Mapping[str, Any], scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check a run's parameters, metrics (also whole histories) and tags, by part or all in one mapping."""
    parts = content if content.keys() <= RUN_PARTS and content else {"": content}
    for part, values in parts.items():
        place = f"{where} {part}".strip()
        pairs = list(_pairs(values))
        yield from _check_family(place, [name for name, _ in pairs], scrutiny)
        for name, value in pairs:
            yield from _check_entry(place, name, value, scrutiny)


def _pairs(values: object) -> Iterator[tuple[str, Any]]:
    """Yield names and values; metrics listed as name, step and value become histories."""
    if isinstance(values, Mapping):
        yield from ((str(name), value) for name, value in values.items())
    elif isinstance(values, list):
        histories: dict[str, list[Any]] = {}
        for row in values:
            if isinstance(row, list | tuple) and len(row) == 3:
                histories.setdefault(str(row[0]), []).append((row[1], row[2]))
            elif isinstance(row, Mapping) and {"key", "value"} <= row.keys():
                histories.setdefault(str(row["key"]), []).append((row.get("step", 0), row["value"]))
        for name, history in histories.items():
            yield name, history[0][1] if len(history) == 1 else history


def _check_entry(where: str, name: str, value: object, scrutiny: Scrutiny) -> Iterator[Finding]:
    from .tables import check_heading

    place = f"{where} {_shown(name)}".strip()
    yield from check_heading(
        place, re.split(r"[/.]", name)[-1] if not name.startswith("mlflow.") else "", scrutiny.rules
    )
    yield from scrutiny.text(f"{where}, a name".lstrip(", "), name)
    yield from _check_count(place, name, value, scrutiny)
    match value:
        case list() | tuple():
            yield from _check_history(place, list(value), scrutiny)
        case Mapping():
            for inner, each in value.items():
                yield from _check_entry(where, f"{name}.{inner}", each, scrutiny)
        case bool() | None:
            return
        case int() | float():
            return
        case _ if not _OF_THE_STORE.fullmatch(name):
            yield from _check_said(place, str(value), scrutiny)
        case _:
            yield from scrutiny.text(place, str(value) if name == "mlflow.loggedArtifacts" else "")


def _check_said(where: str, text: str, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check the text of a parameter or tag; where it is JSON, its content too."""
    from .documents import check_json

    yield from scrutiny.text(where, text)
    if text[:1] in {"[", "{"}:
        try:
            content = json.loads(text)
        except ValueError:
            content = None
        if isinstance(content, list | dict):
            yield from check_json(where, content, scrutiny)
    elif text.count(",") + text.count(";") + text.count("\n") >= scrutiny.rules.too_long - 1:
        yield _finding(where, "too-long", "it lists as much as a cohort", "Release a summary.")


def _check_count(where: str, name: str, value: object, scrutiny: Scrutiny) -> Iterator[Finding]:
    minimum = scrutiny.rules.minimum_cell
    counts = any(names.counted(part) and part not in _COMPUTED for part in re.split(r"[/.]", name))
    number = _number(value)
    if counts and number is not None and number == round(number) and 0 < number < minimum:
        yield _finding(where, "small-cell", f"a count is from 1 to {minimum - 1}", "Withhold it.")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _check_history(where: str, points: list[Any], scrutiny: Scrutiny) -> Iterator[Finding]:
    rules = scrutiny.rules
    if len(points) >= rules.too_long:
        yield _finding(where, "too-long", "its history has as many steps as a cohort has patients", "Log it on a grid.")
    pairs = [point for point in points if isinstance(point, list | tuple) and len(point) == 2]
    steps = [float(step) for step, _ in pairs]
    if (
        rules.times
        and len(steps) > 3
        and not set(steps) <= {float(round(time)) for time in rules.times}
        and not _counts_up(steps)
    ):
        yield _finding(where, "off-grid", "its steps are not times of the protocol's grid", "Log it on the grid.")


def _counts_up(steps: Iterable[float]) -> bool:
    """Say whether steps are rounds of a fit: 0, 1, 2, ... without gaps, and few."""
    listed = list(steps)
    return (
        listed in ([float(i) for i in range(len(listed))], [float(i) for i in range(1, len(listed) + 1)])
        and len(listed) <= 101
    )


def _check_family(where: str, given: list[str], scrutiny: Scrutiny) -> Iterator[Finding]:
    """Refuse families of names that differ by a running number: one a patient."""
    stems = Counter(_NUMBERED.sub("#", _AT.sub("", name)) for name in given if _NUMBERED.search(_AT.sub("", name)))
    if any(number >= scrutiny.rules.minimum_cell for number in stems.values()):
        yield _finding(
            where.strip() or "names", "per-patient", "many names differ by a number only, as one a patient would",
            "Log one name, or a curve on the grid.",
        )  # fmt: skip


def _shown(name: str) -> str:
    return repr(name[:60]) if re.fullmatch(r"[A-Za-z_.\-/]+", name) else "an entry"


def _finding(where: str, rule: str, what: str, remedy: str) -> Finding:
    return Finding(where=where, rule=rule, what=what, remedy=remedy)
