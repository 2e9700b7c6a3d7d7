"""What a step of a workflow prints: one object with its inputs, settings, metrics and outputs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .options import print_json


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step that has been done; ``found`` is what else a later step reads."""

    name: str
    inputs: Sequence[Path | str]
    settings: Mapping[str, object]
    metrics: Mapping[str, float]
    outputs: Sequence[Path | str] = ()
    found: Mapping[str, object] = field(default_factory=dict)

    def show(self, *, as_json: bool) -> None:
        """Print the step, as one JSON object or as lines."""
        if as_json:
            print_json(
                {
                    "step": self.name,
                    "inputs": [str(path) for path in self.inputs],
                    "settings": dict(self.settings),
                    "metrics": {name: _number(value) for name, value in self.metrics.items()},
                    "outputs": [str(path) for path in self.outputs],
                    **self.found,
                }
            )
            return
        for name, value in self.metrics.items():
            print(f"{name}: {value:,.6g}")
        for path in self.outputs:
            print(f"wrote {path}")


def _number(value: float) -> float | int | None:
    """Return a number that JSON has: no NaN, and counts without a decimal point."""
    if not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(value)
