"""A site's inbox on a joint server: an experiment in which each run carries one bundle."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from biolab.core import DataError, TrackingError, sha256_hex

from . import conventions as names
from .session import asking_once
from .store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A bundle in an inbox, as the run that carries it says; ``complete`` once its site saw it whole there."""

    run_id: str
    sha256: str
    sent: datetime
    complete: bool
    state: str | None
    reason: str | None


def deliver(store: Store, inbox: str, bundle: Path, sha256: str, *, tags: Mapping[str, str]) -> Delivery:
    """Leave a bundle in an inbox (an experiment's id), unless it is there; complete what was interrupted.

    Raises
    ------
    TrackingError
        If the server does not answer, refuses, or gives back other bytes than it was sent. Deliver again then.
    """
    with asking_once(), store.session() as client:
        known = [each for each in _runs(client, inbox) if each.data.tags.get(names.BUNDLE_SHA256) == sha256]
        for run in known:
            if run.info.status == "FINISHED":
                return _delivery(run)
        if known:
            run_id = str(known[0].info.run_id)
        else:
            labels = {**tags, names.BUNDLE_SHA256: sha256, names.SOURCE_NAME: "biolab", names.SOURCE_TYPE: "LOCAL"}
            run_id = str(client.create_run(inbox, tags=labels, run_name=f"bundle {sha256[:12]}").info.run_id)
        with tempfile.TemporaryDirectory(prefix="biolab-") as place:
            named = Path(place) / _file(sha256)
            named.write_bytes(bundle.read_bytes())
            client.log_artifact(run_id, str(named))
        if sha256_hex(_fetched(store, client, run_id, sha256)) != sha256:
            raise TrackingError(
                f"{store.label} gives back another bundle than it was sent ({sha256[:12]}). Push again."
            )
        client.set_terminated(run_id, "FINISHED")
        return _delivery(client.get_run(run_id))


def deliveries(store: Store, inbox: str) -> list[Delivery]:
    """List what is in an inbox, oldest first.

    Raises
    ------
    TrackingError
        If the server does not answer or this account may not read the inbox.
    """
    with store.session() as client:
        runs = _runs(client, inbox)
    return [_delivery(run) for run in runs if names.BUNDLE_SHA256 in run.data.tags]


def fetch(store: Store, delivery: Delivery, path: Path, *, limit: int) -> Path:
    """Write the bundle of a delivery to a file.

    Raises
    ------
    DataError
        If there is none, it is larger than ``limit`` bytes, or not what the delivery says.
    TrackingError
        If the server does not answer.
    """
    with store.session() as client:
        size = _size(client, delivery)
        if size > limit:
            raise DataError(f"{path.name}: {size / 1e6:.0f} MB; a bundle has at most {limit / 1e6:.0f} MB.")
        content = _fetched(store, client, delivery.run_id, delivery.sha256)
    if sha256_hex(content) != delivery.sha256:
        raise DataError(f"{path.name}: its bytes have another SHA-256 than the site announced; it was changed since.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def mark(store: Store, delivery: Delivery, state: str, reason: str = "") -> None:
    """Tell the site in its inbox what became of a bundle.

    Raises
    ------
    TrackingError
        If the server does not answer or this account may not write the inbox.
    """
    with store.session() as client:
        client.set_tag(delivery.run_id, names.INBOX_STATE, state)
        client.set_tag(delivery.run_id, names.INBOX_REASON, reason[:1000])


def keep_name(store: Store, inbox: str, name: str) -> str | None:
    """Give an inbox its name back if its site renamed it; return the name it had, if so.

    Raises
    ------
    TrackingError
        If there is no such experiment.
    """
    with store.session() as client:
        found = str(client.get_experiment(inbox).name)
        if found == name:
            return None
        client.rename_experiment(inbox, name)
    return found


def _runs(client: "MlflowClient", inbox: str) -> "list[Run]":
    found: list[Run] = []
    token: str | None = None
    while True:
        page = client.search_runs([inbox], max_results=_PAGE, page_token=token, order_by=["attributes.start_time ASC"])
        found += page
        token = page.token or None
        if token is None:
            return found


def _delivery(run: "Run") -> Delivery:
    tags = run.data.tags
    return Delivery(
        run_id=str(run.info.run_id),
        sha256=tags[names.BUNDLE_SHA256],
        sent=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
        complete=run.info.status == "FINISHED",
        state=tags.get(names.INBOX_STATE),
        reason=tags.get(names.INBOX_REASON) or None,
    )


def _size(client: "MlflowClient", delivery: Delivery) -> int:
    for each in client.list_artifacts(delivery.run_id):
        if each.path == _file(delivery.sha256) and not each.is_dir:
            return int(each.file_size or 0)
    raise DataError(f"{_file(delivery.sha256)}: the delivery holds no such bundle.")


def _fetched(store: Store, client: "MlflowClient", run_id: str, sha256: str) -> bytes:
    from mlflow.artifacts import download_artifacts

    address = f"{client.get_run(run_id).info.artifact_uri}/{_file(sha256)}"
    with tempfile.TemporaryDirectory(prefix="biolab-") as place:
        return Path(
            download_artifacts(artifact_uri=address, dst_path=place, tracking_uri=store.tracking_uri)
        ).read_bytes()


def _file(sha256: str) -> str:
    return f"{sha256}.zip"
