"""A recipe as the kernel follows it: a row a control interval, and the vector of parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy import ndarray

from biolab.core import ConfigError, did_you_mean
from biolab.core.arrays import Float
from biolab.kernels.fed_batch import (
    BOLUS_TO_GLUCOSE,
    GLUCOSE_MASS,
    LACTATE_MASS,
    NO_ACTION,
    PARAMETERS,
    RATE_FOR_GLUCOSE,
    RATE_PLANNED,
    SCHEDULE,
)  # fmt: skip

from .cho import CHOFedBatch
from .ecoli import EcoliFedBatch
from .feeding import Bolus, ConstantFeed, ExponentialFeed, GlucoseSetpoint
from .parameters import named_parameters
from .recipe import Controller, Recipe, Step

Plant = CHOFedBatch | EcoliFedBatch
DEFAULT_RECIPE = {"cho-fed-batch": "cho-standard", "ecoli-fed-batch": "ecoli-standard"}
_NEUTRAL = {"feed_factor": 1.0, "jacket_factor": 1.0, "kla_factor": 1.0, "glucose_factor": 1.0}
_UNLIMITED = {"agitation_ceiling": 1e9, "oxygen_ceiling": 1.0}


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """What happens in each control interval, one row each and one for the end; columns are the kernel's."""

    table: Float[ndarray, "i c"]
    interval_h: float

    @property
    def hours(self) -> float:
        """How long it lasts."""
        return (self.table.shape[0] - 1) * self.interval_h

    @property
    def time_h(self) -> Float[ndarray, " i"]:
        """When each interval starts."""
        return np.arange(self.table.shape[0]) * self.interval_h

    def column(self, name: str) -> Float[ndarray, " i"]:
        """Return a view of one column."""
        return self.table[:, SCHEDULE.index(name)]

    def interval(self, time_h: float) -> int:
        """Return the interval that starts at a time or is the next to start."""
        return min(max(round(np.ceil(time_h / self.interval_h - 1e-6)), 0), self.table.shape[0] - 1)

    def between(self, start_h: float, end_h: float | None) -> slice:
        """Return the intervals from one time to another, or to the end."""
        past = end_h is None or end_h > self.hours + 1e-9
        return slice(self.interval(start_h), self.table.shape[0] if past else self.interval(end_h))


class Happening(Protocol):
    """Something that changes a schedule: a fault, an operator's action."""

    def apply(self, schedule: Schedule) -> None:
        """Write it into the schedule's table."""
        ...


def matched_recipe(plant: Plant, recipe: Recipe | None) -> Recipe:
    """Return the recipe, or the standard one of the plant.

    Raises
    ------
    ConfigError
        If the recipe is for another plant.
    """
    if recipe is None:
        return Recipe.load(DEFAULT_RECIPE[plant.name])
    if recipe.plant != plant.name:
        raise ConfigError(
            f"recipe {recipe.name!r} is for a {recipe.plant}, but the plant is a {plant.name}. "
            f"Use {DEFAULT_RECIPE[plant.name]!r}, or the other plant."
        )
    return recipe


def control_interval_h(recipe: Recipe) -> float:
    """Return the shortest sampling interval of the controllers, which all others must be multiples of.

    Raises
    ------
    ConfigError
        If one is not, naming it.
    """
    loops = _loops(recipe)
    shortest = min(loop.sample_h for loop in loops.values())
    for name, loop in loops.items():
        times = loop.sample_h / shortest
        if abs(times - round(times)) > 1e-6:
            raise ConfigError(
                f"recipe {recipe.name!r}: controllers.{name}.sample_h is {loop.sample_h:g}, not a multiple of the "
                f"shortest sampling interval {shortest:g} h. Choose {round(times) * shortest:g}."
            )
    return shortest


def build_schedule(recipe: Recipe, hours: float) -> Schedule:
    """Write a recipe into intervals, up to its end or to so many hours, whichever is earlier.

    Raises
    ------
    ConfigError
        If there is no interval to run, or controllers do not share one.
    """
    step_h = control_interval_h(recipe)
    if not 0 < hours < np.inf:
        raise ConfigError(f"hours is {hours}; expected a number above 0.")
    intervals = round(min(hours, recipe.hours) / step_h)
    if intervals < 1:
        raise ConfigError(f"hours is {hours:g}, shorter than one control interval of {step_h:g} h.")
    table = np.zeros((intervals + 1, len(SCHEDULE)))
    schedule = Schedule(table=table, interval_h=step_h)
    for name, value in (_NEUTRAL | _UNLIMITED).items():
        schedule.column(name)[:] = value
    steps = recipe.steps
    for step in steps:
        span = schedule.between(step.start_h, None if step is steps[-1] else step.end_h)
        if span.start * step_h <= schedule.hours + 1e-9 and step.start_h <= schedule.hours + 1e-9:
            _write_step(schedule, step, span)
    every = recipe.sampling.every_h
    for number in range(1, int(np.floor(schedule.hours / every + 1e-9)) + 1):
        schedule.column("sample_l")[schedule.interval(number * every)] = recipe.sampling.volume_ml / 1000
    return schedule


def _write_step(schedule: Schedule, step: Step, span: slice) -> None:
    for name, value in step.setpoints.items():
        schedule.column(name)[span] = value
    time = schedule.time_h[span] - step.start_h
    feeding, action, rate = step.feeding, schedule.column("glucose_action"), schedule.column("feed_l_per_h")
    action[span] = RATE_PLANNED
    if isinstance(feeding, ConstantFeed):
        rate[span] = feeding.l_per_h
    elif isinstance(feeding, ExponentialFeed):
        # held over an interval: its mean there, so that the plan's litres are fed
        growth = feeding.rate_per_h * schedule.interval_h
        rate[span] = feeding.start_l_per_h * np.exp(feeding.rate_per_h * time) * np.expm1(growth) / growth
    elif isinstance(feeding, GlucoseSetpoint):
        action[span] = NO_ACTION
        _at_times(schedule, step, feeding.sample_every_h, 0.0, "glucose_action", RATE_FOR_GLUCOSE)
        schedule.column("glucose_g_per_l")[span] = feeding.glucose_g_per_l / GLUCOSE_MASS
        schedule.column("glucose_interval_h")[span] = feeding.sample_every_h
    elif isinstance(feeding, Bolus):
        if feeding.volume_l is not None:
            _at_times(schedule, step, feeding.every_h, feeding.first_h, "bolus_l", feeding.volume_l)
        elif feeding.glucose_to_g_per_l is not None:
            _at_times(schedule, step, feeding.every_h, feeding.first_h, "glucose_action", BOLUS_TO_GLUCOSE)
            schedule.column("glucose_g_per_l")[span] = feeding.glucose_to_g_per_l / GLUCOSE_MASS


def _at_times(schedule: Schedule, step: Step, every: float, first: float, column: str, value: float) -> None:
    for number in range(int(np.ceil((step.end_h - step.start_h - first) / every - 1e-9))):
        time = step.start_h + first + number * every
        if time <= schedule.hours + 1e-9:
            schedule.column(column)[schedule.interval(time)] = value


def parameter_vector(plant: Plant, recipe: Recipe) -> Float[ndarray, " p"]:
    """Return the kernel's parameters of a plant that follows a recipe."""
    values = parameter_values(plant, recipe)
    return np.array([values[name] for name in PARAMETERS[plant.code]])


def parameter_values(plant: Plant, recipe: Recipe) -> dict[str, float]:
    """Return every parameter by name: the plant's own, and what the recipe says of equipment, medium and control."""
    values = {name: float(value) for name, value, _ in named_parameters(plant)}
    return values | _recipe_values(plant, recipe)


def _recipe_values(plant: Plant, recipe: Recipe) -> dict[str, float]:
    vessel, medium, feed, first = recipe.vessel, recipe.medium, recipe.feed, recipe.steps[0].setpoints
    bacteria = isinstance(plant, EcoliFedBatch)
    viable = recipe.inoculum.biomass_g_per_l if bacteria else recipe.inoculum.viable_cells_1e6_per_ml
    values = {
        "start_volume_l": vessel.working_volume_l,
        "start_viable": viable,
        "start_viability": max(recipe.inoculum.viability, 1e-3),
        "start_glucose_mmol_per_l": medium.glucose_g_per_l / GLUCOSE_MASS,
        "start_second_mmol_per_l": 0.0 if bacteria else medium.glutamine_mmol_per_l,
        "start_lactate_mmol_per_l": medium.lactate_g_per_l / LACTATE_MASS,
        "start_ammonium_mmol_per_l": medium.ammonium_mmol_per_l
        + (plant.medium_ammonium_mmol_per_l if isinstance(plant, EcoliFedBatch) else 0.0),
        "start_osmolality_mosm_per_kg": medium.osmolality_mosm_per_kg,
        "start_temperature_c": first["temperature_c"],
        "feed_glucose_mmol_per_l": feed.glucose_g_per_l / GLUCOSE_MASS,
        "feed_second_mmol_per_l": 0.0 if bacteria else feed.glutamine_mmol_per_l,
        "feed_osmolality_mosm_per_kg": feed.osmolality_mosm_per_kg,
        "max_volume_l": vessel.max_volume_l,
        "max_agitation_rpm": vessel.max_agitation_rpm,
        "max_oxygen_fraction": vessel.max_oxygen_fraction,
        "max_feed_l_per_h": vessel.max_feed_l_per_h,
        "max_base_l_per_h": vessel.max_base_l_per_h,
    }
    shortest = control_interval_h(recipe)
    for name, loop in _loops(recipe).items():
        every = float(max(round(loop.sample_h / shortest), 1))
        numbers = (
            loop.gain,
            loop.integral_h,
            loop.derivative_h,
            every,
            loop.deadband,
            loop.low_percent,
            loop.high_percent,
        )
        kinds = ("gain", "integral_h", "derivative_h", "every", "deadband", "low_percent", "high_percent")
        values |= {f"{name}_{kind}": number for kind, number in zip(kinds, numbers, strict=True)}
    return values


def _loops(recipe: Recipe) -> dict[str, Controller]:
    loops = recipe.controllers
    return {"ph": loops.ph, "dissolved_oxygen": loops.dissolved_oxygen, "temperature": loops.temperature}


def parameter_columns(plant: Plant, names: Mapping[str, object]) -> list[int]:
    """Return the places of named parameters in the vector.

    Raises
    ------
    ConfigError
        If the plant has no such parameter (the nearest is named).
    """
    known = PARAMETERS[plant.code]
    for name in names:
        if name not in known:
            raise ConfigError(f"A {plant.name} has no parameter {name!r}. {did_you_mean(name, known)}")
    return [known.index(name) for name in names]
