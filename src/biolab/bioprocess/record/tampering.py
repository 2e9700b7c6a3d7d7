"""Tampering with a record on purpose, so that trainees learn to find it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import polars as pl

from biolab.core import ConfigError, did_you_mean
from biolab.core.hash_chain import linked

from .batch_record import BatchRecord
from .trail import AuditEntry, AuditTrail

Tampering = Literal["reading", "entry", "removal", "backdating", "rewriting"]


@dataclass(frozen=True, kw_only=True)
class TamperedRecord:
    """A fault of people, not of the plant: somebody edits the record of a batch that ran.

    ``reading`` overwrites a measurement (with ``value``, or with what was read a day earlier, or the nearest reading
    that differs if that is the same); ``entry`` changes what
    an entry says; ``removal`` takes an entry away; ``backdating`` moves an entry's clock six hours back; ``rewriting``
    changes an entry and makes every later digest anew, which only a digest kept elsewhere gives away.

    ``time_h`` is where in the batch; for entries the nearest alarm is taken, or any entry if there was no alarm.
    Without ``time_h`` the seed chooses.
    """

    target: Tampering = "reading"
    time_h: float | None = None
    column: str = "ph_measured"
    value: float | None = None

    kind: ClassVar[str] = "tampered-record"

    def __post_init__(self) -> None:
        if self.target not in get_args(Tampering):
            raise ConfigError(f"target is {self.target!r}. {did_you_mean(str(self.target), get_args(Tampering))}")
        if self.time_h is not None and not 0 <= self.time_h < np.inf:
            raise ConfigError(f"time_h is {self.time_h}; expected hours from 0 on, or none for chance to choose.")

    def apply(self, record: BatchRecord, *, seed: int = 0) -> BatchRecord:
        """Return the record as it looks afterwards; everything else in it is untouched.

        Raises
        ------
        ConfigError
            If the record has no such column (the nearest is named).
        """
        time = record.measurements["time_h"].to_numpy()
        at = float(np.random.default_rng(seed).choice(time[1:-1])) if self.time_h is None else self.time_h
        if self.target == "reading":
            return replace(record, measurements=self._edited(record.measurements, at))
        return replace(record, trail=self._rewritten(record.trail, at))

    def _edited(self, frame: pl.DataFrame, at: float) -> pl.DataFrame:
        if self.column not in frame.columns:
            raise ConfigError(f"The record has no {self.column!r} to edit. {did_you_mean(self.column, frame.columns)}")
        time, readings = frame["time_h"].to_numpy(), frame[self.column].to_list()
        there = np.array([k for k, reading in enumerate(readings) if reading is not None], dtype=np.int64)
        if not there.size:
            raise ConfigError(f"The record has no reading of {self.column} to edit; name another column.")
        row = int(there[np.abs(time[there] - at).argmin()])
        readings[row] = _another(readings, there, time, row) if self.value is None else self.value
        if readings[row] == frame[self.column][row]:
            raise ConfigError(f"{self.column} reads {readings[row]} at {time[row]:g} h already; give another value.")
        return frame.with_columns(pl.Series(self.column, readings, dtype=frame[self.column].dtype))

    def _rewritten(self, trail: AuditTrail, at: float) -> AuditTrail:
        alarms = trail.only("alarm") or trail.only("phase", "sample", "change")
        chosen = min(alarms, key=lambda entry: (abs(entry.time_h - at), entry.sequence))
        place = chosen.sequence - 1
        before, after = trail.entries[:place], trail.entries[place + 1 :]
        if self.target == "removal":
            return AuditTrail(entries=(*before, *after))
        if self.target == "backdating":
            clock = datetime.fromisoformat(chosen.time) - timedelta(hours=6)
            edited = replace(chosen, time=clock.isoformat(timespec="milliseconds"))
        else:
            edited = replace(chosen, new=None, why="instrument noise, no action needed")
        if self.target == "rewriting":
            return _linked_anew(before, (edited, *after))
        return AuditTrail(entries=(*before, edited, *after))


def tampered(record: BatchRecord, faults: Iterable[object], *, seed: int = 0) -> BatchRecord:
    """Return a record as it looks after those of a batch's faults that tamper with records."""
    for fault in faults:
        if isinstance(fault, TamperedRecord):
            record = fault.apply(record, seed=seed)
    return record


def _another(readings: list[Any], there: np.ndarray, time: np.ndarray, row: int) -> Any:
    """Return the reading nearest to a day earlier that is not the one there."""
    differs = [int(k) for k in there if readings[k] != readings[row]]
    return readings[min(differs, key=lambda k: abs(time[k] - (time[row] - 24.0)))] if differs else readings[row]


def _linked_anew(before: tuple[AuditEntry, ...], rest: tuple[AuditEntry, ...]) -> AuditTrail:
    entries: list[dict[str, Any]] = [asdict(entry) for entry in before]
    for entry in rest:
        body = {name: value for name, value in asdict(entry).items() if name not in {"sequence", "previous", "digest"}}
        entries.append(linked(entries[-1] if entries else None, body))
    return AuditTrail(entries=tuple(AuditEntry(**entry) for entry in entries))
