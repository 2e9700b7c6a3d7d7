"""What a recipe says about alarms: limits, hysteresis, delay and priority of each."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from biolab.core import did_you_mean
from biolab.core.validation import Settings

from .quantities import UNITS

Priority = Literal["low", "medium", "high", "critical"]
WITH_SETPOINT = ("ph", "dissolved_oxygen_percent", "temperature_c")


def _known(variable: str) -> str:
    if variable not in UNITS or variable == "time_h":
        raise ValueError(
            f"{variable!r} is not a quantity of a batch. {did_you_mean(variable, set(UNITS) - {'time_h'})}"
        )
    return variable


class Alarm(Settings):
    """An alarm on a measured quantity: below ``low``, above ``high``, or more than ``deviation`` from its set-point.

    It is raised once the limit was passed for ``delay_h``, and clears when the value is back inside by ``hysteresis``.
    Limits are in the quantity's own unit.

    >>> Alarm(variable="ph", low=6.8, hysteresis=0.02, priority="high").name
    'ph'
    """

    variable: Annotated[str, AfterValidator(_known)]
    name: str = ""
    low: Annotated[float, Field(allow_inf_nan=False)] | None = None
    high: Annotated[float, Field(allow_inf_nan=False)] | None = None
    deviation: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    hysteresis: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    delay_h: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    priority: Priority = "medium"

    @model_validator(mode="before")
    @classmethod
    def _named(cls, content: object) -> object:
        """Call an alarm without a name by its variable."""
        if isinstance(content, dict) and not content.get("name") and isinstance(content.get("variable"), str):
            return {**content, "name": content["variable"]}
        return content

    @model_validator(mode="after")
    def _has_a_limit(self) -> "Alarm":
        if self.low is None and self.high is None and self.deviation is None:
            raise ValueError("an alarm needs low, high or deviation; give at least one")
        if (
            self.low is not None
            and self.high is not None
            and not self.low + self.hysteresis < self.high - self.hysteresis
        ):
            raise ValueError(
                f"low {self.low:g} and high {self.high:g} leave no room for a hysteresis of {self.hysteresis:g}; "
                "an alarm once raised would never clear"
            )
        if self.deviation is not None and self.variable not in WITH_SETPOINT:
            raise ValueError(f"{self.variable!r} has no set-point to deviate from; those with one: {WITH_SETPOINT}")
        if self.deviation is not None and self.hysteresis >= self.deviation:
            raise ValueError(f"hysteresis {self.hysteresis:g} must be below deviation {self.deviation:g}")
        return self
