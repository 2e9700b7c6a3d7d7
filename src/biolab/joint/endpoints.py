"""What a protocol predicts, and in which groups of patients it is judged apart."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from biolab.core.validation import Settings
from biolab.data import Label

from .model_specs import Months


class Endpoint(Settings):
    """What is predicted.

    ``survival``: the codebook's event, its clock, and the horizons at which predictions are judged; ``tau`` restricts
    Uno's C and the integrated Brier score to times that every site observes. ``binary``: whether ``variable`` has the
    code ``positive``. ``number``: the value of ``variable``.
    """

    kind: Literal["survival", "binary", "number"] = "survival"
    label: Label
    horizons: tuple[Months, ...] = ()
    tau: Annotated[float, Field(ge=0)] = 0.0
    variable: str | None = None
    positive: str | bool | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Endpoint":
        if (self.kind == "survival") == (self.variable is not None):
            raise ValueError(f"an endpoint of kind {self.kind!r} names {'no' if self.variable else 'its'} variable")
        if (self.kind == "binary") != (self.positive is not None):
            raise ValueError("positive names the code that is predicted, of a binary endpoint and only of it")
        if self.kind != "survival":
            if self.horizons or self.tau:
                raise ValueError(f"horizons and tau belong to kind 'survival', not to {self.kind!r}")
            return self
        rising = list(self.horizons) == sorted(set(self.horizons))
        if not self.horizons or not rising or self.horizons[-1] > self.tau:
            raise ValueError(f"horizons {list(self.horizons)} must rise and end at or before tau = {self.tau:g}")
        return self


class Subgroup(Settings):
    """A variable whose groups are judged apart: its codes, or a number cut into intervals closed on the left.

    >>> Subgroup(variable="age", cut=(50, 65)).names
    ('<50', '50-<65', '>=65')
    """

    variable: str
    label: Label | None = None
    cut: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the intervals; none without cut points."""
        if not self.cut:
            return ()
        inner = (f"{low:g}-<{high:g}" for low, high in pairwise(self.cut))
        return (f"<{self.cut[0]:g}", *inner, f">={self.cut[-1]:g}")
