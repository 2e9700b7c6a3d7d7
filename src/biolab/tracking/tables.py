"""Aggregate frames as JSON that stock MLflow shows as a table and that reads back exactly."""

import json
import math
from datetime import date, datetime
from typing import Any

import polars as pl

from biolab.core import ConfigError, TrackingError

FOLDER = "tables"
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_PLAIN: dict[str, pl.DataType] = {
    str(dtype): dtype
    for dtype in (
        *(pl.Boolean(), pl.String(), pl.Date(), pl.Null(), pl.Float32(), pl.Float64()),
        *(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64()),
        *(pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64()),
        *(pl.Datetime(unit) for unit in ("ms", "us")),
        *(pl.Datetime(unit, "UTC") for unit in ("ms", "us")),
    )
}


def table_path(name: str) -> str:
    """Say where a table stands among a run's artifacts.

    >>> table_path("validation")
    'tables/validation.json'
    """
    return f"{FOLDER}/{name}.json"


def schema_path(name: str) -> str:
    """Say where the column types of a table stand.

    >>> schema_path("validation")
    'tables/schemas/validation.json'
    """
    return f"{FOLDER}/schemas/{name}.json"


def encode_table(name: str, frame: pl.DataFrame) -> tuple[str, str]:
    """Return a frame's content (columns and rows, as ``mlflow.load_table`` reads them) and its column types as JSON.

    >>> encode_table("t", pl.DataFrame({"site": ["gbsg"], "events": [299]}))[0]
    '{"columns":["site","events"],"data":[["gbsg",299]]}'

    Raises
    ------
    ConfigError
        If a column is nested or of another type JSON cannot hold exactly.
    """
    flat = frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
    for column, dtype in flat.schema.items():
        if str(dtype) not in _PLAIN:
            raise ConfigError(
                f"table {name!r}, column {column!r}: a {dtype} cannot be logged; cast it to a number, text, boolean, "
                "date or a datetime without a time zone or in UTC."
            )
    content = {"columns": flat.columns, "data": [[_to_json(value) for value in row] for row in flat.iter_rows()]}
    schema = {column: str(dtype) for column, dtype in flat.schema.items()}
    return _compact(content), _compact(schema)


def decode_table(name: str, content: str, schema: str) -> pl.DataFrame:
    """Return the frame that ``encode_table`` was given; categories come back as text.

    Raises
    ------
    TrackingError
        If the two texts do not fit each other or were not written by biolab.
    """
    try:
        stored = json.loads(content)
        dtypes = {column: _PLAIN[dtype] for column, dtype in json.loads(schema).items()}
        columns = list(zip(*stored["data"], strict=True)) or [()] * len(dtypes)
        pairs = zip(dtypes.items(), columns, strict=True)
        series = [pl.Series(column, _from_json(values, dtype), dtype=dtype) for (column, dtype), values in pairs]
    except (ValueError, KeyError, TypeError, AttributeError, pl.exceptions.PolarsError) as error:
        raise TrackingError(
            f"The table {name!r} in the store is damaged ({error}); run the experiment again."
        ) from error
    return pl.DataFrame(series)


def _compact(content: object) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _to_json(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value.isoformat() if isinstance(value, date) else value


def _from_json(values: tuple[Any, ...], dtype: pl.DataType) -> list[Any]:
    if dtype.is_float():
        return [_NON_FINITE[value] if isinstance(value, str) else value for value in values]
    if isinstance(dtype, pl.Date):
        return [None if value is None else date.fromisoformat(value) for value in values]
    if isinstance(dtype, pl.Datetime):
        return [None if value is None else datetime.fromisoformat(value) for value in values]
    return list(values)
