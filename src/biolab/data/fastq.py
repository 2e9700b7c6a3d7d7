"""FASTQ: reads with a quality a base; streamed, plain, gzip or bgzip."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from biolab.core import DataError

from .growing_file import growing_file
from .lazy_source import lazy_source
from .text_blocks import line_blocks
from .writable import text_batches

FASTQ: Final = {"id": pl.String, "description": pl.String, "sequence": pl.String, "quality": pl.String}
_LINES: Final = 4
# Bases that are joined to one text before it is written.
_WRITTEN: Final = 1 << 24


def read_fastq(path: str | Path) -> pl.LazyFrame:
    """Read a FASTQ file of four lines a record, plain, gzip or bgzip: one row a read.

    Columns: ``id`` (text up to the first blank), ``description`` (what follows it, or null), ``sequence``,
    ``quality`` (Phred scores as text, 33 + score a letter). Reads stream; memory holds a few megabytes. Names are not
    compared, for a file may hold both reads of a pair under one name.

    >>> import tempfile
    >>> reads = pl.DataFrame({"id": ["r1"], "sequence": ["ACGT"], "quality": ["IIII"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_fastq(Path(folder) / "one.fastq.gz", reads)
    ...     read_fastq(path).select("sequence", "quality").collect().rows()
    [('ACGT', 'IIII')]

    Raises
    ------
    DataError
        If the file is missing, empty, damaged or truncated, or a record is not four lines of which
        the first begins with ``@``, the third with ``+``, and sequence and quality are of one length; with file,
        line and record.
    """
    file = Path(path)

    def batches(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        for line, lines in _whole_records(file):
            heads, sequences, thirds, qualities = (pl.Series(lines[k::_LINES], dtype=pl.String) for k in range(_LINES))
            wrong = (
                ~heads.str.starts_with("@")
                | ~thirds.str.starts_with("+")
                | (sequences.str.len_bytes() != qualities.str.len_bytes())
                | qualities.str.contains(r"[^!-~]")
                | ((thirds != "+") & (thirds.str.slice(1) != heads.str.slice(1)))
            )
            if wrong.any():
                raise fastq_fault(file, lines, line)
            named = heads.str.extract(r"^@(\S+)")
            if named.null_count():
                raise fastq_fault(file, lines, line)
            made = {"id": named, "sequence": sequences, "quality": qualities}
            if "description" in columns:
                made["description"] = heads.str.extract(r"^@\S+\s+(.*\S)")
            yield pl.DataFrame(made).select(name for name in FASTQ if name in made)

    return lazy_source(FASTQ, batches, path=file)


def write_fastq(path: str | Path, reads: pl.DataFrame | pl.LazyFrame) -> Path:
    """Write reads (id, sequence, quality, and description if there is one) as FASTQ; .gz packs. It appears whole.

    Packing is quick rather than small.

    Raises
    ------
    DataError
        If a column is missing or not text, a read has no id, its id holds a blank, or sequence and quality are missing,
        differ in length or hold other letters.
    BiolabError
        If the file cannot be written.
    """
    file = Path(path)
    said = pl.when(pl.col("description") != "").then(" " + pl.col("description")).otherwise(pl.lit(""))
    record = pl.format("@{}{}\n{}\n+\n{}\n", "id", said, "sequence", "quality")
    with growing_file(file, quick=True) as handle:
        for frame in text_batches(reads, ("id", "sequence", "quality"), "description"):
            _refuse_unwritable(frame)
            longest = max(1, frame.select(pl.col("sequence").str.len_bytes().max()).item() or 0)
            for part in frame.iter_slices(max(1, _WRITTEN // longest)):
                handle.write(part.select(record.str.join("")).item().encode())
    return file


def _refuse_unwritable(frame: pl.DataFrame) -> None:
    name, bases, scores = (frame[column] for column in ("id", "sequence", "quality"))
    sound = name.str.contains(r"^\S+$") & (bases.str.len_chars() == scores.str.len_chars())
    sound &= ~bases.str.contains(r"\s") & ~scores.str.contains(r"[^!-~]")
    wrong = (~sound.fill_null(value=False)).arg_true()
    if wrong.len():
        raise DataError(
            f"Read {name[int(wrong[0])]!r}: expected an id without blanks, and for each base one letter of quality "
            "from '!' to '~'."
        )


def fastq_fault(path: Path, lines: Sequence[str], first_line: int) -> DataError:  # noqa: PLR0911 - one answer a fault
    """Say what is wrong with the first faulty record of lines that begin with a record."""
    record = (first_line - 1) // _LINES
    for at in range(0, len(lines), _LINES):
        record += 1
        head, *rest = lines[at : at + _LINES]
        where = f"{path}, line {first_line + at}, record {record}"
        if not head.startswith("@"):
            hint = " It looks like FASTA: use read_fasta." if head.startswith(">") and record == 1 else ""
            return DataError(
                f"{where}: a record begins with '@', this line with {head[:1]!r}. Each record has exactly four lines, "
                f"sequences are not wrapped.{hint}"
            )
        name = head[1:].split(maxsplit=1)[0] if head[1:].strip() else ""
        if not name or head[1].isspace():
            return DataError(f"{where}: the read has no name after '@'. Give it one.")
        if len(rest) < _LINES - 1:
            return DataError(f"{where}: read {name!r} is cut off after {len(rest) + 1} line(s); the file is truncated.")
        if not rest[1].startswith("+"):
            return DataError(f"{where}: the third line of read {name!r} does not begin with '+'; is its text wrapped?")
        if rest[1][1:] not in ("", head[1:]):
            return DataError(f"{where}: the third line of read {name!r} names another, {rest[1][1:60]!r}.")
        if len(rest[0]) != len(rest[2]):
            return DataError(
                f"{where}: read {name!r} has {len(rest[0])} bases and {len(rest[2])} quality letters; expected as many."
            )
        if rest[2] and not "!" <= min(rest[2]) <= max(rest[2]) <= "~":
            letter = min(rest[2]) if min(rest[2]) < "!" else max(rest[2])
            return DataError(
                f"{where}: the quality of read {name!r} holds {letter!r}; expected letters from '!' to '~'."
            )
    return DataError(f"{path}, line {first_line} and following are not records of FASTQ.")


def _whole_records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield lines by whole records, with the number of the first line."""
    held: list[str] = []
    line, something = 1, False
    for block in line_blocks(path):
        lines = held + block.data.decode().split("\n")[:-1]
        whole = len(lines) - len(lines) % _LINES
        held = lines[whole:]
        if whole:
            something = True
            while whole >= _LINES and not any(lines[whole - _LINES : whole]):  # blank lines at the end
                whole -= _LINES
            yield line, lines[:whole]
            line += whole
    if any(held):
        raise fastq_fault(path, held, line)
    if not something:
        raise DataError(f"{path} holds no read; expected records of four lines.")
