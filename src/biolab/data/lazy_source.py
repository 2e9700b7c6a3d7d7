"""Batches of rows as a lazy frame: only the columns asked for are made, and reading stops when enough rows are there."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import polars as pl
from polars.datatypes import DataType, DataTypeClass
from polars.io.plugins import register_io_source

Schema = Mapping[str, DataType | DataTypeClass]


def lazy_source(schema: Schema, batches: Callable[[Sequence[str]], Iterator[pl.DataFrame]]) -> pl.LazyFrame:
    """Make a lazy frame of what ``batches`` yields; it is called with the columns wanted, at each collection anew.

    Filters are applied batch by batch, so that no more than a batch and what was found is held.
    """

    def source(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        asked = list(schema) if with_columns is None else with_columns
        seen = asked if predicate is None else list(dict.fromkeys([*asked, *predicate.meta.root_names()]))
        left = n_rows
        for frame in batches(seen):
            rows = frame if left is None else frame.head(left)
            left = None if left is None else left - rows.height
            yield (rows if predicate is None else rows.filter(predicate)).select(asked)
            if left == 0:
                return

    return register_io_source(source, schema=dict(schema))
