"""Writing to a run after it has ended, and runs that come from another store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import conventions as names
from .content import DatasetContent, MetricPoint
from .models import register_model, restore_model
from .processes import current_process
from .runs import DIGEST_LIMIT, METRICS_A_BATCH, PARAMS_A_BATCH, RecordedRun, batches, end_run, experiment_id_of
from .store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Metric


def write_to_run(store: Store, run_id: str, *, texts: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Log text artifacts and then set tags on a run, finished or not.

    Raises
    ------
    TrackingError
        If the store cannot be written.
    """
    with store.session() as client:
        for path, text in texts.items():
            client.log_text(run_id, text, path)
        _set_tags(client, run_id, tags)


@dataclass(frozen=True, kw_only=True)
class CarriedModel:
    """A model that came with a run: its folder and what goes in and out."""

    name: str
    folder: Path
    signature: Mapping[str, object]
    example: Mapping[str, Sequence[Any]] | None


@dataclass(frozen=True, kw_only=True)
class CarriedRun:
    """A run of another store, to be written with its own times; ``files`` is the folder of its artifacts."""

    name: str
    started: int
    ended: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: Sequence[MetricPoint]
    dataset: DatasetContent | None
    files: Path
    model: CarriedModel | None


def begin_carried_run(store: Store, experiment: str, carried: CarriedRun, *, tags: Mapping[str, str]) -> str:
    """Write a run of another store, leave it RUNNING and return its identifier; ``end_carried_run`` completes it.

    Whoever looks only at finished runs does not see it until then.

    Raises
    ------
    TrackingError
        If the store cannot be written.
    """
    own = {
        names.USER: carried.tags.get(names.SITE, "biolab"),
        names.SOURCE_NAME: "biolab",
        names.SOURCE_TYPE: "LOCAL",
        names.PROCESS: current_process(),
    }
    with store.session() as client:
        place = experiment_id_of(client, store, experiment)
        labels = {**carried.tags, **own, **tags}
        started = client.create_run(place, start_time=carried.started, tags=labels, run_name=carried.name)
        run_id = str(started.info.run_id)
        _fill(client, run_id, carried)
    if carried.model is not None:
        run = RecordedRun(store=store, run_id=run_id, experiment_id=place, name=carried.name, labels=dict(carried.tags))
        model = carried.model
        restore_model(
            run,
            name=model.name,
            folder=model.folder,
            signature=model.signature,
            example=model.example,
            metrics=_entities(carried.points),
        )
    return run_id


def end_carried_run(
    store: Store, run_id: str, *, ended: int, tags: Mapping[str, str], registered_name: str | None
) -> None:
    """Complete a run of another store: register its model, set the tags that say so, then FINISHED at its own time."""
    with store.session() as client:
        run = client.get_run(run_id)
        for output in run.outputs.model_outputs if run.outputs and registered_name is not None else []:
            register_model(store, output.model_id, str(registered_name))
        _set_tags(client, run_id, tags)
        client.set_terminated(run_id, "FINISHED", end_time=ended)


def remove_run(store: Store, run_id: str, *, failure: str) -> None:
    """Mark a run as FAILED, take its models out of the registry, and delete it as MLflow deletes (restorable).

    Being interrupted does no harm: the run is found and removed again.

    Raises
    ------
    TrackingError
        If the store cannot be written.
    """
    end_run(store, run_id, "FAILED", {names.FAILURE: failure})
    with store.session() as client:
        for version in client.search_model_versions(f"run_id = '{run_id}'"):
            client.delete_model_version(version.name, version.version)
            if not client.search_model_versions(f"name = '{version.name}'"):
                client.delete_registered_model(version.name)
        place = client.get_run(run_id).info.experiment_id
        for model in client.search_logged_models([place], filter_string=f"source_run_id = '{run_id}'"):
            client.delete_logged_model(model.model_id)
        client.delete_run(run_id)


def find_carried(store: Store, experiments: Sequence[str], run_digest: str) -> dict[str, bool]:
    """Find the runs in some experiments that carry a manifest's digest, and say which are finished.

    Raises
    ------
    TrackingError
        If the store cannot be read.
    """
    with store.session() as client:
        found = [client.get_experiment_by_name(name) for name in experiments]
        places = [each.experiment_id for each in found if each is not None and each.lifecycle_stage == "active"]
        if not places:
            return {}
        wanted = f"tags.`{names.RUN_DIGEST}` = '{run_digest}'"
        runs = client.search_runs(places, filter_string=wanted, order_by=["attributes.start_time ASC"])
    return {str(run.info.run_id): run.info.status == "FINISHED" for run in runs}


def _fill(client: "MlflowClient", run_id: str, carried: CarriedRun) -> None:
    from mlflow.entities import Param

    for batch in batches([Param(key, value) for key, value in carried.params.items()], PARAMS_A_BATCH):
        client.log_batch(run_id, params=batch)
    for batch in batches(_entities(carried.points), METRICS_A_BATCH):
        client.log_batch(run_id, metrics=batch)
    if carried.dataset is not None:
        client.log_inputs(run_id, datasets=[_dataset_input(carried.dataset)])
    if any(carried.files.iterdir()):
        client.log_artifacts(run_id, str(carried.files))


def _entities(points: Sequence[MetricPoint]) -> "list[Metric]":
    from mlflow.entities import Metric

    return [Metric(each.key, each.value, each.timestamp, each.step) for each in points]


def _dataset_input(content: DatasetContent) -> "DatasetInput":
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=content.name,
        digest=content.digest[:DIGEST_LIMIT],
        source_type="biolab",
        source=content.source,
        schema=content.columns,
        profile=content.profile,
    )
    tags = [InputTag(names.DATASET_CONTEXT, content.context), InputTag(names.DATASET_DIGEST, content.digest)]
    return DatasetInput(dataset, tags)


def _set_tags(client: "MlflowClient", run_id: str, tags: Mapping[str, str]) -> None:
    from mlflow.entities import RunTag

    for batch in batches([RunTag(key, value) for key, value in tags.items()], PARAMS_A_BATCH):
        client.log_batch(run_id, tags=batch)
