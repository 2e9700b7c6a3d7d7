"""From one institution's raw columns to the variables of the codebook, or to an error that says which cell to mend."""

import polars as pl

from biolab.core import ConfigError, DataError, did_you_mean

from .cells import parse_column, parse_endpoint
from .codebook import Codebook
from .faults import Fault, find_faults, refuse
from .mapping import SiteMapping


def harmonise(raw: pl.LazyFrame, mapping: SiteMapping, codebook: Codebook, *, file: str) -> pl.DataFrame:
    """Convert the raw columns of one institution to the codebook: names, units, codes and types.

    Rows keep their number and order. NaN counts as missing. Only the mapped columns are read.

    >>> codebook = Codebook.model_validate({"age": {"type": "number", "unit": "year", "maximum": 110}})
    >>> mapping = SiteMapping.model_validate({"columns": {"age": {"column": "alter", "unit": "month"}}})
    >>> harmonise(pl.LazyFrame({"alter": [600, 744]}), mapping, codebook, file="site.csv")["age"].to_list()
    [50.0, 62.0]

    Parameters
    ----------
    file
        What error messages call the source.

    Raises
    ------
    ConfigError
        If mapping and codebook do not fit each other.
    DataError
        If a column is missing or a cell is not what the codebook says: names file, row, column, value, what was
        expected and how to mend it, for the first five cells.
    """
    try:
        mapping.check(codebook)
    except ConfigError as error:
        raise ConfigError(f"The mapping of {file} does not fit the codebook: {error}") from error
    raw = _plain(raw, mapping, file)
    schema = raw.collect_schema()
    parsed = {name: parse_column(column, codebook[name], schema, file) for name, column in mapping.columns.items()}
    if mapping.endpoint:
        time, event = parse_endpoint(mapping.endpoint, codebook, schema, file)
        parsed |= {codebook.time.name: time, codebook.event.name: event}
    checks = [check for one in parsed.values() for check in one.checks]
    cells = _collect(
        raw.select(
            pl.struct(pl.col(schema.names())).alias("raw"),
            pl.struct(parsed[variable.name].value.alias(variable.name) for variable in codebook.variables).alias(
                "value"
            ),
            *(check.mask.alias(str(number)) for number, check in enumerate(checks)),
        ),
        file,
    )
    frame = cells["value"].struct.unnest()
    faults, count = find_faults(cells, cells["raw"].struct.unnest(), checks)
    refuse(file, faults, count)
    _refuse_duplicates(frame, mapping, codebook, file)
    return frame.select(pl.col(name).cast(dtype) for name, dtype in codebook.frame_schema.items())


def _plain(raw: pl.LazyFrame, mapping: SiteMapping, file: str) -> pl.LazyFrame:
    """Select the mapped columns; categories become text and decimals floats, so that later steps know four types."""
    try:
        schema = raw.collect_schema()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{file} cannot be read: {_first_line(error)}") from error
    missing = [name for name in mapping.raw_columns if name not in schema]
    if missing:
        told = " ".join(f"Column {name!r} is missing. {did_you_mean(name, schema)}" for name in missing)
        raise DataError(f"{file}: {told} Correct the mapping or the file's header.")
    return raw.select(_plain_column(name, schema[name], file) for name in mapping.raw_columns)


def _plain_column(name: str, dtype: pl.DataType, file: str) -> pl.Expr:
    if isinstance(dtype, pl.Enum | pl.Categorical):
        return pl.col(name).cast(pl.String)
    if isinstance(dtype, pl.Decimal):
        return pl.col(name).cast(pl.Float64)
    if dtype.is_numeric() or dtype in {pl.String, pl.Boolean, pl.Null}:
        return pl.col(name)
    raise DataError(
        f"{file}: column {name!r} holds {dtype}; expected numbers, text or true/false. Convert it before it is read, "
        "dates for example to days since diagnosis."
    )


def _collect(frame: pl.LazyFrame, file: str) -> pl.DataFrame:
    try:
        return frame.collect()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{file} cannot be read: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _refuse_duplicates(frame: pl.DataFrame, mapping: SiteMapping, codebook: Codebook, file: str) -> None:
    for variable in codebook.variables:
        if variable.role != "id":
            continue
        rows = (
            frame.lazy()
            .select(patient=variable.name, row=pl.int_range(1, pl.len() + 1))
            .group_by("patient")
            .agg("row")
            .filter(pl.col("row").list.len() > 1)
            .sort(pl.col("row").list.first())
            .collect()["row"]
        )
        faults = [
            Fault(
                row=repeated[0],
                column=mapping.columns[variable.name].column,
                said=f"the same patient again in row {', '.join(str(row) for row in repeated[1:6])}; expected one "
                "row a patient. Keep one of them, or number the patients apart.",
            )
            for repeated in rows.head(5)
        ]
        refuse(file, faults, len(rows))
