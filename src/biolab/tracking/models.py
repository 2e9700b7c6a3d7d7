"""Fitted models as MLflow models: no pickle, a signature, a synthetic example, a name in the registry."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from biolab.core import ConfigError, TrackingError

from . import conventions as names
from .runs import METRICS_A_BATCH, RecordedRun, batches
from .session import bound
from .store import Store

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Metric
    from mlflow.models import ModelSignature

_LABELS = (names.PROTOCOL_NAME, names.PROTOCOL_VERSION, names.PROTOCOL_SHA256, names.SITE, names.MODEL)
_LOADER = "biolab.tracking.pyfunc_model"
_LOADERS = {"biolab.released-model": _LOADER, "biolab.released-tabular": "biolab.joint.tabular.released"}
"""Module that loads a released model, by its format: the only code that a model from elsewhere can name."""


def log_model(  # noqa: PLR0913 - one keyword a part of the model's record
    run: RecordedRun,
    *,
    name: str,
    folder: Path,
    signature_input: pl.DataFrame,
    signature_output: pl.DataFrame,
    registered_name: str,
    pip_requirements: Sequence[str],
    loader_module: str | None = None,
) -> str:
    """Log a released model's folder as a pyfunc model of the run and register it; return its ``models:/`` address.

    Nothing is pickled and nothing is run: MLflow stores the folder, the name of the module that loads it, and the
    signature and requirements given here. The metrics the run has logged so far are shown with the model.

    Parameters
    ----------
    run, name
        The open run of the fit, and the model's name within it.
    folder
        What ``ReleasedModel.save`` wrote: coefficients or trees, no rows.
    signature_input, signature_output
        Synthetic rows and the prediction for them. MLflow refuses missing values in columns of whole numbers.
    registered_name
        From ``registered_model_name``; a new version is added to it.
    pip_requirements
        What loading the model needs.
    loader_module
        Module with ``_load_pyfunc(path)``; by default that of the released model's format.

    Raises
    ------
    ConfigError
        If the folder is missing or empty.
    TrackingError
        If the store cannot be written.
    """
    from mlflow.models import infer_signature

    with run.store.session():
        given, expected = (_plain(frame).to_pandas() for frame in (signature_input, signature_output))
        described = _Described(
            name=name,
            signature=infer_signature(given, expected),
            example=given,
            requirements=list(pip_requirements),
            loader=loader_module or _loader(folder),
        )
    model_id = _log(run, described, folder, run.logged_metrics)
    register_model(run.store, model_id, registered_name)
    return f"models:/{model_id}"


def restore_model(
    run: RecordedRun,
    *,
    name: str,
    folder: Path,
    signature: Mapping[str, object],
    example: Mapping[str, Sequence[Any]] | None,
    metrics: "Sequence[Metric]",
) -> str:
    """Log a model that came from another store, not yet registered; return its identifier.

    The MLmodel file is written anew, with biolab's own loader: nothing that came along names code to run.
    """
    import pandas as pd
    from mlflow.models import ModelSignature

    with run.store.session():
        shown = (
            None if example is None else pd.DataFrame(list(example["data"]), columns=pd.Index(list(example["columns"])))
        )
        described = _Described(
            name=name,
            signature=ModelSignature.from_dict(dict(signature)),
            example=shown,
            requirements=["biolab"],
            loader=_loader(folder),
        )
    return _log(run, described, folder, metrics)


def _loader(folder: Path) -> str:
    """Return the module that loads the released model in a folder, by the format its file states."""
    try:
        content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        return _LOADERS.get(str(content["format"]).partition("/")[0], _LOADER)
    except (OSError, ValueError, KeyError, TypeError):
        return _LOADER


def register_model(store: Store, model_id: str, registered_name: str) -> None:
    """Add a logged model to the registry as a new version of a name, unless it stands there already."""
    from mlflow.exceptions import MlflowException

    with store.session() as client:
        model = client.get_logged_model(model_id)
        tags = {tag: value for tag, value in (model.tags or {}).items() if tag in _LABELS}
        try:
            client.create_registered_model(registered_name, tags=tags)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        source = f"models:/{model_id}"
        if any(each.source == source for each in client.search_model_versions(f"name = '{registered_name}'")):
            return
        run = client.get_run(str(model.source_run_id))
        with bound(store.tracking_uri):  # MLflow looks the model up under its global address
            client.create_model_version(
                registered_name,
                source=source,
                run_id=run.info.run_id,
                model_id=model_id,
                tags=tags,
                description=f"Fitted in run {run.info.run_name}.",
            )


def load_released(store: Store, reference: str, *, destination: Path | None = None) -> Path:
    """Fetch a logged model's data folder, so that another site can validate the model.

    Parameters
    ----------
    store
        Where the model stands.
    reference
        A run identifier, ``models:/<registered name>/<version>`` or ``models:/<model id>``.
    destination
        Folder to copy to. Without it a local store hands out its own folder (read it, don't write it) and a server's
        model goes to a temporary folder.

    Raises
    ------
    TrackingError
        If there is no such model, or the run has several.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.models import Model

    with store.session() as client:
        model = client.get_logged_model(_model_id(client, reference))
        if destination is not None:
            destination.mkdir(parents=True, exist_ok=True)
        local = download_artifacts(
            artifact_uri=model.artifact_location,
            dst_path=None if destination is None else str(destination),
            tracking_uri=store.tracking_uri,
        )
        flavor = Model.load(local).flavors.get("python_function", {})
    data = Path(local) / str(flavor.get("data", ""))
    if "data" not in flavor or not data.is_dir():
        raise TrackingError(f"{reference}: this MLflow model was not logged by biolab; it has no data folder.")
    return data


@dataclass(frozen=True, kw_only=True)
class _Described:
    """What MLflow is told about a model beside its files."""

    name: str
    signature: "ModelSignature"
    example: "pd.DataFrame | None"
    requirements: list[str]
    loader: str


def _log(run: RecordedRun, described: _Described, folder: Path, metrics: "Sequence[Metric]") -> str:
    """Log a model's folder as an output of the run and show the run's metrics with it."""
    if not folder.is_dir() or not any(folder.iterdir()):
        raise ConfigError(f"{folder} holds no saved model; save the released model into it first.")
    tags = {tag: run.labels[tag] for tag in _LABELS if tag in run.labels}
    with run.store.session() as client, tempfile.TemporaryDirectory(prefix="biolab-") as place:
        model = client.create_logged_model(run.experiment_id, name=described.name, source_run_id=run.run_id, tags=tags)
        local = Path(place) / "model"
        _save(local, folder, model, run, described)
        client.log_model_artifacts(model.model_id, str(local))
        client.finalize_logged_model(model.model_id, "READY")
        _link(client, run, model, metrics)
    return str(model.model_id)


def _save(local: Path, folder: Path, model: "LoggedModel", run: RecordedRun, described: _Described) -> None:
    import mlflow
    from mlflow.models import Model

    mlflow.pyfunc.save_model(
        path=str(local),
        loader_module=described.loader,
        data_path=str(folder),
        mlflow_model=Model(
            artifact_path=model.name, run_id=run.run_id, model_uuid=model.model_id, model_id=model.model_id
        ),
        signature=described.signature,
        input_example=described.example,
        pip_requirements=described.requirements,
    )


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def _link(client: "MlflowClient", run: RecordedRun, model: "LoggedModel", logged: "Sequence[Metric]") -> None:
    from mlflow.entities import LoggedModelOutput, Metric

    client.log_outputs(run.run_id, [LoggedModelOutput(model.model_id, step=0)])
    metrics = [
        Metric(each.key, each.value, each.timestamp, each.step, model_id=model.model_id, run_id=run.run_id)
        for each in logged
    ]
    for batch in batches(metrics, METRICS_A_BATCH):
        client.log_batch(run.run_id, metrics=batch)


def _model_id(client: "MlflowClient", reference: str) -> str:
    if not reference.startswith("models:/"):
        outputs = client.get_run(reference).outputs
        found = [] if outputs is None else [each.model_id for each in outputs.model_outputs]
        if len(found) != 1:
            raise TrackingError(
                f"The run {reference} has {len(found)} models; name one as models:/<registered name>/<version>."
            )
        return found[0]
    registered, _, version = reference.removeprefix("models:/").partition("/")
    if not version:
        return registered
    source = client.get_model_version(registered, version).source or ""
    if not source.startswith("models:/"):
        raise TrackingError(f"{reference}: this version was not registered by biolab; it names no logged model.")
    return source.removeprefix("models:/")
