"""The audit trail of a batch: who did what, when and why, every entry hanging on the one before."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import polars as pl

from biolab.core import BiolabError, ConfigError, DataError, canonical_json, write_atomically
from biolab.core.hash_chain import breaks, linked

from .seals import Finding

Action = Literal[
    "create", "start", "phase", "change", "operate", "limit", "alarm", "clear", "sample", "seal", "end",
    "deviate", "assess", "correct", "review", "approve", "reject",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One thing that was done: attributable (who), timed twice (clock, batch), with the value before and after.

    ``digest`` covers all the rest; ``previous`` is the digest of the entry before.
    """

    sequence: int
    time: str
    time_h: float
    who: str
    role: str
    action: Action
    what: str
    old: Any
    new: Any
    why: str
    previous: str
    digest: str


_FIELDS = tuple(field.name for field in fields(AuditEntry))


@dataclass(frozen=True, kw_only=True)
class AuditTrail:
    """Entries in the order they were made; adding one gives a new trail.

    >>> trail = AuditTrail().add(
    ...     time=datetime(2026, 1, 5, 8), time_h=0.0, who="kim", role="operator", action="start", what="batch"
    ... )
    >>> len(trail.entries), trail.findings()
    (1, ())
    """

    entries: tuple[AuditEntry, ...] = ()

    @property
    def head(self) -> str:
        """The digest of the last entry: kept elsewhere, it gives away a trail that was written anew or cut off."""
        return self.entries[-1].digest if self.entries else ""

    def add(  # noqa: PLR0913 - an entry says who, when, what and why
        self,
        *,
        time: datetime,
        time_h: float,
        who: str,
        role: str,
        action: Action,
        what: str,
        old: object = None,
        new: object = None,
        why: str = "",
    ) -> "AuditTrail":
        """Return the trail with one more entry.

        Raises
        ------
        ConfigError
            If nobody is named: every entry has somebody who stands for it.
        """
        if not who.strip():
            raise ConfigError(f"{action} {what}: nobody is named. Every entry of a batch record says who made it.")
        body = {
            "time": time.isoformat(timespec="milliseconds"),
            "time_h": float(time_h),
            "who": who.strip(),
            "role": role,
            "action": action,
            "what": what,
            "old": old,
            "new": new,
            "why": why,
        }
        last = asdict(self.entries[-1]) if self.entries else None
        return AuditTrail(entries=(*self.entries, AuditEntry(**linked(last, body))))

    def findings(self, *, head: str | None = None) -> tuple[Finding, ...]:
        """Say where the trail does not hold: broken entries, a clock that ran backwards, a cut end."""
        broken = breaks([asdict(entry) for entry in self.entries])
        found = [
            Finding(self._name(place), fault.replace("a line", "an entry").replace("line", "entry"))
            for place, fault in broken
        ]
        for place, (before, after) in enumerate(pairwise(self.entries), start=2):
            if after.time < before.time:
                found.append(Finding(self._name(place), f"its clock {after.time} is before {before.time}"))
        if head is not None and head not in {entry.digest for entry in self.entries}:
            found.append(
                Finding("audit trail", f"no entry has the digest {head[:16]}… that was kept: it was cut or rewritten")
            )
        return tuple(found)

    def only(self, *actions: Action) -> tuple[AuditEntry, ...]:
        """Return the entries of some kinds of action."""
        return tuple(entry for entry in self.entries if entry.action in actions)

    def table(self) -> pl.DataFrame:
        """Return one row an entry; values before and after as JSON, seals by their size only."""
        rows = [
            {**asdict(entry), "old": _said(entry, entry.old), "new": _said(entry, entry.new)} for entry in self.entries
        ]
        text = dict.fromkeys(_FIELDS, pl.String()) | {"sequence": pl.Int64(), "time_h": pl.Float64()}
        return pl.DataFrame(rows, schema=text)

    def write(self, path: Path) -> Path:
        """Write one entry a line, in canonical JSON.

        Raises
        ------
        BiolabError
            If the file cannot be written.
        """
        return write_atomically(path, b"".join(canonical_json(asdict(entry)) + b"\n" for entry in self.entries))

    @classmethod
    def read(cls, path: Path) -> "AuditTrail":
        """Read a trail as it lies there, whole or not: ``findings`` says which.

        Raises
        ------
        DataError
            If a line is no entry at all; names it.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as error:
            raise DataError(
                f"{path} does not exist; a batch record has one. Name the folder of a whole record."
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise BiolabError(f"{path} cannot be read: {error}.") from error
        return cls(entries=tuple(_entry(path, number, line) for number, line in enumerate(lines, start=1)))

    def _name(self, place: int) -> str:
        entry = self.entries[place - 1]
        return f"entry {place} ({entry.action} {entry.what}, {entry.time_h:g} h, {entry.who})"


def _entry(path: Path, number: int, line: str) -> AuditEntry:
    try:
        content = json.loads(line)
        if not isinstance(content, Mapping) or set(content) != set(_FIELDS):
            raise ValueError("its keys are not those of an entry")
        if not isinstance(content["sequence"], int) or not isinstance(content["time_h"], (int, float)):
            raise ValueError("its numbers are no numbers")
        if not all(
            isinstance(content[name], str) for name in _FIELDS if name not in {"sequence", "time_h", "old", "new"}
        ):
            raise ValueError("its texts are no texts")
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path}, line {number} is no entry of an audit trail ({error}); restore it from a copy."
        ) from error
    return AuditEntry(**content)


def _said(entry: AuditEntry, value: object) -> str | None:
    if value is None:
        return None
    if entry.action == "seal" and isinstance(value, Mapping):
        return f"{len(value['rows'])} rows, {len(value['columns'])} columns"
    return json.dumps(value, ensure_ascii=False)
