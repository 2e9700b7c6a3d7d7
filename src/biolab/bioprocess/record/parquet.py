"""Frames of a batch as Parquet whose schema says the unit of every column."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from biolab.bioprocess.quantities import unit_of
from biolab.core import BiolabError, DataError

UNIT = b"unit"


def write_with_units(frame: pl.DataFrame, path: Path, facts: Mapping[str, str]) -> Path:
    """Write a frame as Parquet; each column's field carries its ``unit``, the schema carries ``facts``.

    Raises
    ------
    BiolabError
        If the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    columns = [field.with_metadata({UNIT: unit_of(field.name).encode()}) for field in table.schema]
    schema = pa.schema(columns, metadata={key.encode(): value.encode() for key, value in facts.items()})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.cast(schema), path, compression="zstd")
    except OSError as error:
        raise BiolabError(f"{path} cannot be written: {error.strerror or error}.") from error
    return path


def read_with_units(path: Path) -> tuple[pl.DataFrame, dict[str, str], dict[str, str]]:
    """Read a frame, the unit of each column, and the facts of the schema.

    Raises
    ------
    DataError
        If the file is missing or is not Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; a batch record has one. Name the folder of a whole record.") from error
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} is not a Parquet file of a batch record ({error}); restore it from a copy.") from error
    units = {field.name: (field.metadata or {}).get(UNIT, b"").decode() for field in table.schema}
    facts = {
        key.decode(): value.decode()
        for key, value in (table.schema.metadata or {}).items()
        if not key.startswith((b"ARROW:", b"pandas"))
    }
    return pl.DataFrame(pl.from_arrow(table)), units, facts
