"""The one way from a site's results to its run: everything passes the gate before it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from biolab.tracking import RecordedRun

from .disclosure import Rules, Traces, refuse


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The protocol's rules and the traces of the site's own patients."""

    rules: Rules
    traces: Traces

    def refuse(self, leaving: pl.DataFrame | Path | Mapping[str, object], *, name: str = "table") -> None:
        """Stop what may not leave.

        Raises
        ------
        DisclosureError
            If the disclosure check finds anything.
        """
        refuse(leaving, self.rules, cohort=self.traces, name=name)


@dataclass(frozen=True, kw_only=True)
class OutgoingRun:
    """A run being written through the gate; each method raises ``DisclosureError`` before anything is written."""

    run: RecordedRun
    gate: Gate

    def tables(self, frames: Mapping[str, pl.DataFrame]) -> None:
        """Log tables, checked together."""
        self.gate.refuse(frames)
        for name, frame in frames.items():
            self.run.table(name, frame)

    def params(self, settings: Mapping[str, object]) -> None:
        """Log settings."""
        self.gate.refuse({"params": settings})
        self.run.params(settings)

    def metrics(self, values: Mapping[str, float]) -> None:
        """Log numbers."""
        self.gate.refuse({"metrics": values})
        self.run.metrics(values)

    def curves(self, steps: list[int], values: Mapping[str, list[float]]) -> None:
        """Log curves."""
        histories = {key: list(zip(steps, curve, strict=True)) for key, curve in values.items()}
        self.gate.refuse({"metrics": histories})
        self.run.curves(steps, values)
