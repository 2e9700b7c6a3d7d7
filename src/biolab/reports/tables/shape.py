"""What a display table is: a caption, column heads and groups of rows whose cells are finished text."""

from dataclasses import dataclass, replace
from typing import Literal

from biolab.reports.language import Prose
from biolab.reports.values import Value, count, interval, known, number

Kind = Literal["text", "number", "missing", "suppressed", "code"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A finished cell; ``detail`` is the smaller text beside or under it (an interval)."""

    text: str
    kind: Kind = "text"
    detail: str = ""
    indented: bool = False

    @property
    def shown(self) -> str:
        """The cell as plain text, its detail in brackets."""
        return f"{self.text} ({self.detail})" if self.detail else self.text


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows under a common heading, which may be empty; the first cell of a row is its head."""

    rows: tuple[tuple[Cell, ...], ...]
    heading: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as a reader sees it."""

    caption: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]

    @property
    def rows(self) -> tuple[tuple[Cell, ...], ...]:
        """All rows of all groups."""
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def withholds(self) -> bool:
        """Whether a count in it does not leave the institution."""
        return any(cell.kind == "suppressed" and cell.text for row in self.rows for cell in row)


MOST_ACROSS = 5
"""Columns of sites beyond which a table is turned round."""


def by_site(table: Table, head: str) -> Table:
    """Turn a table round: many sites are easier to read down than across."""
    heads = [f"{group.heading}: {row[0].text}" if group.heading else row[0].text
             for group in table.groups for row in group.rows]  # fmt: skip
    rows = tuple(
        (Cell(text=site), *(row[place] for row in table.rows)) for place, site in enumerate(table.columns[1:], start=1)
    )
    return Table(caption=table.caption, columns=(head, *heads), groups=(Group(rows=rows),))


def without_empty_columns(table: Table) -> Table:
    """Leave out columns in which no row has anything to say."""
    kept = [
        place
        for place in range(len(table.columns))
        if any(row[place].text and row[place].kind != "missing" for row in table.rows)
    ]
    groups = tuple(
        replace(group, rows=tuple(tuple(row[at] for at in kept) for row in group.rows)) for group in table.groups
    )
    return replace(table, columns=tuple(table.columns[at] for at in kept), groups=groups)


def estimate_cell(value: Value, digits: int, prose: Prose, *, signed: bool = False) -> Cell:
    """Show an estimate over its interval, or that it is missing."""
    if value.estimate is None:
        return Cell(text=prose("common.missing"), kind="missing")
    limits = interval(value, digits, prose, signed=signed)
    return Cell(text=number(value.estimate, digits, signed=signed), kind="number", detail=limits)


def count_cell(value: object) -> Cell:
    """Show a released count; null was suppressed."""
    kind: Kind = "suppressed" if known(value) is None else "number"
    return Cell(text=count(value), kind=kind)
