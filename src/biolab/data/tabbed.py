"""Lines of tab-separated fields without a header (BED, GFF, VCF) as typed columns, faults named by line and column."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from polars.datatypes import DataType, DataTypeClass

from biolab.core import DataError

from .text_blocks import LineBlock

_COMMENT: Final = re.compile(rb"^#.*\n", re.MULTILINE)
_ODD: Final = np.frombuffer(b"#\n \t", dtype=np.uint8)
_BLANK: Final = re.compile(rb"^[ \t]*\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of each line: its place from 0, the column made of it, and how; a dot is null.

    ``shift`` is added to a number: -1 makes a 0-based start of a 1-based one.
    """

    place: int
    name: str
    kind: DataType | DataTypeClass = pl.String
    shift: int = 0


def tabbed_frame(block: LineBlock, fields: Sequence[Field], *, path: Path, width: int) -> pl.DataFrame:
    """Read fields of all lines of a block that are neither comments (#) nor blank.

    Raises
    ------
    DataError
        If a line has another number of fields than ``width``, or a number is none, with file, line, column and value.
    """
    lines = data_lines(block)
    if lines.data.count(b"\t") != (width - 1) * lines.ends.size:
        raise ragged(block, path=path, width=width)
    return _typed_frame(text_columns(lines, {field.place for field in fields}, block, path, width), fields, block, path)


def leading_frame(
    block: LineBlock, fields: Sequence[Field], *, path: Path, width: int, filled: Sequence[int]
) -> pl.DataFrame:
    """Read fields near the beginning of long lines as `tabbed_frame` does, without looking at the rest of the lines.

    The last line is checked for its number of fields, the others for the fields ``filled``, which no record leaves
    empty; where one is, or a line is a comment or blank, the block is read by `tabbed_frame`.

    Raises
    ------
    DataError
        As `tabbed_frame`.
    """
    last = block.data.rfind(b"\n", 0, -1) + 1
    if block.data.count(b"\t", last) == width - 1 and block.letters[0] not in _ODD:
        raw = text_columns(block, {*filled, *(field.place for field in fields)}, block, path, width)
        first = pl.col(str(filled[0]))
        odd = pl.any_horizontal(pl.col(str(place)).is_null() for place in filled) | first.str.contains("^[# ]")
        if not raw.select(odd.any()).item():
            return _typed_frame(raw, fields, block, path)
    return tabbed_frame(block, fields, path=path, width=width)


def text_columns(lines: LineBlock, wanted: set[int], block: LineBlock, path: Path, width: int) -> pl.DataFrame:
    """Read whole fields of all lines as text, a column under the number of each place.

    Raises
    ------
    DataError
        If a line has another number of fields than ``width``.
    """
    places = sorted(wanted)
    names = [str(place) for place in places]
    if not lines.data:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    try:
        return pl.read_csv(
            lines.data,
            has_header=False,
            separator="\t",
            quote_char=None,
            columns=places,
            new_columns=names,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError as error:
        raise ragged(block, path=path, width=width) from error


def _typed_frame(raw: pl.DataFrame, fields: Sequence[Field], block: LineBlock, path: Path) -> pl.DataFrame:
    typed = raw.select(_typed(field) for field in fields)
    _refuse_unread(raw, typed, fields, block, path)
    return typed


def data_lines(block: LineBlock) -> LineBlock:
    """Return the lines of a block without comments and blank lines; the line numbers are those of the block."""
    if np.isin(block.letters[block.starts], _ODD).any():
        return LineBlock(data=_BLANK.sub(b"", _COMMENT.sub(b"", block.data)), first_line=block.first_line)
    return block


def numbered_lines(block: LineBlock) -> Iterator[tuple[int, bytes]]:
    """Yield line number and content of the lines that `data_lines` keeps."""
    for number, line in enumerate(block.data.split(b"\n"), block.first_line):
        if line.strip() and not line.startswith(b"#"):
            yield number, line


def line_of(block: LineBlock, row: int) -> int:
    """Return the line number of a row of the frame made from a block."""
    return next(number for k, (number, _) in enumerate(numbered_lines(block)) if k == row)


def ragged(block: LineBlock, *, path: Path, width: int) -> DataError:
    """Name the first line that has another number of fields."""
    for number, line in numbered_lines(block):
        found = line.count(b"\t") + 1
        if found != width:
            return DataError(
                f"{path}, line {number} has {found} tab-separated field(s); expected {width}. Look for spaces in place "
                "of tabs, a line cut short, or a file that was truncated."
            )
    return DataError(f"{path}, lines {block.first_line} and following cannot be read as {width} tab-separated fields.")


def refuse_rows(mask: pl.Series, block: LineBlock, path: Path, said: Callable[[int], str]) -> None:
    """Raise a DataError at the first row of a mask, if there is one; ``said`` tells of a row what is wrong.

    Raises
    ------
    DataError
        With file and line.
    """
    wrong = mask.fill_null(value=False).arg_true()
    if wrong.len():
        row = int(wrong[0])
        raise DataError(f"{path}, line {line_of(block, row)}: {said(row)}")


def _typed(field: Field) -> pl.Expr:
    text = pl.col(str(field.place))
    text = pl.when(text != ".").then(text)
    if field.kind == pl.String:
        return text.alias(field.name)
    number = text.cast(field.kind, strict=False)
    return (number + field.shift if field.shift else number).alias(field.name)


def _refuse_unread(
    raw: pl.DataFrame, typed: pl.DataFrame, fields: Sequence[Field], block: LineBlock, path: Path
) -> None:
    for field in fields:
        if field.kind == pl.String or not typed[field.name].null_count():
            continue
        text = raw[str(field.place)]
        expected = "a whole number" if field.kind == pl.Int64 else "a number"

        def said(row: int, text: pl.Series = text, field: Field = field, expected: str = expected) -> str:
            return f"field {field.place + 1} ({field.name}) is {text[row]!r}; expected {expected} or a dot."

        refuse_rows(typed[field.name].is_null() & (text != "."), block, path, said)
