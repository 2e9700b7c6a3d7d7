"""Entries that hang on one another: each names the digest of the one before, so that a change anywhere shows.

An entry is a mapping of plain values with ``sequence``, ``previous`` (the digest before it) and ``digest`` (of all the
rest). A chain is a list of them in memory, or a file with one in canonical JSON a line. Whoever can write a whole chain
anew can forge it; the digest of one entry, kept elsewhere, gives that away.
"""

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .digest import canonical_json, sha256_hex
from .errors import BiolabError, DataError
from .locks import exclusive

START = "0" * 64
_TAIL = 1 << 16
_UNHINGED = "it does not follow the line before it (a line was removed, inserted or moved)"
_CHANGED = "its content was changed"


class Break(NamedTuple):
    """The first entry of a chain that does not hold, counted from 1, and why."""

    place: int
    fault: str


def linked(last: Mapping[str, Any] | None, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body as the entry after ``last``: with its number, the digest before it, and its own.

    >>> first = linked(None, {"what": "start"})
    >>> second = linked(first, {"what": "feed"})
    >>> second["sequence"], second["previous"] == first["digest"], first_break([first, second])
    (2, True, None)
    >>> first_break([{**first, "what": "stop"}, second])
    Break(place=1, fault='its content was changed')

    Raises
    ------
    ValueError
        If the body holds NaN or infinity.
    """
    entry = {
        "sequence": 1 if last is None else last["sequence"] + 1,
        **body,
        "previous": START if last is None else last["digest"],
    }
    return {**entry, "digest": digest_of(entry)}


def digest_of(entry: Mapping[str, Any]) -> str:
    """Return the digest of an entry's content: of everything but the digest itself."""
    return sha256_hex(canonical_json({key: value for key, value in entry.items() if key != "digest"}))


def breaks(entries: Sequence[Mapping[str, Any]]) -> Iterator[Break]:
    """Yield every entry that was changed, and every one that does not follow the one before it."""
    for place, entry in enumerate(entries, start=1):
        if not _is_whole(entry):
            yield Break(place, _CHANGED)
        elif not _follows(entry, entries[place - 2] if place > 1 else None):
            yield Break(place, _UNHINGED)


def first_break(entries: Sequence[Mapping[str, Any]]) -> Break | None:
    """Find the first entry that was changed or does not follow the one before it; ``None`` if the chain holds."""
    return next(breaks(entries), None)


def append_linked(
    path: Path,
    entry: Callable[[], Mapping[str, Any]],
    *,
    repair: Callable[[int], Mapping[str, Any]],
    fields: Collection[str],
) -> dict[str, Any]:
    """Append an entry to a chain in a file and see it onto the disk; writers wait for each other.

    A line that a power cut left unfinished is removed first, and what ``repair`` makes of its number of bytes stands
    in its place. Both functions are called once it is this writer's turn, so that the times they say are in order.

    Raises
    ------
    DataError
        If the last line is not one of a chain with these fields.
    BiolabError
        If the file cannot be written.
    """
    with exclusive(path.with_name(f"{path.name}.lock")):
        try:
            torn = _cut_torn_line(path)
            last = _last(path, fields)
            if torn:
                last = linked(last, repair(torn))
                _write(path, last)
            made = linked(last, entry())
            _write(path, made)
        except OSError as error:
            raise BiolabError(f"{path} cannot be written: {error.strerror or error}.") from error
    return made


def read_chain(path: Path, *, fields: Collection[str], head: str | None = None) -> tuple[dict[str, Any], ...]:
    """Read a chain from a file, checking that each line follows the one before; no file is an empty chain.

    A chain whose last lines were cut off still hangs together: give ``head``, the digest of a line you have seen, to
    notice that.

    Raises
    ------
    DataError
        Names the first broken line, or says that ``head`` is missing.
    """
    entries: list[dict[str, Any]] = []
    try:
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    except OSError as error:
        raise BiolabError(f"{path} cannot be read: {error.strerror or error}.") from error
    for number, line in enumerate(lines, start=1):
        entry, fault = _read(line, fields)
        if entry is not None and not _follows(entry, entries[-1] if entries else None):
            fault = _UNHINGED
        if fault or entry is None:
            raise DataError(
                f"{path}, line {number}: {fault}. Lines 1 to {number - 1} hold; restore the log from a copy."
            )
        entries.append(entry)
    if head is not None and head not in {entry["digest"] for entry in entries}:
        raise DataError(f"{path} has {len(entries)} lines, none of them with the digest {head}: its end was cut off.")
    return tuple(entries)


def _is_whole(entry: Mapping[str, Any]) -> bool:
    try:
        return digest_of(entry) == entry.get("digest")
    except (TypeError, ValueError):
        return False


def _follows(entry: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    last, previous = (0, START) if before is None else (before.get("sequence"), before.get("digest"))
    return isinstance(last, int) and (entry.get("sequence"), entry.get("previous")) == (last + 1, previous)


def _write(path: Path, entry: Mapping[str, Any]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        os.write(handle, canonical_json(entry) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def _last(path: Path, fields: Collection[str]) -> dict[str, Any] | None:
    if not path.exists() or not path.stat().st_size:
        return None
    with path.open("rb") as file:
        line = _tail(file.fileno(), path.stat().st_size).splitlines(keepends=True)[-1]
    entry, fault = _read(line, fields)
    if entry is None:
        raise DataError(f"{path}, last line: {fault}. Nothing was appended; restore the log from a copy.")
    return entry


def _tail(handle: int, size: int) -> bytes:
    """Read backwards until a whole last line is there."""
    taken = 0
    while taken < size:
        taken = min(size, max(_TAIL, 2 * taken))
        os.lseek(handle, size - taken, os.SEEK_SET)
        text = os.read(handle, taken)
        if b"\n" in text[:-1]:
            return text
    return text if size else b""


def _cut_torn_line(path: Path) -> int:
    """Remove what follows the last line end and say how many bytes that were."""
    if not path.exists() or not (size := path.stat().st_size):
        return 0
    with path.open("rb+") as file:
        text = _tail(file.fileno(), size)
        torn = 0 if text.endswith(b"\n") else len(text) - (text.rfind(b"\n") + 1)
        if torn:
            file.truncate(size - torn)
    return torn


def _read(line: bytes, fields: Collection[str]) -> tuple[dict[str, Any] | None, str]:
    if not line.endswith(b"\n"):
        return None, "it is unfinished"
    try:
        entry = json.loads(line)
        if not isinstance(entry, dict) or entry.keys() != set(fields):
            return None, "it is not a line of a log"
        if canonical_json(entry) + b"\n" != line:
            return None, "it is not in canonical form"
    except (ValueError, TypeError, RecursionError):
        return None, "it is not a line of a log"
    if not _is_whole(entry):
        return None, _CHANGED
    return entry, ""
