import errno
import logging
import os
import sqlite3
import warnings

import pytest

from biolab.core import TrackingError
from biolab.tracking.session import bound, explain, load_mlflow, quietly, translated


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (sqlite3.OperationalError("database or disk is full"), "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "--output"),
        (OSError(errno.EROFS, "Read-only file system"), "--output"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "--output"),
        (sqlite3.OperationalError("database is locked"), "held by another process"),
        (RuntimeError("Detected out-of-date database schema (found version 1"), "another MLflow version"),
        (RuntimeError("API request to http://x failed with exception y"), "cannot be reached"),
        (ConnectionRefusedError("refused"), "cannot be reached"),
        (RuntimeError("No such run"), "refused the request: No such run"),
    ],
)
def test_every_fault_says_where_and_what_to_do(error, words):
    message = explain(error, "the store")
    assert words in message
    assert "the store" in message


def test_statements_and_their_values_are_not_quoted():
    assert "patient" not in explain(RuntimeError("locked\n[SQL: INSERT patient 7]"), "store")


def test_mlflow_faults_become_tracking_errors():
    from mlflow.exceptions import MlflowException

    with pytest.raises(TrackingError, match="refused the request: no"), translated("store"):
        raise MlflowException("no")


def test_other_faults_pass_unchanged():
    with pytest.raises(ZeroDivisionError), translated("store"):
        raise ZeroDivisionError


def test_quiet_is_quiet_and_leaves_no_trace(monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    load_mlflow()
    logger = logging.getLogger("mlflow")
    before = dict(os.environ), logger.level, list(logger.handlers), logger.propagate, list(warnings.filters)
    with quietly():
        logging.getLogger("mlflow.store").error("chatter")
        warnings.warn("chatter", stacklevel=1)
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"
    assert capsys.readouterr() == ("", "")
    after = dict(os.environ), logger.level, list(logger.handlers), logger.propagate, list(warnings.filters)
    assert after == before


def test_the_global_address_is_put_back(monkeypatch):
    mlflow = load_mlflow()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    with bound("sqlite:///x.db"):
        assert mlflow.get_tracking_uri() == "sqlite:///x.db"
    assert mlflow.get_tracking_uri() == "http://example.org"
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://example.org"
    mlflow.set_tracking_uri(None)


def test_telemetry_is_off():
    load_mlflow()
    from mlflow.telemetry.client import get_telemetry_client

    assert get_telemetry_client() is None
