"""How a phase is fed: five modes, each knowing its greatest rate and what it will have fed."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from biolab.core.validation import Settings

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class NoFeed(Settings):
    """Nothing is fed."""

    mode: Literal["none"] = "none"


class Bolus(Settings):
    """A dose every so many hours, the first one ``first_h`` hours after the phase begins.

    Each dose is ``volume_l``, or what brings glucose back to ``glucose_to_g_per_l`` by the last sample, never less
    than nothing.
    """

    mode: Literal["bolus"]
    every_h: Positive
    first_h: NonNegative = 0.0
    volume_l: Positive | None = None
    glucose_to_g_per_l: Positive | None = None

    @model_validator(mode="after")
    def _one_dose(self) -> "Bolus":
        if (self.volume_l is None) == (self.glucose_to_g_per_l is None):
            raise ValueError("a bolus has either volume_l or glucose_to_g_per_l; give one of them")
        return self

    def doses(self, hours: float) -> int:
        """Count the doses of a phase so many hours long.

        >>> Bolus(mode="bolus", every_h=24, volume_l=0.1).doses(72)
        3
        """
        return 0 if self.first_h >= hours else math.ceil((hours - self.first_h) / self.every_h - 1e-9)


class ConstantFeed(Settings):
    """The same rate for the whole phase."""

    mode: Literal["constant"]
    l_per_h: Positive


class ExponentialFeed(Settings):
    """A rate that grows as cells do: ``start_l_per_h * exp(rate_per_h * hours since the phase began)``."""

    mode: Literal["exponential"]
    start_l_per_h: Positive
    rate_per_h: Positive


class GlucoseSetpoint(Settings):
    """At each at-line sample the rate that brings glucose back to its set-point by the next one."""

    mode: Literal["glucose-setpoint"]
    glucose_g_per_l: Positive
    sample_every_h: Positive = 2.0


Feeding = Annotated[
    NoFeed | Bolus | ConstantFeed | ExponentialFeed | GlucoseSetpoint,
    Field(discriminator="mode"),
]


def planned_feed_l(feeding: Feeding, hours: float) -> float:
    """Return what a phase will surely feed by its plan; a mode that follows glucose promises nothing.

    Exponential feeding adds up to F0 (exp(r h) - 1) / r.

    >>> planned_feed_l(ConstantFeed(mode="constant", l_per_h=0.02), 50.0)
    1.0
    >>> round(planned_feed_l(ExponentialFeed(mode="exponential", start_l_per_h=0.01, rate_per_h=0.1), 20.0), 4)
    0.6389
    """
    if isinstance(feeding, ConstantFeed):
        return feeding.l_per_h * hours
    if isinstance(feeding, ExponentialFeed):
        return feeding.start_l_per_h * math.expm1(min(feeding.rate_per_h * hours, 700.0)) / feeding.rate_per_h
    if isinstance(feeding, Bolus) and feeding.volume_l is not None:
        return feeding.volume_l * feeding.doses(hours)
    return 0.0


def greatest_rate_l_per_h(feeding: Feeding, hours: float) -> float:
    """Return the greatest rate that a phase's plan asks of the pump.

    >>> greatest_rate_l_per_h(Bolus(mode="bolus", every_h=24, volume_l=0.12), 72.0)
    0.005
    """
    if isinstance(feeding, ConstantFeed):
        return feeding.l_per_h
    if isinstance(feeding, ExponentialFeed):
        return feeding.start_l_per_h * math.exp(min(feeding.rate_per_h * hours, 700.0))
    if isinstance(feeding, Bolus) and feeding.volume_l is not None:
        return feeding.volume_l / feeding.every_h
    return 0.0


def feeding_in_words(feeding: Feeding) -> str:
    """Say a phase's feeding in one short line.

    >>> feeding_in_words(Bolus(mode="bolus", every_h=24, volume_l=0.1))
    'bolus 0.1 L every 24 h'
    """
    if isinstance(feeding, Bolus):
        dose = f"{feeding.volume_l:g} L" if feeding.volume_l else f"to glucose {feeding.glucose_to_g_per_l:g} g/L"
        return f"bolus {dose} every {feeding.every_h:g} h"
    if isinstance(feeding, ConstantFeed):
        return f"constant {feeding.l_per_h:g} L/h"
    if isinstance(feeding, ExponentialFeed):
        return f"exponential from {feeding.start_l_per_h:g} L/h at {feeding.rate_per_h:g} 1/h"
    if isinstance(feeding, GlucoseSetpoint):
        return f"glucose held at {feeding.glucose_g_per_l:g} g/L, sampled every {feeding.sample_every_h:g} h"
    return "none"
