"""Fields of the samples of a VCF other than calls (FORMAT): depths, qualities, likelihoods, imputed dosages."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from biolab.core import DataError
from biolab.core.arrays import Int

from .tabbed import data_lines, line_of, text_columns
from .text_blocks import LineBlock
from .vcf_format_floats import FieldGrid
from .vcf_header import VcfHeader
from .vcf_values import Kind, typed_values, unread_values

_FORMAT: Final = 8
_FLOATS: Final[set[Kind]] = {pl.Float64, pl.List(pl.Float64)}


def format_schema(header: VcfHeader, keys: Mapping[str, str]) -> dict[str, Kind]:
    """Return the type of each column of ``keys`` (column: key of FORMAT)."""
    return {name: pl.String if header.format[key] == pl.Boolean else header.format[key] for name, key in keys.items()}


def format_columns(
    block: LineBlock, header: VcfHeader, path: Path, keys: Mapping[str, str], places: Int[np.ndarray, " n"]
) -> pl.DataFrame:
    """Return the fields of chosen samples under ``keys`` (column: key), a row a record and sample; null without one.

    Raises
    ------
    DataError
        If a value is not of the type that the header declares, with line, sample and value.
    """
    lines, schema = data_lines(block), format_schema(header, keys)
    shown = text_columns(lines, {_FORMAT}, block, path, header.width)[str(_FORMAT)]
    names = tuple(header.samples[place] for place in places)
    grid = FieldGrid.of(lines, block, path, header.width, places) if _FLOATS & {*schema.values()} else None
    parts = None
    found = []
    for name, key in keys.items():
        at = _positions(shown, key)
        if grid is not None and schema[name] in _FLOATS:
            read = grid.floats(at.fill_null(-1).to_numpy(), schema[name])
            values, wrong = read.values, read.wrong
        else:
            parts = _parts(lines, block, path, header.width, places) if parts is None else parts
            text = pl.DataFrame({"parts": parts, "at": at.gather(np.repeat(np.arange(at.len()), places.size))}).select(
                pl.col("parts").list.get(pl.col("at"), null_on_oob=True)
            ).to_series()  # fmt: skip
            values = typed_values(text, schema[name])
            unread = unread_values(text, values).arg_true()
            wrong = (int(unread[0]), str(text[int(unread[0])])) if unread.len() else None
        if wrong:
            raise _unread(wrong, values, key, block, path, names)
        found.append(values.alias(name))
    return pl.DataFrame(found)


def _parts(lines: LineBlock, block: LineBlock, path: Path, width: int, places: Int[np.ndarray, " n"]) -> pl.Series:
    """Return the fields of each record and sample, as lists of text."""
    columns = [str(_FORMAT + 1 + place) for place in places.tolist()]
    raw = text_columns(lines, set(map(int, columns)), block, path, width)
    return raw.select(pl.concat_list(columns).explode(empty_as_null=True).str.split(":")).to_series()


def _positions(shown: pl.Series, key: str) -> pl.Series:
    """Say which of each record's fields has the key, from 0; null for none."""
    known = shown.unique().to_list()
    split: list[list[str]] = [str(text or "").split(":") for text in known]
    places = [names.index(key) if key in names else None for names in split]
    return shown.replace_strict(known, places, return_dtype=pl.Int64)


def _unread(
    wrong: tuple[int, str], values: pl.Series, key: str, block: LineBlock, path: Path, samples: tuple[str, ...]
) -> DataError:
    record, sample = divmod(wrong[0], len(samples))
    return DataError(
        f"{path}, line {line_of(block, record)}, sample {samples[sample]!r}: FORMAT {key} is {wrong[1]!r}; "
        f"the header declares {str(values.dtype).lower()} for it."
    )
