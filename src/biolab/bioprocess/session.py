"""A batch that runs a step at a time, so that somebody can stand in the control room and act on what is seen."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import polars as pl

from biolab.core import ConfigError, did_you_mean
from biolab.kernels.fed_batch import RATE_PLANNED, FedBatchRuns, fed_batch, layout

from .actions import ActionKind, OperatorAction
from .faults import PROBES, Fault
from .recipe import Recipe
from .recipe_checks import SETPOINT_LIMITS, check_setpoint
from .schedule import Plant, Schedule, build_schedule, matched_recipe
from .simulate import BatchResult, make_result, problem_of, recorded_intervals, write_faults

_COLUMN = {"ph": "ph", "dissolved_oxygen": "dissolved_oxygen_percent"}


def begin(
    plant: Plant,
    recipe: Recipe | None = None,
    *,
    hours: float = 336,
    faults: Iterable[Fault] = (),
    seed: int = 0,
    sample_every_h: float = 1.0,
) -> "Session":
    """Start a batch and stop the clock at 0 h; ``advance`` lets it run, operators act in between.

    Without any action the batch is the one that `simulate` gives, to the last digit.

    Raises
    ------
    ConfigError
        As `simulate` does.

    Examples
    --------
    >>> from biolab.bioprocess import CHOFedBatch, begin
    >>> session = begin(CHOFedBatch())
    >>> session.advance(24)
    24.0
    >>> session.change("temperature_c", 36.0, who="kim", why="slower growth wanted").message
    'kim: temperature_c 37 -> 36 (slower growth wanted)'
    """
    recipe = matched_recipe(plant, recipe)
    schedule = build_schedule(recipe, hours)
    faults = tuple(faults)
    write_faults(schedule, faults)
    return Session(plant, recipe, schedule, faults=faults, seed=seed, sample_every_h=sample_every_h)


class Session:
    """A running batch; made by `begin`. It changes as it runs, unlike everything that comes out of it."""

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
        self.plant, self.recipe, self.faults, self.seed = plant, recipe, faults, seed
        self.actions: tuple[OperatorAction, ...] = ()
        self._schedule = schedule
        self._when = recorded_intervals(schedule, sample_every_h)
        self._records = np.full((self._when.size, layout.COLUMNS), np.nan)
        self._place = 0
        self._runs: FedBatchRuns | None = None
        self._result: BatchResult | None = None

    @property
    def time_h(self) -> float:
        """Return the batch time."""
        return float(self._when[self._place] * self._schedule.interval_h)

    @property
    def hours(self) -> float:
        """Return how long the batch lasts by its recipe."""
        return self._schedule.hours

    @property
    def finished(self) -> bool:
        """Say whether the batch is over: at its end, or where the solver had to stop."""
        return self._place == self._when.size - 1 or self._failed

    @property
    def trajectories(self) -> pl.DataFrame:
        """Return everything up to now, as of a batch that `simulate` ran."""
        return self.result().trajectories

    def advance(self, hours: float) -> float:
        """Let the batch run, to its end at most, and return the batch time.

        Raises
        ------
        ConfigError
            If the hours are not a multiple of the recorded interval.
        """
        step_h = float(self._when[1] - self._when[0]) * self._schedule.interval_h
        steps = hours / step_h
        if not (np.isfinite(steps) and steps > 0 and abs(steps - round(steps)) < 1e-6):
            raise ConfigError(f"hours is {hours}; a session advances in steps of {step_h:g} h.")
        if self.finished:
            return self.time_h
        end = min(self._place + round(steps), self._when.size - 1)
        first, last = int(self._when[self._place]), int(self._when[end])
        problem = problem_of(self.plant, self.recipe, self._schedule, self.seed)
        runs = fed_batch(problem, self._when[self._place : end], last=last, earlier=self._runs, first=first)
        self._records[self._place : end] = runs.records[0]
        self._runs, self._place, self._result = runs, end, None
        return self.time_h

    def change(self, setpoint: str, value: float, *, who: str, why: str) -> OperatorAction:
        """Give a loop another set-point, until a later phase of the recipe sets it anew.

        Also ``feed_l_per_h``: a steady feed instead of what the phase plans, until the next phase; and
        ``agitation_held_rpm`` or ``oxygen_held_fraction``: the cascade by hand, where 0 gives it back.

        Raises
        ------
        ConfigError
            If there is no such set-point (the nearest is named) or the equipment cannot hold the value, nobody is
            named, or no reason given.
        """
        self._check(setpoint, value)
        column, now = self._schedule.column(setpoint), int(self._when[self._place])
        action = self._action("change", setpoint, old=float(column[now]), new=float(value), who=who, why=why)
        span = slice(now, self._until(setpoint))
        column[span] = value
        if setpoint == "feed_l_per_h":
            self._schedule.column("glucose_action")[span] = RATE_PLANNED
            self._schedule.column("bolus_l")[span] = 0.0
            given = [each.new or 0.0 for each in self.actions if each.kind == "feed" and each.time_h == self.time_h]
            self._schedule.column("bolus_l")[now] = sum(given)
        return self._done(action)

    def feed(self, volume_l: float, *, who: str, why: str) -> OperatorAction:
        """Give a dose of feed now, as fast as the pump can.

        Raises
        ------
        ConfigError
            If the volume is not above 0, or more than there is room for.
        """
        room = self.recipe.vessel.max_volume_l - float(self.trajectories["volume_l"][-1])
        if not 0 < volume_l <= room:
            raise ConfigError(
                f"volume_l is {volume_l}; the vessel has room for {room:.4g} L more (vessel.max_volume_l)."
            )
        action = self._action("feed", "feed_l", new=float(volume_l), who=who, why=why)
        self._schedule.column("bolus_l")[int(self._when[self._place])] += volume_l
        return self._done(action)

    def sample(self, volume_ml: float | None = None, *, who: str, why: str) -> OperatorAction:
        """Draw a sample now; what the bench finds stands in the row of this time.

        Raises
        ------
        ConfigError
            If the volume is not above 0 or more than 5 % of the broth.
        """
        volume = self.recipe.sampling.volume_ml if volume_ml is None else volume_ml
        most = 50.0 * float(self.trajectories["volume_l"][-1])
        if not 0 < volume <= most:
            raise ConfigError(f"volume_ml is {volume}; a sample takes above 0 and at most {most:.3g} mL.")
        action = self._action("sample", "sample_ml", new=float(volume), who=who, why=why)
        self._schedule.column("sample_l")[int(self._when[self._place])] += volume / 1000.0
        return self._done(action)

    def calibrate(self, probe: str, reference: float, *, who: str, why: str) -> OperatorAction:
        """Shift a probe so that it shows a reference value now: one-point calibration against a sample.

        A probe that drifts goes on drifting from there.

        Raises
        ------
        ConfigError
            If there is no such probe, or the reference is nothing it could show.
        """
        if probe not in PROBES:
            raise ConfigError(f"probe is {probe!r}; probes that can be calibrated: {', '.join(PROBES)}.")
        limits = (self.recipe.vessel.min_ph, self.recipe.vessel.max_ph) if probe == "ph" else (0.0, 200.0)
        if not limits[0] <= reference <= limits[1]:
            raise ConfigError(f"reference is {reference}; expected {limits[0]:g} to {limits[1]:g}.")
        shown = float(self.trajectories[f"{_COLUMN[probe]}_measured"][-1])
        action = self._action("calibrate", probe, old=shown, new=float(reference), who=who, why=why)
        self._schedule.column(f"{probe}_drift")[int(self._when[self._place]) :] += reference - shown
        return self._done(action)

    def acknowledge(self, alarm: str, *, who: str, why: str) -> OperatorAction:
        """Note that somebody has seen an alarm; it stands until its cause is gone.

        Raises
        ------
        ConfigError
            If the alarm never rang in this batch.
        """
        rung = self.result().events.filter(kind="alarm")["source"].unique().sort().to_list()
        if alarm not in rung:
            raise ConfigError(f"alarm {alarm!r} has not rung; there were: {', '.join(rung) or 'none'}.")
        self.actions = (*self.actions, self._action("acknowledge", alarm, who=who, why=why))
        self._result = None
        return self.actions[-1]

    def result(self) -> BatchResult:
        """Return the batch as it stands; the session can go on."""
        if self._result is None:
            runs = self._look()
            count = self._place + 1
            self._result = make_result(
                self.plant,
                self.recipe,
                self._so_far,
                runs,
                self._when[:count],
                faults=self.faults,
                seed=self.seed,
                actions=self.actions,
            )
        return self._result

    def _look(self) -> FedBatchRuns:
        """Read every instrument now without letting time pass, on a copy of the plant."""
        runs = self._runs
        if runs is None or not self._failed:
            now = self._when[self._place : self._place + 1]
            problem = problem_of(self.plant, self.recipe, self._so_far, self.seed)
            runs = fed_batch(problem, now, earlier=self._runs, first=int(now[0]))
            self._records[self._place] = runs.records[0, 0]
        return replace(runs, records=self._records[None, : self._place + 1])

    @property
    def _failed(self) -> bool:
        return self._runs is not None and int(self._runs.outcome[0]) != layout.OK

    @property
    def _so_far(self) -> Schedule:
        now = int(self._when[self._place])
        return Schedule(table=self._schedule.table[: now + 1], interval_h=self._schedule.interval_h)

    def _check(self, setpoint: str, value: float) -> None:
        vessel = self.recipe.vessel
        most = {
            "feed_l_per_h": vessel.max_feed_l_per_h,
            "agitation_held_rpm": vessel.max_agitation_rpm,
            "oxygen_held_fraction": vessel.max_oxygen_fraction,
        }
        if setpoint in most:
            if not 0 <= value <= most[setpoint]:
                raise ConfigError(f"{setpoint} is {value}; the equipment allows 0 to {most[setpoint]:g}.")
        elif setpoint not in SETPOINT_LIMITS:
            raise ConfigError(
                f"There is no set-point {setpoint!r}. {did_you_mean(setpoint, {*SETPOINT_LIMITS, *most})}"
            )
        else:
            check_setpoint(vessel, setpoint, value)

    def _until(self, setpoint: str) -> int:
        """Return the interval at which a later phase of the recipe takes a set-point over."""
        start_h = 0.0
        for phase in self.recipe.phases:
            sets = setpoint == "feed_l_per_h" or getattr(phase.setpoints, setpoint, None) is not None
            if start_h > self.time_h + 1e-9 and sets:
                return self._schedule.interval(start_h)
            start_h += phase.hours
        return self._schedule.table.shape[0]

    def _action(
        self, kind: ActionKind, what: str, *, who: str, why: str, old: float | None = None, new: float | None = None
    ) -> OperatorAction:
        if self.finished:
            raise ConfigError(f"The batch ended at {self.time_h:g} h; nothing can be done to it any more.")
        return OperatorAction(time_h=self.time_h, kind=kind, what=what, who=who, why=why, old=old, new=new)

    def _done(self, action: OperatorAction) -> OperatorAction:
        self.actions = (*self.actions, action)
        self._result = None
        return action
