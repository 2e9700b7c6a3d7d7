import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from biolab.tracking import embedded
from biolab.tracking.embedded import create_database, state_of
from biolab.tracking.session import load_mlflow, quietly

MAKE = """
import sys
from pathlib import Path
from biolab.tracking.embedded import create_database
sys.stdin.readline()
create_database(Path(sys.argv[1]), artifact_root="file:///root")
print("mlflow" in sys.modules)
"""


def tables(path):
    """Return the tables' lines in sorted order: MLflow's migrations write constraints in the order of a set."""
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return sorted((name, sorted(line.strip(" \t,") for line in sql.split("\n"))) for name, sql in found)


def test_the_database_is_the_one_mlflow_would_make(tmp_path, store):
    create_database(tmp_path / "ours.db", artifact_root="file:///root")
    theirs = tmp_path / "theirs.db"
    with quietly():
        mlflow = load_mlflow()
        mlflow.MlflowClient(tracking_uri=f"sqlite:///{theirs.as_posix()}").search_experiments()
    assert tables(tmp_path / "ours.db") == tables(theirs)
    assert state_of(tmp_path / "ours.db") == state_of(theirs) == "ready"


@pytest.mark.parametrize("kept", [None, "", "BEGIN TRANSACTION;\nCREATE TABLE half", b"\xff"])
def test_a_missing_or_damaged_cache_is_made_anew(tmp_path, monkeypatch, kept):
    whole = "BEGIN TRANSACTION;\nCREATE TABLE t (x);\nCOMMIT;\n"
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path)
    monkeypatch.setattr(embedded, "_schema_from_mlflow", lambda: whole)
    path = tmp_path / f"mlflow-{embedded.metadata.version('mlflow')}-schema.sql"
    if kept is not None:
        path.write_bytes(kept if isinstance(kept, bytes) else kept.encode())
    assert embedded._schema.__wrapped__() == whole
    monkeypatch.setattr(embedded, "_schema_from_mlflow", lambda: pytest.fail("migrated again"))
    assert embedded._schema.__wrapped__() == whole


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "file")
    monkeypatch.setattr(embedded, "_schema_from_mlflow", lambda: "COMMIT;\n")
    assert embedded._schema.__wrapped__() == "COMMIT;\n"


def test_the_kept_schema_tells_no_path(store):
    store.client()
    assert str(Path.cwd()) not in embedded._schema()


def test_two_processes_may_make_it_at_once(tmp_path, store):
    store.client()  # the schema is in the cache from here on
    path = tmp_path / "shared.db"
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for maker in makers:
        maker.stdin.write("go\n")
        maker.stdin.flush()
    outputs = [maker.communicate(timeout=60)[0].strip() for maker in makers]
    assert [maker.returncode for maker in makers] == [0, 0]
    assert outputs == ["False", "False"], "making a database must not import MLflow"
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM experiments").fetchone() == (1,)
    assert state_of(path) == "ready"


def test_an_existing_database_is_left_alone(tmp_path):
    path = tmp_path / "a.db"
    path.write_text("something")
    create_database(path, artifact_root="file:///root")
    assert path.read_text() == "something"
