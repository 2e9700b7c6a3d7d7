"""Whether a recipe can be followed: set-points inside the equipment, pumps fast enough, the vessel large enough."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from biolab.core import ConfigError, did_you_mean

from .feeding import GlucoseSetpoint, greatest_rate_l_per_h, planned_feed_l

if TYPE_CHECKING:
    from .recipe import Recipe, Vessel

SETPOINT_LIMITS = {
    "ph": ("min_ph", "max_ph"),
    "dissolved_oxygen_percent": (None, None),
    "temperature_c": ("min_temperature_c", "max_temperature_c"),
    "agitation_rpm": ("min_agitation_rpm", "max_agitation_rpm"),
    "gas_flow_l_per_min": (None, "max_gas_flow_l_per_min"),
}
"""Every set-point and the vessel's keys that bound it."""
_MOST_OXYGEN = 200.0


def recipe_faults(recipe: "Recipe") -> list[str]:
    """List everything that keeps a recipe from being followed, each with its phase, key, value, limit and remedy."""
    faults = [
        *_repeated("phase", [phase.name for phase in recipe.phases]),
        *_repeated("alarm", [alarm.name for alarm in recipe.alarms]),
        *_inoculum_faults(recipe),
        *_missing_setpoints(recipe),
        *_controller_faults(recipe),
    ]
    for phase in recipe.phases:
        for name, value in phase.setpoints.model_dump(exclude_none=True).items():
            faults += [f"phase {phase.name!r}: {fault}" for fault in _outside(recipe.vessel, name, value)]
        rate = greatest_rate_l_per_h(phase.feeding, phase.hours)
        if rate > recipe.vessel.max_feed_l_per_h:
            faults.append(
                f"phase {phase.name!r}: feeding asks for {rate:.4g} L/h; the pump gives at most "
                f"vessel.max_feed_l_per_h = {recipe.vessel.max_feed_l_per_h:g}. Feed less, or end the phase earlier"
            )
    return [*faults, *_volume_faults(recipe)]


def check_setpoint(vessel: "Vessel", name: str, value: float) -> float:
    """Return a set-point that the equipment can hold; the check of recipes and of operators alike.

    Raises
    ------
    ConfigError
        If there is no such set-point (the nearest is named) or the value lies outside the equipment.
    """
    if name not in SETPOINT_LIMITS:
        raise ConfigError(f"There is no set-point {name!r}. {did_you_mean(name, SETPOINT_LIMITS)}")
    for fault in _outside(vessel, name, value):
        raise ConfigError(f"{fault}.")
    return value


def setpoint_range(vessel: "Vessel", name: str) -> tuple[float, float]:
    """Return the lowest and highest value that the equipment holds of a set-point."""
    low_key, high_key = SETPOINT_LIMITS[name]
    low = 0.0 if low_key is None else float(getattr(vessel, low_key))
    return low, _MOST_OXYGEN if high_key is None else float(getattr(vessel, high_key))


def _outside(vessel: "Vessel", name: str, value: float) -> Iterator[str]:
    low, high = setpoint_range(vessel, name)
    if not (math.isfinite(value) and low <= value <= high):
        bounds = " and ".join(f"vessel.{key}" for key in SETPOINT_LIMITS[name] if key) or "what the probe can read"
        yield (
            f"setpoints.{name} is {value:g}; the equipment holds {low:g} to {high:g} ({bounds}). "
            "Choose a value inside, or another vessel"
        )


def _repeated(kind: str, names: Sequence[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two {kind}s are called {name!r}; give each a name of its own"


def _inoculum_faults(recipe: "Recipe") -> Iterator[str]:
    wanted, other = "viable_cells_1e6_per_ml", "biomass_g_per_l"
    if recipe.plant == "ecoli-fed-batch":
        wanted, other = other, wanted
    if getattr(recipe.inoculum, wanted) == 0:
        yield f"inoculum.{wanted} is missing or 0; a {recipe.plant} starts from some"
    if getattr(recipe.inoculum, other) > 0:
        yield f"inoculum.{other} does not belong to a {recipe.plant}; give {wanted} instead"


def _missing_setpoints(recipe: "Recipe") -> Iterator[str]:
    first = recipe.phases[0]
    said = first.setpoints.model_dump(exclude_none=True)
    if missing := [name for name in SETPOINT_LIMITS if name not in said]:
        yield (
            f"phase {first.name!r}: setpoints lacks {', '.join(missing)}; "
            "the first phase has none before it to take them from"
        )


def _controller_faults(recipe: "Recipe") -> Iterator[str]:
    """Loops are sampled on one clock: every interval is a multiple of the shortest."""
    intervals = {name: float(loop["sample_h"]) for name, loop in recipe.controllers.model_dump().items()}
    shortest = min(intervals.values())
    for name, interval in intervals.items():
        times = round(interval / shortest)
        if abs(interval / shortest - times) > 1e-6:
            yield (
                f"controllers.{name}.sample_h is {interval:g}, not a multiple of the shortest, {shortest:g}; "
                f"choose {times * shortest:g}"
            )


def _volume_faults(recipe: "Recipe") -> Iterator[str]:
    """Add up what is fed and drawn by plan; losses that no plan says (evaporation) and base are left out."""
    vessel, fed, end = recipe.vessel, 0.0, 0.0
    for phase in recipe.phases:
        end += phase.hours
        fed += planned_feed_l(phase.feeding, phase.hours)
        drawn = math.floor(end / recipe.sampling.every_h + 1e-9) * recipe.sampling.volume_ml / 1000
        volume = vessel.working_volume_l + fed - drawn
        if volume > vessel.max_volume_l:
            yield (
                f"phase {phase.name!r}: feeding brings the volume to {volume:.4g} L by {end:g} h "
                f"({vessel.working_volume_l:g} L at the start + {fed:.4g} L fed - {drawn:.3g} L of samples); "
                f"the vessel holds vessel.max_volume_l = {vessel.max_volume_l:g}. Feed less, or start with less"
            )
            return
        if volume <= 0:
            yield (
                f"phase {phase.name!r}: samples of {recipe.sampling.volume_ml:g} mL every "
                f"{recipe.sampling.every_h:g} h empty the vessel by {end:g} h; draw less"
            )
            return
        feeding = phase.feeding
        if isinstance(feeding, GlucoseSetpoint) and feeding.glucose_g_per_l >= recipe.feed.glucose_g_per_l:
            yield (
                f"phase {phase.name!r}: feeding.glucose_g_per_l is {feeding.glucose_g_per_l:g}, not below the feed's "
                f"own {recipe.feed.glucose_g_per_l:g} g/L; it could never be reached"
            )
