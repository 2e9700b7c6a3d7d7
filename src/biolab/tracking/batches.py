"""A bioprocess batch in MLflow: settings, end points, trends as curves, events, record."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from biolab.core import canonical_json, sha256_hex

from . import conventions as names
from .runs import RecordedRun, recorded_run
from .store import Store

if TYPE_CHECKING:
    from biolab.bioprocess import BatchRecord, BatchResult

FAMILY = "bioprocess"
BATCH = "biolab.batch"
"""What the batch is called."""
BATCH_HEAD = "biolab.batch.head"
"""Digest of the last entry of the batch record when the run was logged: a record written anew does not have it."""
BATCH_SEED = "biolab.batch.seed"
BATCH_STATUS = "biolab.batch.status"
PLANT = "biolab.plant"
RECIPE = "biolab.recipe"
RECIPE_VERSION = "biolab.recipe.version"
RECIPE_SHA256 = "biolab.recipe.sha256"
PLANT_SHA256 = "biolab.plant.sha256"
"""Digest of the plant's parameters; batches of different plants are not the same experiment."""


@dataclass(frozen=True, kw_only=True)
class LoggedBatch:
    """Where a batch was logged."""

    run_id: str
    experiment: str
    metrics: Mapping[str, float]


def log_batch(  # noqa: PLR0913 - what a run of a batch is made of
    store: Store,
    result: "BatchResult",
    record: "BatchRecord",
    *,
    head: str | None = None,
    folder: Path | None = None,
    texts: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    show_faults: bool = True,
) -> LoggedBatch:
    """Log a batch as one run of the experiment ``biolab/bioprocess/<recipe>``.

    Parameters
    ----------
    store
        Where to write.
    result, record
        A batch that ran, and its record.
    head
        Digest of the record's last entry when it was written; becomes a tag. By default of the record as it is now.
    folder
        The saved record, whose files are kept as artifacts under ``record/``.
    texts
        Figures and reports by artifact path.
    labels
        Further tags: a trainee's pseudonym, cohort or module.
    show_faults
        Log the injected faults; left out where a trainee is to find them.

    Raises
    ------
    TrackingError
        If the store cannot be written.
    """
    recipe = result.recipe
    experiment = names.experiment_name(FAMILY, recipe.name)
    metrics = _metrics(result, record)
    with recorded_run(
        store,
        experiment=experiment,
        name=record.batch,
        tags=_tags(result, record, head or record.trail.head) | dict(labels or {}),
    ) as run:
        hidden = set() if show_faults else {"faults"}
        run.params({name: value for name, value in result.settings.items() if name not in hidden})
        run.metrics(metrics)
        _log_trends(run, record.measurements)
        run.table("setpoints", recipe.setpoint_table())
        run.table("events", _events(result, show_faults=show_faults))
        run.table("deviations", record.deviation_table())
        run.table("audit_trail", record.trail.table())
        for path, text in (texts or {}).items():
            run.text(path, text)
        for file in sorted(folder.iterdir()) if folder is not None else ():
            if file.suffix in {".jsonl", ".parquet", ".toml"}:
                run.file(file, "record")
    return LoggedBatch(run_id=run.run_id, experiment=experiment, metrics=metrics)


def _metrics(result: "BatchResult", record: "BatchRecord") -> dict[str, float]:
    """Return a batch's end points, from the true states, and how many deviations it had."""
    found = record.deviations
    open_ones = sum(not each.assessed for each in found)
    return result.metrics | {"deviations": float(len(found)), "deviations.open": float(open_ones)}


def _tags(result: "BatchResult", record: "BatchRecord", head: str) -> dict[str, str]:
    recipe = result.recipe
    return {
        names.ROLE: "batch",
        BATCH: record.batch,
        BATCH_HEAD: head,
        BATCH_SEED: str(result.seed),
        BATCH_STATUS: record.status,
        PLANT: recipe.plant,
        PLANT_SHA256: sha256_hex(canonical_json(result.settings["parameters"])),
        RECIPE: recipe.name,
        RECIPE_VERSION: recipe.version,
        RECIPE_SHA256: recipe.sha256,
    }


def _log_trends(run: RecordedRun, measurements: pl.DataFrame) -> None:
    """Log what was measured as curves whose steps are the hours of the batch."""
    hourly = measurements.filter((pl.col("time_h") - pl.col("time_h").round()).abs() < 1e-6)
    for name in (column for column in hourly.columns if column.endswith("_measured")):
        known = hourly.select("time_h", pl.col(name).cast(pl.Float64)).drop_nulls().drop_nans()
        if known.height:
            steps = known["time_h"].round().cast(pl.Int64).to_list()
            run.curves(steps, {f"trend.{name.removesuffix('_measured')}": known[name].to_list()})


def _events(result: "BatchResult", *, show_faults: bool) -> pl.DataFrame:
    return result.events if show_faults else result.events.filter(pl.col("kind") != "fault")
