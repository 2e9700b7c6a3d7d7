"""What operators do while a batch runs: who, when, what, from which value to which, and why."""

from dataclasses import dataclass
from typing import Literal

from biolab.core import ConfigError

ActionKind = Literal["change", "feed", "sample", "calibrate", "acknowledge"]
DONE_TO_THE_PLANT = ("change", "feed", "sample", "calibrate")
_MESSAGE = {"feed": "bolus", "sample": "sample", "calibrate": "calibrated", "acknowledge": "acknowledged"}


@dataclass(frozen=True, kw_only=True)
class OperatorAction:
    """One thing that an operator did.

    ``what`` is a set-point, ``feed_l``, ``sample_ml``, a probe or an alarm; ``old`` and ``new`` are its values before
    and after, where it has any.

    >>> OperatorAction(time_h=12, kind="change", what="ph", old=7.0, new=6.9, who="kim", why="less base").message
    'kim: ph 7 -> 6.9 (less base)'
    """

    time_h: float
    kind: ActionKind
    what: str
    who: str
    why: str
    old: float | None = None
    new: float | None = None

    def __post_init__(self) -> None:
        for name in ("who", "why"):
            if not getattr(self, name).strip():
                raise ConfigError(f"{self.kind} {self.what}: {name} is empty. Every action says who did it, and why.")

    @property
    def message(self) -> str:
        """Say it in one line."""
        if self.kind == "change":
            said = f"{self.what} {_number(self.old)} -> {_number(self.new)}"
        else:
            said = f"{_MESSAGE[self.kind]} {self.what}" + ("" if self.new is None else f" {_number(self.new)}")
        return f"{self.who}: {said} ({self.why})"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"
