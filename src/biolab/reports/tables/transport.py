"""What was promised at home and found elsewhere, what was withheld, and which features the sites' signatures share."""

import polars as pl

from biolab.reports.comparison import Comparison
from biolab.reports.legend import Legend, in_order
from biolab.reports.metrics import MetricKey, metric_label, reading
from biolab.reports.values import EN_DASH, MISSING, index_values, number

from .shape import Cell, Group, Table, count_cell, estimate_cell

_SETTINGS = ("home", "abroad", "pooled")
_FEATURES_SHOWN = 15


def transport_table(comparison: Comparison, legend: Legend, metric: str) -> Table:
    """Show each model's concordance at home, from single other sites and from all others pooled."""
    say, summary = legend.prose, comparison.transport.filter(pl.col("metric") == metric)
    values = index_values(summary, ("model", "setting"))
    there = [setting for setting in _SETTINGS if setting in set(summary["setting"])]
    rows = tuple(
        (
            Cell(text=legend.model(model)),
            *(estimate_cell(values.get((model, setting), MISSING), reading(metric).digits, say) for setting in there),
        )
        for model in in_order(summary["model"], legend.models)
    )
    columns = (say("prediction.model"), *(say(f"transport.{setting}") for setting in there))
    measure = metric_label(MetricKey(metric), say, legend.time_unit)
    return Table(caption=say("transport.caption", {"metric": measure}), columns=columns, groups=(Group(rows=rows),))


def withheld_table(comparison: Comparison, legend: Legend) -> Table:
    """List the sites and models that are not there, and why."""
    say = legend.prose
    alike = comparison.withheld.group_by("model", "reason", maintain_order=True).agg("site")
    rows = tuple(
        (
            Cell(text=", ".join(legend.site(site) for site in row["site"])),
            Cell(text=legend.model(row["model"]) if row["model"] else say("withheld.everything")),
            Cell(text=say(f"withheld.{row['reason']}", {"minimum": comparison.protocol.minimum_events})),
        )
        for row in alike.iter_rows(named=True)
    )
    columns = tuple(say(f"withheld.{name}_column") for name in ("site", "what", "why"))
    return Table(caption=say("withheld.caption"), columns=columns, groups=(Group(rows=rows),))


def signature_table(comparison: Comparison, legend: Legend, model: str) -> Table:
    """Show a signature's features by site: first those that several sites chose, then the strongest.

    The first row counts what each site chose.
    """
    say = legend.prose
    found = comparison.signatures.filter(pl.col("model") == model)
    sites = in_order(pl.Series([row["site"] for row in comparison.cohorts.iter_rows(named=True)]), legend.sites)
    sizes = dict(found.group_by("site").len().iter_rows())
    counts = (Cell(text=say("signature.chosen")), *(count_cell(sizes.get(site, 0), 0) for site in sites))
    ranked = (
        found.group_by("feature")
        .agg(sites=pl.len(), strongest=pl.col("log_hazard_ratio").abs().max())
        .sort(["sites", "strongest", "feature"], descending=[True, True, False])
    )
    values = {(row["feature"], row["site"]): row["log_hazard_ratio"] for row in found.iter_rows(named=True)}
    rows = tuple(
        (Cell(text=feature, indented=True), *(_coefficient(values.get((feature, site))) for site in sites))
        for feature in ranked["feature"].head(_FEATURES_SHOWN)
    )
    told = {
        "model": legend.model(model),
        "shown": min(_FEATURES_SHOWN, ranked.height),
        "total": ranked.height,
        "shared": ranked.filter(pl.col("sites") > 1).height,
    }
    columns = (say("signature.feature"), *(legend.site(site) for site in sites))
    groups = (Group(rows=(counts,)), Group(rows=rows))
    return Table(caption=say("signature.caption", told), columns=columns, groups=groups)


def trained_signatures(comparison: Comparison) -> list[str]:
    """Name the models whose features differ between sites: those that were trained."""
    names = []
    for (model,), group in comparison.signatures.group_by("model", maintain_order=True):
        shapes = {tuple(part.select("feature", "log_hazard_ratio").rows()) for _, part in group.group_by("site")}
        if len(shapes) > 1:
            names.append(str(model))
    return names


def _coefficient(value: float | None) -> Cell:
    return (
        Cell(text=EN_DASH, kind="missing") if value is None else Cell(text=number(value, 3, signed=True), kind="number")
    )
