"""Runs from the cache are those of the store, whatever was written, edited, deleted or restored in between."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from biolab.tracking import RunTables, Store, cached_runs, embedded_store, recorded_run, run_tags


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    for number in range(4):
        write(embedded_store(folder), number)
    return folder


@pytest.fixture
def store(written: Path, tmp_path: Path) -> Store:
    return embedded_store(Path(shutil.copytree(written, tmp_path / "store")))


def write(store: Store, number: int, experiment: str = "biolab/demo") -> str:
    tags = run_tags(protocol="demo", version="1", sha256="0" * 64, role="site", site=f"site{number}")
    with recorded_run(store, experiment=experiment, name=f"run {number}", tags=tags) as run:
        run.params({"seed": number})
        run.metrics({"harrell_c": 0.6 + number / 100, "uno_c": 0.5})
    return run.run_id


@pytest.fixture
def listed(store: Store, tmp_path: Path) -> Callable[..., RunTables]:
    return lambda **words: cached_runs(store, folder=tmp_path / "cache", **words)


def run_named(tables: RunTables, name: str) -> str:
    return tables.runs.filter(pl.col("name") == name)["run_id"].item()


def told_by_mlflow(store: Store) -> dict[str, tuple[dict, dict, dict]]:
    with store.session() as client:
        ids = [each.experiment_id for each in client.search_experiments()]
        runs = client.search_runs(ids, max_results=1000)
    return {run.info.run_id: (run.data.params, run.data.metrics, run.data.tags) for run in runs}


def told(tables: RunTables) -> dict[str, tuple[dict, dict, dict]]:
    found = {run: ({}, {}, {}) for run in tables.runs["run_id"]}
    for place, name in enumerate(("params", "metrics", "tags")):
        for run, key, value in getattr(tables, name).select("run_id", "key", "value").iter_rows():
            found[run][place][key] = value
    return found


def sql(store: Store, statement: str) -> None:
    with closing(sqlite3.connect(store.database)) as database:
        assert database.execute(statement).rowcount > 0
        database.commit()


def with_client(action: Callable) -> Callable[[Store, str], None]:
    def act(store: Store, run: str) -> None:
        with store.session() as client:
            action(client, run)

    return act


CHANGES: dict[str, Callable[[Store, str], object]] = {
    "a metric logged again after the end": with_client(lambda c, r: c.log_metric(r, "harrell_c", 0.99)),
    "a metric that was not there": with_client(lambda c, r: c.log_metric(r, "new", 1.0)),
    "a tag of the same length": with_client(lambda c, r: c.set_tag(r, "biolab.site", "sitex")),
    "a tag taken away": with_client(lambda c, r: c.delete_tag(r, "biolab.site")),
    "a parameter added": with_client(lambda c, r: c.log_param(r, "later", "yes")),
    "the name": with_client(lambda c, r: c.update_run(r, name="renamed")),
    "the status": with_client(lambda c, r: c.set_terminated(r, "FAILED")),
    "deleted": with_client(lambda c, r: c.delete_run(r)),
    "shown number changed in the database": lambda s, r: sql(
        s, f"UPDATE latest_metrics SET value = 0.123 WHERE key = 'uno_c' AND run_uuid = '{r}'"
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_found_and_only_that_run_read(name: str, store: Store, listed) -> None:
    before = listed()
    assert (before.read, listed().read) == (4, 0)
    run = run_named(before, "run 2")
    CHANGES[name](store, run)
    after = listed()
    assert after.read == 1
    assert told(after) == told_by_mlflow(store)
    assert listed().read == 0


def test_deleted_and_restored(store: Store, listed) -> None:
    run = run_named(listed(), "run 1")
    with store.session() as client:
        client.delete_run(run)
    assert run not in set(listed().runs["run_id"])
    assert run in set(listed(deleted=True).runs["run_id"])
    with store.session() as client:
        client.restore_run(run)
    assert run in set(listed().runs["run_id"])
    assert told(listed()) == told_by_mlflow(store)


def test_gone_for_good(store: Store, listed) -> None:
    run = run_named(listed(), "run 1")
    for table in ("latest_metrics", "metrics", "params", "tags", "runs"):
        sql(store, f"DELETE FROM {table} WHERE run_uuid = '{run}'")
    after = listed(deleted=True)
    assert (after.runs.height, after.read) == (3, 0)
    assert run not in set(after.metrics["run_id"])


def test_new_runs_come_first_and_experiments_are_told_apart(store: Store, listed) -> None:
    listed()
    new = write(store, 9, "biolab/demo/north")
    other = write(store, 10, "biolab/demonstration")
    after = listed()
    assert (after.read, after.runs["run_id"][0]) == (2, other)
    here = listed(experiment="biolab/demo")
    assert here.runs["run_id"][0] == new
    assert other not in set(here.runs["run_id"])
    assert set(here.tags["run_id"]) <= set(here.runs["run_id"])


def test_wide_has_a_row_a_run(store: Store, listed) -> None:
    write(store, 5)
    with store.session() as client:
        client.log_metric(run_named(listed(), "run 5"), "own", float("nan"))
    wide = listed().wide()
    assert wide.height == 5
    by_name = {row["name"]: row for row in wide.iter_rows(named=True)}
    assert by_name["run 3"]["metrics.harrell_c"] == pytest.approx(0.63)
    assert by_name["run 3"]["params.seed"] == "3"
    assert by_name["run 3"]["tags.biolab.site"] == "site3"
    assert by_name["run 5"]["metrics.own"] is None


@pytest.mark.parametrize("harm", ["state.json", "metrics-*.parquet"])
def test_a_damaged_cache_is_made_anew(harm: str, store: Store, listed, tmp_path: Path) -> None:
    listed()
    next((tmp_path / "cache").glob(f"*/{harm}")).write_bytes(b"PAR1 spoilt")
    after = listed()
    assert after.read == 4
    assert told(after) == told_by_mlflow(store)


def test_a_store_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    empty = cached_runs(embedded_store(tmp_path / "none"), folder=tmp_path / "cache")
    assert (empty.runs.height, empty.wide().height, empty.read) == (0, 0, 0)


def test_a_server_is_read_by_its_interface(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from biolab.tracking import run_cache

    monkeypatch.setattr(run_cache, "has_rows", lambda _: False)
    first = cached_runs(store, folder=tmp_path / "cache")
    assert told(first) == told_by_mlflow(store)
    run = run_named(first, "run 0")
    with store.session() as client:
        client.delete_run(run)
    write(store, 7)
    assert run in set(cached_runs(store, folder=tmp_path / "cache").runs["run_id"])
    assert told(cached_runs(store, folder=tmp_path / "cache", server_age_s=0)) == told_by_mlflow(store)
