"""Rows about to be written as text: refused where the file would say something else than they do."""

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from biolab.core import DataError

_BATCH: Final = 1 << 14
_BREAKS: Final = r"[\n\r\x00]"


def row_batches(records: pl.DataFrame | pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield a frame in batches; a lazy one is never collected whole."""
    if isinstance(records, pl.DataFrame):
        yield from records.iter_slices(_BATCH)
    else:
        yield from records.collect_batches(chunk_size=_BATCH)


def text_batches(records: pl.DataFrame | pl.LazyFrame, needed: Sequence[str], optional: str) -> Iterator[pl.DataFrame]:
    """Yield columns of text in batches, the optional one as null where the frame lacks it.

    Raises
    ------
    DataError
        If a needed column is missing, a column is not text, or a text holds a line end.
    """
    schema = records.collect_schema()
    absent = [name for name in needed if name not in schema]
    if absent:
        raise DataError(f"The records have no column {absent[0]!r}; they have {', '.join(schema.names())}.")
    present = [*needed, *([optional] if optional in schema else [])]
    for name in present:
        if schema[name] not in (pl.String, pl.Null, pl.Categorical, pl.Enum):
            raise DataError(f"Column {name!r} is {schema[name]}; expected text. Cast it: .cast(pl.String)")
    for frame in row_batches(records.select(present)):
        texts = frame.select(pl.col(present).cast(pl.String))
        refuse_breaks(texts, _BREAKS)
        yield texts if optional in present else texts.with_columns(pl.lit(None, pl.String).alias(optional))


def refuse_breaks(frame: pl.DataFrame, pattern: str = r"[\t\n\r\x00]") -> None:
    """Refuse text with tabs or line ends, which would part a field or a line in two.

    Raises
    ------
    DataError
        Names the column and the value.
    """
    for column in frame.iter_columns():
        if column.dtype == pl.String:
            broken = column.str.contains(pattern).fill_null(value=False).arg_true()
            if broken.len():
                raise DataError(
                    f"Column {column.name!r} holds {column[int(broken[0])][:60]!r}: a tab or line end would break the "
                    "lines of the file. Replace it first."
                )


def refuse_places(frame: pl.DataFrame, whole: Sequence[str]) -> None:
    """Refuse rows without a chromosome, one that would read as a comment, or places that are no whole numbers.

    Raises
    ------
    DataError
        Names the column, and the row where it is one's fault.
    """
    for name in whole:
        if not frame.schema[name].is_integer():
            raise DataError(f"Column {name!r} is {frame.schema[name]}; expected whole numbers: .cast(pl.Int64)")
    name = frame["chromosome"].cast(pl.String)
    bad = (name.is_null() | (name == "") | name.str.starts_with("#")).arg_true()
    if bad.len():
        row = int(bad[0])
        raise DataError(
            f"Row {row} of a batch: the chromosome is {name[row]!r}; expected a name that begins without #."
        )
