"""What goes wrong: declared beforehand, frozen, and the same every time it is run.

A fault changes the plant or what its instruments show, never what the recipe wants. `TamperedRecord` alone leaves the
plant as it is and edits the record.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from biolab.core import ConfigError, did_you_mean

from .record import TamperedRecord
from .schedule import Schedule

PROBES = ("ph", "dissolved_oxygen")


@dataclass(frozen=True, kw_only=True)
class _Span:
    """When a fault is there; without an end until the batch is over."""

    start_h: float
    end_h: float | None = None

    def __post_init__(self) -> None:
        _check_span(self.start_h, self.end_h)


def _check_span(start_h: float, end_h: float | None) -> None:
    if not 0 <= start_h < np.inf:
        raise ConfigError(f"start_h is {start_h}; a fault starts at 0 h or later.")
    if end_h is not None and not start_h < end_h:
        raise ConfigError(f"end_h is {end_h}, not after start_h {start_h:g}; leave it out for a fault that stays.")


def _check_share(value: float, name: str) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} is {value}; expected a share between 0 and 1.")


@dataclass(frozen=True)
class ProbeDrift:
    """A probe that wanders: its reading moves by ``per_h`` an hour from ``start_h`` on, in pH or % of air.

    The controller follows the reading, so that the true value drifts the other way.
    """

    probe: Literal["ph", "dissolved_oxygen"]
    start_h: float
    per_h: float
    end_h: float | None = None

    kind: ClassVar[str] = "probe-drift"

    def __post_init__(self) -> None:
        if self.probe not in PROBES:
            raise ConfigError(f"probe is {self.probe!r}. {did_you_mean(str(self.probe), PROBES)}")
        _check_span(self.start_h, self.end_h)
        if not np.isfinite(self.per_h):
            raise ConfigError(f"per_h is {self.per_h}; expected a finite drift an hour.")

    def apply(self, schedule: Schedule) -> None:
        """Add the drift; after ``end_h`` the probe has been calibrated again."""
        span = schedule.between(self.start_h, self.end_h)
        schedule.column(f"{self.probe}_drift")[span] += self.per_h * (schedule.time_h[span] - self.start_h)


@dataclass(frozen=True, kw_only=True)
class CascadeFailure(_Span):
    """The oxygen cascade stops short: no oxygen beyond ``oxygen_fraction``, no stirring beyond ``agitation_rpm``."""

    oxygen_fraction: float = 0.2095
    agitation_rpm: float | None = None

    kind: ClassVar[str] = "cascade-failure"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share(self.oxygen_fraction, "oxygen_fraction")
        if self.agitation_rpm is not None and not self.agitation_rpm > 0:
            raise ConfigError(f"agitation_rpm is {self.agitation_rpm}; expected a speed above 0.")

    def apply(self, schedule: Schedule) -> None:
        """Lower the ceilings."""
        span = schedule.between(self.start_h, self.end_h)
        ceilings = {"oxygen_ceiling": self.oxygen_fraction}
        if self.agitation_rpm is not None:
            ceilings["agitation_ceiling"] = self.agitation_rpm
        for name, value in ceilings.items():
            schedule.column(name)[span] = np.minimum(schedule.column(name)[span], value)


@dataclass(frozen=True, kw_only=True)
class FeedBlockage(_Span):
    """The feed line is blocked; the pump turns, but only the share ``remaining`` arrives."""

    remaining: float = 0.0

    kind: ClassVar[str] = "feed-blockage"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share(self.remaining, "remaining")

    def apply(self, schedule: Schedule) -> None:
        """Let less arrive."""
        schedule.column("feed_factor")[schedule.between(self.start_h, self.end_h)] *= self.remaining


@dataclass(frozen=True, kw_only=True)
class Overfeed(_Span):
    """The feed pump is calibrated wrongly and delivers ``factor`` times what it shows."""

    factor: float = 2.0

    kind: ClassVar[str] = "overfeed"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 < self.factor < 100:
            raise ConfigError(f"factor is {self.factor}; an overfeed delivers more than 1 and less than 100 times.")

    def apply(self, schedule: Schedule) -> None:
        """Let more arrive."""
        schedule.column("feed_factor")[schedule.between(self.start_h, self.end_h)] *= self.factor


@dataclass(frozen=True, kw_only=True)
class Contamination:
    """A fast-growing bacterium gets in at ``start_h``: ``inoculum_mmol_c`` of its carbon (25 mg dry weight a mmol)."""

    start_h: float
    inoculum_mmol_c: float = 1e-4

    kind: ClassVar[str] = "contamination"

    def __post_init__(self) -> None:
        _check_span(self.start_h, None)
        if not 0 < self.inoculum_mmol_c < 100:
            raise ConfigError(f"inoculum_mmol_c is {self.inoculum_mmol_c}; expected above 0 and below 100.")

    def apply(self, schedule: Schedule) -> None:
        """Put it in."""
        schedule.column("contamination_mmol_c")[schedule.interval(self.start_h)] += self.inoculum_mmol_c


@dataclass(frozen=True, kw_only=True)
class JacketFailure(_Span):
    """The jacket's flow fails; only the share ``remaining`` of its heat exchange is left."""

    remaining: float = 0.0

    kind: ClassVar[str] = "jacket-failure"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share(self.remaining, "remaining")

    def apply(self, schedule: Schedule) -> None:
        """Exchange less heat."""
        schedule.column("jacket_factor")[schedule.between(self.start_h, self.end_h)] *= self.remaining


@dataclass(frozen=True, kw_only=True)
class SamplingDilutionError(_Span):
    """Samples are diluted wrongly at the bench: every concentration reads ``factor`` times what it is."""

    factor: float = 0.5

    kind: ClassVar[str] = "sampling-dilution-error"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.factor < 100:
            raise ConfigError(f"factor is {self.factor}; expected above 0 and below 100.")

    def apply(self, schedule: Schedule) -> None:
        """Change what is read."""
        schedule.column("glucose_factor")[schedule.between(self.start_h, self.end_h)] *= self.factor


@dataclass(frozen=True, kw_only=True)
class FoamOut:
    """Foam leaves through the exhaust for ``hours``: broth is lost and gas transfer is poor meanwhile."""

    start_h: float
    hours: float = 2.0
    lost_fraction: float = 0.1
    kla_factor: float = 0.5

    kind: ClassVar[str] = "foam-out"

    def __post_init__(self) -> None:
        _check_span(self.start_h, None)
        if not 0 < self.hours < np.inf:
            raise ConfigError(f"hours is {self.hours}; expected above 0.")
        if not 0 <= self.lost_fraction < 1:
            raise ConfigError(f"lost_fraction is {self.lost_fraction}; expected 0 or more, below 1.")
        if not 0 < self.kla_factor <= 1:
            raise ConfigError(f"kla_factor is {self.kla_factor}; expected above 0, at most 1.")

    def apply(self, schedule: Schedule) -> None:
        """Lose broth evenly, and gas transfer."""
        span = schedule.between(self.start_h, self.start_h + self.hours)
        if count := span.stop - span.start:
            lost = 1.0 - (1.0 - self.lost_fraction) ** (1.0 / count)
            kept = (1.0 - schedule.column("foam_fraction")[span]) * (1.0 - lost)
            schedule.column("foam_fraction")[span] = 1.0 - kept
            schedule.column("kla_factor")[span] *= self.kla_factor


PlantFault = (
    ProbeDrift
    | CascadeFailure
    | FeedBlockage
    | Overfeed
    | Contamination
    | JacketFailure
    | SamplingDilutionError
    | FoamOut
)
Fault = PlantFault | TamperedRecord
KINDS: Mapping[str, Any] = {
    one.kind: one
    for one in (
        ProbeDrift, CascadeFailure, FeedBlockage, Overfeed, Contamination, JacketFailure, SamplingDilutionError,
        FoamOut, TamperedRecord,
    )
}  # fmt: skip


def read_faults(content: Iterable[Mapping[str, object]], *, source: str = "faults") -> tuple[Fault, ...]:
    """Make faults of tables as in TOML: ``[[faults]]`` with ``kind`` and the fault's own keys.

    >>> read_faults([{"kind": "probe-drift", "probe": "ph", "start_h": 96, "per_h": 0.01}])
    (ProbeDrift(probe='ph', start_h=96, per_h=0.01, end_h=None),)

    Raises
    ------
    ConfigError
        Names the entry, the unknown kind or key with the nearest known one, a missing key, or the value.
    """
    return tuple(_read_fault(dict(entry), f"{source}[{number}]") for number, entry in enumerate(content, start=1))


def load_faults(path: Path) -> tuple[Fault, ...]:
    """Read the faults of a TOML file: its tables ``[[faults]]``.

    Raises
    ------
    ConfigError
        If there is no such file, it is not TOML, it holds anything but ``[[faults]]``, or a fault is wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist; name a TOML file with [[faults]].") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}.") from error
    for key in content:
        if key != "faults":
            raise ConfigError(f"{path}: {key} is not known; a file of faults holds tables [[faults]] only.")
    tables = content.get("faults", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{path}: faults is {tables!r}; expected tables [[faults]], one a fault.")
    return read_faults(tables, source=f"{path}: faults")


def _read_fault(entry: dict[str, object], where: str) -> Fault:
    kind = str(entry.pop("kind", ""))
    if kind not in KINDS:
        raise ConfigError(f"{where}: kind is {kind!r}. {did_you_mean(kind, KINDS)}")
    known = {one.name: one.type for one in fields(KINDS[kind])}
    for key, value in entry.items():
        if key not in known:
            raise ConfigError(f"{where} ({kind}): {key} is not a known key. {did_you_mean(key, known)}")
        number = float in (known[key], *get_args(known[key]))
        if number and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise ConfigError(f"{where} ({kind}): {key} is {value!r}; expected a number.")
    try:
        return KINDS[kind](**entry)
    except TypeError as error:
        raise ConfigError(
            f"{where} ({kind}): {str(error).split('() ')[-1]}; expected keys: {', '.join(known)}."
        ) from error
    except ConfigError as error:
        raise ConfigError(f"{where} ({kind}): {error}") from error


def fault_content(fault: Fault) -> dict[str, object]:
    """Return a fault as `read_faults` reads it, without keys that are not set."""
    return {"kind": fault.kind} | {name: value for name, value in asdict(fault).items() if value is not None}
