"""How far a comparison can be trusted: verified runs, changed values, empty places, pooled measures, the best model."""

import polars as pl

from biolab.reports.comparison import Comparison
from biolab.reports.legend import Legend, in_order
from biolab.reports.metrics import MetricKey, metric_keys, metric_label, reading
from biolab.reports.values import Value, interval, known, number, value_of

from .shape import Cell, Group, Table, estimate_cell, without_empty_columns
from .subgroups import level_name, variable_name

_USES = ("used", "refused", "unused", "older", "other")
_EVIDENCE = ("external", "internal")


def verification_table(comparison: Comparison, legend: Legend) -> Table:
    """Count the runs by site and what verifying them found."""
    say = legend.prose
    counted = comparison.verdicts.group_by("site", "use", "state").len()
    groups = []
    for use in _USES:
        rows = counted.filter(pl.col("use") == use)
        lines = tuple(
            (Cell(text=legend.site(site), indented=True), Cell(text=say(f"state.{state}")), _count(runs))
            for site in in_order(rows["site"], legend.sites)
            for state, runs in rows.filter(pl.col("site") == site).sort("state").select("state", "len").iter_rows()
        )
        if lines:
            groups.append(Group(heading=say(f"use.{use}"), rows=lines))
    columns = tuple(say(f"verification.{name}") for name in ("institution", "state", "runs"))
    return Table(caption=say("verification.caption"), columns=columns, groups=tuple(groups))


def changes_table(comparison: Comparison, legend: Legend) -> Table:
    """Name every value that is not what was signed."""
    say = legend.prose
    names = ("run", "institution", "field", "signed_column", "stored")
    rows = tuple(
        (
            Cell(text=str(row["name"])),
            Cell(text=legend.site(row["site"]) if row["site"] else ""),
            Cell(text=row["field"], kind="code"),
            Cell(text=_short(row["signed"], say("verification.nothing")), kind="code"),
            Cell(text=_short(row["stored"], say("verification.nothing")), kind="code"),
        )
        for row in comparison.changes.iter_rows(named=True)
    )
    columns = tuple(say(f"verification.{name}") for name in names)
    return Table(caption=say("verification.changes_caption"), columns=columns, groups=(Group(rows=rows),))


def missing_table(comparison: Comparison, legend: Legend) -> Table:
    """List the empty places of the matrix by direction, with the models they concern and why."""
    say = legend.prose
    where = ["train_site", "test_site", "reason"]
    found = comparison.missing.group_by(where, maintain_order=True).agg("model")
    rows = tuple(
        (
            Cell(text=legend.direction(train, test, short=True)),
            Cell(text=", ".join(legend.model(model) for model in models)),
            Cell(text=say(f"missing.{reason.replace(' ', '_')}"), kind="missing"),
        )
        for train, test, reason, models in found.iter_rows()
    )
    columns = tuple(say(f"missing.{name}") for name in ("direction", "models", "reason"))
    return Table(caption=say("missing.caption"), columns=columns, groups=(Group(rows=rows),))


def pooled_table(comparison: Comparison, legend: Legend) -> Table:
    """Show each pooled measure with its prediction interval, heterogeneity and range when a site is left out."""
    say = legend.prose
    groups = []
    for kind in _EVIDENCE:
        own = comparison.meta.pooled.filter(pl.col("evidence") == kind)
        for key in metric_keys(own):
            rows = [_pooled_row(row, comparison, legend) for row in _of(own, key).iter_rows(named=True)]
            label = metric_label(key, say, legend.time_unit)
            heading = say("pooled.heading", {"metric": label, "evidence": say(f"pooled.{kind}")})
            groups.append(Group(heading=heading, rows=tuple(rows)))
    names = ("model", "estimate", "prediction", "heterogeneity", "left_out")
    columns = tuple(say(f"pooled.{name}") for name in names)
    return without_empty_columns(Table(caption=say("pooled.caption"), columns=columns, groups=tuple(groups)))


def _pooled_row(row: dict, comparison: Comparison, legend: Legend) -> tuple[Cell, ...]:
    say, digits = legend.prose, reading(row["metric"]).digits
    ahead = Value(estimate=row["estimate"], lower=row["prediction_lower"], upper=row["prediction_upper"])
    same = [pl.col(name) == row[name] for name in ("evidence", "model")]
    without = _of(comparison.meta.left_out.filter(*same), MetricKey(row["metric"], row["horizon"]))["estimate"]
    low, high = known(without.min()), known(without.max())
    span = Value(estimate=row["estimate"], lower=low, upper=high)
    none = Cell(text=say("common.missing_short"), kind="missing")
    heterogeneity = {"i2": number(row["i2"] * 100, 0), "tau2": number(row["tau2"], 3)}
    return (
        Cell(text=legend.model(row["model"]), indented=True),
        estimate_cell(value_of(row), digits, say),
        Cell(text=interval(ahead, digits, say), kind="number") if ahead.has_interval else none,
        Cell(text=say("figure.heterogeneity", heterogeneity), kind="number"),
        Cell(text=interval(span, digits, say), kind="number") if span.has_interval else none,
    )


def ranking_table(comparison: Comparison, legend: Legend) -> Table:
    """Rank the models by their pooled gain over the reference, with limits that allow for the models compared."""
    say, best = legend.prose, comparison.best
    digits = reading(best.metric or "").digits
    rows = []
    for row in best.ranking.iter_rows(named=True):
        gain = Value(estimate=row["gain"], lower=row["simultaneous_lower"], upper=row["simultaneous_upper"])
        behind = Value(estimate=row["behind"], lower=row["behind_lower"], upper=row["behind_upper"])
        reference = Cell(text=say("best.is_reference"), kind="missing")
        p_value = known(row["adjusted_p_value"])
        rows.append(
            (
                Cell(text=legend.model(row["model"])),
                estimate_cell(value_of(row), digits, say),
                reference if row["model"] == best.reference else estimate_cell(gain, digits, say, signed=True),
                Cell(text="" if p_value is None else _p_value(p_value), kind="number"),
                Cell(text=say("best.is_best")) if row["model"] == best.model else estimate_cell(behind, digits, say),
            )
        )
    measure = "" if best.metric is None else metric_label(MetricKey(best.metric, best.horizon), say, legend.time_unit)
    columns = (say("best.model"), measure, *(say(f"best.{name}") for name in ("gain", "p_value", "behind")))
    return Table(caption=say("best.caption"), columns=columns, groups=(Group(rows=tuple(rows)),))


def fairness_table(comparison: Comparison, legend: Legend) -> Table:
    """Show, by model and site, the subgroups in which the measure is lowest and highest."""
    say = legend.prose
    found = comparison.fairness.filter(pl.col("metric") == (comparison.best.metric or ""))
    groups = []
    for model in in_order(found["model"], legend.models):
        rows = []
        for row in found.filter(pl.col("model") == model).iter_rows(named=True):
            hidden = row["suppressed"] or 0
            rows.append(
                (
                    Cell(text=legend.direction(row["train_site"], row["test_site"], short=True), indented=True),
                    Cell(text=variable_name(str(row["variable"] or ""), comparison, legend)),
                    _extreme(row, "weakest", comparison, legend),
                    _extreme(row, "strongest", comparison, legend),
                    Cell(text=str(hidden) if hidden else "", kind="suppressed"),
                )
            )
        groups.append(Group(heading=legend.model(model), rows=tuple(rows)))
    names = ("direction", "variable", "weakest", "strongest", "suppressed")
    columns = tuple(say(f"fairness.{name}") for name in names)
    return without_empty_columns(Table(caption=say("fairness.caption"), columns=columns, groups=tuple(groups)))


def _of(frame: pl.DataFrame, key: MetricKey) -> pl.DataFrame:
    at = pl.col("horizon").is_null() if key.horizon is None else pl.col("horizon") == key.horizon
    return frame.filter((pl.col("metric") == key.metric) & at)


def _extreme(row: dict, end: str, comparison: Comparison, legend: Legend) -> Cell:
    found = known(row[end])
    if found is None:
        return Cell(text=legend.prose("common.missing_short"), kind="missing")
    group = level_name(str(row["variable"]), str(row[f"{end}_group"] or ""), comparison, legend)
    return Cell(text=number(found, reading(row["metric"]).digits), kind="number", detail=group)


def _p_value(value: float) -> str:
    return "<0.001" if value < 0.001 else number(value, 3)


def _count(value: int) -> Cell:
    return Cell(text=number(value, 0), kind="number")


def _short(value: str | None, nothing: str) -> str:
    text = nothing if value is None else value
    return text if len(text) <= 60 else f"{text[:57]}..."
