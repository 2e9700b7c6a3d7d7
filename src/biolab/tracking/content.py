"""Everything a run holds now, as plain values and files: what is signed, carried to another store and checked again."""

import json
import math
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from biolab.core import TrackingError

from . import conventions as names
from .paths import local_path
from .store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

_FLAVOR = "python_function"
_PLAIN_PARTS = {"data", "env", "loader_module", "python_version"}


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
class ModelContent:
    """A logged model: what loads it, what goes in and out, and its files relative to its data folder.

    ``unusual`` is what an MLflow model of biolab never has: other flavours, code to import, configuration.
    """

    name: str
    loader: str
    signature: Mapping[str, object]
    example: Mapping[str, object] | None
    unusual: Mapping[str, object]
    files: Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class RunContent:
    """A run as it stands in the store, with its artifacts as local files.

    ``shown`` are the numbers MLflow's pages show, which it keeps apart from the points they should be the last of.
    """

    run_id: str
    name: str
    status: str
    started: int
    ended: int | None
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: tuple[MetricPoint, ...]
    shown: Mapping[str, float]
    datasets: tuple[DatasetContent, ...]
    artifacts: Mapping[str, Path]
    models: tuple[ModelContent, ...]


@contextmanager
def run_content(store: Store, run_id: str) -> Generator[RunContent]:
    """Read everything a run holds; files of a server lie in a temporary folder while the block runs.

    Symbolic links among the artifacts are not followed and count as missing.

    Raises
    ------
    TrackingError
        If the store cannot be read or has no such run.
    """
    with tempfile.TemporaryDirectory(prefix="biolab-") as place:
        with store.session() as client:
            run = client.get_run(run_id)
            content = RunContent(
                run_id=run_id,
                name=run.info.run_name or "",
                status=run.info.status,
                started=run.info.start_time,
                ended=run.info.end_time,
                tags=dict(run.data.tags),
                params=dict(run.data.params),
                points=_points(client, run),
                shown=dict(run.data.metrics),
                datasets=_datasets(run),
                artifacts=_files(store, str(run.info.artifact_uri), Path(place) / "run"),
                models=_models(store, client, run, Path(place)),
            )
        yield content


def late_metrics(store: Store, run_id: str) -> dict[str, tuple[float | None, float]]:
    """Return each metric with points later than the run's end: its last value before that, and the one shown now.

    A metric without steps shows its newest point, so only curves have to be read whole to know.

    Raises
    ------
    TrackingError
        If the store cannot be read or has no such run.
    """
    late: dict[str, tuple[float | None, float]] = {}
    with store.session() as client:
        run = client.get_run(run_id)
        ended: float = math.inf if run.info.end_time is None else run.info.end_time
        for newest in run.to_proto().data.metrics:
            if newest.step == 0 and newest.timestamp <= ended:
                continue
            points = _history(client, run_id, newest.key)
            before = [point for point in points if point.timestamp <= ended]
            if len(before) < len(points):
                last = max(before, key=lambda point: (point.step, point.timestamp)).value if before else None
                late[newest.key] = (last, run.data.metrics[newest.key])
    return late


def _history(client: "MlflowClient", run_id: str, key: str) -> tuple[MetricPoint, ...]:
    found = client.get_metric_history(run_id, key)
    return tuple(
        sorted(MetricPoint(key=each.key, step=each.step, timestamp=each.timestamp, value=each.value) for each in found)
    )


def _points(client: "MlflowClient", run: "Run") -> tuple[MetricPoint, ...]:
    return tuple(sorted(point for key in run.data.metrics for point in _history(client, run.info.run_id, key)))


def _datasets(run: "Run") -> tuple[DatasetContent, ...]:
    found = []
    for each in run.inputs.dataset_inputs if run.inputs else []:
        tags = {tag.key: tag.value for tag in each.tags}
        found.append(
            DatasetContent(
                name=each.dataset.name,
                digest=tags.get(names.DATASET_DIGEST, each.dataset.digest),
                columns=each.dataset.schema or "",
                profile=each.dataset.profile or "",
                source=each.dataset.source or "",
                context=tags.get(names.DATASET_CONTEXT, ""),
            )
        )
    return tuple(sorted(found, key=lambda each: (each.name, each.digest)))


def _files(store: Store, address: str, place: Path) -> dict[str, Path]:
    """Return the files under an artifact address, fetched if they are not on this computer."""
    folder = local_path(address)
    if folder is None:
        folder = _fetched(store, address, place)
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path for path in found}


def _fetched(store: Store, address: str, place: Path) -> Path:
    from mlflow.artifacts import download_artifacts, list_artifacts

    place.mkdir(parents=True)
    if list_artifacts(artifact_uri=address, tracking_uri=store.tracking_uri):
        return Path(download_artifacts(artifact_uri=address, dst_path=str(place), tracking_uri=store.tracking_uri))
    return place


def _models(store: Store, client: "MlflowClient", run: "Run", place: Path) -> tuple[ModelContent, ...]:
    outputs = run.outputs.model_outputs if run.outputs else []
    models = [client.get_logged_model(each.model_id) for each in outputs]
    found = [_model(store, model, place / f"model-{number}") for number, model in enumerate(models)]
    return tuple(sorted(found, key=lambda each: each.name))


def _model(store: Store, model: "LoggedModel", place: Path) -> ModelContent:
    from mlflow.models import Model
    from yaml import YAMLError

    files = _files(store, str(model.artifact_location), place)
    if "MLmodel" not in files:
        raise TrackingError(f"The model {model.name!r} in {store.label} has lost its MLmodel file.")
    try:
        described = Model.load(str(files["MLmodel"]))
        flavor = dict(described.flavors.get(_FLAVOR, {}))
        example = files.get("input_example.json")
        shown = None if example is None else json.loads(example.read_text(encoding="utf-8"))
        signature = {} if described.signature is None else described.signature.to_dict()
    except (YAMLError, ValueError, TypeError, AttributeError) as error:
        raise TrackingError(
            f"The model {model.name!r} in {store.label} is damaged ({type(error).__name__})."
        ) from error
    data = f"{flavor.get('data', '')}/"
    unusual = {name: each for name, each in described.flavors.items() if name != _FLAVOR}
    unusual |= {part: value for part, value in flavor.items() if value and part not in _PLAIN_PARTS}
    return ModelContent(
        name=model.name,
        loader=str(flavor.get("loader_module", "")),
        signature=signature,
        example=shown,
        unusual=unusual,
        files={path.removeprefix(data): file for path, file in files.items() if path.startswith(data)},
    )
