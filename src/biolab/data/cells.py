"""How a raw cell is read: expressions on the raw frame, each with the checks it rests on."""

from dataclasses import dataclass, field

import polars as pl

from biolab.core import DataError

from .codebook import Codebook, Variable
from .faults import Check
from .mapping import Column, CompositeEndpoint
from .units import conversion


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A harmonised value as an expression on the raw frame, and the checks that it rests on."""

    value: pl.Expr
    checks: list[Check] = field(default_factory=list)


def parse_column(column: Column, variable: Variable, schema: pl.Schema, file: str) -> Parsed:
    """Read one raw column as a variable of the codebook.

    Raises
    ------
    DataError
        If the column holds true/false where numbers are expected.
    """
    dtype = schema[column.column]
    if dtype == pl.Boolean and (column.cut is not None or variable.type in {"number", "integer"}):
        raise DataError(f"{file}: column {column.column!r} holds true/false; expected numbers for {variable.name!r}.")
    if variable.type == "text":
        parsed = Parsed(value=_as_key(column.column, dtype))
    elif column.cut is not None:
        parsed = _parse_cut(column, variable, dtype)
    elif variable.type == "category" or column.codes is not None:
        parsed = _parse_codes(column, variable, dtype)
    elif variable.type == "boolean":
        parsed = _parse_boolean(column.column, dtype)
    else:
        parsed = _parse_number(column, variable, dtype)
    if variable.allows_nulls:
        return parsed
    absent = Check(
        column=column.column,
        mask=_missing(column.column, dtype),
        expected=f"a value for {variable.name!r}, which may not be missing",
        remedy="Fill the cell or leave the row out.",
        shows_value=variable.role != "id",
    )
    return Parsed(value=parsed.value, checks=[absent, *parsed.checks])


def _missing(column: str, dtype: pl.DataType) -> pl.Expr:
    cell = pl.col(column)
    if dtype == pl.String:
        return cell.is_null() | cell.str.strip_chars().is_in(["", "NA", "NaN", "nan"])
    return cell.is_null() | cell.is_nan() if dtype.is_float() else cell.is_null()


def _as_number(column: str, dtype: pl.DataType) -> pl.Expr:
    text = pl.col(column).str.strip_chars() if dtype == pl.String else pl.col(column)
    return text.cast(pl.Float64, strict=False).fill_nan(None)


def _as_key(column: str, dtype: pl.DataType) -> pl.Expr:
    """Write a cell as the text that codes are compared with: 2, 2.0 and " 2 " are all "2"."""
    cell = pl.col(column)
    if dtype == pl.String:
        stripped = cell.str.strip_chars()
        return pl.when(~_missing(column, dtype)).then(stripped)
    if dtype.is_float():
        whole = cell.is_finite() & (cell == cell.round())
        digits = pl.when(whole).then(cell).cast(pl.Int64, strict=False).cast(pl.String)
        return pl.when(~_missing(column, dtype)).then(pl.coalesce(digits, cell.cast(pl.String)))
    return cell.cast(pl.String)


def _not_a_number(column: str, number: pl.Expr, dtype: pl.DataType) -> Check:
    return Check(
        column=column,
        mask=~_missing(column, dtype) & (number.is_null() | number.is_infinite()),
        expected="a finite number",
        remedy="Write digits with a decimal point, or leave the cell empty if the value is unknown.",
    )


def _parse_number(column: Column, variable: Variable, dtype: pl.DataType) -> Parsed:
    raw = _as_number(column.column, dtype)
    value, unit = _converted(raw, column.unit, variable.unit)
    checks = [_not_a_number(column.column, raw, dtype)]
    if variable.type == "integer":
        checks.append(
            Check(
                column=column.column,
                mask=value != value.round(),
                expected="a whole number",
                remedy="Correct the cell, or make the variable a number in the codebook.",
            )
        )
    if variable.role == "time":
        checks.append(
            Check(
                column=column.column,
                mask=value <= 0,
                expected=f"a time above 0{unit}",
                remedy="Correct the dates behind it, or leave the patient out and say so.",
            )
        )
    return Parsed(value=value, checks=checks + _range_checks(column.column, value, variable, unit))


def _range_checks(column: str, value: pl.Expr, variable: Variable, unit: str) -> list[Check]:
    checks = []
    for limit, word, mask in (
        (variable.minimum, "at least", value < variable.minimum if variable.minimum is not None else None),
        (variable.maximum, "at most", value > variable.maximum if variable.maximum is not None else None),
    ):
        if mask is not None:
            checks.append(
                Check(
                    column=column,
                    mask=mask,
                    expected=f"{word} {limit:g} {variable.unit or ''}".rstrip() + f" for {variable.name!r}{unit}",
                    remedy="Correct the cell or its unit, or widen the range in the codebook.",
                )
            )
    return checks


def _converted(raw: pl.Expr, unit: str | None, target: str | None) -> tuple[pl.Expr, str]:
    """Convert to the codebook's unit; the second value tells a reader which unit the raw column is in.

    numpy divides because polars multiplies by the reciprocal, which puts 30 mm a rounding above 3 cm and past a cut.
    """
    if unit is None or target is None or unit == target:
        return raw, ""
    numerator, denominator = conversion(unit, target)

    def convert(values: pl.Series) -> pl.Series:
        return pl.Series(values.to_numpy() * numerator / denominator, dtype=pl.Float64)

    return raw.map_batches(convert, return_dtype=pl.Float64).fill_nan(None), f" (the column is in {unit})"


def _parse_cut(column: Column, variable: Variable, dtype: pl.DataType) -> Parsed:
    raw = _as_number(column.column, dtype)
    value, _ = _converted(raw, column.unit, variable.unit)
    codes = list(variable.codes)
    cut = list(column.cut or ())
    code = pl.lit(codes[-1])
    for limit, name in reversed(list(zip(cut, codes, strict=False))):
        code = pl.when(value <= limit).then(pl.lit(name)).otherwise(code)
    return Parsed(
        value=pl.when(value.is_not_null()).then(code).cast(pl.Enum(codes)),
        checks=[_not_a_number(column.column, raw, dtype)],
    )


def _parse_codes(column: Column, variable: Variable, dtype: pl.DataType) -> Parsed:
    codes = column.codes if column.codes is not None else {code: code for code in variable.codes}
    key = _as_key(column.column, dtype)
    value = key.replace_strict(list(codes), list(codes.values()), default=None, return_dtype=variable.dtype)
    outside = Check(
        column=column.column,
        mask=key.is_not_null() & value.is_null(),
        expected=f"one of {', '.join(codes)} for {variable.name!r}",
        remedy=f"Correct the cell, or say in the mapping which code of {variable.name!r} it means.",
    )
    return Parsed(value=value, checks=[outside])


def _parse_boolean(column: str, dtype: pl.DataType) -> Parsed:
    number = _as_number(column, dtype)
    neither = Check(
        column=column,
        mask=~_missing(column, dtype) & (number.is_null() | ~number.is_in([0.0, 1.0])),
        expected="0 or 1",
        remedy="Correct the cell, or name the site's codes in the mapping: codes = { ... }.",
    )
    return Parsed(value=number == 1.0, checks=[neither])


def parse_endpoint(
    endpoint: CompositeEndpoint, codebook: Codebook, schema: pl.Schema, file: str
) -> tuple[Parsed, Parsed]:
    """Combine several timed events into time and event of the one that comes first; see ``CompositeEndpoint``."""
    times = [
        parse_column(Column(column=part.time, unit=endpoint.unit), codebook.time, schema, file)
        for part in endpoint.first_of
    ]
    events = [parse_column(Column(column=part.event), codebook.event, schema, file) for part in endpoint.first_of]
    happened = pl.min_horizontal(
        pl.when(event.value).then(time.value) for time, event in zip(times, events, strict=True)
    )
    censored = [pl.when(~event.value).then(time.value) for time, event in zip(times, events, strict=True)]
    if endpoint.late == "censor":
        watched = pl.min_horizontal(censored)
        counts = happened.is_not_null() & (watched.is_null() | (happened <= watched))
    else:
        watched = pl.max_horizontal(censored)
        counts = happened.is_not_null()
    return (
        Parsed(value=pl.when(counts).then(happened).otherwise(watched), checks=_all_checks(times)),
        Parsed(value=counts, checks=_all_checks(events)),
    )


def _all_checks(parsed: list[Parsed]) -> list[Check]:
    return [check for one in parsed for check in one.checks]
