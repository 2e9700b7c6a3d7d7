"""A batch in MLflow: stock MLflow shows settings, end points, curves and record, and no fault that is to be found."""

from dataclasses import dataclass, replace
from pathlib import Path

from biolab.bioprocess import batch_record
from biolab.tracking import embedded_store, log_batch, read_table

from ..bioprocess.made_up_batch import made_up_batch  # noqa: TID252


@dataclass(frozen=True)
class Drift:
    kind: str = "probe-drift"
    start_h: float = 120.0


def test_a_batch_is_one_run(tmp_path: Path) -> None:
    batch = replace(made_up_batch(ph_drift_per_h=0.003), faults=(Drift(),))
    record = batch_record(batch, author="kim")
    folder = record.save(tmp_path / "record")
    store = embedded_store(tmp_path / "store")
    logged = log_batch(
        store, batch, record, folder=folder, texts={"figures/batch.en.svg": "<svg/>"}, labels={"biolab.cohort": "2026"},
        show_faults=False,
    )  # fmt: skip
    assert logged.experiment == "biolab/bioprocess/cho-standard"
    with store.session() as client:
        run = client.get_run(logged.run_id)
        history = client.get_metric_history(logged.run_id, "trend.ph")
        artifacts = {file.path for file in client.list_artifacts(logged.run_id, "record")}
    assert run.info.status == "FINISHED"
    assert run.data.tags["biolab.batch.head"] == record.trail.head
    assert run.data.tags["biolab.recipe.sha256"] == batch.recipe.sha256
    assert run.data.tags["biolab.cohort"] == "2026"
    assert run.data.params["recipe.vessel.max_volume_l"] == "5.0"
    assert "faults" not in run.data.params
    assert run.data.metrics["deviations"] == 1
    assert [point.step for point in history] == list(range(337))
    assert {"record/trail.jsonl", "record/measurements.parquet", "record/recipe.toml"} <= artifacts
    assert "fault" not in read_table(store, logged.run_id, "events")["kind"].to_list()
    assert read_table(store, logged.run_id, "deviations")["id"].to_list() == ["DEV-001"]
