"""ISA-88 recipes: what a batch is made in, with and from, phase by phase, decided before it runs.

A recipe is one frozen model: the Python argument, the TOML file, the parameters in MLflow and, by its SHA-256, the name
of what was followed. It is checked against the equipment whenever one is made.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import polars as pl
from pydantic import Field, model_validator

from biolab.core import ConfigError, canonical_json, did_you_mean, sha256_hex
from biolab.core.validation import Settings, parse_settings
from biolab.data import Label

from .alarm_limits import Alarm
from .feeding import Feeding, NoFeed, NonNegative, Positive, feeding_in_words
from .recipe_checks import recipe_faults
from .recipe_file import read_recipe_file, recipe_toml

PlantName = Literal["cho-fed-batch", "ecoli-fed-batch"]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Vessel(Settings):
    """The equipment: no set-point and no pump may leave these limits."""

    max_volume_l: Positive
    working_volume_l: Positive
    """Volume when the inoculum is in."""
    min_agitation_rpm: Positive
    max_agitation_rpm: Positive
    max_gas_flow_l_per_min: Positive
    max_oxygen_fraction: Annotated[float, Field(ge=0.21, le=1)] = 1.0
    max_feed_l_per_h: Positive
    max_base_l_per_h: Positive = 0.02
    min_temperature_c: Finite = 15.0
    max_temperature_c: Finite = 45.0
    min_ph: Positive = 4.0
    max_ph: Positive = 9.0

    @model_validator(mode="after")
    def _ordered(self) -> "Vessel":
        for low, high in (
            ("working_volume_l", "max_volume_l"),
            ("min_agitation_rpm", "max_agitation_rpm"),
            ("min_temperature_c", "max_temperature_c"),
            ("min_ph", "max_ph"),
        ):
            if getattr(self, low) >= getattr(self, high):
                raise ValueError(f"{low} {getattr(self, low):g} must be below {high} {getattr(self, high):g}")
        return self


class Inoculum(Settings):
    """What stands in the vessel at time 0: mammalian cells, or bacterial dry weight."""

    viable_cells_1e6_per_ml: NonNegative = 0.0
    viability: Share = 1.0
    biomass_g_per_l: NonNegative = 0.0


class Medium(Settings):
    """The medium at time 0."""

    glucose_g_per_l: NonNegative
    glutamine_mmol_per_l: NonNegative = 0.0
    lactate_g_per_l: NonNegative = 0.0
    ammonium_mmol_per_l: NonNegative = 0.0
    osmolality_mosm_per_kg: Positive = 290.0


class FeedMedium(Settings):
    """What the feed pump brings."""

    glucose_g_per_l: Positive
    glutamine_mmol_per_l: NonNegative = 0.0
    osmolality_mosm_per_kg: Positive = 1000.0


class SetPoints(Settings):
    """What a phase wants; what it leaves out stays as in the phase before.

    ``agitation_rpm`` is where the oxygen cascade starts from: it stirs no slower.
    """

    ph: Positive | None = None
    dissolved_oxygen_percent: Positive | None = None
    temperature_c: Finite | None = None
    agitation_rpm: Positive | None = None
    gas_flow_l_per_min: Positive | None = None


class Phase(Settings):
    """A stretch of the batch with its own set-points and feeding."""

    name: Slug
    hours: Positive
    setpoints: SetPoints = SetPoints()
    feeding: Feeding = NoFeed()


class Sampling(Settings):
    """Samples drawn by hand and measured at the bench."""

    every_h: Positive = 24.0
    volume_ml: NonNegative = 10.0


class Controller(Settings):
    """A sampled PID controller; its output is a share of its actuator in percent.

    pH: 0 to 100 % of the base pump, 0 to -100 % of the CO2 flow. Dissolved oxygen: 0 to 50 % brings the stirrer from
    its start to its maximum, 50 to 100 % oxygen in the gas from air's share to its maximum. Temperature: -100 % (full
    cooling) to 100 % (full heating). ``gain`` is percent of output a unit of error; no action within ``deadband``.
    """

    gain: Positive
    integral_h: Positive
    derivative_h: NonNegative = 0.0
    sample_h: Positive = 0.1
    deadband: NonNegative = 0.0
    low_percent: Annotated[float, Field(ge=-100, le=100)] = -100.0
    high_percent: Annotated[float, Field(ge=-100, le=100)] = 100.0

    @model_validator(mode="after")
    def _ordered(self) -> "Controller":
        if self.low_percent >= self.high_percent:
            raise ValueError(f"low_percent {self.low_percent:g} must be below high_percent {self.high_percent:g}")
        return self


class Controllers(Settings):
    """The three loops every plant has."""

    ph: Controller = Controller(gain=200.0, integral_h=4.0, deadband=0.03)
    dissolved_oxygen: Controller = Controller(gain=0.1, integral_h=0.25, low_percent=0.0)
    temperature: Controller = Controller(gain=15.0, integral_h=0.5)


class Step(NamedTuple):
    """A phase in its place: when it runs, and all that holds then."""

    phase: str
    start_h: float
    end_h: float
    setpoints: Mapping[str, float]
    feeding: Feeding


class Recipe(Settings):
    """A master recipe in ISA-88's sense: equipment, formula (medium, feed, inoculum) and procedure (phases).

    >>> recipe = Recipe.load("cho-standard")
    >>> recipe.plant, recipe.hours, recipe.at(0.0).phase
    ('cho-fed-batch', 336.0, 'growth')
    >>> warmer = recipe.changed({"phases.growth.setpoints.temperature_c": 36.5})
    >>> warmer.at(1.0).setpoints["temperature_c"]
    36.5
    """

    name: Slug
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")] = "1.0.0"
    title: Label
    plant: PlantName
    vessel: Vessel
    inoculum: Inoculum
    medium: Medium
    feed: FeedMedium
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    sampling: Sampling = Sampling()
    controllers: Controllers = Controllers()
    alarms: tuple[Alarm, ...] = ()

    @model_validator(mode="after")
    def _fits_the_equipment(self) -> "Recipe":
        if faults := recipe_faults(self):
            raise ValueError("\n- ".join(faults))
        return self

    @classmethod
    def load(cls, place: Path | str) -> "Recipe":
        """Read a recipe from a TOML file, or a shipped one by its name.

        Raises
        ------
        ConfigError
            Names the file, the phase, the key, its value, what was expected and, for an unknown name, the nearest.
        """
        content, source = read_recipe_file(place)
        return parse_settings(cls, content, source=source)

    @classmethod
    def from_content(cls, content: Mapping[str, object], *, source: str) -> "Recipe":
        """Make a recipe of a mapping shaped like its TOML file.

        Raises
        ------
        ConfigError
            As ``load`` does; ``source`` says where the content came from.
        """
        return parse_settings(cls, content, source=source)

    @property
    def content(self) -> dict[str, object]:
        """Everything the recipe says, as plain values shaped like its TOML file."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def sha256(self) -> str:
        """The digest that names what this recipe says, however its file is laid out."""
        return sha256_hex(canonical_json(self.content))

    @property
    def hours(self) -> float:
        """How long the phases last together."""
        return sum(phase.hours for phase in self.phases)

    def to_toml(self) -> str:
        """Write the recipe as TOML that ``load`` reads back to an equal one."""
        return recipe_toml(self.content)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The phases in their places, with set-points carried over from phase to phase."""
        steps: list[Step] = []
        start, holds = 0.0, {}
        for phase in self.phases:
            holds = {**holds, **phase.setpoints.model_dump(exclude_none=True)}
            steps.append(Step(phase.name, start, start + phase.hours, holds, phase.feeding))
            start += phase.hours
        return tuple(steps)

    def at(self, time_h: float) -> Step:
        """Return what holds at a time; past the end the last phase goes on.

        Raises
        ------
        ConfigError
            If the time is before the batch.
        """
        if not time_h >= 0:
            raise ConfigError(f"recipe {self.name!r} begins at time 0 h; nothing is said about {time_h} h.")
        return next((step for step in self.steps if time_h < step.end_h), self.steps[-1])

    def setpoint_table(self) -> pl.DataFrame:
        """Return one row a phase: start, end, every set-point that holds, and the feeding in words."""
        rows = [
            {"phase": step.phase, "start_h": step.start_h, "end_h": step.end_h}
            | {name: step.setpoints.get(name) for name in SetPoints.model_fields}
            | {"feeding": feeding_in_words(step.feeding)}
            for step in self.steps
        ]
        return pl.DataFrame(rows)

    def changed(self, changes: Mapping[str, object]) -> "Recipe":
        """Return the recipe with some of its values changed, and checked again.

        Keys are dotted as in the file, with phases and alarms called by name: ``phases.growth.setpoints.ph``,
        ``feed.glucose_g_per_l``. A value ``None`` takes a key away.

        Raises
        ------
        ConfigError
            If a key leads nowhere (the nearest name is given) or the changed recipe does not fit the equipment.
        """
        content = self.content
        for key, value in changes.items():
            _set(content, key, value)
        return parse_settings(type(self), content, source=f"recipe {self.name!r}, changed")


def _set(content: dict[str, object], key: str, value: object) -> None:
    """Set a dotted key in nested tables, finding entries of lists by their name."""
    place: object = content
    *way, last = key.split(".")
    for number, word in enumerate(way):
        place = _entry(place, word, key, ".".join(way[:number]) or "the recipe")
    if not isinstance(place, dict):
        raise ConfigError(f"{key}: {'.'.join(way)} is no table; name a key inside a table.")
    if value is None:
        place.pop(last, None)
    else:
        place[last] = value


def _entry(place: object, word: str, key: str, where: str) -> object:
    if isinstance(place, list):
        found = {str(entry["name"]): entry for entry in place}
    elif isinstance(place, dict):
        found = place
    else:
        found = {}
    if word not in found:
        raise ConfigError(f"{key}: {where} has no {word!r}. {did_you_mean(word, found)}")
    return found[word]
