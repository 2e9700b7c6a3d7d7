"""The first fields of long tab-separated lines, cut out in the threads that unpack the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from biolab.core.arrays import Int, UInt

from .text_blocks import LineBlock, checked_text, worked_blocks

_NARROWEST: Final = 64
_LONG: Final = 300  # bytes of a line: shorter ones are parsed whole as fast
_GATHERED: Final = 1 << 20
_NEWLINE: Final = 10
_ODD: Final = np.frombuffer(b"# \n\t", dtype=np.uint8)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A stretch of a file; ``cut`` has the first fields of its whole lines, or is None where they must all be seen."""

    text: bytes
    first: int
    last: int
    cut: bytes | None
    lines: int


def leading_blocks(path: Path, *, fields: int, width: int, after: int) -> Iterator[LineBlock]:
    """Yield the lines after the first ``after`` of a file, with their first ``fields`` of ``width`` fields alone.

    Blocks are left as they are where that is not safe or no gain: lines are short, one has no more than ``fields``
    fields, is a comment or begins with more than plain ASCII, or the last one has not ``width`` fields. What is cut off
    is looked at for bytes of value 0 alone.

    Raises
    ------
    DataError
        As `line_blocks`.
    """
    gathered: list[bytes] = []
    line, begun, held = 1, 1, b""

    def whole() -> LineBlock:
        return LineBlock(data=b"".join(gathered), first_line=begun, cut_to=fields)

    for part in worked_blocks(path, lambda text: _part(text, fields, width)):
        if not part.last:
            held += part.text
            continue
        broken = held + part.text[: part.first]
        cut = None if line <= after or part.cut is None else _cut_line(broken, fields, width)
        if cut is None:
            if gathered:
                yield whole()
                gathered = []
            data = checked_text(path, held + part.text[: part.last], line)
            block = LineBlock(data=data, first_line=line)
            line += block.lines
            if block.first_line <= after:
                block = _without(block, after)
            if block.data:
                yield block
        else:
            begun = begun if gathered else line
            gathered += [cut, part.cut or b""]
            line += part.lines + 1
            if sum(map(len, gathered)) >= _GATHERED:
                yield whole()
                gathered = []
        held = part.text[part.last :]
    if gathered:
        yield whole()
    if held:
        block = LineBlock(data=checked_text(path, held + b"\n", line), first_line=line)
        block = _without(block, after) if line <= after else block
        if block.data:
            yield block


def _without(block: LineBlock, after: int) -> LineBlock:
    drop = after - block.first_line + 1
    if drop >= block.lines:
        return LineBlock(data=b"", first_line=after + 1)
    return LineBlock(data=block.data[int(block.ends[drop - 1]) + 1 :], first_line=after + 1)


def _part(text: bytes, fields: int, width: int) -> _Part:
    first, last = text.find(b"\n") + 1, text.rfind(b"\n") + 1
    whole = b"\x00" not in text and first < last
    cut, lines = _cut(text, first, last, fields=fields, width=width) if whole else (None, 0)
    if cut is not None and not (cut.isascii() and b"\r" not in cut):
        cut, lines = None, 0
    return _Part(text=text, first=first, last=last, cut=cut, lines=lines)


def _cut_line(line: bytes, fields: int, width: int) -> bytes | None:
    """Cut one line, ended by a line feed."""
    plain = line.isascii() and b"\r" not in line and b"\x00" not in line
    if not plain or line.startswith((b"#", b" ")) or line.count(b"\t") != width - 1:
        return None
    return b"\t".join(line.split(b"\t", fields)[:fields]) + b"\n"


def _cut(text: bytes, first: int, last: int, *, fields: int, width: int) -> tuple[bytes | None, int]:
    """Cut the lines between two places; windows on the beginnings of the lines are searched, and widened if needed."""
    ends = _ends(text, first, last)
    if ends.size < 2 or (last - first) < _LONG * ends.size:
        return None, 0
    final = text[ends[-2] + 1 : last]
    begin = _cut_line(final, fields, width)
    starts = np.concatenate([[first], ends[:-2] + 1])
    letters = np.frombuffer(text, dtype=np.uint8, count=last)
    breadth = _NARROWEST
    while begin is not None and breadth <= len(final) and 2 * breadth * ends.size <= last - first:
        seen = sliding_window_view(letters, breadth)[starts]
        size = _sizes(seen, fields)
        if size is None:
            breadth *= 2
            continue
        if (starts + size > ends[:-1]).any() or np.isin(seen[:, 0], _ODD).any():
            break
        number = np.uint8 if breadth < 256 else np.uint32
        found = seen[np.arange(breadth, dtype=number) < size.astype(number)[:, None]]
        found[np.cumsum(size) - 1] = _NEWLINE
        return found.tobytes() + begin, ends.size
    return None, 0


def _sizes(seen: UInt[np.ndarray, "n breadth"], fields: int) -> Int[np.ndarray, " n"] | None:
    """Say how long so many fields are with the tabs after them, or None if a row is too narrow for them."""
    rows, breadth = seen.shape
    begins = np.arange(rows) * breadth
    tabs = np.flatnonzero(seen == 9)
    place = np.searchsorted(tabs, begins) + fields - 1
    if place[-1] >= tabs.size:
        return None
    size = tabs[place] - begins + 1
    return None if size.max() > breadth else size


def _ends(text: bytes, first: int, last: int) -> Int[np.ndarray, " n"]:
    """Find the line feeds between two places, unless the first line says that there are very many.

    By numpy, which lets other threads go on meanwhile: a loop of searches is no slower, and stops them all.
    """
    if text.find(b"\n", first, last) - first < _LONG // 3:
        return np.empty(0, dtype=np.int64)
    return first + np.flatnonzero(np.frombuffer(text, dtype=np.uint8, count=last)[first:] == _NEWLINE)
