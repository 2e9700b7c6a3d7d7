"""How one institution's columns become the variables of the codebook."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal, Self

import polars as pl
from pydantic import Field, model_validator

from biolab.core import ConfigError, did_you_mean
from biolab.core.validation import Settings

from .codebook import Codebook, Variable
from .units import conversion


class Column(Settings):
    """One raw column and how it is read.

    ``unit`` is what the site records in; ``codes`` maps each raw code to one of the codebook (to true or false for a
    boolean); ``cut`` makes a category of a number: intervals closed on the right, cut points in the codebook's unit.

    >>> Column(column="size", unit="cm", cut=(20, 50))
    Column(column='size', unit='cm', codes=None, cut=(20.0, 50.0))
    """

    column: str
    unit: str | None = None
    codes: Mapping[str, str | bool] | None = None
    cut: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def _one_reading(self) -> Self:
        if self.codes is not None and self.cut is not None:
            raise ValueError("codes and cut exclude each other: a column holds codes or numbers")
        if self.codes is not None and self.unit is not None:
            raise ValueError("codes and unit exclude each other: a code has no unit")
        if self.cut is not None and any(low >= high for low, high in pairwise(self.cut)):
            raise ValueError(f"cut points must ascend, not {list(self.cut)}")
        return self


class RowFilter(Settings):
    """Which rows of a shared file are a site's own: those whose raw column holds one value.

    >>> RowFilter(column="inst", equals=3).expression(pl.Float64()).meta.output_name()
    'inst'
    """

    column: str
    equals: str | float

    def expression(self, dtype: pl.DataType) -> pl.Expr:
        """Return the expression that is true in the site's rows."""
        value = pl.col(self.column)
        if dtype.is_numeric():
            return value == float(self.equals)
        return value.cast(pl.String) == (f"{self.equals:g}" if isinstance(self.equals, float) else self.equals)


class TimedEvent(Settings):
    """A raw follow-up time and the raw 0/1 column that says whether it ended in the event."""

    time: str
    event: str


class CompositeEndpoint(Settings):
    """An endpoint that is whichever of several recorded events comes first.

    An event is late when another of the events is recorded as not having happened at an earlier follow-up time: the
    patient was no longer watched for all of them. ``late = "censor"`` censors such a patient where the shorter
    follow-up ended; ``late = "count"`` counts the event when it happened, and then follows event-free patients to
    their longest follow-up.

    References
    ----------
    The two rules are those of the help page of ``rotterdam`` in R's survival package (there: conservative and liberal).
    """

    first_of: tuple[TimedEvent, ...] = Field(min_length=1)
    unit: str
    late: Literal["censor", "count"] = "censor"


class SiteMapping(Settings):
    """The columns of one institution: a table of columns by variable, and the endpoint if it is a composite.

    >>> mapping = SiteMapping.model_validate({"columns": {"age": {"column": "age_years", "unit": "year"}}})
    >>> mapping.raw_columns
    ('age_years',)
    """

    columns: Mapping[str, Column]
    endpoint: CompositeEndpoint | None = None

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """The raw columns that are read, each once."""
        names = [column.column for column in self.columns.values()]
        for part in self.endpoint.first_of if self.endpoint else ():
            names += [part.time, part.event]
        return tuple(dict.fromkeys(names))

    def check(self, codebook: Codebook) -> None:
        """Check that every variable of the codebook is mapped, in a unit and codes that the codebook knows.

        Raises
        ------
        ConfigError
            Names the variable, what the mapping says and what the codebook expects.
        """
        composite = {codebook.time.name, codebook.event.name} if self.endpoint else set()
        for name in self.columns:
            if name not in codebook:
                raise ConfigError(f"columns.{name}: no such variable. {did_you_mean(name, codebook.root)}")
            if name in composite:
                raise ConfigError(f"columns.{name}: the endpoint is mapped twice. Keep this line or [endpoint].")
        for variable in codebook.variables:
            if variable.name in composite:
                continue
            if variable.name not in self.columns:
                raise ConfigError(
                    f"columns: variable {variable.name!r} is not mapped. Add {variable.name} = {{ ... }}."
                )
            _check_column(self.columns[variable.name], variable)
        if self.endpoint and codebook.time.unit:
            conversion(self.endpoint.unit, codebook.time.unit)


def _check_column(column: Column, variable: Variable) -> None:
    where = f"columns.{variable.name}"
    if column.cut is not None:
        if variable.type != "category" or len(column.cut) != len(variable.codes) - 1:
            raise ConfigError(
                f"{where}: {len(column.cut)} cut points make {len(column.cut) + 1} ordered codes; the codebook has "
                f"type {variable.type!r} with {len(variable.codes)} codes."
            )
    elif column.codes is not None:
        _check_codes(column.codes, variable, where)
    if variable.unit is not None and column.codes is None and (column.cut is not None or variable.type != "category"):
        if column.unit is None:
            raise ConfigError(f"{where} names no unit; say which the site records in, for example {variable.unit!r}.")
        try:
            conversion(column.unit, variable.unit)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
    elif column.unit is not None:
        raise ConfigError(f"{where} names the unit {column.unit!r}, but no numbers with a unit are read there.")


def _check_codes(codes: Mapping[str, str | bool], variable: Variable, where: str) -> None:
    known: tuple[str | bool, ...] = variable.codes if variable.type == "category" else (False, True)
    if variable.type not in {"category", "boolean"}:
        raise ConfigError(f"{where}: codes belong to categories and booleans, not to type {variable.type!r}.")
    for raw, code in codes.items():
        if code not in known or isinstance(code, bool) != (variable.type == "boolean"):
            expected = ", ".join(repr(entry) for entry in known)
            raise ConfigError(f"{where}: raw code {raw!r} is mapped to {code!r}; the codebook knows {expected}.")
