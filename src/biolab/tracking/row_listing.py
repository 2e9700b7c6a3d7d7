"""The runs of one experiment of a store in a file, straight from its rows: what MLflow's search returns, in moments."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .run_cache import cached_runs
from .run_rows import is_empty, snapshot
from .store import Store

KEPT_FROM = 2000
"""Runs of an experiment from which the tables kept on this computer are faster than the rows."""
Values = Mapping[str, dict]


@dataclass(frozen=True, kw_only=True)
class ListedRun:
    """A run's row and, by key, its params, last metrics and tags; ``started`` is in milliseconds since 1970."""

    run_id: str
    experiment: str
    name: str | None
    status: str
    started: int
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


_OF_EXPERIMENT = (
    "FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id "
    "WHERE r.lifecycle_stage = 'active' AND (e.name = :name OR substr(e.name, 1, length(:name) + 1) = :name || '/')"
)
_VALUES = {
    "params": "SELECT run_uuid, key, value FROM params",
    "metrics": "SELECT run_uuid, key, CASE WHEN is_nan THEN NULL ELSE value END FROM latest_metrics",
    "tags": "SELECT run_uuid, key, value FROM tags",
}


def list_experiment(store: Store, name: str) -> list[ListedRun]:
    """List the runs of an experiment and of those under it that are not deleted, as they are now.

    Raises
    ------
    TrackingError
        If the store is not a database in a file, or cannot be read.
    """
    with snapshot(store) as opened:
        if is_empty(opened):
            return []
        ((number,),) = opened.execute(f"SELECT count(*) {_OF_EXPERIMENT}", {"name": name}).fetchall()
        if number < KEPT_FROM:
            return list(_from_rows(opened, name))
    return list(_from_tables(store, name))


def _from_rows(opened: sqlite3.Connection, name: str) -> Iterator[ListedRun]:
    wanted = {"name": name}
    columns = "r.run_uuid, e.name, r.name, r.status, r.start_time"
    runs = opened.execute(f"SELECT {columns} {_OF_EXPERIMENT}", wanted).fetchall()
    chosen = f"WHERE run_uuid IN (SELECT r.run_uuid {_OF_EXPERIMENT})"
    values = {part: _by_run(opened.execute(f"{query} {chosen}", wanted)) for part, query in _VALUES.items()}
    return (_listed(row, values) for row in runs)


def _from_tables(store: Store, name: str) -> Iterator[ListedRun]:
    tables = cached_runs(store, experiment=name)
    found = {"params": tables.params, "metrics": tables.metrics, "tags": tables.tags}
    values = {part: _by_run(table.select("run_id", "key", "value").iter_rows()) for part, table in found.items()}
    rows = tables.runs.select("run_id", "experiment", "name", "status", tables.runs["started"].dt.epoch("ms"))
    return (_listed(row, values) for row in rows.iter_rows())


def _by_run(rows: "Iterator[tuple] | sqlite3.Cursor") -> Values:
    found: defaultdict[str, dict] = defaultdict(dict)
    for run, key, value in rows:
        found[run][key] = value
    return found


def _listed(row: tuple, values: Mapping[str, Values]) -> ListedRun:
    run_id, experiment, name, status, started = row
    metrics = {
        key: float("nan") if value is None else value for key, value in values["metrics"].get(run_id, {}).items()
    }
    return ListedRun(
        run_id=run_id,
        experiment=experiment,
        name=name,
        status=status,
        started=started,
        params=values["params"].get(run_id, {}),
        metrics=metrics,
        tags=values["tags"].get(run_id, {}),
    )
