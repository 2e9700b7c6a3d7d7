"""``biolab plant``: batches of the digital plant, recipes, and the records that batches leave."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from .options import AsJson, Language, StoreOptions, print_json

if TYPE_CHECKING:
    from biolab.bioprocess import BatchResult
    from biolab.reports import PublishedBatch

plant = App(name="plant", help="Batches of the digital plant, recipes and batch records.", help_format="plaintext")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """What is run.

    Parameters
    ----------
    fault
        A fault to inject, once for each: probe-drift:probe=ph,start_h=120,per_h=0.002.
    faults
        A TOML file of faults, a table [[faults]] each, with kind and the fault's keys.
    seed
        Decides all chance: the same recipe, faults and seed give the same batch.
    hours
        How long; by default as long as the recipe.
    operator
        Who makes the batch, as the record says.
    hide_faults
        Leave the faults out of figure and MLflow, for somebody who is to find them.
    """

    fault: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    faults: Path | None = None
    seed: int = 0
    hours: float | None = None
    operator: str = "operator"
    hide_faults: Annotated[bool, Parameter(negative="")] = False


@plant.command
def run(
    recipe: str,
    *,
    batch: BatchOptions | None = None,
    store: StoreOptions | None = None,
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Run a batch by a recipe; write its record, figure and deviation report, and log it to MLflow.

    Parameters
    ----------
    recipe
        A shipped recipe's name (see: biolab plant recipes) or a TOML file.
    language
        Language of figure and report.
    """
    from biolab.bioprocess import Recipe, plant_named, simulate
    from biolab.bioprocess.faults import load_faults, read_faults
    from biolab.reports import publish_batch

    chosen, options = batch or BatchOptions(), store or StoreOptions()
    loaded = Recipe.load(recipe)
    faults = read_faults([_fault_table(text) for text in chosen.fault], source="--fault")
    faults += () if chosen.faults is None else load_faults(chosen.faults)
    opened = options.open()
    hours = loaded.hours if chosen.hours is None else chosen.hours
    result = simulate(plant_named(loaded.plant), loaded, hours=hours, faults=faults, seed=chosen.seed)
    published = publish_batch(
        result,
        opened,
        output=options.output,
        author=chosen.operator,
        language=language,
        show_faults=not chosen.hide_faults,
    )
    if as_json:
        print_json(_outcome(result, published, opened.tracking_uri))
        return
    _print_batch(published)
    for event in result.events.filter(kind="solver").iter_rows(named=True):
        print(f"THE BATCH STOPPED EARLY: {event['message']}. What ran until then is kept.")


@plant.command
def recipes(*, as_json: AsJson = False) -> None:
    """List the recipes that come with biolab."""
    from biolab.bioprocess import Recipe, recipe_names

    found = [Recipe.load(name) for name in recipe_names()]
    rows = [
        {"name": each.name, "plant": each.plant, "hours": each.hours, "phases": [p.name for p in each.phases],
         "title": each.title.en, "title_ko": each.title.ko, "sha256": each.sha256}
        for each in found
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['name']:<24} {row['hours']:>5g} h  {row['title']}")
    print("Run one with: biolab plant run NAME.  Each is a TOML file; check your own with: biolab plant check FILE")


@plant.command
def check(file: Path, *, as_json: AsJson = False) -> None:
    """Check a recipe file: names, set-points inside the equipment, pumps, and the vessel's volume.

    Parameters
    ----------
    file
        The TOML file.
    """
    from biolab.bioprocess import Recipe

    recipe = Recipe.load(file)
    if as_json:
        print_json({"name": recipe.name, "sha256": recipe.sha256, "phases": recipe.setpoint_table().to_dicts()})
        return
    import polars as pl

    with pl.Config(tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, tbl_cols=-1, tbl_width_chars=160):
        print(recipe.setpoint_table())
    print(f"{file}: a recipe that can be followed. {recipe.name} {recipe.version}, SHA-256 {recipe.sha256[:16]}")


@plant.command
def verify(folder: Path, *, head: str | None = None, as_json: AsJson = False) -> None:
    """Check that a batch record is as it was written; name every entry and reading that was changed.

    Parameters
    ----------
    folder
        Where the record lies: trail.jsonl, measurements.parquet, recipe.toml.
    head
        The digest of an entry kept elsewhere, such as the tag biolab.batch.head in MLflow: finds a rewritten record.
    """
    from biolab.bioprocess import BatchRecord

    record = BatchRecord.load(folder)
    record.verify(head=head)
    facts = {"batch": record.batch, "status": record.status, "entries": len(record.trail.entries)}
    if as_json:
        print_json({**facts, "head": record.trail.head, "deviations": record.deviation_table().to_dicts()})
        return
    print(f"{record.batch}: {facts['entries']} entries and {record.measurements.height} rows are as they were written.")
    print(f"Status: {record.status}. Digest of the last entry: {record.trail.head}")


@plant.command
def review(
    folder: Path, *, reviewer: str, decision: Literal["approve", "reject"], why: str, as_json: AsJson = False
) -> None:
    """Approve or reject a batch record as a second person; the decision becomes its last entry.

    Parameters
    ----------
    folder
        Where the record lies.
    reviewer
        Who reviews; nobody who made an entry may.
    decision
        What was decided.
    why
        In a sentence.
    """
    from biolab.bioprocess import BatchRecord

    record = BatchRecord.load(folder).review(who=reviewer, decision=decision, why=why)
    record.save(folder)
    if as_json:
        print_json({"batch": record.batch, "status": record.status, "head": record.trail.head})
        return
    print(f"{record.batch}: {record.status} by {reviewer}. Digest of the last entry: {record.trail.head}")


@plant.command
def assess(  # noqa: PLR0913 - a deviation is assessed on four questions
    folder: Path,
    deviation: str,
    *,
    who: str,
    impact: str,
    root_cause: str,
    corrective_action: str,
    preventive_action: str,
    as_json: AsJson = False,
) -> None:
    """Say what a deviation means: impact, root cause, corrective and preventive action.

    Parameters
    ----------
    folder
        Where the record lies.
    deviation
        Its number, such as DEV-001.
    who
        Who assesses it.
    impact
        On the product.
    root_cause
        Why it happened.
    corrective_action
        What was done about it.
    preventive_action
        What keeps it from happening again.
    """
    from biolab.bioprocess import BatchRecord

    record = BatchRecord.load(folder).assess(
        deviation,
        who=who,
        impact=impact,
        root_cause=root_cause,
        corrective_action=corrective_action,
        preventive_action=preventive_action,
    )
    record.save(folder)
    if as_json:
        print_json({"batch": record.batch, "deviation": deviation, "head": record.trail.head})
        return
    print(f"{record.batch}: {deviation} assessed by {who}. Digest of the last entry: {record.trail.head}")


def _fault_table(text: str) -> dict[str, object]:
    """Read ``kind:key=value,key=value`` as the table that it would be in TOML."""
    kind, _, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair.strip()]
    return {"kind": kind.strip()} | {key.strip(): _fault_value(value.strip()) for key, _, value in pairs}


def _fault_value(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _outcome(result: "BatchResult", published: "PublishedBatch", tracking_uri: str) -> dict[str, object]:
    """Return a batch as one JSON-able object; its keys are stable."""
    record, logged = published.record, published.logged
    return {
        "batch": record.batch,
        "recipe": {"name": result.recipe.name, "version": result.recipe.version, "sha256": result.recipe.sha256},
        "seed": result.seed,
        "metrics": dict(logged.metrics),
        "failed_h": result.failed_h,
        "deviations": record.deviation_table().to_dicts(),
        "head": published.head,
        "folder": str(published.folder),
        "run_id": logged.run_id,
        "experiment": logged.experiment,
        "tracking_uri": tracking_uri,
    }


def _print_batch(published: "PublishedBatch") -> None:
    record, logged = published.record, published.logged
    print(f"{record.batch}: " + ", ".join(f"{name} {value:.4g}" for name, value in logged.metrics.items()))
    for each in record.deviations:
        end = "the end" if each.end_h is None else f"{each.end_h:g} h"
        print(
            f"{each.id} ({each.priority}) {each.what}: {each.start_h:g} h to {end} in phase {each.phase}. {each.said}"
        )
    if not record.deviations:
        print("No deviations.")
    print(f"Record, figure, report: {published.folder}")
    print(f"MLflow: experiment {logged.experiment}, run {logged.run_id}")
