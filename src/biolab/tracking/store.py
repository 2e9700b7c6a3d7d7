"""Where runs are kept: an embedded SQLite file with a folder of artifacts, or a tracking server."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from biolab.core import ConfigError

from .embedded import check_database, check_folder, create_database
from .paths import local_path
from .session import load_mlflow, quietly, translated

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"
_SERVERS = ("http", "https")
_DATABASES = ("postgresql", "mysql", "mssql")
_CHECK_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
}


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user of a tracking server; the password is never printed."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Store:
    """An MLflow tracking store: its address and, where we choose it, the address of its artifacts.

    A server's ``workspace`` and ``account`` are MLflow's own environment variables' if ``None``.
    """

    tracking_uri: str
    artifact_root: str | None = None
    workspace: str | None = None
    account: Account | None = None

    @property
    def database(self) -> Path | None:
        """Return the SQLite file of an embedded store, else ``None``."""
        return Path(self.tracking_uri.removeprefix(_SQLITE)) if self.tracking_uri.startswith(_SQLITE) else None

    @property
    def artifacts(self) -> Path | None:
        """Return the local folder of artifacts, or ``None`` where a server keeps them."""
        return None if self.artifact_root is None else local_path(self.artifact_root)

    @property
    def label(self) -> str:
        """Name the store for a person, without a password.

        >>> Store(tracking_uri="postgresql://lab:secret@db.example.org/mlflow").label
        'postgresql://lab:***@db.example.org/mlflow'
        """
        if self.database is not None:
            return str(self.database)
        password = urlsplit(self.tracking_uri).password
        return self.tracking_uri.replace(f":{password}@", ":***@") if password else self.tracking_uri

    def client(self) -> "MlflowClient":
        """Return a client of this store and no other, making an embedded store on first use.

        Raises
        ------
        TrackingError
            If the store cannot be made or opened.
        """
        with quietly(self._identification), translated(self.label):
            return self._open()

    @contextmanager
    def session(self) -> "Generator[MlflowClient]":
        """Speak to the store: yields a client, keeps MLflow quiet and turns its faults into ``TrackingError``."""
        with quietly(self._identification), translated(self.label):
            yield self._open()

    def check(self) -> None:
        """Make sure within seconds that the store can be written, before hours of work rely on it.

        Raises
        ------
        TrackingError
            If the server does not answer, the folder is read-only, the disk is full, or the database belongs to another
            MLflow version or another program.
        """
        if self.database is not None:
            check_folder(self.database.parent)
            if self.artifacts is not None:
                check_folder(self.artifacts)
            check_database(self.database, self.tracking_uri)
        with quietly(_CHECK_PATIENCE | self._identification), translated(self.label):
            self._open().search_experiments(max_results=1)

    @property
    def _identification(self) -> dict[str, str]:
        """What MLflow reads from the environment at each request to a server."""
        said = {} if self.workspace is None else {"MLFLOW_WORKSPACE": self.workspace}
        if self.account is not None:
            said["MLFLOW_TRACKING_USERNAME"] = self.account.name
            said["MLFLOW_TRACKING_PASSWORD"] = self.account.password
        return said

    def _open(self) -> "MlflowClient":
        mlflow = load_mlflow()
        if self.database is not None:
            create_database(self.database, artifact_root=self.artifact_root or "")
        return mlflow.MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)


def embedded_store(folder: Path) -> Store:
    """Describe the store that needs no server: ``mlflow.db`` and ``artifacts/`` in a folder.

    Nothing is written before the first use. MLflow keeps absolute artifact addresses: a store stays where it was made.

    >>> embedded_store(Path("results")).database.name
    'mlflow.db'

    Raises
    ------
    ConfigError
        If the path holds ``?``, ``#`` or ``%``: MLflow takes paths for addresses, in which these mean something else.
    """
    place = folder.expanduser().resolve()
    if troublesome := sorted(set("?#%") & set(str(place))):
        raise ConfigError(
            f"{place}: MLflow cannot keep models in a folder whose path holds {' or '.join(troublesome)}. "
            "Choose another with --output."
        )
    return Store(
        tracking_uri=f"{_SQLITE}{(place / 'mlflow.db').as_posix()}", artifact_root=(place / "artifacts").as_uri()
    )


def open_store(tracking_uri: str | None, output: Path) -> Store:
    """Return the store at an address, or the embedded one in the output folder if there is none.

    Parameters
    ----------
    tracking_uri
        ``http(s)://`` of an MLflow server, ``sqlite:///file``, a database such as ``postgresql://``, or ``None``.
    output
        Where the embedded store and, for a bare database, the artifacts go.

    Raises
    ------
    ConfigError
        If the address is of another kind.
    """
    if tracking_uri is None:
        return embedded_store(output)
    if tracking_uri.startswith(_SQLITE):
        database = Path(tracking_uri.removeprefix(_SQLITE)).expanduser().resolve()
        store = embedded_store(database.parent)
        return Store(tracking_uri=f"{_SQLITE}{database.as_posix()}", artifact_root=store.artifact_root)
    scheme = urlsplit(tracking_uri).scheme.split("+")[0]
    if scheme in _SERVERS:
        return Store(tracking_uri=tracking_uri.rstrip("/"))
    if scheme in _DATABASES:
        return Store(tracking_uri=tracking_uri, artifact_root=(output.expanduser().resolve() / "artifacts").as_uri())
    raise ConfigError(
        f"The tracking address {tracking_uri!r} is not one biolab knows. Give http://host:port of an MLflow server or "
        "sqlite:///path/mlflow.db, or leave it out to keep the runs in the output folder."
    )
