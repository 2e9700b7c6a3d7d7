"""Runs read from the rows of a store are those that MLflow's interface gives."""

import math
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pytest

from biolab.core import TrackingError
from biolab.tracking import (
    Store,
    embedded_store,
    find_runs,
    recorded_run,
    row_listing,
    run_record,
    search,
    stored_runs,
)
from biolab.tracking.stored_runs import stored_run


@pytest.fixture(scope="module")
def runs(store: Store, make_tags, logged) -> list[str]:
    """Write a run with everything a run can hold, a child of it, and a deleted one; take one with a model."""
    with recorded_run(store, experiment="biolab/rows", name="whole", tags=make_tags(protocol="rows")) as parent:
        parent.params({"seed": 3, "한글": "값"})
        parent.curves([0, 6, 12], {"event_free": [1.0, 0.9, 0.8]})
        parent.metrics({"harrell_c": 0.61})
        parent.metrics({"harrell_c": 0.62})
        parent.dataset(name="d", digest="ab" * 32, schema={"age": "Float64"}, profile={"n": 30}, context="cohort")
        parent.dataset(name="c", digest="cd" * 32, schema={}, profile={}, context="validation")
    tags = make_tags(protocol="rows", site="gbsg")
    with recorded_run(store, experiment="biolab/rows/gbsg", name="child", tags=tags, parent=parent.run_id) as child:
        child.table("t", pl.DataFrame({"a": [1]}))
    with recorded_run(store, experiment="biolab/rows2", name="else", tags=make_tags(protocol="rows2")):
        pass
    with store.session() as client:
        client.log_metric(child.run_id, "huge", math.inf)
        client.set_tag(child.run_id, "own", "tag")
        deleted = client.create_run(client.get_experiment_by_name("biolab/rows").experiment_id)
        client.delete_run(deleted.info.run_id)
    return [parent.run_id, child.run_id, logged[0].run_id]


@pytest.mark.parametrize("number", range(3))
def test_one_run(number: int, store: Store, runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ours, record = stored_run(store, runs[number]), run_record(store, runs[number])
    for module in (stored_runs, search):
        monkeypatch.setattr(module, "has_rows", lambda _: False)
    assert asdict(ours) == asdict(stored_run(store, runs[number]))
    assert record == run_record(store, runs[number])


@pytest.mark.parametrize("kept_from", [1000, 0])
def test_listing(kept_from: int, store: Store, runs: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(row_listing, "KEPT_FROM", kept_from)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path)
    ours = find_runs(store, protocol="rows", status=None, latest=False)
    assert {run.run_id for run in ours} == set(runs[:2])
    assert [run.run_id for run in find_runs(store, protocol="rows", site="gbsg")] == [runs[1]]
    monkeypatch.setattr(search, "has_rows", lambda _: False)
    assert ours == find_runs(store, protocol="rows", status=None, latest=False)


def test_not_a_number_stays_one(store: Store, make_tags) -> None:
    with recorded_run(store, experiment="biolab/nan", name="nan", tags=make_tags(protocol="nan")) as run:
        pass
    with store.session() as client:
        client.log_metric(run.run_id, "gone", math.nan)
    assert math.isnan(find_runs(store, protocol="nan")[0].metrics["gone"])
    assert math.isnan(stored_run(store, run.run_id).shown["gone"])
    assert math.isnan(stored_run(store, run.run_id).points[0].value)


def test_a_run_that_is_not_there(store: Store, runs: list[str]) -> None:
    assert len(runs) == 3
    with pytest.raises(TrackingError, match="is not in"):
        stored_run(store, "0" * 32)


def test_a_database_that_is_being_made_has_no_runs(tmp_path: Path) -> None:
    store = embedded_store(tmp_path)
    store.database.touch()
    assert find_runs(store, protocol="any") == []
    with pytest.raises(TrackingError, match="is not in"):
        stored_run(store, "0" * 32)
