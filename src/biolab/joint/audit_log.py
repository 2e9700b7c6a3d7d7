"""What was done to a study, one line each, every line naming the digest of the one before."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from biolab.core import BiolabError, DataError, canonical_json, sha256_hex
from biolab.core.locks import exclusive

START = "0" * 64
_TAIL = 1 << 16


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One line: who did what to what; ``digest`` covers all the rest, ``previous`` is the line before's."""

    sequence: int
    time: str
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    previous: str
    digest: str


def append(
    path: Path,
    *,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> LogEntry:
    """Append a line and see it onto the disk; writers wait for each other.

    A line that a power cut left unfinished is removed first and the removal recorded.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = Path(folder) / "audit.jsonl"
    ...     first = append(log, actor="coordinator", action="lock", subject="breast-prognosis 1.0.0")
    ...     second = append(log, actor="coordinator", action="import", subject="gbsg", detail={"runs": 5})
    ...     [entry.sequence for entry in verify_log(log)]
    [1, 2]

    Raises
    ------
    DataError
        If the last line is not one of a log.
    BiolabError
        If the file cannot be written.
    """
    with exclusive(path.with_name(f"{path.name}.lock")):
        try:
            torn = _cut_torn_line(path)
            last = _last(path)
            when = (now or datetime.now(UTC)).isoformat(timespec="milliseconds")
            if torn:
                repair = _entry(last, when, "biolab", "repair", path.name, {"removed_bytes": torn})
                _write(path, repair)
                last = repair
            entry = _entry(last, when, actor, action, subject, dict(detail or {}))
            _write(path, entry)
        except OSError as error:
            raise BiolabError(f"{path} cannot be written: {error.strerror or error}.") from error
    return entry


def verify_log(path: Path, *, head: str | None = None) -> tuple[LogEntry, ...]:
    """Read a log, checking that each line follows the one before.

    A log whose last lines were cut off still hangs together: give ``head``, the digest of a line you have seen, to
    notice that.

    Raises
    ------
    DataError
        Names the first broken line, or says that ``head`` is missing.
    """
    entries: list[LogEntry] = []
    try:
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    except OSError as error:
        raise BiolabError(f"{path} cannot be read: {error.strerror or error}.") from error
    for number, line in enumerate(lines, start=1):
        entry, fault = _read(line)
        previous = entries[-1].digest if entries else START
        if entry is not None and (entry.sequence, entry.previous) != (number, previous):
            fault = "it does not follow the line before it (a line was removed, inserted or moved)"
        if fault or entry is None:
            raise DataError(
                f"{path}, line {number}: {fault}. Lines 1 to {number - 1} hold; restore the log from a copy."
            )
        entries.append(entry)
    if head is not None and head not in {entry.digest for entry in entries}:
        raise DataError(f"{path} has {len(entries)} lines, none of them with the digest {head}: its end was cut off.")
    return tuple(entries)


def _entry(last: LogEntry | None, time: str, *what: Any) -> LogEntry:
    actor, action, subject, detail = what
    body = {
        "sequence": 1 if last is None else last.sequence + 1,
        "time": time,
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": detail,
        "previous": START if last is None else last.digest,
    }
    return LogEntry(**body, digest=sha256_hex(canonical_json(body)))


def _write(path: Path, entry: LogEntry) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        os.write(handle, canonical_json(asdict(entry)) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def _last(path: Path) -> LogEntry | None:
    if not path.exists() or not path.stat().st_size:
        return None
    with path.open("rb") as file:
        line = _tail(file.fileno(), path.stat().st_size).splitlines(keepends=True)[-1]
    entry, fault = _read(line)
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


def _read(line: bytes) -> tuple[LogEntry | None, str]:
    if not line.endswith(b"\n"):
        return None, "it is unfinished"
    try:
        body = json.loads(line)
        entry = LogEntry(**body)
        if canonical_json(asdict(entry)) + b"\n" != line:
            return None, "it is not in canonical form"
    except (ValueError, TypeError, RecursionError):
        return None, "it is not a line of a log"
    if sha256_hex(canonical_json({key: value for key, value in body.items() if key != "digest"})) != entry.digest:
        return None, "its content was changed"
    return entry, ""
