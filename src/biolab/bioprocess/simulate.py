"""Run one batch."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy import ndarray

from biolab.core import ConfigError
from biolab.core.arrays import Float, Int
from biolab.kernels.fed_batch import FedBatchProblem, FedBatchRuns, fed_batch, layout, run_seeds

from .actions import OperatorAction
from .alarms import EVENT_SCHEMA, with_alarms
from .faults import Fault, TamperedRecord, fault_content
from .recipe import Recipe
from .record import BatchRecord, batch_record, tampered
from .schedule import Plant, Schedule, build_schedule, matched_recipe, parameter_vector
from .trajectories import trajectory_frame

Event = tuple[float, str, str, str, float | None]


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """A batch that ran: what was followed, what went wrong, and what became of it.

    ``trajectories`` has a row a sampling time: true quantities, ``_measured`` and ``_setpoint`` columns, the phase.
    ``events`` has time_h, kind (phase, fault, alarm, operator, limit, solver), source, message and value.
    """

    plant: Plant
    recipe: Recipe
    faults: tuple[Fault, ...]
    seed: int
    trajectories: pl.DataFrame = field(repr=False)
    events: pl.DataFrame = field(repr=False)
    actions: tuple[OperatorAction, ...] = ()
    """What operators did while it ran; they are among the events too."""

    @cached_property
    def record(self) -> BatchRecord:
        """The batch record, with the tampering that the faults ask for."""
        return tampered(batch_record(self), self.faults, seed=self.seed)

    @property
    def failed_h(self) -> float | None:
        """When the solver had to stop; None for a batch that went through."""
        failures = self.events.filter(pl.col("kind") == "solver")
        return failures["time_h"][0] if failures.height else None

    @property
    def settings(self) -> dict[str, object]:
        """Everything chosen beforehand."""
        return {
            "plant": self.plant.name,
            "parameters": dict(self.plant.parameter_table().select("name", "value").iter_rows()),
            "recipe": self.recipe.content,
            "faults": [fault_content(fault) for fault in self.faults],
            "seed": self.seed,
        }

    @property
    def metrics(self) -> dict[str, float]:
        """What a batch is judged by, from the true quantities at its end."""
        last = self.trajectories.row(-1, named=True)
        cells = "viable_cells_1e6_per_ml" if "viable_cells_1e6_per_ml" in last else "biomass_g_per_l"
        return {
            "hours": last["time_h"],
            "titre_g_per_l": last["titre_g_per_l"],
            "product_g": last["titre_g_per_l"] * last["volume_l"],
            "viability": last["viability"],
            "volume_l": last["volume_l"],
            f"peak_{cells}": float(self.trajectories[cells].to_numpy().max()),
            "peak_lactate_g_per_l": float(self.trajectories["lactate_g_per_l"].to_numpy().max()),
        }

    def table(self) -> pl.DataFrame:
        """Return the metrics as a frame, one row each."""
        return pl.DataFrame({"metric": list(self.metrics), "value": list(self.metrics.values())})


def simulate(
    plant: Plant,
    recipe: Recipe | None = None,
    *,
    hours: float = 336,
    faults: Iterable[Fault] = (),
    seed: int = 0,
    sample_every_h: float = 1.0,
) -> BatchResult:
    """Run a batch of a plant that follows a recipe, to the recipe's end or for so many hours.

    Balances of cells, nutrients, product, gases, charge, heat and volume are integrated between the sampling times of
    the controllers, which see the plant through noisy, lagging probes. The same seed gives the same batch.

    Parameters
    ----------
    plant
        `CHOFedBatch` or `EcoliFedBatch`.
    recipe
        What to follow; by default the plant's standard recipe.
    hours
        When to stop at the latest.
    faults
        What goes wrong (`biolab.bioprocess.faults`).
    seed
        Of all noise.
    sample_every_h
        Time between rows of the trajectories. Controllers sample by themselves, as the recipe says.

    Returns
    -------
    The batch. If the solver cannot go on, the rows until then and an event of kind ``solver`` that says when and in
    what state.

    Raises
    ------
    ConfigError
        If the recipe is for another plant, there is nothing to run, or a fault begins when the batch has ended.

    Examples
    --------
    >>> from biolab.bioprocess import CHOFedBatch, simulate
    >>> batch = simulate(CHOFedBatch(), hours=48)
    >>> batch.trajectories["time_h"][-1], batch.trajectories["viable_cells_1e6_per_ml"][-1] > 1
    (48.0, True)
    """
    faults = tuple(faults)
    recipe = matched_recipe(plant, recipe)
    schedule = build_schedule(recipe, hours)
    write_faults(schedule, faults)
    when = recorded_intervals(schedule, sample_every_h)
    runs = fed_batch(problem_of(plant, recipe, schedule, seed), when)
    return make_result(plant, recipe, schedule, runs, when, faults=faults, seed=seed)


def problem_of(plant: Plant, recipe: Recipe, schedule: Schedule, seed: int) -> FedBatchProblem:
    """Pack one run for the kernel."""
    return FedBatchProblem(
        plant=plant.code,
        parameters=parameter_vector(plant, recipe),
        schedule=schedule.table,
        interval_h=schedule.interval_h,
        varied=np.zeros(0, dtype=np.int64),
        values=np.zeros((1, 0)),
        seeds=run_seeds(seed, 1),
    )


def write_faults(schedule: Schedule, faults: Iterable[Fault]) -> None:
    """Write all faults of the plant into a schedule.

    Raises
    ------
    ConfigError
        If a fault would begin when the batch has ended.
    """
    for fault in faults:
        if isinstance(fault, TamperedRecord):
            continue
        if fault.start_h >= schedule.hours:
            raise ConfigError(
                f"The fault {fault.kind} begins at {fault.start_h:g} h, but the batch ends at {schedule.hours:g} h. "
                "Let it begin earlier, or run the batch for longer (hours, and the phases of the recipe)."
            )
        fault.apply(schedule)


def recorded_intervals(schedule: Schedule, sample_every_h: float) -> Int[ndarray, " k"]:
    """Return the intervals that are recorded, the last one too.

    Raises
    ------
    ConfigError
        If the sampling time is not a multiple of the control interval.
    """
    times = sample_every_h / schedule.interval_h
    if not (np.isfinite(times) and times > 0.5 and abs(times - round(times)) < 1e-6):
        raise ConfigError(
            f"sample_every_h is {sample_every_h}; expected a multiple of the control interval, "
            f"{schedule.interval_h:g} h (the recipe's shortest controllers.*.sample_h)."
        )
    end = schedule.table.shape[0] - 1
    when = np.arange(0, end + 1, round(times))
    return when if when[-1] == end else np.append(when, end)


def make_result(  # noqa: PLR0913 - keyword-only facts
    plant: Plant,
    recipe: Recipe,
    schedule: Schedule,
    runs: FedBatchRuns,
    when: Int[ndarray, " k"],
    *,
    faults: tuple[Fault, ...],
    seed: int,
    actions: tuple[OperatorAction, ...] = (),
) -> BatchResult:
    """Put a run's records, events and alarms together."""
    records = runs.records[0]
    frame = trajectory_frame(plant, recipe, schedule, records, when, seed=seed)
    done = [(action.time_h, "operator", action.what, action.message, action.new) for action in actions]
    rows = [*done, *_planned(recipe, faults, schedule.hours), *_limits(frame, records), *_failure(runs)]
    events = pl.DataFrame(rows, schema=EVENT_SCHEMA, orient="row").sort("time_h", maintain_order=True)
    return BatchResult(
        plant=plant,
        recipe=recipe,
        faults=faults,
        seed=seed,
        trajectories=frame,
        events=with_alarms(events, frame, recipe),
        actions=actions,
    )


def _planned(recipe: Recipe, faults: Iterable[Fault], hours: float) -> list[Event]:
    rows: list[Event] = [
        (step.start_h, "phase", step.phase, f"phase {step.phase} begins", None)
        for step in recipe.steps
        if step.start_h < hours
    ]
    for fault in faults:
        if not isinstance(fault, TamperedRecord):
            rows.append((float(fault.start_h), "fault", fault.kind, repr(fault), None))
    return rows


def _limits(frame: pl.DataFrame, records: Float[ndarray, "k r"]) -> list[Event]:
    limited = records[: frame.height, layout.R_LIMITED] > 0.0
    starts = np.flatnonzero(limited & ~np.concatenate([[False], limited[:-1]]))
    time, volume = frame["time_h"].to_numpy(), frame["volume_l"].to_numpy()
    return [
        (
            float(time[k]),
            "limit",
            "volume",
            f"the vessel is full at {volume[k]:.4g} L; feed is held back",
            float(volume[k]),
        )
        for k in starts
    ]


def _failure(runs: FedBatchRuns) -> list[Event]:
    if runs.outcome[0] == layout.OK:
        return []
    state = runs.state[0]
    names = ("GLUCOSE", "SECOND", "OXYGEN", "CARBONATE", "TEMPERATURE", "VOLUME", "VIABLE")
    said = ", ".join(f"{name.lower()} {state[getattr(layout, name)]:.6g}" for name in names)
    message = f"the integrator could not go on at {runs.failed_h[0]:.6g} h; amounts in the vessel: {said}"
    return [(float(runs.failed_h[0]), "solver", "integrator", message, None)]
