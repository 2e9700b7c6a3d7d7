"""The shape of a delimited text file, checked before it is parsed.

Parsers fill a short line with nulls and cannot say where a long one stands. Here one vectorised pass over the bytes
counts fields outside quotation marks, so that a damaged export is refused with its line.
"""

import codecs
import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from biolab.core import DataError

_CHUNK: Final = 1 << 22
_NEWLINE, _RETURN, _QUOTE = b'\n\r"'


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Column names and number of data records; ``trailing_blanks`` says whether empty lines follow them."""

    names: tuple[str, ...]
    records: int
    trailing_blanks: bool


def check_delimited(path: Path, separator: str) -> Shape:
    """Check that a text file is UTF-8 and that each record has as many fields as the header.

    Raises
    ------
    DataError
        Names the file, the line and what is wrong there: not UTF-8 (with the byte), an empty line between records,
        another number of fields than the header, a stray or unclosed quotation mark, a column name used twice.
    """
    try:
        names = _header(path, separator)
        scanner = _Scanner(file=str(path), separator=ord(separator), width=len(names))
        for chunk in _chunks(path):
            scanner.feed(chunk)
        return Shape(names=names, records=scanner.finish() - 1, trailing_blanks=scanner.blank_line is not None)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}. Export or copy it again.") from error


def _open(path: Path) -> gzip.GzipFile | io.BufferedReader:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _chunks(path: Path) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = offset = line_start = 0
    last = b"\n"
    with _open(path) as handle:
        while True:
            chunk = handle.read(_CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                at = offset + len(chunk) - len(error.object) + error.start
                before = error.object[: error.start]
                newline = before.rfind(b"\n")
                start = line_start if newline < 0 else at - error.start + newline + 1
                line = lines + before.count(b"\n") + 1
                raise _not_utf8(path, error.object[error.start], line=line, byte=at - start + 1) from error
            if not chunk:
                break
            if b"\x00" in chunk:
                raise DataError(f"{path} is not text: it holds bytes of value 0. Save it as CSV in UTF-8.")
            if b"\n" in chunk:
                line_start = offset + chunk.rfind(b"\n") + 1
            lines += chunk.count(b"\n")
            offset += len(chunk)
            last = chunk[-1:]
            yield chunk
    if last != b"\n":
        yield b"\n"


def _not_utf8(path: Path, value: int, *, line: int, byte: int) -> DataError:
    if (line, byte) == (1, 1) and value in {0xFF, 0xFE}:
        return DataError(f"{path}, line 1 is UTF-16, not UTF-8. Save it as 'CSV UTF-8' or convert it with iconv.")
    return DataError(
        f"{path}, line {line}, byte {byte} of the line: 0x{value:02x} is not UTF-8. Save the file as 'CSV UTF-8', or "
        "convert it, for example with iconv -f CP949 -t UTF-8 (Korean Excel) or -f LATIN1."
    )


def _header(path: Path, separator: str) -> tuple[str, ...]:
    with io.TextIOWrapper(_open(path), encoding="utf-8-sig", errors="replace", newline="") as handle:
        first = handle.readline()
        if first.endswith("\r"):
            raise DataError(f"{path}, line 1 ends in a bare carriage return. Save the file with Unix or Windows lines.")
        if not first.strip():
            raise DataError(f"{path}, line 1 is empty; expected the names of the columns. Remove the line.")
        try:
            names = tuple(next(csv.reader(itertools.chain([first], handle), delimiter=separator)))
        except csv.Error as error:
            raise DataError(f"{path}, line 1 cannot be read as column names: {error}.") from error
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise DataError(f"{path}, line 1: column {number} has no name. Give it one, or remove the column.")
    if len(set(names)) < len(names):
        number, name = next((number, name) for number, name in enumerate(names) if name in names[:number])
        raise DataError(
            f"{path}, line 1: columns {names.index(name) + 1} and {number + 1} are both called {name!r}. Rename one."
        )
    return names


class _Scanner:
    """Counts fields a record over chunks of bytes; what is carried from chunk to chunk is set in ``feed`` alone."""

    def __init__(self, *, file: str, separator: int, width: int) -> None:
        self.file, self.separator, self.width = file, separator, width
        self.blank_line: int | None = None
        self._line = self._open_line = 1
        self._records = self._separators = 0
        self._quoted = False
        self._tail = b"\n"

    def feed(self, chunk: bytes) -> None:
        data = np.frombuffer(chunk, dtype=np.uint8)
        newlines = np.flatnonzero(data == _NEWLINE)
        separators = np.flatnonzero(data == self.separator)
        ends = newlines
        if self._quoted or b'"' in chunk:
            outside = self._outside(data)
            ends, separators = ends[outside[ends]], separators[outside[separators]]
        if ends.size:
            before = np.searchsorted(separators, ends)
            lines = np.searchsorted(newlines, ends, side="right")
            starts = np.concatenate([[self._open_line], self._line + lines[:-1]])
            fields = np.diff(before, prepend=-self._separators) + 1
            self._check(starts, fields, self._blank(data, ends))
            self._open_line = self._line + int(lines[-1])
            self._separators = separators.size - int(before[-1])
        else:
            self._separators += separators.size
        self._line += newlines.size
        self._tail = (self._tail + chunk[-2:])[-2:]

    def finish(self) -> int:
        """Return the number of records, the header included."""
        if self._quoted:
            raise DataError(
                f"{self.file}: the record that begins in line {self._open_line} opens a quotation mark that is never "
                'closed. Close it, or write a quotation mark inside a field as "".'
            )
        return self._records

    def _outside(self, data: np.ndarray) -> np.ndarray:
        quote = data == _QUOTE
        quoted = np.logical_xor.accumulate(np.concatenate([[self._quoted], quote]))
        before = np.concatenate([[self._tail[-1]], data[:-1]])
        begins = np.isin(before, [_NEWLINE, self.separator, _QUOTE, 0xBF])
        stray = np.flatnonzero(quote & quoted[1:] & ~begins)
        if stray.size:
            line = self._line + int((data[: stray[0]] == _NEWLINE).sum())
            raise DataError(
                f"{self.file}, line {line}: a quotation mark stands inside a field that does not begin with one. "
                'Put the field in quotation marks and write the inner one as "".'
            )
        self._quoted = bool(quoted[-1])
        return ~quoted[1:]

    def _blank(self, data: np.ndarray, ends: np.ndarray) -> np.ndarray:
        tail = np.frombuffer(self._tail[-2:].rjust(2, b"\n"), dtype=np.uint8)
        padded = np.concatenate([tail, data])
        one, two = padded[ends + 1], padded[ends]
        return (one == _NEWLINE) | ((one == _RETURN) & (two == _NEWLINE))

    def _check(self, starts: np.ndarray, fields: np.ndarray, blank: np.ndarray) -> None:
        if self.width == 1:
            blank = np.zeros_like(blank)
        filled = np.flatnonzero(~blank)
        ragged = np.flatnonzero(~blank & (fields != self.width))
        if filled.size and (self.blank_line or blank[: filled[-1]].any()):
            line = self.blank_line or int(starts[np.argmax(blank)])
            if not ragged.size or line < starts[ragged[0]]:
                raise DataError(f"{self.file}, line {line} is empty. Remove the line.")
        if ragged.size:
            raise DataError(
                f"{self.file}, line {starts[ragged[0]]} has {fields[ragged[0]]} field(s); the header has {self.width}. "
                "Look for a missing or extra separator, or a text with a separator that is not in quotation marks."
            )
        if blank.any() and self.blank_line is None:
            self.blank_line = int(starts[np.argmax(blank)])
        self._records += filled.size
