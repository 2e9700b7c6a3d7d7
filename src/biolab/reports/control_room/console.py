"""What stands on the operator's console, without any screen: clock, alarms and actions of a running batch."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from biolab.bioprocess import BatchRecord, OperatorAction, Session, alarms, batch_record
from biolab.core import BiolabError, ConfigError

SPEEDS = (1, 6, 24)
"""Hours of the batch a second."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An alarm that stands, or one that went away before anybody acknowledged it."""

    name: str
    variable: str
    side: str
    priority: str
    raised_h: float
    limit: float
    extreme: float
    stands: bool
    acknowledged: bool


class Happened(NamedTuple):
    """A line of the list of events: when, of which kind, and the values that its sentence names."""

    time_h: float
    kind: str
    values: Mapping[str, str]


class Console:
    """A running batch with a clock and an operator; every action goes into the batch record.

    >>> from biolab.bioprocess import CHOFedBatch, begin
    >>> console = Console(begin(CHOFedBatch()), operator="kim")
    >>> console.start()
    >>> console.tick(), console.tick()
    (1.0, 2.0)
    """

    def __init__(self, session: Session, *, operator: str, speed: int = 1) -> None:
        self.session, self.operator, self.said = session, operator, ""
        self.running = False
        self.speed = speed

    def start(self) -> None:
        """Let the clock run, unless the batch is over."""
        self.running = not self.session.finished

    def pause(self) -> None:
        """Stop the clock."""
        self.running = False

    def tick(self) -> float:
        """Let a second pass: as many hours of the batch as the speed says, while the clock runs.

        Raises
        ------
        ConfigError
            If the speed is no whole number of hours.
        """
        if self.running:
            self.session.advance(self.speed)
            self.running = not self.session.finished
        return self.session.time_h

    def attempt(self, act: Callable[[], OperatorAction]) -> OperatorAction | None:
        """Do what an operator asks; what cannot be done is left in ``said`` and changes nothing."""
        try:
            done = act()
        except BiolabError as error:
            self.said = str(error)
            return None
        self.said = ""
        return done

    def change(self, setpoint: str, value: float, why: str) -> OperatorAction | None:
        """Change a set-point."""
        return self.attempt(lambda: self.session.change(setpoint, value, who=self.operator, why=why))

    def feed(self, volume_l: float, why: str) -> OperatorAction | None:
        """Give a bolus of feed."""
        return self.attempt(lambda: self.session.feed(volume_l, who=self.operator, why=why))

    def sample(self, why: str) -> OperatorAction | None:
        """Draw a sample."""
        return self.attempt(lambda: self.session.sample(who=self.operator, why=why))

    def calibrate(self, probe: str, reference: float, why: str) -> OperatorAction | None:
        """Shift a probe to a reference value."""
        return self.attempt(lambda: self.session.calibrate(probe, reference, who=self.operator, why=why))

    def acknowledge(self, name: str, why: str) -> OperatorAction | None:
        """Acknowledge an alarm."""
        if name not in {each.name for each in self.alarms() if not each.acknowledged}:
            self.said = str(ConfigError(f"alarm {name!r} does not wait to be acknowledged."))
            return None
        return self.attempt(lambda: self.session.acknowledge(name, who=self.operator, why=why))

    def found(self) -> pl.DataFrame:
        """Return every alarm so far, as `biolab.bioprocess.alarms` does."""
        return alarms(self.session.trajectories, self.session.recipe)

    def alarms(self) -> tuple[Standing, ...]:
        """Return what the alarm list shows, the last one first: what stands, and what nobody acknowledged."""
        seen = [(each.what, each.time_h) for each in self.session.actions if each.kind == "acknowledge"]
        rows = []
        for row in self.found().iter_rows(named=True):
            acknowledged = any(name == row["name"] and when >= row["raised_h"] for name, when in seen)
            stands = row["cleared_h"] is None
            if stands or not acknowledged:
                kept = {name: value for name, value in row.items() if name not in {"cleared_h", "raised_at"}}
                rows.append(Standing(**kept, stands=stands, acknowledged=acknowledged))
        return tuple(sorted(rows, key=lambda each: -each.raised_h))

    def events(self) -> tuple[Happened, ...]:
        """Return phases, alarms, limits and actions in the order in which they happened; never a fault."""
        return tuple(sorted(self._happened(), key=lambda each: each.time_h))

    def _happened(self) -> Iterator[Happened]:
        now = self.session.time_h
        for step in self.session.recipe.steps:
            if step.start_h <= now:
                yield Happened(step.start_h, "phase", {"phase": step.phase})
        for row in self.found().iter_rows(named=True):
            values = {"quantity": row["variable"], "value": f"{row['raised_at']:.4g}", "limit": f"{row['limit']:.4g}"}
            yield Happened(row["raised_h"], f"alarm_{row['side']}", values)
            if row["cleared_h"] is not None:
                yield Happened(row["cleared_h"], "clear", values)
        for each in (
            self.session.result().events.filter(pl.col("kind").is_in(["limit", "solver"])).iter_rows(named=True)
        ):
            yield Happened(each["time_h"], each["kind"], {"message": each["message"]})
        for each in self.session.actions:
            said = {"who": each.who, "why": each.why, "quantity": each.what}
            yield Happened(each.time_h, each.kind, said | {"old": _number(each.old), "new": _number(each.new)})

    @property
    def record(self) -> BatchRecord:
        """The batch record as it would be closed now."""
        return batch_record(self.session.result(), author=self.operator)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
