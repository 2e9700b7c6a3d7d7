"""Runs that always end: finished, or failed whatever stopped them."""

import json
import math
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from biolab.core import BiolabError, ConfigError, TrackingError, canonical_json

from . import conventions as names
from .params import PARAM_LIMIT, flatten, shorten
from .paths import checked_path
from .processes import current_process, has_died
from .store import Store
from .tables import encode_table, schema_path, table_path

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

_Entity = TypeVar("_Entity")
TAG_LIMIT = 8000
DIGEST_LIMIT = 36
METRICS_A_BATCH = 1000
PARAMS_A_BATCH = 100


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """A run that is being written; made by ``recorded_run``."""

    store: Store
    run_id: str
    experiment_id: str
    name: str
    labels: Mapping[str, str]
    """The tags the run was started with."""
    _skipped: list[str] = field(default_factory=list, repr=False)
    _tables: list[str] = field(default_factory=list, repr=False)
    _logged: list["Metric"] = field(default_factory=list, repr=False)

    @property
    def logged_metrics(self) -> "tuple[Metric, ...]":
        """Return the metrics logged so far, for the model that they describe."""
        return tuple(self._logged)

    @property
    def closing_tags(self) -> dict[str, str]:
        """Return the tags that are known at the end: which artifacts MLflow's page shows as tables."""
        shown = json.dumps([{"path": table_path(each), "type": "table"} for each in self._tables])
        return {names.LOGGED_TABLES: shown} if self._tables and len(shown) <= TAG_LIMIT else {}

    def params(self, settings: Mapping[str, object]) -> None:
        """Log settings as parameters: nested ones under dotted keys, everything but text as JSON.

        A value longer than MLflow takes is cut visibly, kept whole under ``params/`` and named in a tag.

        Raises
        ------
        ConfigError
            If two settings flatten to one key.
        TrackingError
            If the store cannot be written, or a parameter was logged with another value before.
        """
        from mlflow.entities import Param

        flat = flatten(settings)
        long = {key: value for key, value in flat.items() if len(value) > PARAM_LIMIT}
        for key, value in long.items():
            self.text(f"params/{key}.txt", value)
        entities = [Param(key, shorten(value, f"params/{key}.txt")) for key, value in flat.items()]
        with self.store.session() as client:
            for batch in batches(entities, PARAMS_A_BATCH):
                client.log_batch(self.run_id, params=batch)
        if long:
            self.tags({names.SHORTENED_PARAMS: _fitting_list(sorted(long))})

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers in one go, at a step for a point of a curve; what is not finite is named in a tag instead.

        Raises
        ------
        TrackingError
            If the store cannot be written.
        """
        self._log((key, value, step or 0) for key, value in values.items())

    def curves(self, steps: Sequence[int], values: Mapping[str, Sequence[float]]) -> None:
        """Log whole curves in one go: each name's value at each step.

        Raises
        ------
        ConfigError
            If a curve has not one value a step.
        TrackingError
            If the store cannot be written.
        """
        for key, curve in values.items():
            if len(curve) != len(steps):
                raise ConfigError(f"The curve {key!r} has {len(curve)} values at {len(steps)} steps.")
        self._log((key, value, step) for key, curve in values.items() for step, value in zip(steps, curve, strict=True))

    def _log(self, points: Iterable[tuple[str, float, int]]) -> None:
        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        given = list(points)
        entities = [Metric(key, float(value), now_ms, step) for key, value, step in given if math.isfinite(value)]
        with self.store.session() as client:
            for batch in batches(entities, METRICS_A_BATCH):
                client.log_batch(self.run_id, metrics=batch)
        self._logged.extend(entities)
        skipped = {key for key, value, _ in given if not math.isfinite(value)}
        if not skipped <= set(self._skipped):
            self._skipped.extend(sorted(skipped - set(self._skipped)))
            self.tags({names.SKIPPED_METRICS: _fitting_list(sorted(self._skipped))})

    def table(self, name: str, frame: pl.DataFrame) -> None:
        """Log an aggregate frame as ``tables/<name>.json``; ``read_table`` gives it back exactly.

        Stock MLflow shows it as a table and reads it with ``mlflow.load_table``. Logging a name again replaces it.

        Raises
        ------
        ConfigError
            If a column is nested or the name cannot stand in a path.
        TrackingError
            If the store cannot be written.
        """
        content, schema = encode_table(name, frame)
        self.text(table_path(name), content)
        self.text(schema_path(name), schema)
        if name not in self._tables:
            self._tables.append(name)

    def text(self, path: str, content: str) -> None:
        """Log a text (Markdown, SVG, HTML, JSON) as the artifact ``path``.

        Raises
        ------
        ConfigError
            If the path is absolute or leaves the run's folder.
        TrackingError
            If the store cannot be written.
        """
        with self.store.session() as client:
            client.log_text(self.run_id, content, checked_path(path))

    def file(self, local: Path, artifact_path: str | None = None) -> None:
        """Log a local file under its own name, in the artifact folder ``artifact_path``.

        Raises
        ------
        ConfigError
            If the artifact folder is absolute or leaves the run's folder.
        TrackingError
            If the file cannot be read or the store cannot be written.
        """
        folder = None if artifact_path is None else checked_path(artifact_path)
        if not local.is_file():
            raise TrackingError(f"{local} is not a file; it cannot be logged as an artifact.")
        with self.store.session() as client:
            client.log_artifact(self.run_id, str(local), folder)

    def dataset(
        self, *, name: str, digest: str, schema: Mapping[str, str], profile: Mapping[str, object], context: str
    ) -> None:
        """Log the cohort a run used: its name, digest, column types and row-free profile; never rows, never a path.

        Parameters
        ----------
        name
            Name of the data set, as the registry has it.
        digest
            Checksum of the content; MLflow's field shows its first 36 characters, a tag holds it whole.
        schema
            Type of each column.
        profile
            Counts and summaries after disclosure control.
        context
            What the cohort was used for, such as ``"fit"`` or ``"validation"``.

        Raises
        ------
        ConfigError
            If the profile holds NaN or infinity.
        TrackingError
            If the store cannot be written.
        """
        from mlflow.entities import Dataset, DatasetInput, InputTag

        columns = [{"name": column, "type": kind, "required": True} for column, kind in schema.items()]
        source = f"biolab:site/{self.labels.get(names.SITE, 'unknown')}"
        try:
            summary = canonical_json(profile).decode()
        except ValueError as error:
            raise ConfigError(f"The profile of data set {name!r} cannot be written as JSON: {error}") from error
        dataset = Dataset(
            name=name,
            digest=digest[:DIGEST_LIMIT],
            source_type="biolab",
            source=source,
            schema=json.dumps({"mlflow_colspec": columns}, ensure_ascii=False),
            profile=summary,
        )
        tags = [InputTag(names.DATASET_CONTEXT, context), InputTag(names.DATASET_DIGEST, digest)]
        with self.store.session() as client:
            client.log_inputs(self.run_id, datasets=[DatasetInput(dataset, tags)])

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags; a tag set again is replaced.

        Raises
        ------
        ConfigError
            If a value is longer than MLflow holds.
        TrackingError
            If the store cannot be written.
        """
        from mlflow.entities import RunTag

        entities = [RunTag(key, value) for key, value in _checked_tags(values).items()]
        with self.store.session() as client:
            for batch in batches(entities, PARAMS_A_BATCH):
                client.log_batch(self.run_id, tags=batch)


@contextmanager
def recorded_run(
    store: Store,
    *,
    experiment: str,
    name: str,
    tags: Mapping[str, str],
    parent: str | None = None,
    description: str | None = None,
) -> Generator[RecordedRun]:
    """Start a run, hand it out for writing, and end it as FINISHED, or as FAILED if anything is raised.

    Ctrl-C and ``sys.exit`` are failures too. The tag ``biolab.failure`` names the exception's class, not its message,
    which could quote a patient. ``mark_abandoned`` ends what a killed process left RUNNING.

    Parameters
    ----------
    store, experiment, name
        Where to write: the experiment (from ``experiment_name``) is made if need be.
    tags
        From ``run_tags``. The site, not the account of the computer, stands as MLflow's user.
    parent, description
        The parent run's identifier, and Markdown shown on the run's page.

    Raises
    ------
    TrackingError
        If the store cannot be written.

    >>> import tempfile
    >>> from biolab.tracking import embedded_store, find_runs, run_tags
    >>> folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    >>> store = embedded_store(Path(folder.name))
    >>> labels = run_tags(protocol="demo", version="1", sha256="0" * 64, role="site", site="gbsg")
    >>> with recorded_run(store, experiment="biolab/demo", name="gbsg", tags=labels) as run:
    ...     run.metrics({"harrell_c": 0.68})
    >>> find_runs(store, protocol="demo")[0].metrics["harrell_c"]
    0.68
    >>> folder.cleanup()
    """
    own = _own_tags(tags, parent, description)
    run = _start(store, experiment=experiment, name=name, tags=_checked_tags(tags), own=own)
    try:
        yield run
        end_run(store, run.run_id, "FINISHED", run.closing_tags)
    except BaseException as failure:
        try:
            end_run(store, run.run_id, "FAILED", run.closing_tags | {names.FAILURE: type(failure).__name__})
        except BiolabError as second:
            failure.add_note(f"The run {run.run_id} could not be marked as failed: {second}")
        raise


def mark_abandoned(store: Store, experiment: str) -> list[str]:
    """End as FAILED the runs whose process on this computer is gone (killed, power cut); return their identifiers.

    Runs of living processes and of other computers are left alone.

    Raises
    ------
    TrackingError
        If the store cannot be read or written.
    """
    with store.session() as client:
        found = client.get_experiment_by_name(experiment)
        if found is None:
            return []
        running = client.search_runs(
            [found.experiment_id], filter_string="attributes.status = 'RUNNING'", max_results=50_000
        )
    gone = [run.info.run_id for run in running if has_died(run.data.tags.get(names.PROCESS, ""))]
    for run_id in gone:
        end_run(store, run_id, "FAILED", {names.FAILURE: "ProcessDied"})
    return gone


def _start(store: Store, *, experiment: str, name: str, tags: dict[str, str], own: dict[str, str]) -> RecordedRun:
    with store.session() as client:
        experiment_id = experiment_id_of(client, store, experiment)
        started = client.create_run(experiment_id, tags=tags | own, run_name=name)
    return RecordedRun(store=store, run_id=started.info.run_id, experiment_id=experiment_id, name=name, labels=tags)


def _own_tags(tags: Mapping[str, str], parent: str | None, description: str | None) -> dict[str, str]:
    """Return what the run says about itself; MLflow would else name the account and the script."""
    optional = {names.PARENT_RUN: parent, names.NOTE: description}
    return _checked_tags(
        {
            names.USER: tags.get(names.SITE, "biolab"),
            names.SOURCE_NAME: "biolab",
            names.SOURCE_TYPE: "LOCAL",
            names.PROCESS: current_process(),
        }
        | {tag: value for tag, value in optional.items() if value is not None}
    )


def end_run(store: Store, run_id: str, status: str, tags: Mapping[str, str]) -> None:
    """Set the tags that are known at the end, then the status."""
    from mlflow.entities import RunTag

    with store.session() as client:
        if tags:
            client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        client.set_terminated(run_id, status)


def experiment_id_of(client: "MlflowClient", store: Store, name: str) -> str:
    """Return the identifier of an experiment, making it if need be."""
    from mlflow.exceptions import MlflowException

    root = store.artifact_root
    location = None if root is None else f"{root}/{names.artifact_folder(name)}"
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name, artifact_location=location, tags=names.EXPERIMENT_TAGS)
        except MlflowException as error:
            # another process made it in the meantime
            found = client.get_experiment_by_name(name)
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
                raise
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"{store.label}: the experiment {name!r} was deleted in MLflow. Restore it with: "
            f"mlflow experiments restore --experiment-id {found.experiment_id}"
        )
    return found.experiment_id


def _checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    for key, value in tags.items():
        if len(str(value)) > TAG_LIMIT:
            raise ConfigError(
                f"The tag {key!r} has {len(str(value))} characters; MLflow holds {TAG_LIMIT}. Shorten it."
            )
    return {key: str(value) for key, value in tags.items()}


def _fitting_list(words: Sequence[str]) -> str:
    """Join words with commas; say how many do not fit."""
    text = ", ".join(words)
    kept = len(words)
    while len(text) > TAG_LIMIT:
        kept -= max(1, kept // 10)
        text = ", ".join([*words[:kept], f"and {len(words) - kept} more"])
    return text


def batches(entities: Sequence[_Entity], size: int) -> Iterator[Sequence[_Entity]]:
    """Yield entities in as many as MLflow takes at once."""
    for start in range(0, len(entities), size):
        yield entities[start : start + size]
