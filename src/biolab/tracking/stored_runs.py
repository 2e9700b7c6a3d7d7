"""One run as its store holds it now, as plain values: from the rows of a file, else by MLflow's interface."""

import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolab.core import TrackingError

from . import conventions as names
from .run_rows import has_rows, is_empty, snapshot
from .store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


@dataclass(frozen=True, kw_only=True, order=True)
class MetricPoint:
    """One logged number; the timestamp is in milliseconds since 1970."""

    key: str
    step: int
    timestamp: int
    value: float


@dataclass(frozen=True, kw_only=True)
class DatasetContent:
    """A cohort as the run shows it: digest, column types and row-free profile (both as JSON text)."""

    name: str
    digest: str
    columns: str
    profile: str
    source: str
    context: str


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """A run without its files; ``shown`` are the numbers MLflow's pages show, ``models`` are names and addresses."""

    run_id: str
    experiment: str
    name: str
    status: str
    started: int
    ended: int | None
    artifacts: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    shown: Mapping[str, float]
    points: tuple[MetricPoint, ...]
    datasets: tuple[DatasetContent, ...]
    models: tuple[tuple[str, str], ...]


def stored_run(store: Store, run_id: str) -> StoredRun:
    """Read a run as it stands in the store.

    Raises
    ------
    TrackingError
        If the store cannot be read or has no such run.
    """
    if has_rows(store):
        with snapshot(store) as opened:
            return _from_rows(opened, run_id, store.label)
    with store.session() as client:
        run = client.get_run(run_id)
        experiment = client.get_experiment(run.info.experiment_id)
        outputs = run.outputs.model_outputs if run.outputs else []
        models = [client.get_logged_model(each.model_id) for each in outputs]
        return StoredRun(
            run_id=run_id,
            experiment=experiment.name,
            name=run.info.run_name or "",
            status=run.info.status,
            started=run.info.start_time,
            ended=run.info.end_time,
            artifacts=str(run.info.artifact_uri),
            tags=dict(run.data.tags),
            params=dict(run.data.params),
            shown=dict(run.data.metrics),
            points=_points(client, run),
            datasets=_datasets(run),
            models=tuple((each.name, str(each.artifact_location)) for each in models),
        )


def late_metrics(store: Store, run_id: str) -> dict[str, tuple[float | None, float]]:
    """Return each metric with points later than the run's end: its last value before that, and the one shown now.

    A metric without steps shows its newest point, so of a server only curves have to be read whole to know.

    Raises
    ------
    TrackingError
        If the store cannot be read or has no such run.
    """
    if has_rows(store):
        run = stored_run(store, run_id)
        by_key: dict[str, list[MetricPoint]] = {}
        for point in run.points:
            by_key.setdefault(point.key, []).append(point)
        return _late(by_key, run.ended, run.shown)
    with store.session() as client:
        found = client.get_run(run_id)
        ended: float = math.inf if found.info.end_time is None else found.info.end_time
        newest = found.to_proto().data.metrics
        keys = [each.key for each in newest if each.step != 0 or each.timestamp > ended]
        return _late({key: _history(client, run_id, key) for key in keys}, ended, found.data.metrics)


def _late(
    points: Mapping[str, Sequence[MetricPoint]], end: float | None, shown: Mapping[str, float]
) -> dict[str, tuple[float | None, float]]:
    ended = math.inf if end is None else end
    late: dict[str, tuple[float | None, float]] = {}
    for key, history in points.items():
        before = [point for point in history if point.timestamp <= ended]
        if len(before) < len(history):
            last = max(before, key=lambda point: (point.step, point.timestamp)).value if before else None
            late[key] = (last, shown[key])
    return late


def _history(client: "MlflowClient", run_id: str, key: str) -> tuple[MetricPoint, ...]:
    found = client.get_metric_history(run_id, key)
    return tuple(
        sorted(MetricPoint(key=each.key, step=each.step, timestamp=each.timestamp, value=each.value) for each in found)
    )


def _points(client: "MlflowClient", run: "Run") -> tuple[MetricPoint, ...]:
    return tuple(sorted(point for key in run.data.metrics for point in _history(client, run.info.run_id, key)))


def _datasets(run: "Run") -> tuple[DatasetContent, ...]:
    return _in_order(
        _dataset(
            (each.dataset.name, each.dataset.digest, each.dataset.schema, each.dataset.profile, each.dataset.source),
            {tag.key: tag.value for tag in each.tags},
        )
        for each in (run.inputs.dataset_inputs if run.inputs else [])
    )


def _dataset(row: tuple[str, str, str | None, str | None, str | None], tags: Mapping[str, str]) -> DatasetContent:
    name, digest, columns, profile, source = row
    return DatasetContent(
        name=name,
        digest=tags.get(names.DATASET_DIGEST, digest),
        columns=columns or "",
        profile=profile or "",
        source=source or "",
        context=tags.get(names.DATASET_CONTEXT, ""),
    )


def _in_order(datasets: Iterable[DatasetContent]) -> tuple[DatasetContent, ...]:
    return tuple(sorted(datasets, key=lambda each: (each.name, each.digest)))


_RUN = (
    "SELECT e.name, r.name, r.status, r.start_time, r.end_time, r.artifact_uri "
    "FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id WHERE r.run_uuid = ?"
)
_POINTS = "SELECT key, step, timestamp, CASE WHEN is_nan THEN NULL ELSE value END FROM metrics WHERE run_uuid = ?"
_SHOWN = "SELECT key, CASE WHEN is_nan THEN NULL ELSE value END FROM latest_metrics WHERE run_uuid = ?"
_DATASETS = (
    "SELECT i.input_uuid, d.name, d.digest, d.dataset_schema, d.dataset_profile, d.dataset_source "
    "FROM inputs i JOIN datasets d ON i.source_id = d.dataset_uuid "
    "WHERE i.destination_type = 'RUN' AND i.destination_id = ?"
)
_MODELS = (
    "SELECT m.name, m.artifact_location FROM inputs i JOIN logged_models m ON m.model_id = i.destination_id "
    "WHERE i.source_type = 'RUN_OUTPUT' AND i.destination_type = 'MODEL_OUTPUT' AND i.source_id = ? ORDER BY i.rowid"
)


def _from_rows(opened: sqlite3.Connection, run_id: str, label: str) -> StoredRun:
    row = None if is_empty(opened) else opened.execute(_RUN, [run_id]).fetchone()
    if row is None:
        raise TrackingError(f"The run {run_id} is not in {label}.")
    experiment, name, status, started, ended, artifacts = row
    tags = dict(opened.execute("SELECT key, value FROM tags WHERE run_uuid = ?", [run_id]))
    points = opened.execute(_POINTS, [run_id])
    return StoredRun(
        run_id=run_id,
        experiment=experiment,
        name=name or tags.get(names.RUN_NAME, ""),
        status=status,
        started=started,
        ended=ended,
        artifacts=artifacts,
        tags=tags,
        params=dict(opened.execute("SELECT key, value FROM params WHERE run_uuid = ?", [run_id])),
        shown={key: _number(value) for key, value in opened.execute(_SHOWN, [run_id])},
        points=tuple(sorted(MetricPoint(key=k, step=s, timestamp=at, value=_number(v)) for k, s, at, v in points)),
        datasets=_in_order(
            _dataset(
                tuple(rest), dict(opened.execute("SELECT name, value FROM input_tags WHERE input_uuid = ?", [used]))
            )
            for used, *rest in opened.execute(_DATASETS, [run_id]).fetchall()
        ),
        models=tuple(opened.execute(_MODELS, [run_id])),
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
