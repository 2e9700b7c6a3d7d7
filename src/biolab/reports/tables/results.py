"""What was found, as tables: every measure by direction, paired differences and hazard ratios."""

import polars as pl

from biolab.reports.comparison import Comparison
from biolab.reports.legend import Legend, directions, in_order
from biolab.reports.metrics import largest, metric_keys, metric_label, reading
from biolab.reports.values import MISSING, index_values

from .shape import MOST_ACROSS, Cell, Group, Table, by_site, estimate_cell

_KEYS = ("train_site", "test_site", "model", "metric", "horizon")


def validation_table(comparison: Comparison, legend: Legend) -> Table:
    """Show every measure of every model, a group of rows a direction; what is not there reads as missing."""
    caption = legend.prose("prediction.table_caption")
    return _by_direction(comparison.validation, "estimate", caption, legend)


def differences_table(comparison: Comparison, legend: Legend) -> Table:
    """Show the paired differences to the reference model, a group of rows a direction.

    Measures whose ideal is 1 are left out: neither more nor less of them is better.
    """
    reference = {"reference": legend.model(comparison.protocol.reference_model)}
    caption = legend.prose("prediction.differences_table_caption", reference)
    ordered = [key.metric for key in metric_keys(comparison.differences) if reading(key.metric).better != "one"]
    return _by_direction(comparison.differences.filter(pl.col("metric").is_in(ordered)), "difference", caption, legend)


def _by_direction(frame: pl.DataFrame, name: str, caption: str, legend: Legend) -> Table:
    keys = metric_keys(frame)
    values = index_values(frame, _KEYS, name)
    models = in_order(frame["model"], legend.models)
    signed = name == "difference"
    digits = {key: reading(key.metric, largest(frame, key.metric, name)).digits for key in keys}
    groups = []
    for pair in directions(frame, legend):
        rows = []
        for model in models:
            cells = (
                estimate_cell(values.get((*pair, model, *key), MISSING), digits[key], legend.prose, signed=signed)
                for key in keys
            )
            rows.append((Cell(text=legend.model(model), indented=True), *cells))
        groups.append(Group(heading=legend.direction(*pair), rows=tuple(rows)))
    heads = (metric_label(key, legend.prose, legend.time_unit, short=True) for key in keys)
    return Table(caption=caption, columns=(legend.prose("prediction.model"), *heads), groups=tuple(groups))


def hazard_table(comparison: Comparison, legend: Legend, model: str) -> Table:
    """Show one model's hazard ratios by site and pooled: the numbers of its forest plot."""
    own = comparison.coefficients.filter(pl.col("model") == model)
    pooled = comparison.pooled.filter(pl.col("model") == model)
    values = index_values(own, ("term", "site"), "hazard_ratio")
    totals = index_values(pooled, ("term",), "hazard_ratio")
    sites = in_order(own["site"], legend.sites)
    rows = []
    for term in own["term"].unique(maintain_order=True):
        label = legend.prose.pick(own.filter(pl.col("term") == term).row(0, named=True), "label") or term
        cells = [estimate_cell(values.get((term, site), MISSING), 2, legend.prose) for site in sites]
        total = estimate_cell(totals.get((term,), MISSING), 2, legend.prose)
        rows.append((Cell(text=label), *cells, total))
    say = legend.prose
    columns = (say("effects.term"), *(legend.site(site) for site in sites), say("effects.pooled"))
    caption = f"{say('effects.hazard_ratio')}: {legend.model(model)}"
    table = Table(caption=caption, columns=columns, groups=(Group(rows=tuple(rows)),))
    return by_site(table, say("survival.institution")) if len(sites) > MOST_ACROSS else table
