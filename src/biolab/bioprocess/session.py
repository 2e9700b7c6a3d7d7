"""A batch that is run step by step, with an operator who acts."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from biolab.core import ConfigError, did_you_mean
from biolab.kernels.fed_batch import RATE_PLANNED, FedBatchRuns, fed_batch

from .faults import Fault
from .recipe import Recipe
from .recipe_checks import SETPOINT_LIMITS, check_setpoint
from .schedule import Plant, Schedule, build_schedule, matched_recipe
from .simulate import BatchResult, Event, make_result, problem_of, recorded_intervals, write_faults

HELD = {"agitation_held_rpm": "agitation_rpm", "oxygen_held_fraction": "oxygen_fraction"}


class Session:
    """A running batch: `advance` lets time pass, `change` and `feed` act at the present time, `result` looks at it.

    Actions take effect at the next control interval. The same seed, recipe, faults and actions at the same times give
    the same batch, however the time between them was divided; without actions it is the batch of `simulate`.
    Make one with `begin`.
    """

    def __init__(
        self,
        plant: Plant,
        recipe: Recipe,
        schedule: Schedule,
        *,
        faults: tuple[Fault, ...],
        seed: int,
        sample_every_h: float,
    ) -> None:
        self._plant, self._recipe, self._schedule = plant, recipe, schedule
        self._faults, self._seed = faults, seed
        self._when = recorded_intervals(schedule, sample_every_h)
        self._present = 0
        self._runs: FedBatchRuns | None = None
        self._records: list[np.ndarray] = []
        self._actions: list[Event] = []

    @property
    def time_h(self) -> float:
        """Where the batch stands."""
        return self._present * self._schedule.interval_h

    @property
    def over(self) -> bool:
        """Whether the recipe has ended, or the solver had to stop."""
        return self._present >= self._schedule.table.shape[0] - 1 or self._failed

    @property
    def _failed(self) -> bool:
        return self._runs is not None and bool(self._runs.outcome[0])

    def advance(self, hours: float) -> float:
        """Let so many hours pass, or what is left of the recipe; return the time reached.

        Raises
        ------
        ConfigError
            If hours is not above 0.
        """
        if not 0 < hours < np.inf:
            raise ConfigError(f"hours is {hours}; expected a number above 0.")
        last = min(self._present + max(round(hours / self._schedule.interval_h), 1), self._schedule.table.shape[0] - 1)
        if last > self._present and not self._failed:
            when = self._when[(self._when >= self._present) & (self._when < last)]
            self._runs = self._run(when, last)
            self._records.append(self._runs.records[0])
            self._present = last
        return self.time_h

    def change(self, *, why: str = "", **setpoints: float) -> None:
        """Change set-points from now on, until the end of the recipe or the next change.

        ``ph``, ``dissolved_oxygen_percent``, ``temperature_c``, ``agitation_rpm``, ``gas_flow_l_per_min``; also
        ``feed_l_per_h`` (a steady feed, instead of what the recipe plans), and ``agitation_held_rpm`` or
        ``oxygen_held_fraction`` (the cascade by hand; 0 gives it back to the controller).

        Raises
        ------
        ConfigError
            If there is no such set-point (the nearest is named) or it lies outside the equipment.
        """
        later = slice(self._present, None)
        for name, value in setpoints.items():
            self._check(name, value)
        for name, value in setpoints.items():
            self._schedule.column(name)[later] = value
            if name == "feed_l_per_h":
                self._schedule.column("glucose_action")[later] = RATE_PLANNED
                self._schedule.column("bolus_l")[later] = 0.0
            message = why or f"{HELD.get(name, name)} changed to {value:g}"
            self._actions.append((self.time_h, "operator", HELD.get(name, name), message, float(value)))

    def feed(self, litres: float, *, why: str = "") -> None:
        """Give a dose of feed now, as fast as the pump can.

        Raises
        ------
        ConfigError
            If litres is not above 0 or more than the vessel can take.
        """
        if not 0 < litres <= self._recipe.vessel.max_volume_l:
            raise ConfigError(
                f"litres is {litres}; expected above 0 and at most vessel.max_volume_l = "
                f"{self._recipe.vessel.max_volume_l:g}."
            )
        self._schedule.column("bolus_l")[self._present] += litres
        self._actions.append((self.time_h, "operator", "feed", why or f"a dose of {litres:g} L of feed", float(litres)))

    def feed_glucose(self, grams: float, *, why: str = "") -> None:
        """Give the dose of feed that holds so many grams of glucose.

        Raises
        ------
        ConfigError
            As `feed`.
        """
        self.feed(grams / self._recipe.feed.glucose_g_per_l, why=why or f"a dose of {grams:g} g glucose")

    def result(self) -> BatchResult:
        """Return the batch as it stands now; it may go on afterwards."""
        shown = np.array([self._present])
        here = replace(self._schedule, table=self._schedule.table[: self._present + 1])
        closing = self._run(shown, None, here)
        records = np.concatenate([*self._records, closing.records[0]])[None]
        when = np.concatenate([self._when[self._when < self._present], shown])
        return make_result(
            self._plant, self._recipe, here, replace(closing, records=records), when,
            faults=self._faults, seed=self._seed, actions=self._actions,
        )  # fmt: skip

    def _run(self, when: np.ndarray, last: int | None, schedule: Schedule | None = None) -> FedBatchRuns:
        if self._failed and self._runs is not None:
            return replace(self._runs, records=np.full((1, when.size, self._runs.records.shape[2]), np.nan))
        problem = problem_of(self._plant, self._recipe, schedule or self._schedule, self._seed)
        return fed_batch(problem, when, last=last, earlier=self._runs, first=self._present)

    def _check(self, name: str, value: float) -> None:
        vessel = self._recipe.vessel
        bounds = {
            "feed_l_per_h": (0.0, vessel.max_feed_l_per_h),
            "agitation_held_rpm": (0.0, vessel.max_agitation_rpm),
            "oxygen_held_fraction": (0.0, vessel.max_oxygen_fraction),
        }
        if name in bounds:
            low, high = bounds[name]
            if not low <= value <= high:
                raise ConfigError(f"{name} is {value}; the equipment allows {low:g} to {high:g}.")
        elif name in SETPOINT_LIMITS:
            check_setpoint(vessel, name, value)
        else:
            raise ConfigError(f"There is no set-point {name!r}. {did_you_mean(name, {*SETPOINT_LIMITS, *bounds})}")


def begin(
    plant: Plant,
    recipe: Recipe | None = None,
    *,
    faults: Iterable[Fault] = (),
    seed: int = 0,
    hours: float = 336,
    sample_every_h: float = 1.0,
) -> Session:
    """Start a batch that an operator runs step by step.

    Raises
    ------
    ConfigError
        As `simulate` does.

    Examples
    --------
    >>> from biolab.bioprocess import CHOFedBatch, begin
    >>> session = begin(CHOFedBatch(), seed=1)
    >>> session.advance(24)
    24.0
    >>> session.change(temperature_c=36.0, why="cells grow too fast")
    >>> session.advance(12)
    36.0
    >>> session.result().events.filter(kind="operator")["source"].to_list()
    ['temperature_c']
    """
    faults = tuple(faults)
    recipe = matched_recipe(plant, recipe)
    schedule = build_schedule(recipe, hours)
    write_faults(schedule, faults)
    return Session(plant, recipe, schedule, faults=faults, seed=seed, sample_every_h=sample_every_h)
