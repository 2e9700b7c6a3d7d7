"""What anyone with the right to edit can change in MLflow after a run has finished is found and named."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from biolab.core import ConfigError
from biolab.joint import PrivateIdentity, Protocol, build_manifest, create_identity, sign_run, sign_runs, verify_run
from biolab.joint.signing import Verification
from biolab.tracking import RunRecord, Store, embedded_store, find_runs

from .bundle.conftest import write_site


@pytest.fixture(scope="module")
def north(tmp_path_factory: pytest.TempPathFactory) -> PrivateIdentity:
    return create_identity("north", tmp_path_factory.mktemp("keys") / "north")


@pytest.fixture(scope="module")
def signed(protocol: Protocol, north: PrivateIdentity, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = embedded_store(tmp_path_factory.mktemp("signed"))
    write_site(store, protocol, "north")
    sign_runs(store, [run.run_id for run in find_runs(store, protocol="made-up", latest=False)], north)
    return store


@pytest.fixture
def own(signed: Store) -> "Callable[[], None]":
    """Give each test the signed store as it was: database and artifacts are put back afterwards."""
    place = signed.database.parent
    copy = place.with_name(f"{place.name}-copy")
    shutil.copytree(place, copy)
    yield
    from mlflow.tracking._tracking_service.utils import _get_store

    _get_store(store_uri=signed.tracking_uri).engine.dispose()
    shutil.rmtree(place)
    copy.rename(place)


def run_of(store: Store, role: str) -> RunRecord:
    return next(run for run in find_runs(store, protocol="made-up", latest=False) if run.role == role)


def artifact(store: Store, run: RunRecord, path: str) -> Path:
    return store.artifacts / "biolab" / "made-up" / run.run_id / "artifacts" / path


def sql(store: Store, statement: str) -> None:
    with closing(sqlite3.connect(store.database)) as database:
        assert database.execute(statement).rowcount > 0
        database.commit()


def log_metric(store: Store, run: RunRecord) -> None:
    with store.session() as client:
        client.log_metric(run.run_id, "harrell_c", 0.81)


def new_metric(store: Store, run: RunRecord) -> None:
    with store.session() as client:
        client.log_metric(run.run_id, "accuracy", 0.99)


def set_tag(store: Store, run: RunRecord, tag: str, value: str) -> None:
    with store.session() as client:
        client.set_tag(run.run_id, tag, value)


def rename(store: Store, run: RunRecord) -> None:
    with store.session() as client:
        client.update_run(run.run_id, name="best of all")


def model_file(store: Store, name: str) -> Path:
    return next(store.artifacts.rglob(f"models/*/artifacts/{name}"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


CHANGES = {
    "a metric logged again": (log_metric, ["metrics.harrell_c: signed 0.68, stored 0.81"]),
    "a metric that was not there": (new_metric, ["metrics.accuracy: signed nothing, stored 0.99"]),
    "a metric changed in the database": (
        lambda s, _: sql(s, "UPDATE metrics SET value = 0.9 WHERE key = 'harrell_c'"),
        ["metrics.harrell_c: signed 0.68, stored 0.9"],
    ),
    "only what MLflow shows": (
        lambda s, _: sql(s, "UPDATE latest_metrics SET value = 0.9 WHERE key = 'harrell_c'"),
        ["metrics.harrell_c: signed 0.68, stored 0.9"],
    ),
    "the other site's name": (
        lambda s, r: set_tag(s, r, "biolab.site", "south"),
        ["run.site: signed north, stored south", "tags.biolab.site: signed north, stored south"],
    ),
    "the protocol": (
        lambda s, r: set_tag(s, r, "biolab.protocol.sha256", "0" * 64),
        ["protocol.sha256: signed", "tags.biolab.protocol.sha256: signed"],
    ),
    "the description": (
        lambda s, r: set_tag(s, r, "mlflow.note.content", "Best"), ["tags.mlflow.note.content: signed nothing"],
    ),
    "a tag of our name space": (
        lambda s, r: set_tag(s, r, "biolab.approved", "yes"), ["tags.biolab.approved: signed nothing, stored yes"],
    ),
    "the name": (rename, ["run.name: signed north age, stored best of all"]),
    "a table": (
        lambda s, r: edit(artifact(s, r, "tables/performance.json"), "0.68", "0.86"),
        ["artifacts.tables/performance.json: signed"],
    ),
    "a table taken away": (
        lambda s, r: artifact(s, r, "tables/performance.json").unlink(), ["artifacts.tables/performance.json"],
    ),
    "a file added": (
        lambda s, r: artifact(s, r, "tables/more.json").write_text("1"),
        ["artifacts.tables/more.json: signed nothing, stored 6b86b2"],
    ),
    "a file among ours": (
        lambda s, r: artifact(s, r, "biolab/more.json").write_text("1"), ["artifacts.biolab/more.json: signed nothing"],
    ),
    "the model": (
        lambda s, _: edit(model_file(s, "data/*/model.json"), "0.3", "0.4"), ["models.age.files.model.json: signed"],
    ),
    "what loads the model": (
        lambda s, _: edit(model_file(s, "MLmodel"), "biolab.tracking.pyfunc_model", "evil"),
        ["models.age.loader: signed biolab.tracking.pyfunc_model, stored evil"],
    ),
    "code beside the model": (
        lambda s, _: edit(model_file(s, "MLmodel"), "code: null", "code: code"),
        ["models.age.unusual.code: signed nothing, stored code"],
    ),
    "the digest": (lambda s, r: set_tag(s, r, "biolab.run_digest", "0" * 64), ["tags.biolab.run_digest: signed"]),
    "the parent": (lambda s, r: set_tag(s, r, "mlflow.parentRunId", r.run_id), ["run.parent: signed"]),
    "the status": (lambda s, _: sql(s, "UPDATE runs SET status = 'FAILED'"), ["run.status: signed FINISHED"]),
    "the start": (lambda s, _: sql(s, "UPDATE runs SET start_time = 5"), ["run.started: signed"]),
}  # fmt: skip


def verified(store: Store, run: RunRecord, north: PrivateIdentity, **words) -> Verification:
    return verify_run(store, run.run_id, {"north": north.public_key}, **words)


def test_unchanged_runs_are_verified(signed: Store, north: PrivateIdentity, protocol: Protocol) -> None:
    for role in ("site", "model"):
        found = verified(signed, run_of(signed, role), north, protocol_sha256=protocol.sha256)
        assert (found.state, found.changes, found.site) == ("verified", (), "north")
        assert found.verified


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_named(name: str, signed: Store, north: PrivateIdentity) -> None:
    change, expected = CHANGES[name]
    run = run_of(signed, "model")
    change(signed, run)
    found = verified(signed, run, north)
    assert found.state == "changed"
    assert len(found.changes) == len(expected)
    for said, wanted in zip(found.changes, expected, strict=True):
        assert str(said).startswith(wanted)


@pytest.mark.usefixtures("own")
def test_a_params_value_changed_in_the_database(signed: Store, north: PrivateIdentity) -> None:
    sql(signed, "UPDATE params SET value = '99' WHERE key = 'endpoint.tau'")
    found = verified(signed, run_of(signed, "site"), north)
    assert [str(change) for change in found.changes] == ["params.endpoint.tau: signed 48, stored 99"]


@pytest.mark.usefixtures("own")
def test_the_cohort_changed_in_the_database(signed: Store, north: PrivateIdentity) -> None:
    sql(signed, "UPDATE datasets SET dataset_profile = '{\"n\":999}'")
    found = verified(signed, run_of(signed, "site"), north)
    assert [str(change) for change in found.changes] == ['cohort.profile: signed {"n":300}, stored {"n":999}']


@pytest.mark.usefixtures("own")
def test_notes_of_a_lab_are_nobodys_business(signed: Store, north: PrivateIdentity) -> None:
    run = run_of(signed, "model")
    set_tag(signed, run, "reviewed", "2026-11-20, Kim")
    assert verified(signed, run, north).state == "verified"


def test_keys_and_protocols_that_do_not_fit(signed: Store, north: PrivateIdentity, tmp_path: Path) -> None:
    run = run_of(signed, "model")
    other = create_identity("north", tmp_path / "north")
    assert verify_run(signed, run.run_id, {"south": north.public_key}).state == "unknown-key"
    assert verified(signed, run, other).state == "bad-signature"
    assert verified(signed, run, north, protocol_sha256="0" * 64).state == "wrong-protocol"


@pytest.mark.usefixtures("own")
def test_a_signature_made_good_with_another_key_is_bad(signed: Store, north: PrivateIdentity, tmp_path: Path) -> None:
    run = run_of(signed, "site")
    artifact(signed, run, "biolab/manifest.json").unlink()
    sign_run(signed, run.run_id, create_identity("north", tmp_path / "forger"))
    assert verified(signed, run, north).state == "bad-signature"


@pytest.mark.usefixtures("own")
def test_manifest_taken_away_or_spoilt(signed: Store, north: PrivateIdentity) -> None:
    run = run_of(signed, "model")
    path = artifact(signed, run, "biolab/manifest.json")
    path.write_text("{}", encoding="utf-8")
    assert verified(signed, run, north).state == "bad-signature"
    path.unlink()
    assert verified(signed, run, north).state == "unsigned"


def test_signing_again_changes_nothing(signed: Store, north: PrivateIdentity) -> None:
    run = run_of(signed, "site")
    assert sign_run(signed, run.run_id, north).run_digest == run.tags["biolab.run_digest"]
    assert build_manifest(signed, run.run_id).run_digest == run.tags["biolab.run_digest"]


@pytest.mark.usefixtures("own")
def test_signing_what_was_changed_is_refused(signed: Store, north: PrivateIdentity) -> None:
    run = run_of(signed, "model")
    log_metric(signed, run)
    with pytest.raises(ConfigError, match=r"changed after it was signed.*harrell_c: signed 0\.68, stored 0\.81"):
        sign_run(signed, run.run_id, north)


def test_only_the_own_finished_run_is_signed(protocol: Protocol, north: PrivateIdentity, tmp_path: Path) -> None:
    store = embedded_store(tmp_path / "store")
    write_site(store, protocol, "south")
    run = run_of(store, "site")
    with pytest.raises(ConfigError, match="is of site 'south'; north cannot sign it"):
        sign_run(store, run.run_id, north)
    south = create_identity("south", tmp_path / "south")
    with pytest.raises(ConfigError, match="which is not signed yet"):
        sign_run(store, run_of(store, "model").run_id, south)
    with store.session() as client:
        client.set_tag(run.run_id, "biolab.mood", "good")
    with pytest.raises(ConfigError, match=r"tag 'biolab\.mood' is not one that a bundle carries"):
        sign_run(store, run.run_id, south)
    with store.session() as client:
        client.delete_tag(run.run_id, "biolab.mood")
        client.log_metric(run.run_id, "c", float("inf"))
        client.set_terminated(run.run_id, "FAILED")
    with pytest.raises(ConfigError, match="status is 'FAILED'"):
        sign_run(store, run.run_id, south)
