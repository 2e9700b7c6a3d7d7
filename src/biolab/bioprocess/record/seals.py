"""Seals over measurements: enough digests, written while the batch runs, to say later which readings were changed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

import polars as pl

from biolab.core import canonical_json, sha256_hex

_DIGITS = 32


class Finding(NamedTuple):
    """Something in a record that is not as it was written: where, and what is wrong there."""

    where: str
    what: str


def seal(block: pl.DataFrame) -> dict[str, Any]:
    """Return the digests of a block of measurements: one a row, one a column.

    >>> sorted(seal(pl.DataFrame({"time_h": [0.0], "ph_measured": [7.05]}))["columns"])
    ['ph_measured', 'time_h']
    """
    return {
        "rows": row_digests(block.select(sorted(block.columns))),
        "columns": {name: _digest(block[name].to_list()) for name in block.columns},
    }


def row_digests(frame: pl.DataFrame) -> list[str]:
    """Return the digest of each row of a frame."""
    return [_digest(row) for row in frame.iter_rows()]


def changed_cells(frame: pl.DataFrame, seals: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Say which rows of a frame differ from what its seals, in order, were made of, and in which columns.

    The rows are told apart by aligning sealed and present digests; the columns of a changed row are those whose digest
    differs in its block, which is exact unless several rows of one block were changed.
    """
    columns = sorted(frame.columns)
    if seals and sorted(seals[0]["columns"]) != columns:
        odd = sorted(set(seals[0]["columns"]) ^ set(columns))
        yield Finding("measurements", f"columns were added or taken away: {', '.join(odd)}")
        return
    ordered = frame.select(columns)
    there = [digest for each in seals for digest in each["rows"]]
    matcher = SequenceMatcher(a=there, b=row_digests(ordered), autojunk=False)
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind == "replace" and last - first == end - begin:
            for sealed, present in zip(range(first, last), range(begin, end), strict=True):
                changed = _changed_columns(ordered, seals, sealed, shift=present - sealed)
                yield Finding(_row_name(ordered, present), f"changed in {changed}")
        elif kind != "equal":
            yield from _moved(ordered, (first, last), (begin, end))


def _moved(frame: pl.DataFrame, gone: tuple[int, int], come: tuple[int, int]) -> Iterator[Finding]:
    if gone[1] > gone[0]:
        place = _row_name(frame, come[0] - 1) if come[0] else "the start"
        yield Finding(place, f"{gone[1] - gone[0]} sealed row(s) after it are gone or changed")
    for row in range(*come):
        yield Finding(_row_name(frame, row), "this row was never sealed")


def _changed_columns(frame: pl.DataFrame, seals: Sequence[Mapping[str, Any]], row: int, *, shift: int) -> str:
    start = 0
    for each in seals:
        size = len(each["rows"])
        if row < start + size:
            block = frame.slice(start + shift, size)
            found = [name for name, digest in each["columns"].items() if _digest(block[name].to_list()) != digest]
            return ", ".join(found) or "some column"
        start += size
    return "some column"


def _row_name(frame: pl.DataFrame, row: int) -> str:
    return f"measurements at {frame['time_h'][row]:g} h (row {row + 1})"


def _digest(values: Sequence[object]) -> str:
    return sha256_hex(canonical_json([_plain(value) for value in values]))[:_DIGITS]


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
