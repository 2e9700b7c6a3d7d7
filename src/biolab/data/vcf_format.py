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
from .vcf_header import VcfHeader
from .vcf_values import Kind, typed_values, unread_values

_FORMAT: Final = 8


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
    lines, columns = data_lines(block), [str(_FORMAT + 1 + place) for place in places.tolist()]
    raw = text_columns(lines, {_FORMAT, *map(int, columns)}, block, path, header.width)
    shown = raw[str(_FORMAT)]
    parts = raw.select(pl.concat_list(columns).explode(empty_as_null=True).str.split(":")).to_series()
    record = np.repeat(np.arange(raw.height), places.size)
    schema, found = format_schema(header, keys), []
    for name, key in keys.items():
        text = pl.DataFrame({"parts": parts, "at": _positions(shown, key).gather(record)}).select(
            pl.col("parts").list.get(pl.col("at"), null_on_oob=True)
        ).to_series()  # fmt: skip
        values = typed_values(text, schema[name])
        _refuse(text, values, key, block, path, tuple(header.samples[place] for place in places))
        found.append(values.alias(name))
    return pl.DataFrame(found)


def _positions(shown: pl.Series, key: str) -> pl.Series:
    """Say which of each record's fields has the key, from 0; null for none."""
    known = shown.unique().to_list()
    split: list[list[str]] = [str(text or "").split(":") for text in known]
    places = [names.index(key) if key in names else None for names in split]
    return shown.replace_strict(known, places, return_dtype=pl.Int64)


def _refuse(
    text: pl.Series, values: pl.Series, key: str, block: LineBlock, path: Path, samples: tuple[str, ...]
) -> None:
    wrong = unread_values(text, values).arg_true()
    if not wrong.len():
        return
    record, sample = divmod(int(wrong[0]), len(samples))
    raise DataError(
        f"{path}, line {line_of(block, record)}, sample {samples[sample]!r}: FORMAT {key} is {text[int(wrong[0])]!r}; "
        f"the header declares {str(values.dtype).lower()} for it."
    )
