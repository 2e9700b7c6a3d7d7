import socket
import sqlite3
import sys
import time
from contextlib import closing

import pytest

from biolab.core import ConfigError, TrackingError
from biolab.tracking import Store, embedded_store, open_store, recorded_run
from biolab.tracking.embedded import create_database


def test_an_embedded_store_lives_in_its_folder(tmp_path):
    store = embedded_store(tmp_path / "비오 랩")
    assert store.database == tmp_path / "비오 랩" / "mlflow.db"
    assert store.artifacts == tmp_path / "비오 랩" / "artifacts"
    assert not store.database.exists()


def test_no_address_means_the_output_folder(tmp_path):
    assert open_store(None, tmp_path) == embedded_store(tmp_path)
    assert open_store(f"sqlite:///{(tmp_path / 'mlflow.db').as_posix()}", tmp_path / "other") == embedded_store(
        tmp_path
    )


def test_a_server_keeps_its_own_artifacts(tmp_path):
    store = open_store("https://mlflow.example.org/", tmp_path)
    assert (store.tracking_uri, store.artifacts) == ("https://mlflow.example.org", None)


def test_a_bare_database_gets_artifacts_in_the_output_folder(tmp_path):
    assert open_store("postgresql+psycopg://u:p@h/db", tmp_path).artifacts == tmp_path / "artifacts"


@pytest.mark.parametrize("address", ["mlruns", "file:///x", "ftp://x", "databricks"])
def test_other_addresses_are_refused(tmp_path, address):
    with pytest.raises(ConfigError, match="not one biolab knows"):
        open_store(address, tmp_path)


@pytest.mark.parametrize("name", ["why?", "no#1", "100%"])
def test_paths_that_mlflow_mistakes_for_addresses_are_refused(tmp_path, name):
    with pytest.raises(ConfigError, match="another with --output"):
        embedded_store(tmp_path / name)


def test_a_password_is_not_shown():
    assert "secret" not in Store(tracking_uri="postgresql://lab:secret@db/mlflow").label


def test_a_second_store_is_made_without_replaying_mlflows_migrations(tmp_path, store, monkeypatch):
    store.check()
    monkeypatch.setattr("biolab.tracking.embedded._schema_from_mlflow", lambda: pytest.fail("migrated again"))
    fresh = embedded_store(tmp_path)
    fresh.check()
    assert fresh.database.stat().st_size > 0


def test_stock_mlflow_finds_its_default_experiment_inside_the_store(store):
    default = store.client().get_experiment("0")
    assert default.artifact_location == f"{store.artifact_root}/0"


def test_an_unreachable_server_is_told_within_seconds():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    begin = time.monotonic()
    with pytest.raises(TrackingError, match=f"http://127.0.0.1:{port} cannot be reached") as caught:
        open_store(f"http://127.0.0.1:{port}", None).check()
    assert time.monotonic() - begin < 8
    assert caught.value.exit_code == 4


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match="cannot be written"):
        embedded_store(tmp_path / "file" / "store").check()
    with pytest.raises(TrackingError):
        embedded_store(tmp_path / "file" / "store").client()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file sizes")
def test_a_full_disk_is_told_and_what_stood_is_kept(tmp_path):
    import resource

    store = embedded_store(tmp_path)
    create_database(store.database, artifact_root=store.artifact_root)
    before = store.database.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
    try:
        with (
            pytest.raises(TrackingError, match="disk is full"),
            recorded_run(store, experiment="biolab/full", name="x", tags={}),
        ):
            pytest.fail("the run cannot have started")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert store.database.read_bytes() == before


def test_little_space_left_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("biolab.tracking.embedded.LEAST_FREE_BYTES", 10**18)
    with pytest.raises(TrackingError, match="the disk is full"):
        embedded_store(tmp_path).check()


@pytest.mark.parametrize(
    ("revision", "words"), [("451aebb31d03", "mlflow db upgrade"), ("ffffffffffff", "newer MLflow")]
)
def test_another_schema_is_told_and_left_alone(tmp_path, revision, words):
    store = embedded_store(tmp_path)
    create_database(store.database, artifact_root=store.artifact_root)
    with closing(sqlite3.connect(store.database)) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.commit()
    before = store.database.read_bytes()
    with pytest.raises(TrackingError, match=words):
        store.check()
    assert store.database.read_bytes() == before


def test_a_file_that_is_no_mlflow_database_is_told(tmp_path):
    store = embedded_store(tmp_path)
    store.database.write_text("patients")
    with pytest.raises(TrackingError, match="not a database of MLflow"):
        store.check()
    store.database.unlink()
    with closing(sqlite3.connect(store.database)) as database:
        database.execute("CREATE TABLE lab (x)")
    with pytest.raises(TrackingError, match="not a database of MLflow"):
        store.check()


def test_a_database_held_by_another_process_is_told(tmp_path, monkeypatch):
    store = embedded_store(tmp_path)
    create_database(store.database, artifact_root=store.artifact_root)
    monkeypatch.setattr("biolab.tracking.embedded.CHECK_PATIENCE_S", 0.1)
    with closing(sqlite3.connect(store.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TrackingError, match="held by another process"):
            store.check()
