"""From a batch that ran to its record, in the order in which things happened."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

import polars as pl

from biolab.bioprocess.actions import OperatorAction
from biolab.bioprocess.alarms import alarms
from biolab.bioprocess.quantities import MEASURED, SETPOINT
from biolab.bioprocess.recipe import Recipe

from .batch_record import SYSTEM, BatchRecord
from .seals import seal
from .trail import Action, AuditTrail

STARTED = datetime(2026, 1, 5, 8, tzinfo=UTC)
"""When a training batch starts by its own clock, so that the same batch leaves the same record."""
SEAL_H = 24.0
BENCH = (
    "viable_cells_1e6_per_ml", "dead_cells_1e6_per_ml", "viability", "biomass_g_per_l", "titre_g_per_l",
    "glucose_g_per_l", "glutamine_mmol_per_l", "lactate_g_per_l", "acetate_g_per_l", "ammonium_mmol_per_l",
    "osmolality_mosm_per_kg", "pco2_mmhg", "offline_ph",
)  # fmt: skip
"""What is measured at the bench in a sample."""
_ACTUATORS = (
    "phase", "agitation_rpm", "oxygen_fraction", "gas_flow_l_per_min", "feed_total_l", "base_l_per_h",
    "volume_l",
)  # fmt: skip
"""What actuators and scales say: feed by the weight of its bottle, volume by the load cells under the vessel."""
_CONTROL = "control system"


class Batch(Protocol):
    """What a record is written from; ``BatchResult`` is one."""

    @property
    def trajectories(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def events(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def recipe(self) -> Recipe: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def actions(self) -> tuple[OperatorAction, ...]: ...  # noqa: D102


class _Note(NamedTuple):
    """An entry to be made: when, in which order at that time, by whom, and what."""

    time_h: float
    order: int
    who: str
    action: Action
    what: str
    old: object = None
    new: object = None
    why: str = ""


def batch_record(
    result: Batch, *, author: str = "operator", batch: str | None = None, started_at: datetime = STARTED
) -> BatchRecord:
    """Write the record of a batch: recipe, phases, operator actions, alarms, samples, and a seal a day.

    It holds what people and instruments at the plant could know. What truly was in the vessel, and which faults were
    injected, is not in it.

    Parameters
    ----------
    result
        A batch that ran.
    author
        Who ran it: a name, or a trainee's pseudonym.
    batch
        What the batch is called; by default after its recipe and seed.
    started_at
        Time 0 by the clock.
    """
    measurements = recorded(result.trajectories)
    trail = AuditTrail()
    for note in sorted(_notes(result, measurements, author), key=lambda note: (note.time_h, note.order)):
        trail = trail.add(
            time=started_at + timedelta(hours=note.time_h),
            time_h=note.time_h,
            who=note.who,
            role=SYSTEM if note.who == _CONTROL else "operator",
            action=note.action,
            what=note.what,
            old=note.old,
            new=note.new,
            why=note.why,
        )
    name = batch or f"{result.recipe.name}-{result.seed}"
    return BatchRecord(batch=name, recipe=result.recipe, measurements=measurements, trail=trail)


def recorded(trajectories: pl.DataFrame) -> pl.DataFrame:
    """Keep the columns that a plant has: time, set-points, what was measured, and what actuators and scales show.

    The true state stays out, and so does the truth of an actuator that shows something else.
    """
    there = trajectories.columns
    shown = {"time_h", *(name for name in _ACTUATORS if f"{name}{MEASURED}" not in there)}
    return trajectories.select([name for name in there if name in shown or name.endswith((MEASURED, SETPOINT))])


def _notes(result: Batch, measurements: pl.DataFrame, author: str) -> Iterator[_Note]:
    recipe = result.recipe
    end = float(measurements["time_h"].to_numpy()[-1])
    made = {"recipe_sha256": recipe.sha256, "plant": recipe.plant, "seed": result.seed}
    yield _Note(0.0, 0, author, "create", f"record by recipe {recipe.name} {recipe.version}", new=made)
    yield _Note(0.0, 1, author, "start", "batch", new=recipe.inoculum.model_dump())
    before: Mapping[str, float] | None = None
    for step in recipe.steps:
        if step.start_h <= end:
            yield _Note(
                step.start_h, 2, _CONTROL, "phase", step.phase, before, dict(step.setpoints), "as the recipe says"
            )
        before = dict(step.setpoints)
    yield from _actions(result.actions)
    yield from _happenings(result, measurements, author)
    yield from _alarm_notes(result)
    yield from _samples(result, measurements, author)
    yield from _seals(measurements)
    yield _Note(end, 9, author, "end", "batch", new={"rows": measurements.height, "hours": end})


def _actions(actions: Iterable[OperatorAction]) -> Iterator[_Note]:
    for each in actions:
        action: Action = "change" if each.kind == "change" else "operate"
        what = each.what if each.kind == "change" else f"{each.kind} {each.what}"
        yield _Note(each.time_h, 3, each.who, action, what, each.old, each.new, each.why)


def _happenings(result: Batch, measurements: pl.DataFrame, author: str) -> Iterator[_Note]:
    kinds = ["limit", "solver"] if result.actions else ["operator", "limit", "solver"]
    for row in result.events.filter(pl.col("kind").is_in(kinds)).iter_rows(named=True):
        if row["kind"] == "operator":
            wanted = f"{row['source']}{SETPOINT}"
            action: Action = "change" if wanted in measurements.columns else "operate"
            old = _before(measurements, wanted, row["time_h"])
            yield _Note(row["time_h"], 3, author, action, row["source"], old, _plain(row["value"]), row["message"])
        else:
            why = row["message"] if row["kind"] == "limit" else "the simulation could not go on from here"
            yield _Note(row["time_h"], 4, _CONTROL, "limit", row["source"], why=why)


def _before(frame: pl.DataFrame, column: str, time_h: float) -> object:
    if column not in frame.columns:
        return None
    past = frame.filter(pl.col("time_h") < time_h)[column]
    return _plain(past[-1]) if past.len() else None


def _alarm_notes(result: Batch) -> Iterator[_Note]:
    for row in alarms(result.trajectories, result.recipe).iter_rows(named=True):
        side = {"variable": row["variable"], "side": row["side"]}
        new = {**side, "priority": row["priority"], "limit": row["limit"], "reading": row["raised_at"]}
        yield _Note(row["raised_h"], 5, _CONTROL, "alarm", row["name"], None, new, "past its limit")
        if row["cleared_h"] is not None:
            yield _Note(row["cleared_h"], 6, _CONTROL, "clear", row["name"], None, side, "back inside its limit")


def _samples(result: Batch, measurements: pl.DataFrame, author: str) -> Iterator[_Note]:
    columns = [f"{name}{MEASURED}" for name in BENCH if f"{name}{MEASURED}" in measurements.columns]
    extra = {each.time_h: each.who for each in result.actions if each.kind == "sample"}
    late = pl.col("time_h") / result.recipe.sampling.every_h
    taken = ((late - late.round()).abs() < 1e-6) | pl.col("time_h").is_in(list(extra))
    for number, row in enumerate(measurements.filter(taken).iter_rows(named=True)):
        values = {name.removesuffix(MEASURED): _plain(row[name]) for name in columns if _plain(row[name]) is not None}
        if values:
            yield _Note(row["time_h"], 7, extra.get(row["time_h"], author), "sample", f"sample {number}", new=values)


def _seals(measurements: pl.DataFrame) -> Iterator[_Note]:
    day = (pl.col("time_h") / SEAL_H).floor().alias("day")
    for block in measurements.with_columns(day).partition_by("day", maintain_order=True, include_key=False):
        first, last = float(block["time_h"][0]), float(block["time_h"][-1])
        yield _Note(last, 8, _CONTROL, "seal", f"measurements {first:g} to {last:g} h", new=seal(block))


def _plain(value: Any) -> object:
    """Return a number that JSON can say, or nothing."""
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None
