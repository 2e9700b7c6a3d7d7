"""SAM and BAM: aligned reads as a lazy frame of the same columns."""

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from biolab.core import DataError

from .lazy_source import lazy_source
from .readers import check_file
from .text_blocks import LineBlock, byte_blocks, line_blocks

ALIGNMENTS: Final = {
    "name": pl.String,
    "flag": pl.Int64,
    "chromosome": pl.String,
    "start": pl.Int64,
    "end": pl.Int64,
    "mapping_quality": pl.Int64,
    "cigar": pl.String,
    "mate_chromosome": pl.String,
    "mate_start": pl.Int64,
    "template_length": pl.Int64,
    "sequence": pl.String,
    "quality": pl.String,
    "tags": pl.String,
}
_FIELDS: Final = 11
_BATCH: Final = 1 << 15
_CORE: Final = struct.Struct("<iiBBHHHiiii")
_BASES: Final = bytes.maketrans(b"0123456789abcdef", b"=ACMGRSVTWYHKDBN")
_OPERATIONS: Final = "MIDNSHP=X"
_CIGAR: Final = re.compile(r"([0-9]+[MIDNSHP=X])+")
_OPERATION: Final = re.compile(r"([0-9]+)([MIDNSHP=X])")
_WHOLE: Final = re.compile(r"-?[0-9]+")
_LETTERS: Final = re.compile(r"\*|[A-Za-z=.]+")
_SCORES: Final = re.compile(r"[!-~]+")
_TOP: Final = (1 << 31) - 1
_LONG_CIGAR: Final = re.compile(r"(?:^|\t)CG:B:I,([0-9,]+)")  # more than 65535 operations: a placeholder and this tag
_SHIFTED: Final = bytes(min(k + 33, 126) for k in range(256))
_TAG_FORMATS: Final = {"c": "b", "C": "B", "s": "h", "S": "H", "i": "i", "I": "I", "f": "f"}
Row = tuple[Any, ...]


def read_alignments(path: str | Path) -> pl.LazyFrame:
    """Read a SAM or BAM file: one row an alignment; which of the two is seen from the content.

    Columns: ``name``, ``flag``, ``chromosome`` (null if unmapped), ``start`` (0-based), ``end`` (excluded; where the
    CIGAR ends on the reference), ``mapping_quality`` (255, not available, is null), ``cigar``, ``mate_chromosome``,
    ``mate_start``, ``template_length``, ``sequence``, ``quality`` (Phred + 33), ``tags`` (optional fields as SAM writes
    them, parted by tabs). A star is null. Alignments stream. BAM is decoded here record by record, which htslib does
    many times faster: for whole genomes use samtools first.

    Raises
    ------
    DataError
        If the file is missing, or neither SAM nor BAM; if a record has fewer than eleven fields, a
        number is none or out of its range, sequence, quality and CIGAR differ in length, or the file is damaged or
        truncated; with the line, or the record's number.
    """
    file = Path(path)
    check_file(file)
    head = next(byte_blocks(file), b"")[:4]
    rows = _bam_rows if head == b"BAM\x01" else _sam_rows
    return lazy_source(ALIGNMENTS, lambda columns: _batches(rows(file), columns), path=file)


def _batches(rows: Iterator[Row], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    places = [(k, name) for k, name in enumerate(ALIGNMENTS) if name in columns] or [(0, "name")]
    held: list[Row] = []
    for row in rows:
        held.append(row)
        if len(held) == _BATCH:
            yield _frame(held, places)
            held = []
    if held:
        yield _frame(held, places)


def _frame(rows: list[Row], places: list[tuple[int, str]]) -> pl.DataFrame:
    return pl.DataFrame([pl.Series(name, [row[k] for row in rows], dtype=ALIGNMENTS[name]) for k, name in places])


def _sam_rows(path: Path) -> Iterator[Row]:
    something = False
    for block in line_blocks(path):
        something = something or bool(block.data.strip())
        yield from _sam_block(block, path)
    if not something:
        raise DataError(f"{path} holds neither a header nor an alignment; expected SAM or BAM.")


def _sam_block(block: LineBlock, path: Path) -> Iterator[Row]:
    for number, line in enumerate(block.data.decode().split("\n")[:-1], block.first_line):
        if line.startswith("@") or not line:
            continue
        fields = line.split("\t", _FIELDS)
        if len(fields) < _FIELDS:
            raise DataError(
                f"{path}, line {number} has {len(fields)} tab-separated field(s); SAM has eleven or more. The file may "
                "be truncated, or is not SAM."
            )
        try:
            yield _sam_record(fields)
        except ValueError as error:
            raise DataError(f"{path}, line {number}, read {fields[0]!r}: {error}.") from error


def _sam_record(fields: list[str]) -> Row:
    name, flag, chromosome, position, quality, cigar, mate, mate_position, length, sequence, scores = fields[:_FIELDS]
    for field, said in ((name, "QNAME"), (chromosome, "RNAME"), (mate, "RNEXT")):
        if not field:
            raise ValueError(f"{said} is empty; a star stands for none")
    numbers = _within("FLAG", flag, 0, 65535), _within("MAPQ", quality, 0, 255), _within("TLEN", length, -_TOP, _TOP)
    start, mate_start = _within("POS", position, 0, _TOP) - 1, _within("PNEXT", mate_position, 0, _TOP) - 1
    covered, used = _cigar_lengths(cigar)
    if not _LETTERS.fullmatch(sequence) or not _SCORES.fullmatch(scores):
        raise ValueError("SEQ or QUAL holds what is no base or no quality; expected letters, = and ., and '!' to '~'")
    if "*" not in (sequence, scores) and len(sequence) != len(scores):
        raise ValueError(f"it has {len(sequence)} bases and {len(scores)} quality letters")
    if "*" not in (sequence, cigar) and len(sequence) != used:
        raise ValueError(f"it has {len(sequence)} bases, of which CIGAR {cigar[:40]} tells {used}")
    own, mapped = _null(chromosome), start >= 0
    return (
        name, numbers[0], own, start if mapped else None, start + covered if mapped and cigar != "*" else None,
        None if numbers[1] == 255 else numbers[1], _null(cigar), own if mate == "=" else _null(mate),
        mate_start if mate_start >= 0 else None, numbers[2], _null(sequence), _null(scores),
        fields[_FIELDS] if len(fields) > _FIELDS else None,
    )  # fmt: skip


def _within(name: str, text: str, lowest: int, highest: int) -> int:
    if _WHOLE.fullmatch(text) and lowest <= int(text) <= highest:
        return int(text)
    raise ValueError(f"{name} is {text!r}; expected a whole number from {lowest} to {highest}")


def _null(text: str) -> str | None:
    return None if text == "*" else text


def _cigar_lengths(cigar: str) -> tuple[int, int]:
    """Return how many bases of the reference a CIGAR covers, and how many of the read it tells.

    >>> _cigar_lengths("5S10M2D3M4I")
    (15, 22)
    """
    if cigar == "*":
        return 0, 0
    if not _CIGAR.fullmatch(cigar):
        raise ValueError(f"CIGAR {cigar[:40]!r} cannot be read")
    covered = used = 0
    for count, letter in _OPERATION.findall(cigar):
        covered += int(count) if letter in "MDN=X" else 0
        used += int(count) if letter in "MIS=X" else 0
    return covered, used


class _Binary:
    """Bytes of a BAM file taken in order; what is held changes with each ``take``."""

    def __init__(self, path: Path) -> None:
        self.path, self.record = path, 0
        self._blocks, self._held, self._at = byte_blocks(path), b"", 0

    def take(self, size: int) -> bytes:
        if size < 0:
            raise DataError(
                f"{self.path}, record {self.record}: a length is {size}; the file is damaged. Copy it again."
            )
        while len(self._held) - self._at < size:
            block = next(self._blocks, b"")
            if not block:
                raise DataError(f"{self.path} is truncated within record {self.record}. Copy it again.")
            self._held, self._at = self._held[self._at :] + block, 0
        self._at += size
        return self._held[self._at - size : self._at]

    def more(self) -> bool:
        if self._at == len(self._held):
            self._held, self._at = next(self._blocks, b""), 0
        return bool(self._held)

    def number(self) -> int:
        return int.from_bytes(self.take(4), "little", signed=True)


def _bam_rows(path: Path) -> Iterator[Row]:
    file = _Binary(path)
    file.take(4)
    file.take(file.number())
    references: list[str | None] = [
        file.take(file.number())[:-1].decode() + _ignored(file) for _ in range(file.number())
    ]
    references.append(None)
    while file.more():
        file.record += 1
        record = file.take(file.number())
        try:
            yield _bam_record(record, references)
        except (struct.error, IndexError, UnicodeDecodeError, KeyError, ValueError) as error:
            raise DataError(f"{path}, record {file.record} of the alignments cannot be decoded: {error}.") from error


def _ignored(file: _Binary) -> str:
    file.take(4)  # the length of a reference
    return ""


def _bam_record(record: bytes, references: list[str | None]) -> Row:
    reference, start, name_size, quality, _, operations, flag, bases, mate, mate_start, length = _CORE.unpack_from(
        record
    )
    at = _CORE.size
    name = record[at : at + name_size - 1].decode()
    at += name_size
    packed = struct.unpack_from(f"<{operations}I", record, at)
    at += 4 * operations
    sequence = record[at : at + (bases + 1) // 2].hex().encode().translate(_BASES)[:bases].decode()
    at += (bases + 1) // 2
    scores = record[at : at + bases]
    if len(scores) < bases:
        raise ValueError("it ends within its qualities")
    at += bases
    tags = _bam_tags(record, at)
    if (long := _LONG_CIGAR.search(tags)) and len(packed) == 2 and packed[0] == bases << 4 | 4:
        packed, tags = tuple(map(int, long[1].split(","))), _LONG_CIGAR.sub("", tags).strip("\t")
    cigar = "".join(f"{one >> 4}{_OPERATIONS[one & 15]}" for one in packed)
    covered, used = _cigar_lengths(cigar or "*")
    if cigar and bases and used != bases:
        raise ValueError(f"it has {bases} bases, of which CIGAR {cigar[:40]} tells {used}")
    return (
        name, flag, references[reference], start if start >= 0 else None,
        start + covered if packed and start >= 0 else None,
        None if quality == 255 else quality, cigar or None, references[mate], mate_start if mate_start >= 0 else None,
        length, sequence or None, None if not bases or scores[0] == 255 else scores.translate(_SHIFTED).decode(),
        tags or None,
    )  # fmt: skip


def _bam_tags(record: bytes, at: int) -> str:
    found: list[str] = []
    while at < len(record):
        tag, kind = record[at : at + 2].decode(), chr(record[at + 2])
        value, at = _TAG_READERS.get(kind, _tag_number)(record, at + 3, kind)
        found.append(f"{tag}:{value}")
    return "\t".join(found)


def _tag_number(record: bytes, at: int, kind: str) -> tuple[str, int]:
    code = struct.Struct("<" + _TAG_FORMATS[kind])
    (value,) = code.unpack_from(record, at)
    return (f"f:{value:g}" if kind == "f" else f"i:{value}"), at + code.size


def _tag_letter(record: bytes, at: int, kind: str) -> tuple[str, int]:
    return f"{kind}:{chr(record[at])}", at + 1


def _tag_text(record: bytes, at: int, kind: str) -> tuple[str, int]:
    end = record.index(b"\x00", at)
    return f"{kind}:{record[at:end].decode()}", end + 1


def _tag_array(record: bytes, at: int, kind: str) -> tuple[str, int]:
    inner, count = chr(record[at]), int.from_bytes(record[at + 1 : at + 5], "little")
    code = struct.Struct(f"<{count}{_TAG_FORMATS[inner]}")
    values = code.unpack_from(record, at + 5)
    return ",".join(
        [f"{kind}:{inner}", *(f"{one:g}" if inner == "f" else str(one) for one in values)]
    ), at + 5 + code.size


_TAG_READERS: Final[dict[str, Callable[[bytes, int, str], tuple[str, int]]]] = {
    "A": _tag_letter,
    "Z": _tag_text,
    "H": _tag_text,
    "B": _tag_array,
}
