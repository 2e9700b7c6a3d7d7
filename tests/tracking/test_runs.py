import getpass
import json
import math
import subprocess
import sys

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from biolab.core import ConfigError, TrackingError
from biolab.tracking import mark_abandoned, read_table, read_text, recorded_run
from biolab.tracking.processes import current_process
from biolab.tracking.session import bound


def stop(fault):
    raise fault


def stored(store, run):
    return store.client().get_run(run.run_id)


def test_a_run_ends_as_finished_with_what_was_logged(store, start):
    with start(site="gbsg", description="**What** was done") as run:
        run.params({"penalty": {"ridge": 0.5}, "ties": "efron"})
        run.metrics({"harrell_c": 0.68, "harrell_c.lower": 0.65})
        run.text("page.html", "<h1>쪽</h1>")
    found = stored(store, run)
    assert found.info.status == "FINISHED"
    assert found.data.params == {"penalty.ridge": "0.5", "ties": "efron"}
    assert found.data.metrics == {"harrell_c": 0.68, "harrell_c.lower": 0.65}
    assert found.data.tags["mlflow.note.content"] == "**What** was done"
    assert read_text(store, run.run_id, "page.html") == "<h1>쪽</h1>"


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit, TrackingError])
def test_whatever_stops_a_run_marks_it_failed_without_the_message(store, start, fault):
    with pytest.raises(fault), start() as run:
        stop(fault("patient 4711"))
    found = stored(store, run)
    assert found.info.status == "FAILED"
    assert found.info.end_time is not None
    assert found.data.tags["biolab.failure"] == fault.__name__
    assert "4711" not in json.dumps(found.data.tags)


def test_the_first_fault_stands_if_the_store_is_gone_too(store, start, monkeypatch):
    gone = TrackingError("the disk is full")
    monkeypatch.setattr("biolab.tracking.runs.end_run", lambda *_: stop(gone))
    with pytest.raises(ValueError, match="the first") as caught, start() as run:
        stop(ValueError("the first"))
    assert any(run.run_id in note for note in caught.value.__notes__)


def test_children_hang_under_their_parent(store, start):
    with start("site") as parent, start("model", parent=parent.run_id, role="model", model="cox") as child:
        pass
    assert stored(store, child).data.tags["mlflow.parentRunId"] == parent.run_id


def test_nothing_of_the_computer_or_its_user_is_told(store, start, tmp_path):
    with start(site="gbsg") as run:
        run.dataset(name="gbsg", digest="ab" * 32, schema={"age": "Float64"}, profile={"n": 1}, context="fit")
    found = stored(store, run)
    assert found.data.tags["mlflow.user"] == found.info.user_id == "gbsg"
    assert found.data.tags["mlflow.source.name"] == "biolab"
    assert not [tag for tag in found.data.tags if tag.startswith("mlflow.source.git")]
    told = json.dumps(found.data.tags) + json.dumps(found.inputs.to_dictionary())
    for secret in (getpass.getuser(), str(tmp_path.parent), sys.executable):
        assert f'"{secret}' not in told


def test_numbers_that_are_not_finite_are_named_instead(store, start):
    with start() as run:
        run.metrics({"a": 1.0, "b": math.nan})
        run.metrics({"c": math.inf, "b": math.nan}, step=3)
    found = stored(store, run)
    assert found.data.metrics == {"a": 1.0}
    assert found.data.tags["biolab.metrics.skipped"] == "b, c"


def test_curves_keep_their_steps_and_many_metrics_all_arrive(store, start):
    with start() as run:
        run.metrics({"loss": 1.0}, step=1)
        run.curves([2, 3], {"loss": [1 / 2, 1 / 3]})
        run.metrics({f"m{i}": float(i) for i in range(1205)})
        run.params({f"p{i}": i for i in range(205)})
    history = store.client().get_metric_history(run.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    found = stored(store, run)
    assert len(found.data.metrics) == 1206
    assert len(found.data.params) == 205


def test_a_curve_of_another_length_is_refused(start):
    with pytest.raises(ConfigError, match="'loss' has 1 values at 2 steps"), start() as run:
        run.curves([2, 3], {"loss": [1.0]})


def test_long_parameters_are_kept_whole_and_named(store, start):
    with start() as run:
        run.params({"terms": "x" * 9000})
    found = stored(store, run)
    assert "whole in params/terms.txt" in found.data.params["terms"]
    assert found.data.tags["biolab.params.shortened"] == "terms"
    assert read_text(store, run.run_id, "params/terms.txt") == "x" * 9000


def test_a_changed_parameter_is_refused(start):
    with start() as run:
        run.params({"a": 1})
        run.params({"a": 1})
        with pytest.raises(TrackingError, match="refused"):
            run.params({"a": 2})


def test_too_long_a_tag_is_refused_rather_than_cut(start):
    with start() as run, pytest.raises(ConfigError, match="'x' has 8001 characters"):
        run.tags({"x": "y" * 8001})
    with start() as run:
        run.metrics({f"{i:04d}{'m' * 200}": math.nan for i in range(100)})


def test_tables_are_tables_for_stock_mlflow_too(store, start):
    frame = pl.DataFrame({"site": ["gbsg", "rotterdam"], "estimate": [0.6, math.nan], "n": [686, None]})
    with start() as run:
        run.table("validation", frame)
        run.table("validation", frame)
    assert_frame_equal(read_table(store, run.run_id, "validation"), frame, check_exact=True)
    tag = json.loads(stored(store, run).data.tags["mlflow.loggedArtifacts"])
    assert tag == [{"path": "tables/validation.json", "type": "table"}]
    with bound(store.tracking_uri):
        stock = store.client().load_table(run.experiment_id, "tables/validation.json", [run.run_id])
    assert stock["site"].tolist() == ["gbsg", "rotterdam"]


def test_a_cohort_is_a_data_set_without_rows_or_paths(store, start):
    with start(site="gbsg") as run:
        run.dataset(name="gbsg", digest="cd" * 32, schema={"age": "Float64"}, profile={"patients": 686}, context="fit")
        with pytest.raises(ConfigError, match="data set 'gbsg'"):
            run.dataset(name="gbsg", digest="cd", schema={}, profile={"mean": math.nan}, context="fit")
    (found,) = stored(store, run).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.source) == ("gbsg", "biolab:site/gbsg")
    assert json.loads(found.dataset.profile) == {"patients": 686}
    assert json.loads(found.dataset.schema)["mlflow_colspec"][0]["name"] == "age"
    assert {tag.key: tag.value for tag in found.tags} == {
        "mlflow.data.context": "fit",
        "biolab.dataset.digest": "cd" * 32,
    }


def test_files_keep_their_names(store, start, tmp_path):
    (tmp_path / "model card.md").write_text("card", encoding="utf-8")
    with start() as run:
        run.file(tmp_path / "model card.md", "docs")
        with pytest.raises(TrackingError, match="is not a file"):
            run.file(tmp_path / "absent")
        with pytest.raises(ConfigError):
            run.text("../escape.txt", "")
    assert read_text(store, run.run_id, "docs/model card.md") == "card"


def test_a_deleted_experiment_says_how_to_restore_it(store, start):
    with start() as run:
        pass
    store.client().delete_experiment(run.experiment_id)
    with pytest.raises(TrackingError, match="mlflow experiments restore"), start():
        pytest.fail("the run cannot have started")


def test_runs_of_dead_processes_are_ended_and_others_left(store, start):
    name = "biolab/abandoned"
    assert mark_abandoned(store, name) == []
    dead = subprocess.run(
        [sys.executable, "-c", "from biolab.tracking.processes import current_process as p; print(p())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    client = store.client()
    with start(experiment=name) as living:
        ids = {
            whose: client.create_run(living.experiment_id, tags={"biolab.process": process}).info.run_id
            for whose, process in {"dead": dead, "elsewhere": "other-host:1:2", "stock": ""}.items()
        }
        assert mark_abandoned(store, name) == [ids["dead"]]
        assert mark_abandoned(store, name) == []
        statuses = {whose: client.get_run(run_id).info.status for whose, run_id in ids.items()}
        assert client.get_run(living.run_id).info.status == "RUNNING"
        assert client.get_run(living.run_id).data.tags["biolab.process"] == current_process()
    assert statuses == {"dead": "FAILED", "elsewhere": "RUNNING", "stock": "RUNNING"}
    assert client.get_run(ids["dead"]).data.tags["biolab.failure"] == "ProcessDied"


def test_the_process_prints_nothing(store, make_tags, capfd):
    with recorded_run(store, experiment="biolab/silence", name="r", tags=make_tags()) as run:
        run.metrics({"a": 1.0})
        run.text("a.txt", "b")
    assert capfd.readouterr() == ("", "")
