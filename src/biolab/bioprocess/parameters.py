"""Parameters that know their unit, their meaning and where they come from."""

from collections.abc import Iterator
from dataclasses import Field, field, fields, is_dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from biolab.core import ConfigError

CHOSEN = "chosen"
"""The source of a value that no publication gives: the meaning says what it was chosen for."""


def parameter(
    default: float, unit: str, meaning: str, source: str = CHOSEN, *, low: float = 0.0, high: float = np.inf
) -> Any:
    """Declare a field of a plant: its value, unit, what it is, who found it, and the range it must lie in."""
    return field(default=default, metadata={"unit": unit, "meaning": meaning, "source": source, "range": (low, high)})


def named_parameters(part: Any) -> Iterator[tuple[str, float, Field[Any]]]:
    """Yield name, value and field of every parameter of a plant, those of its parts too."""
    for one in fields(part):
        value = getattr(part, one.name)
        if is_dataclass(value):
            yield from named_parameters(value)
        elif "unit" in one.metadata:
            yield one.name, value, one


def parameter_table(plant: object) -> pl.DataFrame:
    """Return one row a parameter: name, value, unit, meaning, source."""
    rows = [
        {
            "name": name,
            "value": float(value),
            "unit": one.metadata["unit"],
            "meaning": one.metadata["meaning"],
            "source": one.metadata["source"],
        }
        for name, value, one in named_parameters(plant)
    ]
    return pl.DataFrame(rows)


def check_ranges(part: object) -> None:
    """Refuse parameters outside what they can be.

    Raises
    ------
    ConfigError
        Names each of them with its value, unit and range.
    """
    faults = []
    for name, value, one in named_parameters(part):
        low, high = one.metadata["range"]
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not low <= value <= high
            or value == np.inf
        ):
            bounds = f"at least {low:g}" if high == np.inf else f"{low:g} to {high:g}"
            faults.append(f"{name} is {value!r} {one.metadata['unit']}; expected a number, {bounds}")
    if faults:
        raise ConfigError(f"{type(part).__name__}: " + "; ".join(faults) + ".")


def check_ordered(part: object, *names: str) -> None:
    """Refuse parameters that do not rise in this order.

    Raises
    ------
    ConfigError
        Names the first two that do not, with their values.
    """
    for low, high in pairwise(names):
        if not getattr(part, low) < getattr(part, high):
            raise ConfigError(
                f"{type(part).__name__}: {low} is {getattr(part, low):g} and {high} {getattr(part, high):g}; "
                f"expected {low} below {high}."
            )
