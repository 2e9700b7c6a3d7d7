"""The one door to MLflow: imported quietly, spoken to quietly, its faults turned into words a person can act on."""

import errno
import logging
import os
import re
import sqlite3
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from biolab.core import TrackingError

if TYPE_CHECKING:
    from types import ModuleType

PRIVACY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
_MANNERS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",  # else MLflow copies the working folder's pyproject into every model
    "MLFLOW_TRUNCATE_LONG_VALUES": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
_LOGGERS = ("mlflow", "alembic")
for _name, _value in PRIVACY.items():  # MLflow reads these when it is first imported, whoever imports it
    os.environ.setdefault(_name, _value)


def load_mlflow() -> "ModuleType":
    """Import MLflow with its telemetry off, unless a person set otherwise; takes seconds the first time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.artifacts
        import mlflow.pyfunc
    return mlflow


@contextmanager
def quietly(settings: Mapping[str, str] | None = None) -> Generator[None]:
    """Keep MLflow from logging, warning, drawing bars or waiting for minutes while the block runs.

    The process's own log levels, warning filters and environment are put back afterwards.
    """
    wanted = _MANNERS | {name: os.environ.get(name, value) for name, value in _PATIENCE.items()} | dict(settings or {})
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with warnings.catch_warnings(), _silenced(*_LOGGERS):
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def asking_once() -> Generator[None]:
    """Let no request to a server be repeated while the block runs.

    MLflow's client repeats a request whose answer was lost, and the server may have done it: a run would then stand
    twice. Whoever can look what was done and begin again wants the fault instead.
    """
    with quietly({"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}):
        yield


@contextmanager
def _silenced(*names: str) -> Generator[None]:
    """Let nothing that these loggers or their children say reach a handler.

    Levels would do too, but setting one clears the cache of every logger of the process.
    """
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger, logger.handlers, logger.propagate) for logger in loggers]
    nowhere: list[logging.Handler] = [logging.NullHandler()]
    for logger in loggers:
        logger.handlers, logger.propagate = nowhere, False
    try:
        yield
    finally:
        for logger, handlers, propagate in before:
            logger.handlers, logger.propagate = handlers, propagate


@contextmanager
def bound(tracking_uri: str) -> Generator[None]:
    """Make an address MLflow's global one while the block runs, for the few calls of MLflow that know no other."""
    mlflow = load_mlflow()
    in_environment = os.environ.get("MLFLOW_TRACKING_URI")
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    mlflow.set_tracking_uri(tracking_uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
        if in_environment is not None:
            os.environ["MLFLOW_TRACKING_URI"] = in_environment


@contextmanager
def translated(where: str) -> Generator[None]:
    """Raise a ``TrackingError`` that says what to do instead of MLflow's, SQLAlchemy's or the system's own.

    Raises
    ------
    TrackingError
        If the store is full, read-only, locked, of another schema, unreachable, or refuses the request.
    """
    load_mlflow()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise TrackingError(explain(error, where)) from error


def explain(error: Exception, where: str) -> str:
    """Say in one or two sentences what a fault of the store at ``where`` means and how to mend it."""
    # SQLAlchemy quotes the statement and its values after the fault, and its own advice before it
    text = re.sub(r"^\(raised as a result of .*\)\n", "", str(error).split("[SQL:")[0]).strip()
    low = text.lower()
    number = error.errno if isinstance(error, OSError) else None
    if number in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} or "disk is full" in low or "disk i/o error" in low:
        return f"{where}: the disk is full or the quota is used up ({text}). Free space, then run again."
    if number in {errno.EACCES, errno.EPERM, errno.EROFS} or "readonly database" in low or "unable to open" in low:
        return f"{where} cannot be written ({text}). Choose a folder you may write to with --output."
    if "database is locked" in low:
        return f"{where} is held by another process ({text}). Wait until that run has finished, then run again."
    if "out-of-date database schema" in low or "can't locate revision" in low:
        return f"{where} has the schema of another MLflow version ({text.splitlines()[0]})."
    if "api request to" in low or "failed with error code" in low or isinstance(error, ConnectionError):
        return _explain_server(text, where)
    return f"{where} refused the request: {text.splitlines()[0] if text else type(error).__name__}"


def _explain_server(text: str, where: str) -> str:
    reason = text.splitlines()[0]
    if "Invalid Host header" in text:
        return f"{where} does not answer to this name. Start it with: --allowed-host {urlsplit(where).netloc}"
    if "error code 401" in text:
        return f"{where} does not know this user or password. Check them, or have the coordinator make a new password."
    if "error code 403" in text:
        return f"{where}: this account may not do that ({reason})."
    return f"The tracking server {where} cannot be reached ({reason}). Check the address and that it runs."
