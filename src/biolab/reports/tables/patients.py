"""Who was analysed: characteristics by site, what was dropped and why, and survival at the protocol's horizons."""

from collections.abc import Mapping

import polars as pl

from biolab.reports.comparison import Comparison
from biolab.reports.legend import Legend, in_order
from biolab.reports.values import EN_DASH, MISSING, Value, count, known, number, value_of

from .shape import Cell, Group, Table, count_cell, estimate_cell

_MOST_SITES = 5


def characteristics_table(comparison: Comparison, legend: Legend) -> Table:
    """Show cohort sizes and every variable by site; suppressed counts read ``<10``."""
    say, minimum = legend.prose, comparison.protocol.minimum_cell
    sites = in_order(comparison.cohorts["site"], legend.sites)
    groups = [Group(rows=tuple(_sizes(comparison, legend, sites)))]
    for variable in comparison.characteristics["variable"].unique(maintain_order=True):
        rows = comparison.characteristics.filter(pl.col("variable") == variable)
        groups.append(_variable(rows, sites, minimum, legend))
    columns = (say("patients.variable"), *(legend.site(site) for site in sites))
    table = Table(caption=say("patients.caption"), columns=columns, groups=tuple(groups))
    return _by_site(table, say("survival.institution")) if len(sites) > _MOST_SITES else table


def _by_site(table: Table, head: str) -> Table:
    """Turn a table round: many sites are easier to read down than across."""
    heads = [f"{group.heading}: {row[0].text}" if group.heading else row[0].text
             for group in table.groups for row in group.rows]  # fmt: skip
    rows = tuple(
        (Cell(text=site), *(row[place] for row in table.rows)) for place, site in enumerate(table.columns[1:], start=1)
    )
    return Table(caption=table.caption, columns=(head, *heads), groups=(Group(rows=rows),))


def _sizes(comparison: Comparison, legend: Legend, sites: list[str]) -> list[tuple[Cell, ...]]:
    say, minimum = legend.prose, comparison.protocol.minimum_cell
    cohorts = {row["site"]: row for row in comparison.cohorts.iter_rows(named=True)}
    heads = {
        "patients": say("patients.patients"),
        "events": say("patients.events"),
        "dropped": say("patients.dropped"),
    }
    none = Cell(text=say("common.missing"), kind="missing")
    rows: list[tuple[Cell, ...]] = [
        (Cell(text=head), *(count_cell(cohorts[site][name], minimum) if site in cohorts else none for site in sites))
        for name, head in heads.items()
    ]
    if comparison.protocol.outcome != "survival":  # no follow-up, and of a number no events
        return [row for row, name in zip(rows, heads, strict=True) if name != "events" or _counts_events(comparison)]
    follow_up = [known(cohorts.get(site, {}).get("median_follow_up")) for site in sites]
    cells = [none if months is None else Cell(text=number(months, 1), kind="number") for months in follow_up]
    return [*rows, (Cell(text=say("patients.follow_up", {"unit": say.unit(comparison.protocol.time_unit)})), *cells)]


def _counts_events(comparison: Comparison) -> bool:
    return comparison.protocol.outcome != "number"


def _variable(rows: pl.DataFrame, sites: list[str], minimum_cell: int, legend: Legend) -> Group:
    say = legend.prose
    first = rows.row(0, named=True)
    label = say.pick(first, "label") or first["variable"]
    unit = say.pick(first, "unit") or first["unit"]
    heading = f"{label}, {say.unit(unit)}" if unit else label
    lines: dict[tuple[str, str | None], dict[str, Cell]] = {}
    names: dict[tuple[str, str | None], str] = {}
    gaps = rows.filter(pl.col("kind") == "missing", pl.col("value").is_null() | (pl.col("value") > 0))
    for row in rows.iter_rows(named=True):
        if row["kind"] == "missing" and gaps.is_empty():
            continue
        key = (row["kind"], row["level"])
        lines.setdefault(key, {})[row["site"]] = _characteristic(row, minimum_cell, legend)
        names[key] = (
            say("patients.missing_values") if row["kind"] == "missing" else say.pick(row, "level") or row["level"]
        )
    none = Cell(text=say("common.missing"), kind="missing")
    ordered = sorted(lines, key=lambda key: key[0] == "missing")
    numeric = ordered[0][0] == "quartiles"
    table = [
        (Cell(text=heading if numeric and place == 0 else names[key] or heading, indented=not numeric or place > 0),
         *(lines[key].get(site, none) for site in sites))
        for place, key in enumerate(ordered)
    ]  # fmt: skip
    return Group(rows=tuple(table), heading="" if numeric else heading)


def _characteristic(row: Mapping[str, object], minimum_cell: int, legend: Legend) -> Cell:
    value, lower, upper = (known(row[name]) for name in ("value", "lower", "upper"))
    if row["kind"] != "quartiles":
        percent = known(row["percent"])
        detail = "" if percent is None or value is None else f"{number(percent, 1)}%"
        return Cell(text=count(value, minimum_cell), kind="suppressed" if value is None else "number", detail=detail)
    if value is None:
        return Cell(text=legend.prose("common.missing"), kind="missing")
    detail = "" if lower is None or upper is None else f"{_plain(lower)}{EN_DASH}{_plain(upper)}"
    return Cell(text=_plain(value), kind="number", detail=detail)


def _plain(value: float) -> str:
    return number(value, 0 if value == round(value) else 1)


def flow_table(comparison: Comparison, legend: Legend) -> Table:
    """Show each eligibility step of each site: what was dropped, why, and who remained."""
    say, minimum = legend.prose, comparison.protocol.minimum_cell
    groups = []
    for site in in_order(comparison.flow["site"], legend.sites):
        rows = comparison.flow.filter(pl.col("site") == site)
        lines = tuple(
            (Cell(text=say.pick(row, "reason") or str(row["step"]), indented=True),
             count_cell(row["dropped"], minimum), count_cell(row["remaining"], minimum))
            for row in rows.iter_rows(named=True)
        )  # fmt: skip
        groups.append(Group(heading=legend.site(site), rows=lines))
    columns = tuple(say(f"patients.flow_{name}") for name in ("reason", "dropped", "remaining"))
    return Table(caption=say("patients.flow_caption"), columns=columns, groups=tuple(groups))


def survival_table(comparison: Comparison, legend: Legend) -> Table:
    """Read each site's Kaplan-Meier estimate off its curve at the protocol's horizons."""
    say, horizons = legend.prose, comparison.protocol.horizons
    rows = []
    for site in in_order(comparison.survival_curves["site"], legend.sites):
        curve = comparison.survival_curves.filter(pl.col("site") == site).sort("time")
        values = [_survival_at(curve, horizon) for horizon in horizons]
        rows.append((Cell(text=legend.site(site)), *(estimate_cell(value, 2, say) for value in values)))
    caption = say("survival.table_caption", {"endpoint": say.pick(comparison.protocol.endpoint)})
    columns = (say("survival.institution"), *(legend.duration(horizon) for horizon in horizons))
    return Table(caption=caption, columns=columns, groups=(Group(rows=tuple(rows)),))


def _survival_at(curve: pl.DataFrame, horizon: float) -> Value:
    """Take the point at a horizon; where disclosure control left it out, nothing is known."""
    there = curve.filter((pl.col("time") - horizon).abs() < 1e-9)
    return MISSING if there.is_empty() else value_of(there.row(0, named=True), "survival")
