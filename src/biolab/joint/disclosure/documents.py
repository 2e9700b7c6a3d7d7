"""JSON: tables in any orientation, runs, schemas, settings; lists as long as a cohort."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from . import columns as names
from .annotations import RUN_PARTS, check_annotations
from .columns import names_in
from .findings import Finding
from .released import check_released, is_released
from .scrutiny import Scrutiny
from .small_cells import Count, counts_in
from .tables import check_heading, check_table

_MEMORY = names_in("""
    support_vectors support_vectors_ _fit_x x_train y_train x_fit training_data train_x alpha_ dual_coef
    dual_coef_ embedding embeddings embedding_weight memory prototypes centers inducing_points neighbors_data
    rows records data_rows
""")
_OF_DATES = frozenset(
    {"date", "started", "ended", "time", "timestamp", "locked_at", "datepublished", "datecreated", "datemodified"}
)
_LONGEST = 1000


def check_json(where: str, content: object, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check the content of a JSON file, whatever it is."""
    if _is_the_protocol(content, scrutiny):
        return
    if is_released(content):
        yield from check_released(where, content, scrutiny)
        return
    frame = table_in(content)
    if frame is not None:
        yield from check_table(where, frame, scrutiny)
        return
    match content:
        case Mapping():
            yield from _check_object(where, content, scrutiny)
        case list():
            yield from _check_list(where, content, scrutiny)
        case str():
            yield from scrutiny.text(where, content)
        case _:
            return


def _is_the_protocol(content: object, scrutiny: Scrutiny) -> bool:
    wanted = scrutiny.rules.protocol
    return wanted is not None and isinstance(content, dict) and "codebook" in content and json.loads(wanted) == content


def table_in(content: object) -> pl.DataFrame | None:
    """Return the table that JSON holds in whatever orientation: split, records, columns of lists, columns by row."""
    match content:
        case {"dataframe_split": inner} | {"dataframe_records": inner} | {"inputs": list() as inner} if (
            len(content) == 1
        ):
            return table_in(inner)
        case {"columns": list() as columns, "data": list() as rows} if all(isinstance(row, list) for row in rows):
            return _frame(
                {str(name): [row[i] if i < len(row) else None for row in rows] for i, name in enumerate(columns)}
            )
        case list() if len(content) > 1 and all(isinstance(row, dict) and _is_flat(row.values()) for row in content):
            columns = list(dict.fromkeys(name for row in content for name in row))
            return _frame({name: [row.get(name) for row in content] for name in columns})
        case dict() if len(content) > 1 and all(
            isinstance(values, list) and _is_flat(values) for values in content.values()
        ):
            lengths = {len(values) for values in content.values()}
            return _frame(content) if len(lengths) == 1 and lengths != {0} else None
        case dict() if len(content) > 1 and all(
            isinstance(values, dict) and _is_flat(values.values()) for values in content.values()
        ):
            return _by_row(content)
        case _:
            return None


def _by_row(content: Mapping[str, Mapping[str, object]]) -> pl.DataFrame | None:
    rows = [tuple(values) for values in content.values()]
    if len(set(rows)) > 1 or not rows[0]:
        return None
    return _frame({name: list(values.values()) for name, values in content.items()})


def _is_flat(values: Any) -> bool:
    return not any(isinstance(value, list | dict) for value in values)


def _frame(columns: Mapping[str, Sequence[object]]) -> pl.DataFrame:
    return pl.DataFrame([_series(str(name), list(values)) for name, values in columns.items()])


def _series(name: str, values: list[Any]) -> pl.Series:
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, bool) for value in known):
        return pl.Series(name, values, dtype=pl.Boolean)
    if known and all(isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**62 for value in known):
        return pl.Series(name, values, dtype=pl.Int64)
    if known and all(isinstance(value, int | float) or value in {"NaN", "Infinity", "-Infinity"} for value in known):
        return pl.Series(name, [None if isinstance(value, str) else value for value in values], dtype=pl.Float64)
    return pl.Series(
        name, [None if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]
    )


def counts_of_json(where: str, content: object, scrutiny: Scrutiny) -> list[Count]:
    """Return the counts of a table that JSON holds."""
    if _is_the_protocol(content, scrutiny) or is_released(content):
        return []
    frame = table_in(content)
    return [] if frame is None else counts_in(where, frame, scrutiny.rules)


def _check_object(where: str, content: Mapping[str, Any], scrutiny: Scrutiny) -> Iterator[Finding]:
    if RUN_PARTS & content.keys() and all(
        isinstance(content[name], dict | list) for name in RUN_PARTS & content.keys()
    ):
        run = {name: content[name] for name in RUN_PARTS & content.keys()}
        yield from check_annotations(where, run, scrutiny)
        content = {name: value for name, value in content.items() if name not in RUN_PARTS}
    for name, value in content.items():
        place = f"{where}, {_shown(name)}"
        yield from scrutiny.text(place, str(name))
        yield from check_heading(place, str(name), scrutiny.rules)
        yield from _check_member(place, str(name), value, scrutiny)


def _check_member(where: str, name: str, value: object, scrutiny: Scrutiny) -> Iterator[Finding]:
    plain = names.normalised(name)
    if name.lower() in _MEMORY or plain in _MEMORY:
        yield Finding(
            where=where,
            rule="memorises-rows",
            what="it holds rows a model has memorised",
            remedy="Release coefficients.",
        )
    minimum = scrutiny.rules.minimum_cell
    if names.counted(name) and isinstance(value, int) and not isinstance(value, bool) and 0 < value < minimum:
        yield Finding(where=where, rule="small-cell", what=f"a count is from 1 to {minimum - 1}", remedy="Withhold it.")
    if names.names_prediction(name) and isinstance(value, list) and len(value) > 3:
        yield Finding(
            where=where,
            rule="per-patient",
            what="it holds a prediction or residual an entry",
            remedy="Release a summary.",
        )
    if "knot" in plain and isinstance(value, list):
        yield from check_knots(where, len(value), scrutiny)
    if plain in _OF_DATES and isinstance(value, str):
        return
    yield from check_json(where, value, scrutiny)


def check_knots(where: str, knots: int, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Refuse so many knots that there are fewer patients between two than the minimum."""
    rules = scrutiny.rules
    most = 10 if rules.cohort_size is None else rules.cohort_size // rules.minimum_cell
    if knots > most:
        yield Finding(
            where=where,
            rule="memorises-rows",
            what="so many knots leave fewer patients between two than the minimum",
            remedy="Use a few knots at rounded quantiles.",
        )


def _check_list(where: str, content: list[Any], scrutiny: Scrutiny) -> Iterator[Finding]:
    if all(not isinstance(value, list | dict) for value in content):
        yield from _check_values(where, content, scrutiny)
        return
    rows = [row for row in content if isinstance(row, list) and _is_flat(row)]
    if len(rows) == len(content):
        yield from _check_matrix(where, rows, scrutiny)
        return
    if len(content) > _LONGEST:
        yield Finding(
            where=where, rule="too-long", what="the list is too long to be aggregates", remedy="Release a summary."
        )
    for number, value in enumerate(content, start=1):
        yield from check_json(f"{where}, entry {number}", value, scrutiny)


def _check_values(where: str, values: list[Any], scrutiny: Scrutiny) -> Iterator[Finding]:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(values) >= scrutiny.rules.too_long:
        yield Finding(where=where, rule="too-long", what="the list is as long as a cohort", remedy="Release a summary.")
    if scrutiny.traces is not None:
        yield from scrutiny.traces.in_rows(where, [numbers])
    texts = [value for value in values if isinstance(value, str)]
    if texts:
        frame = pl.DataFrame({"name": texts})
        yield from (finding for finding in check_table(where, frame, scrutiny) if finding.rule != "row-level")


def _check_matrix(where: str, rows: list[list[Any]], scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check rows without headings: nothing says that they are aggregates."""
    if len(rows) > 3 and not _is_metric_list(rows):
        yield Finding(
            where=where,
            rule="row-level",
            what="rows without headings may be patients",
            remedy="Write a table with columns and data.",
        )
    if scrutiny.traces is not None:
        yield from scrutiny.traces.in_rows(where, rows)
    for row in rows:
        yield from _check_values(where, row, scrutiny)


def _is_metric_list(rows: list[list[Any]]) -> bool:
    """Say whether rows are metrics: a name, a step and a number each."""
    return all(len(row) == 3 and isinstance(row[0], str) and isinstance(row[1], int) for row in rows)


def _shown(name: str) -> str:
    return f"key {name[:40]!r}" if name.isidentifier() else "a key"
