"""Intervals on a genome: BED files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from biolab.core import DataError

from .growing_file import growing_file
from .lazy_source import lazy_source
from .tabbed import Field, numbered_lines, refuse_rows, tabbed_frame
from .text_blocks import LineBlock, line_blocks
from .writable import refuse_breaks, refuse_places, row_batches

_STANDARD: Final = (
    Field(place=0, name="chromosome"),
    Field(place=1, name="start", kind=pl.Int64),
    Field(place=2, name="end", kind=pl.Int64),
    Field(place=3, name="name"),
    Field(place=4, name="score", kind=pl.Float64),
    Field(place=5, name="strand"),
    Field(place=6, name="thick_start", kind=pl.Int64),
    Field(place=7, name="thick_end", kind=pl.Int64),
    Field(place=8, name="colour"),
    Field(place=9, name="blocks", kind=pl.Int64),
    Field(place=10, name="block_sizes"),
    Field(place=11, name="block_starts"),
)
_PREAMBLE: Final = (b"track ", b"track\n", b"browser ")


def read_bed(path: str | Path, *, standard: int | None = None) -> pl.LazyFrame:
    """Read a BED file, plain, gzip or bgzip: one row an interval, 0-based and half open as the file has it.

    Columns, as many as the file has fields: chromosome, start, end, name, score, strand, thick_start, thick_end,
    colour, blocks, block_sizes, block_starts, then ``field_13`` and so on as text. A dot is null. ``standard`` says
    how many of the fields keep to that order where a file (BED6+4, say) has others after them.

    >>> import tempfile
    >>> exons = pl.DataFrame({"chromosome": ["7"], "start": [100], "end": [250], "name": ["exon 1"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_bed(Path(folder) / "exons.bed", exons)
    ...     read_bed(path).select(pl.col("end") - pl.col("start")).collect().item()
    150

    Raises
    ------
    DataError
        If the file is missing or holds no interval; if lines differ in number of fields, a number is
        none, an interval begins before 0 or ends before it begins, or a strand is none of + - and dot.
    """
    file = Path(path)
    width = _width(file)
    known = min(width, len(_STANDARD) if standard is None else standard)
    fields = [*_STANDARD[:known], *(Field(place=k, name=f"field_{k + 1}") for k in range(known, width))]

    def batches(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        wanted = [field for field in fields if field.name in {*columns, "start", "end"}]
        for block in line_blocks(file):
            frame = tabbed_frame(_without_preamble(block), wanted, path=file, width=width)
            _check(frame, block, file)
            yield frame

    return lazy_source({field.name: field.kind for field in fields}, batches, path=file)


def write_bed(path: str | Path, intervals: pl.DataFrame | pl.LazyFrame) -> Path:
    """Write intervals as BED: chromosome, start, end and any of the next columns of `read_bed`, null as a dot.

    Columns must be the first ones of that order without a gap; others are not written silently away but refused.

    Raises
    ------
    DataError
        If columns are missing, out of order or unknown, an interval is not one, or a text holds a tab or line end.
    BiolabError
        If the file cannot be written.
    """
    file = Path(path)
    names = intervals.collect_schema().names()
    order = [field.name for field in _STANDARD[: len(names)]]
    if len(names) < 3 or names != order:
        raise DataError(f"Columns are {', '.join(names)}; BED has {', '.join(f.name for f in _STANDARD)}, in order.")
    with growing_file(file) as handle:
        for frame in row_batches(intervals):
            refuse_places(frame, ("start", "end"))
            refuse_breaks(frame)
            if "strand" in names and not (known := frame["strand"].is_in(["+", "-", "."])).fill_null(value=True).all():
                raise DataError(f"strand is {frame['strand'].filter(~known)[0]!r}; expected +, - or null.")
            bad = frame.select((pl.col("start") < 0) | (pl.col("end") < pl.col("start"))).to_series()
            if bad.fill_null(value=True).any():
                row = frame.row(int(bad.fill_null(value=True).arg_true()[0]), named=True)
                raise DataError(
                    f"Interval {row['chromosome']}:{row['start']}-{row['end']}: expected 0 <= start <= end."
                )
            handle.write(
                frame.write_csv(separator="\t", include_header=False, null_value=".", quote_style="never").encode()
            )
    return file


def _width(path: Path) -> int:
    for block in line_blocks(path):
        for number, line in numbered_lines(_without_preamble(block)):
            width = line.count(b"\t") + 1
            if width < 3:
                raise DataError(
                    f"{path}, line {number} has {width} tab-separated field(s); BED has chromosome, start and end at "
                    "least. Look for spaces in place of tabs."
                )
            return width
    raise DataError(f"{path} holds no interval; expected lines of chromosome, start and end.")


def _without_preamble(block: LineBlock) -> LineBlock:
    """Turn the lines that address a genome browser into comments, so that line numbers stay."""
    if not any(block.data.startswith(word) or b"\n" + word in block.data for word in _PREAMBLE):
        return block
    lines = (b"#" + line if (line + b"\n").startswith(_PREAMBLE) else line for line in block.data.split(b"\n"))
    return LineBlock(data=b"\n".join(lines), first_line=block.first_line)


def _check(frame: pl.DataFrame, block: LineBlock, path: Path) -> None:
    start, end = frame["start"], frame["end"]
    block = _without_preamble(block)

    def said(row: int) -> str:
        return f"the interval from {start[row]} to {end[row]}; expected 0 <= start <= end (BED counts from 0)."

    refuse_rows(start.is_null() | end.is_null() | (start < 0) | (end < start), block, path, said)
    if "chromosome" in frame.columns:
        refuse_rows(frame["chromosome"].is_null(), block, path, lambda _: "the interval has no chromosome (field 1).")
    if "strand" in frame.columns:
        strand = frame["strand"]
        refuse_rows(
            ~strand.is_in(["+", "-"]), block, path, lambda row: f"strand is {strand[row]!r}; expected +, - or a dot."
        )
