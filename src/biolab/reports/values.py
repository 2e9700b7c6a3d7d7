"""Numbers as a reader sees them: estimate with interval, counts under release rules, and missing said as missing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from .language import Prose

MINUS = "\N{MINUS SIGN}"
EN_DASH = "\N{EN DASH}"
WITHHELD = "*"
Side = Literal["below", "above", "unclear", "missing"]


@dataclass(frozen=True, kw_only=True)
class Value:
    """An estimate with its limits as read from a frame; None stands for whatever is missing, NaN or null."""

    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None

    @property
    def has_interval(self) -> bool:
        """Whether both limits are known."""
        return self.lower is not None and self.upper is not None

    def side_of(self, point: float) -> Side:
        """Say on which side of a point the whole interval lies; an interval that reaches the point is unclear."""
        if self.estimate is None or self.lower is None or self.upper is None:
            return "missing"
        return "above" if self.lower > point else "below" if self.upper < point else "unclear"


MISSING = Value()


def known(value: object) -> float | None:
    """Read a cell as a float; null and NaN are None."""
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else None


def value_of(row: Mapping[str, object], name: str = "estimate") -> Value:
    """Read a row's estimate and limits."""
    return Value(estimate=known(row.get(name)), lower=known(row.get("lower")), upper=known(row.get("upper")))


def index_values(frame: pl.DataFrame, keys: tuple[str, ...], name: str = "estimate") -> dict[tuple[object, ...], Value]:
    """Index a tidy frame's values by key columns; what is not there is missing."""
    return {tuple(row[key] for key in keys): value_of(row, name) for row in frame.iter_rows(named=True)}


def number(value: float, digits: int, *, signed: bool = False) -> str:
    """Write a number with a true minus sign and no negative zero.

    >>> number(-0.0004, 3), number(-1.5, 1), number(0.02, 2, signed=True), number(1234.5, 0)
    ('0.000', '−1.5', '+0.02', '1,234')
    """
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{abs(value):,.{digits}f}"
    zero = not text.strip("0.,")
    sign = "" if zero else MINUS if value < 0 else "+" if signed else ""
    return sign + text


def interval(value: Value, digits: int, prose: Prose, *, signed: bool = False) -> str:
    """Write the limits: 0.66–0.70, or with words where a limit is negative: −0.01 to 0.03."""
    if value.lower is None or value.upper is None:
        return prose("common.no_interval")
    lower, upper = number(value.lower, digits, signed=signed), number(value.upper, digits, signed=signed)
    joiner = prose("common.range") if signed or value.lower < 0 else EN_DASH
    return f"{lower}{joiner}{upper}"


def estimate(value: Value, digits: int, prose: Prose, *, signed: bool = False) -> str:
    """Write an estimate with its interval, or say that it is missing."""
    if value.estimate is None:
        return prose("common.missing")
    return f"{number(value.estimate, digits, signed=signed)} ({interval(value, digits, prose, signed=signed)})"


def count(value: object) -> str:
    """Write a released count; a null was withheld, which does not say that it is small itself.

    >>> count(1546), count(None)
    ('1,546', '*')
    """
    found = known(value)
    return WITHHELD if found is None else f"{found:,.0f}"
