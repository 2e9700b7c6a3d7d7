"""What the joint server is started with: nothing open, no secret where others can see it."""

import configparser
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from biolab.core import ConfigError, MissingExtraError, TrackingError
from biolab.tracking import ServerSettings
from biolab.tracking.server import prepare_server, read_server, server_command
from biolab.tracking.server_gate import is_closed


def test_prepared_once(tmp_path: Path) -> None:
    settings = ServerSettings(folder=tmp_path / "server", port=5099)
    first = prepare_server(settings)
    second = prepare_server(settings)
    assert first == second
    folder = tmp_path / "server"
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("server.json", "auth.ini", "mlflow.db", "users.db"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600, name
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    facts = read_server(folder)
    assert facts.address == "http://127.0.0.1:5099"
    assert len(facts.administrator.password) >= 32
    assert facts.administrator.password not in repr(facts)


def test_nothing_is_open(tmp_path: Path) -> None:
    environment = prepare_server(ServerSettings(folder=tmp_path))
    config = configparser.ConfigParser()
    config.read(environment["MLFLOW_AUTH_CONFIG_PATH"])
    assert config["mlflow"]["default_permission"] == "NO_PERMISSIONS"
    assert config["mlflow"]["grant_default_workspace_access"] == "false"
    assert config["mlflow"]["authorization_function"] == "biolab.tracking.server_gate:authenticate"
    assert "admin_password" not in config["mlflow"]
    assert environment["MLFLOW_BASIC_AUTH_FAIL_CLOSED"] == "true"
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["MLFLOW_AUTH_ADMIN_PASSWORD"] not in {"password", "password1234"}


def test_no_secret_in_the_command(tmp_path: Path) -> None:
    settings = ServerSettings(
        folder=tmp_path,
        host="0.0.0.0",
        database="postgresql+psycopg://mlflow:secret@db.example.org/mlflow",
        artifacts="s3://bucket/biolab",
        allowed_hosts=("joint.example.org",),
    )
    command = " ".join(server_command(settings))
    assert "secret" not in command
    assert "--app-name basic-auth --enable-workspaces" in command
    assert "joint.example.org" in command


def test_remote_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("biolab.tracking.server.find_spec", lambda _: object())
    address = "postgresql+psycopg://mlflow@db.example.org/mlflow"
    settings = ServerSettings(folder=tmp_path, database=address, artifacts="s3://bucket/biolab")
    environment = prepare_server(settings)
    assert environment["MLFLOW_BACKEND_STORE_URI"] == address
    assert environment["MLFLOW_ARTIFACTS_DESTINATION"] == "s3://bucket/biolab"
    assert not (tmp_path / "mlflow.db").exists()


def test_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="--allowed-host"):
        prepare_server(ServerSettings(folder=tmp_path, host="0.0.0.0"))
    with pytest.raises(ConfigError, match="DNS rebinding"):
        prepare_server(ServerSettings(folder=tmp_path, host="0.0.0.0", allowed_hosts=("*",)))
    with pytest.raises(ConfigError, match="redis"):
        prepare_server(ServerSettings(folder=tmp_path, database="redis://127.0.0.1"))
    (tmp_path / "mlflow.db").write_bytes(b"no database at all, only words that fill a few lines")
    with pytest.raises(TrackingError, match="not a database of MLflow"):
        prepare_server(ServerSettings(folder=tmp_path))
    monkeypatch.setattr("biolab.tracking.server.find_spec", lambda name: None if name == "flask_wtf" else object())
    with pytest.raises(MissingExtraError, match=r"biolab\[server\]"):
        prepare_server(ServerSettings(folder=tmp_path))


def test_facts_that_others_can_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="biolab joint serve"):
        read_server(tmp_path)
    prepare_server(ServerSettings(folder=tmp_path))
    (tmp_path / "server.json").chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_server(tmp_path)
    with pytest.raises(ConfigError, match="chmod 600"):
        prepare_server(ServerSettings(folder=tmp_path))
    (tmp_path / "server.json").chmod(0o600)
    (tmp_path / "server.json").write_text("{}")
    with pytest.raises(ConfigError, match="lacks"):
        prepare_server(ServerSettings(folder=tmp_path))


@pytest.mark.parametrize(
    "path",
    [
        "/ajax-api/3.0/mlflow/assistant/message",
        "/api/3.0/mlflow/gateway/secrets/create",
        "/ajax-api/2.0/mlflow/gateway-proxy",
        "/ajax-api/3.0/jobs/",
        "/api/2.0/mlflow/webhooks",
        "/gateway/mlflow/v1/chat/completions",
        "/v1/traces",
        "/signup",
    ],
)
def test_closed(path: str) -> None:
    assert is_closed(path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/health",
        "/api/2.0/mlflow/runs/search",
        "/ajax-api/2.0/mlflow/experiments/search",
        "/api/2.0/mlflow-artifacts/artifacts/workspaces/made-up/1/assistant/gateway/x.json",
        "/api/2.0/mlflow/registered-models/get",
        "/api/2.0/mlflow/logged-models",
        "/api/3.0/mlflow/roles/list",
        "/graphql",
        "/static-files/index.html",
    ],
)
def test_open(path: str) -> None:
    assert not is_closed(path)
