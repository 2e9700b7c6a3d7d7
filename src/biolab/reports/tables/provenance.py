"""Where the numbers come from: runs, software and the protocol's settings."""

from collections.abc import Mapping
from datetime import UTC, datetime

from biolab.reports.comparison import Comparison
from biolab.reports.legend import Legend

from .shape import Cell, Group, Table


def runs_table(comparison: Comparison, legend: Legend) -> Table:
    """List the runs that the numbers were computed in."""
    say = legend.prose
    names = ("run", "institution", "model", "role", "started")
    rows = tuple(
        (
            Cell(text=str(row["run_id"]), kind="code"),
            Cell(text=legend.site(row["site"]) if row["site"] else ""),
            Cell(text=legend.model(row["model"]) if row["model"] else ""),
            Cell(text=say.word("role", str(row["role"] or ""))),
            Cell(text=_minute(row["started"])),
        )
        for row in comparison.runs.iter_rows(named=True)
    )
    columns = tuple(say(f"provenance.{name}") for name in names)
    return Table(caption=say("provenance.runs"), columns=columns, groups=(Group(rows=rows),))


def _minute(started: object) -> str:
    return f"{started.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if isinstance(started, datetime) else str(started or "")


def versions_table(comparison: Comparison, legend: Legend) -> Table:
    """List the software that computed the numbers."""
    say = legend.prose
    rows = tuple(
        (Cell(text=row["name"]), Cell(text=str(row["version"]), kind="code"))
        for row in comparison.versions.iter_rows(named=True)
    )
    columns = (say("provenance.name"), say("provenance.version"))
    return Table(caption=say("provenance.versions"), columns=columns, groups=(Group(rows=rows),))


def settings_table(comparison: Comparison, legend: Legend) -> Table:
    """List the protocol's settings as they stand in it, nested names joined by dots."""
    say = legend.prose
    rows = tuple(
        (Cell(text=name, kind="code"), Cell(text=text, kind="code"))
        for name, text in _flatten(comparison.protocol.settings)
    )
    columns = (say("methods.setting"), say("methods.value"))
    return Table(caption=say("methods.settings"), columns=columns, groups=(Group(rows=rows),))


def _flatten(settings: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, value in settings.items():
        if value in ((), [], None):
            continue
        if isinstance(value, Mapping):
            lines += _flatten(value, f"{prefix}{name}.")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            lines.append((prefix + name, text))
    return lines
