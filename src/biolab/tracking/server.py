"""The joint server: MLflow with users, workspaces and nothing open by default."""

import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from biolab.core import ConfigError, MissingExtraError, write_atomically
from biolab.core.locks import exclusive
from biolab.core.private_files import read_private, write_private

from .embedded import check_database, check_folder, create_database
from .server_gate import FUNCTION
from .server_process import check_port, ended_by_signals, running_server, server_address, wait_for
from .store import Account, Store

FACTS_FILE = "server.json"
ADMIN = "admin"
_DATABASES = ("postgresql", "mysql", "mssql")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_REMEMBERED_S = 60  # checking a password takes some 50 ms, and one page of MLflow asks a dozen times
_AUTH = """[mlflow]
default_permission = NO_PERMISSIONS
database_uri = {database}
admin_username = {admin}
authorization_function = {gate}
grant_default_workspace_access = false
auth_cache_ttl_seconds = {remembered}
"""


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How a joint server runs.

    Parameters
    ----------
    folder
        Where its secrets are and, unless told otherwise, its databases and artifacts.
    host, port
        Where it listens; the default is reachable from this computer only.
    database
        ``postgresql+psycopg://user@host/name``; by default SQLite in the folder.
    artifacts
        ``s3://bucket/path`` or a folder; by default one in the folder.
    allowed_hosts
        Names, with ports if not 80 or 443, under which it may be asked, besides this computer's own.
    workers
        Processes that answer. With several, a changed password holds everywhere after a minute.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 5000
    database: str | None = None
    artifacts: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    workers: int = 1

    @property
    def address(self) -> str:
        """Where it answers on this computer."""
        return server_address(self.host, self.port)


@dataclass(frozen=True, kw_only=True)
class ServerFacts:
    """What a server's folder keeps: where it answered last and its administrator."""

    address: str
    administrator: Account

    @property
    def store(self) -> Store:
        """The server as its administrator sees it, in MLflow's default workspace."""
        return Store(tracking_uri=self.address, account=self.administrator)


def read_server(folder: Path) -> ServerFacts:
    """Read what a server's folder keeps.

    Raises
    ------
    ConfigError
        If no server was started there, or its file is damaged or can be read by others.
    """
    path = folder / FACTS_FILE
    content = read_private(path, missing="Start the server there with: biolab joint serve --server FOLDER")
    try:
        administrator = Account(name=str(content["admin"]), password=str(content["password"]))
        return ServerFacts(address=str(content["address"]), administrator=administrator)
    except KeyError as error:
        raise ConfigError(f"{path} lacks {error}; restore it from a copy.") from error


def serve(settings: ServerSettings) -> None:
    """Serve until Ctrl-C, then stop the server and everything it started.

    Raises
    ------
    ConfigError
        If the settings would open the server to others without naming its hosts, or the port is in use.
    MissingExtraError
        If the extra ``server`` is not installed.
    TrackingError
        If a database or folder cannot be used, or the server stops by itself.
    """
    with ended_by_signals(), running_joint_server(settings) as server:
        wait_for(server, settings.host, settings.port)


@contextmanager
def running_joint_server(settings: ServerSettings) -> "Generator[subprocess.Popen[bytes]]":
    """Prepare and start the server, wait until it answers, and stop it when the block ends; see ``serve``."""
    check_port(settings.host, settings.port)
    environment = prepare_server(settings)
    with running_server(server_command(settings), settings.host, settings.port, environment=environment) as server:
        yield server


def server_command(settings: ServerSettings) -> list[str]:
    """Return the command that starts MLflow; addresses and secrets stand in the environment, not here.

    >>> command = server_command(ServerSettings(folder=Path("biolab-server")))
    >>> " ".join(command[2:8])
    'mlflow server --app-name basic-auth --enable-workspaces --serve-artifacts'
    """
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--enable-workspaces"]
    command += ["--serve-artifacts", "--allowed-hosts", ",".join(_allowed_hosts(settings))]
    return [*command, "--host", settings.host, "--port", str(settings.port), "--workers", str(settings.workers)]


def prepare_server(settings: ServerSettings) -> dict[str, str]:
    """Make what the server needs in its folder, once, and return the environment that it is started with.

    Raises
    ------
    ConfigError, MissingExtraError, TrackingError
        As ``serve`` does.
    """
    _check(settings)
    folder = settings.folder.expanduser().resolve()
    check_folder(folder)
    folder.chmod(0o700)
    with exclusive(folder / ".server.lock"):
        facts = _facts(settings, folder)
        database, users = _databases(settings, folder)
        auth = _AUTH.format(
            database=users.replace("%", "%%"), admin=facts["admin"], gate=FUNCTION, remembered=_REMEMBERED_S
        )
        write_atomically(folder / "auth.ini", auth, mode=0o600)
    return {
        "MLFLOW_BACKEND_STORE_URI": database,
        "MLFLOW_ARTIFACTS_DESTINATION": _artifacts(settings, folder),
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_USERNAME": facts["admin"],
        "MLFLOW_AUTH_ADMIN_PASSWORD": facts["password"],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": facts["secret_key"],
        "MLFLOW_BASIC_AUTH_FAIL_CLOSED": "true",
        "MLFLOW_RBAC_SEED_DEFAULT_ROLES": "false",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "false",
    }


def _check(settings: ServerSettings) -> None:
    for module, purpose in [("flask_wtf", "users"), *_drivers(settings)]:
        if find_spec(module) is None:
            raise MissingExtraError(
                f"The joint server needs {module} for {purpose}. Install it with: pip install 'biolab[server]'"
            )
    if settings.host not in _LOOPBACK and not settings.allowed_hosts:
        raise ConfigError(
            f"The server would listen on {settings.host}, where others reach it. Name the host they ask for with "
            "--allowed-host, and let a reverse proxy speak TLS: passwords would cross the network in clear."
        )
    if "*" in settings.allowed_hosts:
        raise ConfigError("--allowed-host * would answer to any name (DNS rebinding); name the hosts.")
    scheme = "" if settings.database is None else urlsplit(settings.database).scheme.split("+")[0]
    if scheme and scheme not in _DATABASES:
        raise ConfigError(
            f"The database {scheme}: is not one that MLflow takes. Give postgresql+psycopg://user@host/name, or leave "
            "it out for SQLite."
        )


def _drivers(settings: ServerSettings) -> list[tuple[str, str]]:
    wanted = []
    if settings.database is not None and "+psycopg:" in settings.database.split("//")[0]:
        wanted.append(("psycopg", "PostgreSQL"))
    if settings.artifacts is not None and settings.artifacts.startswith("s3:"):
        wanted.append(("boto3", "S3-compatible storage"))
    return wanted


def _allowed_hosts(settings: ServerSettings) -> list[str]:
    own = ["localhost", "127.0.0.1", "[::1]", "localhost:*", "127.0.0.1:*", "[[]::1]:*"]
    return [*own, *settings.allowed_hosts]


def _facts(settings: ServerSettings, folder: Path) -> dict[str, str]:
    """Return the secrets, made at the first start and never again, with the address of this one."""
    path = folder / FACTS_FILE
    if path.exists():
        kept = {key: str(value) for key, value in read_private(path, missing="").items()}
        if missing := sorted({"admin", "password", "secret_key"} - kept.keys()):
            raise ConfigError(f"{path} lacks {', '.join(missing)}; restore it from a copy.")
    else:
        kept = {"admin": ADMIN, "password": new_password(), "secret_key": secrets.token_hex(32)}
    facts = kept | {"address": settings.address}
    write_private(path, facts)
    return facts


def new_password() -> str:
    """Make a password nobody can guess: 32 characters, 190 bits, no character that a shell or an address changes."""
    return secrets.token_urlsafe(24)


def _databases(settings: ServerSettings, folder: Path) -> tuple[str, str]:
    """Return the addresses of MLflow's database and of its users'; one server keeps both."""
    if settings.database is not None:
        return settings.database, settings.database
    database = folder / "mlflow.db"
    address = f"sqlite:///{database.as_posix()}"
    check_database(database, address)
    create_database(database, artifact_root="mlflow-artifacts:")
    users = folder / "users.db"
    for path in (database, users):
        with closing(sqlite3.connect(path)) as opened:
            opened.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not wait for each other
        path.chmod(0o600)
    return address, f"sqlite:///{users.as_posix()}"


def _artifacts(settings: ServerSettings, folder: Path) -> str:
    if settings.artifacts is not None and "://" in settings.artifacts:
        return settings.artifacts
    place = folder / "artifacts" if settings.artifacts is None else Path(settings.artifacts).expanduser().resolve()
    check_folder(place)
    return place.as_uri()
