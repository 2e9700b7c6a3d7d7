"""Deviations: what left its limits, when, how far, and what people found out about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import polars as pl

from biolab.bioprocess.quantities import MEASURED, unit_of

from .trail import AuditEntry, AuditTrail

DEVIATING = ("high", "critical")
"""Alarms of these priorities are deviations: somebody has to say what they mean for the product."""
ASSESSED = ("impact", "root_cause", "corrective_action", "preventive_action")


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """A stretch of the batch outside its limits, and its assessment; ``end_h`` is null if it stood at the end."""

    id: str
    what: str
    where: str
    priority: str
    phase: str
    start_h: float
    end_h: float | None
    limit: float | None
    extreme: float | None
    unit: str
    said: str
    impact: str | None = None
    root_cause: str | None = None
    corrective_action: str | None = None
    preventive_action: str | None = None
    assessed_by: str | None = None

    @property
    def assessed(self) -> bool:
        """Whether somebody said impact, root cause, corrective and preventive action."""
        return all(getattr(self, name) for name in ASSESSED)


SCHEMA = pl.Schema(
    dict.fromkeys(Deviation.__dataclass_fields__, pl.String())
    | dict.fromkeys(("start_h", "end_h", "limit", "extreme"), pl.Float64())
)


def deviations(trail: AuditTrail, measurements: pl.DataFrame) -> tuple[Deviation, ...]:
    """Read a record's deviations from its trail, numbered in the order in which they began, with their assessments."""
    phases = [entry for entry in trail.entries if entry.action == "phase"]
    said = {entry.what: entry for entry in trail.only("assess")}
    found: list[Deviation] = []
    for number, entry in enumerate(_beginnings(trail.entries), start=1):
        name = f"DEV-{number:03d}"
        new = entry.new if isinstance(entry.new, Mapping) else {}
        variable = str(new.get("variable", entry.what))
        end = _cleared(trail.entries, entry)
        column = f"{variable}{MEASURED}" if f"{variable}{MEASURED}" in measurements.columns else variable
        found.append(
            Deviation(
                id=name,
                what=entry.what,
                where=column,
                priority=str(new.get("priority", "high")),
                phase=next((phase.what for phase in reversed(phases) if phase.time_h <= entry.time_h), ""),
                start_h=entry.time_h,
                end_h=end,
                limit=new.get("limit"),
                extreme=_extreme(measurements, column, (entry.time_h, end), str(new.get("side", ""))),
                unit=unit_of(variable),
                said=entry.why,
                **_assessment(said.get(name)),
            )
        )
    return tuple(found)


def deviation_table(found: Sequence[Deviation]) -> pl.DataFrame:
    """Return one row a deviation."""
    return pl.DataFrame([asdict(each) for each in found], schema=SCHEMA)


def _beginnings(entries: Sequence[AuditEntry]) -> Iterator[AuditEntry]:
    for entry in entries:
        grave = entry.action == "alarm" and isinstance(entry.new, Mapping) and entry.new.get("priority") in DEVIATING
        if grave or entry.action in {"limit", "deviate"}:
            yield entry


def _cleared(entries: Sequence[AuditEntry], alarm: AuditEntry) -> float | None:
    if alarm.action != "alarm":
        return alarm.time_h
    later = (entry for entry in entries if entry.action == "clear" and entry.sequence > alarm.sequence)
    side = alarm.new.get("side")
    return next(
        (each.time_h for each in later if each.what == alarm.what and (each.new or {}).get("side") == side), None
    )


def _extreme(frame: pl.DataFrame, column: str, span: tuple[float, float | None], side: str) -> float | None:
    if column not in frame.columns or not side:
        return None
    inside = pl.col("time_h") >= span[0]
    if span[1] is not None:
        inside &= pl.col("time_h") <= span[1]
    readings = frame.filter(inside)[column].drop_nulls().drop_nans().to_numpy()
    if not readings.size:
        return None
    return float(readings.min() if side == "low" else readings.max())


def _assessment(entry: AuditEntry | None) -> dict[str, str]:
    if entry is None or not isinstance(entry.new, Mapping):
        return {}
    return {name: str(entry.new.get(name, "")) for name in ASSESSED} | {"assessed_by": entry.who}
