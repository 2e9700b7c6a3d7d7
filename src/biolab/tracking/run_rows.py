"""The rows of runs as the database of a store holds them, and what tells a changed run without reading its rows."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from biolab.core import TrackingError

from .session import explain, load_mlflow, translated
from .store import Store

if TYPE_CHECKING:
    from collections.abc import Generator

_AT_ONCE = 400
_MS = pl.Datetime("ms", "UTC")
_TEXT = pl.String()
RUN_SCHEMA = {
    **dict.fromkeys(("run_id", "experiment", "name", "status", "lifecycle", "user"), _TEXT),
    "started": _MS,
    "ended": _MS,
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "runs": RUN_SCHEMA,
    "params": {"run_id": _TEXT, "key": _TEXT, "value": _TEXT},
    "metrics": {"run_id": _TEXT, "key": _TEXT, "value": pl.Float64(), "step": pl.Int64(), "logged": _MS},
    "tags": {"run_id": _TEXT, "key": _TEXT, "value": _TEXT},
}
"""Columns of the tables of runs; ``metrics`` holds the last value of each, as MLflow shows it."""

_RUNS = (
    "SELECT r.run_uuid, e.name, r.name, r.status, r.lifecycle_stage, r.user_id, r.start_time, r.end_time "
    "FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id"
)
_ROWS = {
    "params": "SELECT run_uuid, key, value FROM params",
    "metrics": "SELECT run_uuid, key, CASE WHEN is_nan THEN NULL ELSE value END, step, timestamp FROM latest_metrics",
    "tags": "SELECT run_uuid, key, value FROM tags",
}
_MARKS = (
    "SELECT run_uuid, COUNT(*), SUM(value), MAX(timestamp), SUM(step), SUM(is_nan) FROM latest_metrics "
    "GROUP BY run_uuid",
    "SELECT run_uuid, COUNT(*), SUM(LENGTH(value)) FROM params GROUP BY run_uuid",
    "SELECT run_uuid, GROUP_CONCAT(key || '=' || COALESCE(value, ''), '\n') FROM tags GROUP BY run_uuid",
)


def has_rows(store: Store) -> bool:
    """Say whether the rows of a store can be read from a file on this computer."""
    return store.database is not None


def stamp(path: Path) -> str:
    """Return what differs after every change of an SQLite database: its change counter, and its log's where it has one.

    Read it before the rows: a change in between is then found the next time.
    """
    facts = []
    for file, size in ((path, 28), (path.with_name(f"{path.name}-wal"), 32), (path.with_name(f"{path.name}-shm"), 96)):
        if file.exists():
            with file.open("rb") as handle:
                facts.append((file.stat().st_size, file.stat().st_mtime_ns, handle.read(size)))
    return hashlib.sha256(repr(facts).encode()).hexdigest()


@contextmanager
def snapshot(store: Store) -> "Generator[sqlite3.Connection]":
    """Open the database for reading only, as it is at one moment.

    Raises
    ------
    TrackingError
        If there is none, or it is locked or not MLflow's.
    """
    path = store.database
    if path is None or not path.exists():
        raise TrackingError(f"{store.label} is not a database on this computer.")
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30, isolation_level=None)) as opened:
            opened.execute("BEGIN")
            yield opened
    except sqlite3.Error as error:
        raise TrackingError(explain(error, store.label)) from error


def is_empty(opened: sqlite3.Connection) -> bool:
    """Say whether the database has no table yet: another process is making it."""
    return not opened.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def read_runs(opened: sqlite3.Connection) -> pl.DataFrame:
    """Return all runs, those deleted in MLflow too; ``mark`` changes with anything a run holds."""
    marks = [dict(_marked(opened, statement)) for statement in _MARKS]
    rows = opened.execute(_RUNS).fetchall()
    said = (repr((row, *(each.get(row[0]) for each in marks))) for row in rows)
    digests = [hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in said]
    return _frame(rows, RUN_SCHEMA).with_columns(mark=pl.Series(digests, dtype=pl.String))


def read_rows(opened: sqlite3.Connection, name: str, runs: Sequence[str] | None) -> pl.DataFrame:
    """Return the params, metrics or tags of some runs, or of all."""
    if runs is None:
        return _frame(opened.execute(_ROWS[name]).fetchall(), SCHEMAS[name])
    frames = [_frame([], SCHEMAS[name])]
    for start in range(0, len(runs), _AT_ONCE):
        chosen = runs[start : start + _AT_ONCE]
        statement = f"{_ROWS[name]} WHERE run_uuid IN ({','.join('?' * len(chosen))})"
        frames.append(_frame(opened.execute(statement, chosen).fetchall(), SCHEMAS[name]))
    return pl.concat(frames)


def fetch_runs(store: Store, *, since_ms: int | None) -> dict[str, pl.DataFrame]:
    """Return the runs of a server by its interface: all, or those begun since a time and those that are not finished.

    A server does not say what was changed in finished runs, so only a reading of all of them shows it.

    Raises
    ------
    TrackingError
        If the server cannot be read.
    """
    mlflow = load_mlflow()
    views, active = mlflow.entities.ViewType, mlflow.entities.ViewType.ACTIVE_ONLY
    wanted = [("", views.ALL)]
    if since_ms is not None:
        wanted = [(f"attributes.start_time >= {since_ms}", active), ("attributes.status = 'RUNNING'", active)]
    found: dict[str, Any] = {}
    with store.session() as client, translated(store.label):
        names = {each.experiment_id: each.name for each in client.search_experiments(view_type=views.ALL)}
        for condition, view in wanted:
            token = None
            while names:
                page = client.search_runs(list(names), condition, view, max_results=1000, page_token=token)
                found |= {run.info.run_id: run for run in page}
                if not (token := page.token):
                    break
    return _entities(found.values(), names)


def _entities(runs: Any, names: dict[str, str]) -> dict[str, pl.DataFrame]:
    rows: dict[str, list[tuple]] = {name: [] for name in SCHEMAS}
    for run in runs:
        info, data = run.info, run.data
        run_id = info.run_id
        at = (info.start_time, info.end_time)
        experiment = names[info.experiment_id]
        rows["runs"].append((run_id, experiment, info.run_name, info.status, info.lifecycle_stage, info.user_id, *at))
        rows["params"] += [(run_id, *each) for each in data.params.items()]
        rows["tags"] += [(run_id, *each) for each in data.tags.items()]
        points = (
            (each.key, None if each.value != each.value else each.value, each.step, each.timestamp)
            for each in data._metric_objs
        )
        rows["metrics"] += [(run_id, *each) for each in points]
    frames = {name: _frame(rows[name], schema) for name, schema in SCHEMAS.items()}
    return frames | {"runs": frames["runs"].with_columns(mark=pl.lit("", pl.String))}


def _marked(opened: sqlite3.Connection, statement: str) -> Iterator[tuple[str, tuple]]:
    return ((row[0], row[1:]) for row in opened.execute(statement))


def _frame(rows: Sequence[tuple], schema: dict[str, Any]) -> pl.DataFrame:
    """Lay rows out as columns; times come as milliseconds since 1970."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    plain = {name: pl.Int64() if kind == _MS else kind for name, kind in schema.items()}
    series = [pl.Series(name, values, dtype=plain[name]) for name, values in zip(schema, columns, strict=True)]
    return pl.DataFrame(series).cast({name: kind for name, kind in schema.items() if kind == _MS})
