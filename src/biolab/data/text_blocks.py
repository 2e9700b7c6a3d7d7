"""Bytes of a text file in blocks of whole lines: plain, gzip or bgzip, a few megabytes held at a time."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, TypeVar

import numpy as np

from biolab.core import DataError
from biolab.core.arrays import Int, UInt

from .readers import check_file

BLOCK: Final = 1 << 23
_FIRST: Final = 1 << 18  # the first block is small, for it is looked at when a file is opened
_PACKED: Final = 1 << 19
_NEWLINE: Final = 10
_LONG_LINE: Final = 300
_GZIP: Final = b"\x1f\x8b"
BGZIP_END: Final = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_BINARY: Final = {
    b"BAM\x01": "a BAM file",
    b"BCF\x02": "a BCF file",
    b"CRAM": "a CRAM file",
    b"PK\x03\x04": "a zip archive (or an Excel workbook)",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"PAR1": "a Parquet file",
}

ZLIB: Any = import_module("isal.isal_zlib" if find_spec("isal") else "zlib")  # the former unpacks about twice as fast

Compression = Literal["none", "gzip", "bgzip"]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class LineBlock:
    """Whole lines of a text, each ended by a line feed; ``first_line`` counts from 1.

    ``cut_to`` is how many of their fields they have, if the rest was cut off.
    """

    data: bytes
    first_line: int
    cut_to: int | None = None

    @cached_property
    def letters(self) -> UInt[np.ndarray, " b"]:
        """The bytes as numbers."""
        return np.frombuffer(self.data, dtype=np.uint8)

    @cached_property
    def ends(self) -> Int[np.ndarray, " n"]:
        """Where each line ends: the places of its line feeds."""
        at = self.data.find(b"\n")
        if at < _LONG_LINE:
            return np.flatnonzero(self.letters == _NEWLINE)
        found: list[int] = []
        while at >= 0:  # for few and long lines the C library's search is several times faster
            found.append(at)
            at = self.data.find(b"\n", at + 1)
        return np.array(found, dtype=np.int64)

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return self.ends.size if "ends" in self.__dict__ else int(np.count_nonzero(self.letters == _NEWLINE))

    @property
    def starts(self) -> Int[np.ndarray, " n"]:
        """Where each line begins."""
        return np.concatenate([self.ends[:0], [0], self.ends[:-1] + 1])[: self.ends.size]


def compression_of(path: Path) -> Compression:
    """Say how a file is packed, from its first bytes and not from its name."""
    with path.open("rb") as handle:
        head = handle.read(18)
    if not head.startswith(_GZIP):
        return "none"
    return "bgzip" if head[3] & 4 and head[12:14] == b"BC" else "gzip"


def byte_blocks(path: Path) -> Iterator[bytes]:
    """Yield the unpacked content of a file in blocks of about 4 MB, unpacked ahead in other threads.

    Raises
    ------
    DataError
        If the file is missing, empty, truncated or damaged (with how many bytes were read before).
    """
    return worked_blocks(path, bytes)


def worked_blocks(path: Path, work: Callable[[bytes], Result]) -> Iterator[Result]:
    """Yield what ``work`` makes of the blocks of `byte_blocks`, done in the threads that unpack them.

    Raises
    ------
    DataError
        As `byte_blocks`.
    """
    check_file(path)
    kind = compression_of(path)
    if kind == "bgzip":
        return _bgzip(path, work)
    return _ahead(map(work, _plain(path) if kind == "none" else _gzip(path)))


def line_blocks(path: Path) -> Iterator[LineBlock]:
    """Yield the text of a file in blocks of whole lines: UTF-8, Windows line ends made Unix ones.

    A last line without an end gets one. Memory holds a few blocks, or the longest line where that is more.

    Raises
    ------
    DataError
        As `byte_blocks`; and if the content is not text, with its line.
    """
    line, held, first = 1, [], True
    for block in byte_blocks(path):
        if first:
            first = False
            refuse_binary(path, block)
            block = block.removeprefix(b"\xef\xbb\xbf")  # noqa: PLW2901 - the mark some editors set before UTF-8
        end = block.rfind(b"\n") + 1
        if not end:
            held.append(block)
            continue
        data = b"".join([*held, memoryview(block)[:end]])
        held = [block[end:]]
        found = LineBlock(data=checked_text(path, data, line), first_line=line)
        yield found
        line += found.lines
    last = b"".join(held)
    if last:
        yield LineBlock(data=checked_text(path, last + b"\n", line), first_line=line)


def checked_text(path: Path, data: bytes, line: int) -> bytes:
    """Return text with Unix line ends; ``line`` is the number of its first line.

    Raises
    ------
    DataError
        If it is not text, not UTF-8, or has line ends of old Macs, with the line.
    """
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    if b"\r" in data:
        at = line + data.count(b"\n", 0, data.index(b"\r"))
        raise DataError(
            f"{path}, line {at} holds a carriage return without a line feed (the line end of old Macs). Convert the "
            "file, for example with: tr '\\r' '\\n'"
        )
    if b"\x00" in data:
        at = line + data.count(b"\n", 0, data.index(b"\x00"))
        raise DataError(f"{path}, line {at} is not text: it holds a byte of value 0. Copy the file again.")
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            at = line + data.count(b"\n", 0, error.start)
            raise DataError(
                f"{path}, line {at}: byte 0x{data[error.start]:02x} is not UTF-8. Convert the file, for example with "
                "iconv -f CP949 -t UTF-8 or -f LATIN1."
            ) from error
    return data


def refuse_binary(path: Path, block: bytes) -> None:
    """Refuse content that begins as a known binary format does, or as UTF-16.

    Raises
    ------
    DataError
        Names the format.
    """
    for magic, name in _BINARY.items():
        if block.startswith(magic):
            raise DataError(f"{path} is {name}, not the text that was expected, whatever its extension says.")
    if block[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise DataError(f"{path} is UTF-16, not UTF-8. Convert it with iconv -f UTF-16 -t UTF-8.")


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb") as handle:
        size = _FIRST
        while block := handle.read(size):
            yield block
            size = BLOCK


def _gzip(path: Path) -> Iterator[bytes]:
    """Unpack one gzip member after the other."""
    done = 0
    with path.open("rb") as handle:
        engine, packed = ZLIB.decompressobj(wbits=31), handle.read(_PACKED)
        while packed:
            try:
                block = engine.decompress(packed, BLOCK if done else _FIRST)
            except ZLIB.error as error:
                raise _damaged(path, done, error) from error
            done += len(block)
            if block:
                yield block
            if engine.eof:
                packed = (engine.unused_data or handle.read(_PACKED)).lstrip(b"\x00")
                if packed and packed[0] != _GZIP[0]:
                    raise DataError(
                        f"{path}: behind the end of gzip, after {done:,} bytes of text, stand bytes that are not gzip. "
                        "Copy the file again, or unpack it with gzip -d, which leaves them out."
                    )
                if packed:
                    engine = ZLIB.decompressobj(wbits=31)
            else:
                packed = engine.unconsumed_tail or handle.read(_PACKED)
    if not engine.eof:
        raise _truncated(path, done)


def _bgzip(path: Path, work: Callable[[bytes], Result]) -> Iterator[Result]:
    """Unpack groups of bgzip's small blocks and work on them in two threads, in order."""
    with path.open("rb") as handle:
        groups = _bgzip_groups(handle, path)
        yield from in_threads(lambda blocks: work(_unpacked(path, blocks)), groups, threads=2)


def _bgzip_groups(handle: BinaryIO, path: Path) -> Iterator[list[bytes]]:
    held, last = b"", b""
    while chunk := handle.read(_PACKED if last else _FIRST >> 3):
        held += chunk
        at, blocks = 0, []
        while len(held) - at >= 18:
            if held[at : at + 2] != _GZIP or held[at + 12 : at + 14] != b"BC":
                raise DataError(f"{path} is damaged: a block of bgzip was expected and not found. Copy it again.")
            size = int.from_bytes(held[at + 16 : at + 18], "little") + 1
            if len(held) - at < size:
                break
            blocks.append(held[at : at + size])
            at += size
        held = held[at:]
        if blocks:
            last = blocks[-1]
            yield blocks
    if held or last != BGZIP_END:
        raise DataError(
            f"{path} is truncated: it does not end with bgzip's end mark. Copy it again; if you know it to be whole, "
            "write it anew with bgzip."
        )


def _unpacked(path: Path, blocks: list[bytes]) -> bytes:
    try:
        return b"".join(
            ZLIB.decompress(block, wbits=31, bufsize=int.from_bytes(block[-4:], "little") or 1) for block in blocks
        )
    except ZLIB.error as error:
        raise DataError(f"{path} is damaged: a block of bgzip cannot be unpacked ({error}). Copy it again.") from error


def in_threads(work: Callable[[Item], Result], jobs: Iterator[Item], *, threads: int) -> Iterator[Result]:
    """Yield the results of jobs in order while later ones run in other threads; few are held at a time.

    The first is done at once and alone: who only looks at the beginning of a file waits for no more.
    """
    for job in jobs:
        yield work(job)
        break
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for job in jobs:
                waiting.append(pool.submit(work, job))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _ahead(blocks: Iterator[Item]) -> Iterator[Item]:
    """Yield blocks, from the second on while the next one is made in another thread."""
    for block in blocks:
        yield block
        break
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(lambda: list(islice(blocks, 1)))
        while found := coming.result():
            coming = pool.submit(lambda: list(islice(blocks, 1)))
            yield from found


def _damaged(path: Path, done: int, error: Exception) -> DataError:
    return DataError(f"{path} is damaged after {done:,} bytes of its text: {error}. Copy it again.")


def _truncated(path: Path, done: int) -> DataError:
    return DataError(
        f"{path} is truncated after {done:,} bytes of its text: the end of gzip is missing. Copy it again."
    )
