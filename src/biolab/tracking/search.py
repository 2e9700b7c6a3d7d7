"""Finding runs of a protocol again, and reading what they logged."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import polars as pl

from biolab.core import ConfigError, TrackingError, did_you_mean

from . import conventions as names
from .paths import checked_path, local_path
from .session import explain
from .store import Store
from .tables import FOLDER, decode_table, schema_path, table_path

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_PAGE = 1000
_STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run as it stands in the store."""

    run_id: str
    experiment: str
    name: str
    site: str | None
    model: str | None
    model_site: str | None
    role: str | None
    protocol_sha256: str | None
    status: str
    started: datetime
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    parent_id: str | None


def find_runs(  # noqa: PLR0913 - one keyword a filter
    store: Store,
    *,
    protocol: str,
    sha256: str | None = None,
    role: names.Role | None = None,
    site: str | None = None,
    status: str | None = "FINISHED",
    latest: bool = True,
) -> list[RunRecord]:
    """Find runs of a protocol, newest first.

    Looks in ``biolab/<protocol>`` and in the sites' ``biolab/<protocol>/<site>`` of a joint server.

    Parameters
    ----------
    store
        Where to look; a store that does not exist yet has no runs.
    protocol
        Name of the protocol.
    sha256, role, site, status
        Only runs with these tags and this status; ``None`` takes any. Runs under different hashes answer different
        questions: give ``sha256`` before comparing.
    latest
        Keep only the newest run of each protocol hash, role, site, model and model's site.

    Raises
    ------
    ConfigError
        If a name or the status cannot be one of MLflow's.
    TrackingError
        If the store cannot be read.
    """
    wanted = _filter(sha256=sha256, role=role, site=site, status=status)
    name = names.experiment_name(protocol)
    if store.database is not None and not store.database.exists():
        return []
    with store.session() as client:
        experiments = _experiments(client, name)
        runs = _all_pages(client, list(experiments), wanted) if experiments else []
        records = [_record(run, experiments) for run in runs]
    records.sort(key=lambda record: (record.started, record.run_id), reverse=True)
    return _newest(records) if latest else records


def run_record(store: Store, run_id: str) -> RunRecord:
    """Return one run as it stands in the store.

    Raises
    ------
    TrackingError
        If the store has no such run.
    """
    with store.session() as client:
        run = client.get_run(run_id)
        experiment = client.get_experiment(run.info.experiment_id)
    return _record(run, {experiment.experiment_id: experiment.name})


def runs_frame(runs: list[RunRecord]) -> pl.DataFrame:
    """Lay runs out as a frame: one row a run, one column a metric, missing where a run has none.

    >>> runs_frame([]).columns[:3]
    ['run_id', 'experiment', 'name']
    """
    fixed = {
        **dict.fromkeys(("run_id", "experiment", "name", "role", "site", "model", "model_site"), pl.String()),
        **dict.fromkeys(("status", "protocol_sha256", "parent_id"), pl.String()),
        "started": pl.Datetime("ms", "UTC"),
    }
    metrics = sorted({metric for run in runs for metric in run.metrics})
    columns = {column: [getattr(run, column) for run in runs] for column in fixed}
    columns |= {f"metrics.{metric}": [run.metrics.get(metric) for run in runs] for metric in metrics}
    return pl.DataFrame(columns, schema=fixed | {f"metrics.{metric}": pl.Float64() for metric in metrics})


def read_table(store: Store, run_id: str, name: str) -> pl.DataFrame:
    """Read back a table that ``RecordedRun.table`` logged, with its column types.

    Raises
    ------
    TrackingError
        If the run has no such table; the message names the nearest.
    """
    try:
        content, schema = (read_text(store, run_id, path) for path in (table_path(name), schema_path(name)))
    except TrackingError as error:
        known = table_names(store, run_id)
        if name in known:
            raise
        raise TrackingError(f"The run {run_id} has no table {name!r}. {did_you_mean(name, known)}") from error
    return decode_table(name, content, schema)


def has_artifact(store: Store, run_id: str, path: str) -> bool:
    """Say whether a run holds a file; a symbolic link is none.

    Raises
    ------
    TrackingError
        If the store cannot be read or has no such run.
    """
    folder = local_path(_artifact_uri(store, run_id))
    if folder is not None:
        return (folder / path).is_file() and not (folder / path).is_symlink()
    with store.session() as client:
        return any(each.path == path for each in client.list_artifacts(run_id, str(PurePosixPath(path).parent)))


def table_names(store: Store, run_id: str) -> list[str]:
    """List the tables that a run logged.

    Raises
    ------
    TrackingError
        If the store cannot be read or has no such run.
    """
    folder = local_path(_artifact_uri(store, run_id))
    if folder is not None:
        return sorted(path.stem for path in (folder / FOLDER).glob("*.json"))
    with store.session() as client:
        return sorted(Path(each.path).stem for each in client.list_artifacts(run_id, FOLDER) if not each.is_dir)


def read_text(store: Store, run_id: str, path: str) -> str:
    """Read back a text artifact.

    Raises
    ------
    TrackingError
        If the run or the artifact is not in the store, or is no text.
    """
    root = _artifact_uri(store, run_id)
    folder = local_path(root)
    try:
        content = _download(store, f"{root}/{path}") if folder is None else (folder / checked_path(path)).read_bytes()
        return content.decode("utf-8")
    except FileNotFoundError as error:
        raise TrackingError(f"The run {run_id} has no artifact {path!r} in {store.label}.") from error
    except OSError as error:
        raise TrackingError(explain(error, store.label)) from error
    except UnicodeDecodeError as error:
        raise TrackingError(f"The artifact {path!r} of run {run_id} is not a text ({error}).") from error


@lru_cache(maxsize=4096)
def _artifact_uri(store: Store, run_id: str) -> str:
    with store.session() as client:
        return str(client.get_run(run_id).info.artifact_uri)


def _download(store: Store, artifact_uri: str) -> bytes:
    from mlflow.artifacts import download_artifacts

    with store.session(), tempfile.TemporaryDirectory(prefix="biolab-") as place:
        local = download_artifacts(artifact_uri=artifact_uri, dst_path=place, tracking_uri=store.tracking_uri)
        return Path(local).read_bytes()


def _filter(*, sha256: str | None, role: str | None, site: str | None, status: str | None) -> str:
    if status is not None and status not in _STATUSES:
        raise ConfigError(f"The status {status!r} is not one of MLflow's. {did_you_mean(status, _STATUSES)}")
    tags = {names.PROTOCOL_SHA256: sha256, names.ROLE: role, names.SITE: site}
    parts = [f"tags.`{tag}` = '{names.checked_word(tag, word)}'" for tag, word in tags.items() if word is not None]
    return " AND ".join(parts if status is None else [*parts, f"attributes.status = '{status}'"])


def _experiments(client: "MlflowClient", name: str) -> dict[str, str]:
    found = client.search_experiments(filter_string=f"name LIKE '{name}%'", max_results=_PAGE)
    # LIKE takes '_' for any character and finds longer names too
    return {each.experiment_id: each.name for each in found if each.name == name or each.name.startswith(f"{name}/")}


def _all_pages(client: "MlflowClient", experiments: list[str], wanted: str) -> "list[Run]":
    runs: list[Run] = []
    token: str | None = None
    while True:
        page = client.search_runs(experiments, filter_string=wanted, max_results=_PAGE, page_token=token)
        runs.extend(page)
        token = page.token
        if not token:
            return runs


def _record(run: "Run", experiments: Mapping[str, str]) -> RunRecord:
    tags = dict(run.data.tags)
    return RunRecord(
        run_id=run.info.run_id,
        experiment=experiments[run.info.experiment_id],
        name=run.info.run_name or run.info.run_id,
        site=tags.get(names.SITE),
        model=tags.get(names.MODEL),
        model_site=tags.get(names.MODEL_SITE),
        role=tags.get(names.ROLE),
        protocol_sha256=tags.get(names.PROTOCOL_SHA256),
        status=run.info.status,
        started=datetime.fromtimestamp(run.info.start_time / 1000, tz=UTC),
        tags=tags,
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        parent_id=tags.get(names.PARENT_RUN),
    )


def _newest(records: list[RunRecord]) -> list[RunRecord]:
    kept: dict[tuple[str | None, ...], RunRecord] = {}
    for record in records:
        key = (record.protocol_sha256, record.role, record.site, record.model, record.model_site)
        kept.setdefault(key, record)
    return list(kept.values())
