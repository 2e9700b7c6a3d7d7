"""What was done to a study, one line each, every line naming the digest of the one before."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from biolab.core.hash_chain import append_linked, read_chain


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


_FIELDS = frozenset(field.name for field in fields(LogEntry))


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

    def line(actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> dict[str, Any]:
        when = (now or datetime.now(UTC)).isoformat(timespec="milliseconds")
        return {"time": when, "actor": actor, "action": action, "subject": subject, "detail": dict(detail)}

    entry = append_linked(
        path,
        lambda: line(actor, action, subject, detail or {}),
        repair=lambda torn: line("biolab", "repair", path.name, {"removed_bytes": torn}),
        fields=_FIELDS,
    )
    return LogEntry(**entry)


def verify_log(path: Path, *, head: str | None = None) -> tuple[LogEntry, ...]:
    """Read a log, checking that each line follows the one before.

    A log whose last lines were cut off still hangs together: give ``head``, the digest of a line you have seen, to
    notice that.

    Raises
    ------
    DataError
        Names the first broken line, or says that ``head`` is missing.
    """
    return tuple(LogEntry(**entry) for entry in read_chain(path, fields=_FIELDS, head=head))
