"""The SQLite file of an embedded store: made in a moment, safe when two processes make it at once."""

import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Literal

import platformdirs

from biolab.core import BiolabError, TrackingError, write_atomically

from .session import explain, load_mlflow, quietly, translated

LEAST_FREE_BYTES = 20_000_000
CHECK_PATIENCE_S = 5.0
_LOCK_PATIENCE_S = 30

State = Literal["absent", "ready", "older", "newer", "foreign"]


def create_database(path: Path, *, artifact_root: str) -> None:
    """Make an MLflow database at ``path`` unless one is there.

    MLflow builds a database by replaying its whole migration history, which takes seconds. That is done once for each
    MLflow version of a user; the outcome is kept in the user's cache folder and replayed in one exclusive
    transaction, so a second process sees an empty database or a whole one.

    Raises
    ------
    TrackingError
        If the folder cannot be written or the disk is full.
    """
    if path.exists() and path.stat().st_size:
        return
    schema = _schema()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=_LOCK_PATIENCE_S, isolation_level=None)) as database:
            database.execute("BEGIN EXCLUSIVE")
            if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                _replay(database, schema, artifact_root)
            database.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise TrackingError(explain(error, str(path))) from error


def check_folder(folder: Path) -> None:
    """Make a folder and write a byte to it.

    Raises
    ------
    TrackingError
        If it cannot be made or written, or the disk holds less than 20 MB.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise TrackingError(
            f"{folder} cannot be written ({error.strerror or error}). Choose a folder you may write to with --output."
        ) from error
    if free < LEAST_FREE_BYTES:
        raise TrackingError(
            f"{folder}: the disk is full ({free / 1e6:.0f} MB free, at least {LEAST_FREE_BYTES / 1e6:.0f} MB needed). "
            "Free space or choose another folder with --output."
        )


def check_database(path: Path, tracking_uri: str) -> None:
    """Check that the SQLite file is MLflow's, of the schema of the installed MLflow, and can be written.

    Raises
    ------
    TrackingError
        If it is not; the message says how to mend it. The file is left as it was.
    """
    state = state_of(path)
    version = metadata.version("mlflow")
    remedy = {
        "foreign": "is not a database of MLflow. Name another file or folder with --tracking-uri or --output.",
        "older": f"was made by an older MLflow than {version}. Copy the file as a backup, then run: "
        f"mlflow db upgrade {tracking_uri}",
        "newer": f"was made by a newer MLflow than {version}. Upgrade with: pip install -U mlflow, or choose another "
        "folder with --output.",
    }
    if state in remedy:
        raise TrackingError(f"{path} {remedy[state]}")
    if state == "absent":
        return
    try:
        with closing(sqlite3.connect(path, timeout=CHECK_PATIENCE_S, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise TrackingError(explain(error, str(path))) from error


def state_of(path: Path) -> State:
    """Say whether the file is absent, ready for the installed MLflow, of an older or newer one, or not MLflow's.

    Raises
    ------
    TrackingError
        If the file is there and cannot be read.
    """
    if not path.exists() or not path.stat().st_size:
        return "absent"
    try:
        with closing(sqlite3.connect(path, timeout=CHECK_PATIENCE_S)) as database:
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not {"alembic_version", "experiments"} <= tables:
                return "foreign" if tables else "absent"
            found = database.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error):
            return "foreign"
        raise TrackingError(explain(error, str(path))) from error
    known = _revisions()
    if found is not None and found[0] == known[0]:
        return "ready"
    return "older" if found is None or found[0] in known else "newer"


@cache
def _revisions() -> tuple[str, ...]:
    """Return the schema revisions the installed MLflow knows, newest first."""
    from alembic.script import ScriptDirectory

    folder = Path(load_mlflow().__file__ or "").parent / "store" / "db_migrations"
    return tuple(script.revision for script in ScriptDirectory(str(folder)).walk_revisions())


@cache
def _schema() -> str:
    """Return the SQL that makes a database of the installed MLflow."""
    version = metadata.version("mlflow")
    kept = platformdirs.user_cache_path("biolab") / f"mlflow-{version}-schema.sql"
    try:
        text = kept.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    if text.endswith("COMMIT;\n"):
        return text
    text = _schema_from_mlflow()
    try:
        write_atomically(kept, text)
    except BiolabError:
        return text  # no cache folder: the next process migrates again
    return text


def _schema_from_mlflow() -> str:
    mlflow = load_mlflow()
    # MLflow keeps the file open; Windows then refuses to delete it
    with tempfile.TemporaryDirectory(prefix="biolab-", ignore_cleanup_errors=True) as folder:
        path = Path(folder).resolve() / "schema.db"
        with quietly(), translated(str(path)):
            mlflow.MlflowClient(tracking_uri=f"sqlite:///{path.as_posix()}").search_experiments(max_results=1)
        with closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE experiments SET artifact_location = ''")
            return "\n".join(database.iterdump()) + "\n"


def _replay(database: sqlite3.Connection, schema: str, artifact_root: str) -> None:
    statement = ""
    for line in schema.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            if statement.strip() not in {"BEGIN TRANSACTION;", "COMMIT;"}:
                database.execute(statement)
            statement = ""
    now_ms = int(time.time() * 1000)
    database.execute(
        "UPDATE experiments SET artifact_location = ? || '/' || experiment_id, creation_time = ?, last_update_time = ?",
        (artifact_root, now_ms, now_ms),
    )
