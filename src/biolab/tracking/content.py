"""Everything a run holds now, as plain values and files: what is signed, carried to another store and checked again."""

import json
import tempfile
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from biolab.core import TrackingError

from .paths import local_path
from .store import Store
from .stored_runs import DatasetContent, MetricPoint, stored_run

_FLAVOR = "python_function"
_PLAIN_PARTS = {"data", "env", "loader_module", "python_version"}


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
        run = stored_run(store, run_id)
        with store.session():
            content = RunContent(
                run_id=run_id,
                name=run.name,
                status=run.status,
                started=run.started,
                ended=run.ended,
                tags=run.tags,
                params=run.params,
                points=run.points,
                shown=run.shown,
                datasets=run.datasets,
                artifacts=_files(store, run.artifacts, Path(place) / "run"),
                models=_models(store, run.models, Path(place)),
            )
        yield content


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


def _models(store: Store, models: Iterable[tuple[str, str]], place: Path) -> tuple[ModelContent, ...]:
    found = [_model(store, *model, place / f"model-{number}") for number, model in enumerate(models)]
    return tuple(sorted(found, key=lambda each: each.name))


def _model(store: Store, name: str, address: str, place: Path) -> ModelContent:
    from mlflow.models import Model
    from yaml import YAMLError

    files = _files(store, address, place)
    if "MLmodel" not in files:
        raise TrackingError(f"The model {name!r} in {store.label} has lost its MLmodel file.")
    try:
        described = Model.load(str(files["MLmodel"]))
        flavor = dict(described.flavors.get(_FLAVOR, {}))
        example = files.get("input_example.json")
        shown = None if example is None else json.loads(example.read_text(encoding="utf-8"))
        signature = {} if described.signature is None else described.signature.to_dict()
    except (YAMLError, ValueError, TypeError, AttributeError) as error:
        raise TrackingError(f"The model {name!r} in {store.label} is damaged ({type(error).__name__}).") from error
    data = f"{flavor.get('data', '')}/"
    unusual = {name: each for name, each in described.flavors.items() if name != _FLAVOR}
    unusual |= {part: value for part, value in flavor.items() if value and part not in _PLAIN_PARTS}
    return ModelContent(
        name=name,
        loader=str(flavor.get("loader_module", "")),
        signature=signature,
        example=shown,
        unusual=unusual,
        files={path.removeprefix(data): file for path, file in files.items() if path.startswith(data)},
    )
