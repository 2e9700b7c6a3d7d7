"""A file as a lazy frame: only columns asked for are made, and reading stops when there are rows enough."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl
from polars.datatypes import DataType, DataTypeClass
from polars.io.plugins import register_io_source

from .readers import check_file

Schema = Mapping[str, DataType | DataTypeClass]
_SMALL: Final = 1 << 20


def lazy_source(
    schema: Schema, batches: Callable[[Sequence[str]], Iterator[pl.DataFrame]], *, path: Path
) -> pl.LazyFrame:
    """Make a lazy frame of what ``batches`` yields; it is called with the columns wanted, at each collection anew.

    Filters are applied batch by batch, so that no more than a batch and what was found is held.

    A file of up to 1 MB is read through now, the first batch of a larger one, so that most faults are found where the
    file is opened, as the DataError that ``batches`` raises. Polars wraps what is found at collection in its own
    ComputeError, with the same words.
    """
    check_file(path)
    small = path.stat().st_size <= _SMALL
    for _ in batches(list(schema)):
        if not small:
            break

    def source(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        asked = list(schema) if with_columns is None else with_columns
        seen = asked if predicate is None else list(dict.fromkeys([*asked, *predicate.meta.root_names()]))
        left = n_rows
        for frame in batches(seen):
            rows = frame if left is None else frame.head(left)
            left = None if left is None else left - rows.height
            yield rows.select(asked) if predicate is None else _alone(rows.filter(predicate).select(asked), rows.height)
            if left == 0:
                return

    return register_io_source(source, schema=dict(schema))


def _alone(found: pl.DataFrame, of: int) -> pl.DataFrame:
    """Copy what a filter left of so many rows, if few: text would keep the memory of the whole batch alive."""
    if 2 * found.height > of:
        return found
    return pl.DataFrame(found.to_arrow(compat_level=pl.CompatLevel.oldest()), schema=found.schema)
