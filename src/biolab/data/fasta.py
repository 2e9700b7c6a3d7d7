"""FASTA: names and sequences, of genes or of whole chromosomes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import polars as pl

from biolab.core import ConfigError, DataError

from .growing_file import growing_file
from .lazy_source import lazy_source
from .text_blocks import LineBlock, line_blocks
from .writable import text_batches

FASTA: Final = {"id": pl.String, "description": pl.String, "sequence": pl.String}
_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*-."
_BATCH: Final = 1 << 14


def read_fasta(path: str | Path, *, duplicates: Literal["refuse", "keep"] = "refuse") -> pl.LazyFrame:
    """Read a FASTA file, plain, gzip or bgzip: one row a record.

    Columns: ``id`` (text up to the first blank), ``description`` (what follows it, or null), ``sequence`` (lines
    joined, case kept). Records stream; memory holds a batch of them, or the longest one, and the names seen so far
    (unless ``duplicates="keep"``).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_fasta(Path(folder) / "two.fasta", pl.DataFrame({"id": ["a", "b"], "sequence": ["ACGT", "GG"]}))
    ...     read_fasta(path).collect().rows()
    [('a', None, 'ACGT'), ('b', None, 'GG')]

    Raises
    ------
    DataError
        If the file is missing, empty, damaged, truncated or not FASTA, a record has no name or no
        sequence, a sequence holds something else than letters, ``*``, ``-`` or ``.``, or a name stands twice; with
        file, line and record.
    ConfigError
        If duplicates is neither "refuse" nor "keep".
    """
    if duplicates not in {"refuse", "keep"}:
        raise ConfigError(f"duplicates is {duplicates!r}; expected 'refuse' or 'keep'.")
    file = Path(path)

    def batches(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        seen: set[bytes] | None = set() if duplicates == "refuse" else None
        rows: list[tuple[bytes, bytes | None, bytes]] = []
        for line, name, rest, sequence in _records(file):
            if seen is not None:
                if name in seen:
                    raise DataError(
                        f"{file}, line {line}: a record called {name.decode()!r} stands there a second time. Rename "
                        'one, or read with duplicates="keep".'
                    )
                seen.add(name)
            rows.append((name, rest, sequence))
            if len(rows) == _BATCH or len(sequence) > _BATCH:
                yield _frame(rows, columns)
                rows = []
        if rows:
            yield _frame(rows, columns)

    return lazy_source(FASTA, batches, path=file)


def write_fasta(path: str | Path, records: pl.DataFrame | pl.LazyFrame, *, width: int = 60) -> Path:
    """Write records (id, sequence, and description if there is one) as FASTA; .gz packs. The file appears whole.

    Raises
    ------
    DataError
        If a column is missing or not text, a record has no id or sequence, the id holds a blank, a description a line
        end, or the sequence what is no letter, ``*``, ``-`` or ``.``.
    ConfigError
        If width is not positive.
    BiolabError
        If the file cannot be written.
    """
    if width < 1:
        raise ConfigError(f"width is {width}; a line holds one letter or more.")
    file = Path(path)
    with growing_file(file) as handle:
        for frame in text_batches(records, ("id", "sequence"), "description"):
            for name, sequence, described in frame.iter_rows():
                if not name or name.split() != [name] or not sequence:
                    raise DataError(f"Record {name!r}: expected an id without blanks and a sequence that is not empty.")
                if other := sequence.encode().translate(None, _LETTERS):
                    raise DataError(
                        f"Record {name!r}: its sequence holds {other.decode(errors='replace')[0]!r}; expected letters, "
                        "'*', '-' or '.'."
                    )
                said = f" {described}" if described else ""
                lines = (sequence[k : k + width] for k in range(0, len(sequence), width))
                handle.write(f">{name}{said}\n{chr(10).join(lines)}\n".encode())
    return file


def _records(path: Path) -> Iterator[tuple[int, bytes, bytes | None, bytes]]:
    """Yield line, name, rest of the header, and sequence."""
    head: tuple[int, bytes] | None = None
    parts: list[bytes] = []
    for block in line_blocks(path):
        pieces = (b"\n" + block.data).split(b"\n>")
        line = block.first_line
        before = pieces[0][1:]
        if head is None:
            _refuse_other(path, block, before)
        parts.append(before)
        line += pieces[0].count(b"\n")
        for piece in pieces[1:]:
            if head is not None:
                yield _record(path, head, parts)
            title, _, body = piece.partition(b"\n")
            head, parts = (line, title), [body]
            line += piece.count(b"\n") + 1
    if head is None:
        raise DataError(f"{path} holds no record; expected a line that begins with '>'.")
    yield _record(path, head, parts)


def _record(path: Path, head: tuple[int, bytes], parts: list[bytes]) -> tuple[int, bytes, bytes | None, bytes]:
    line, title = head
    words = title.split(maxsplit=1)
    if not words or title[:1].isspace():
        raise DataError(f"{path}, line {line}: a record has no name after '>'. Give it one.")
    name = words[0]
    sequence = b"".join(b"".join(parts).split())
    if not sequence:
        raise DataError(
            f"{path}, line {line}: record {name.decode()!r} has no sequence. The file may be truncated; copy it again, "
            "or remove the record."
        )
    other = sequence.translate(None, _LETTERS)
    if other:
        found = other.decode(errors="replace")[0]
        raise DataError(
            f"{path}, line {line}: the sequence of record {name.decode()!r} holds {found!r}; expected letters, '*', "
            "'-' or '.'."
        )
    rest = words[1].strip() if len(words) > 1 else None
    return line, name, rest, sequence


def _refuse_other(path: Path, block: LineBlock, before: bytes) -> None:
    if not before.strip():
        return
    first = before.lstrip().partition(b"\n")[0]
    line = block.first_line + before[: before.index(first)].count(b"\n")
    hint = " It looks like FASTQ: use read_fastq." if first.startswith(b"@") else ""
    hint = " It looks like GenBank: use read_genbank." if first.startswith(b"LOCUS") else hint
    raise DataError(f"{path}, line {line}: expected '>' and a name where a FASTA file begins.{hint}")


def _frame(rows: list[tuple[bytes, bytes | None, bytes]], columns: Sequence[str]) -> pl.DataFrame:
    made = {
        name: pl.Series(name, [row[place] for row in rows], dtype=pl.Binary).cast(pl.String)
        for place, name in enumerate(FASTA)
        if name in columns
    }
    return pl.DataFrame(made) if made else pl.DataFrame(height=len(rows))
