"""Whether the models are as good for everyone: a leading measure by subgroup, and which differences are clear."""

import polars as pl

from biolab.reports.comparison import Comparison
from biolab.reports.legend import OTHERS, Legend, directions, in_order
from biolab.reports.metrics import MetricKey, largest, metric_keys, metric_label, reading
from biolab.reports.values import MISSING, estimate, index_values, value_of

from .shape import Cell, Group, Table, estimate_cell

_LEADING = ("harrell_c", "auc", "r2")
_CLEAR = 0.05
_MOST_SENTENCES = 8
_ORDER = ("variable", "subgroup")


def subgroup_tables(comparison: Comparison, legend: Legend) -> list[Table]:
    """Show each measure by subgroup: a table a measure, a group of rows a direction, a row a model."""
    found = _told(comparison.subgroups)
    keys = [key for key in metric_keys(found) if key.metric in (*_LEADING, "observed_expected")]
    return [_table(found, key, comparison, legend) for key in keys]


def subgroup_sentences(comparison: Comparison, legend: Legend) -> list[str]:
    """Name the differences between a subgroup and the rest that stay clear after Holm's correction."""
    say, tested = legend.prose, _told(comparison.subgroup_differences)
    clear = tested.filter(pl.col("adjusted_p_value") < _CLEAR).sort("adjusted_p_value")
    if clear.is_empty():
        return [say("subgroups.none_clear", {"tested": tested["adjusted_p_value"].drop_nulls().len()})]
    sentences = []
    for row in clear.head(_MOST_SENTENCES).iter_rows(named=True):
        key = MetricKey(row["metric"], row["horizon"])
        digits = reading(key.metric, largest(tested, key.metric, "difference")).digits
        told = {
            "direction": legend.direction(row["train_site"], row["test_site"], short=True),
            "model": legend.model(row["model"]),
            "group": _group_name(row["variable"], row["subgroup"], comparison, legend),
            "metric": metric_label(key, say, legend.time_unit, short=True),
            "difference": estimate(value_of(row, "difference"), digits, say, signed=True),
        }
        sentences.append(say("subgroups.clear", told))
    more = clear.height - len(sentences)
    return [*sentences, *([say("subgroups.more", {"count": more})] if more else [])]


def _told(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep what is told on the page: models at institutions that had no part in the training, if there are any."""
    external = frame.filter(pl.col("train_site") != pl.col("test_site"))
    pooled = external.filter(pl.col("train_site") == OTHERS)
    return pooled if not pooled.is_empty() else external if not external.is_empty() else frame


def _table(found: pl.DataFrame, key: MetricKey, comparison: Comparison, legend: Legend) -> Table:
    say = legend.prose
    groups = sorted(found.select(_ORDER).unique().iter_rows(), key=_place)
    values = index_values(found, ("train_site", "test_site", "model", *_ORDER, "metric", "horizon"))
    bodies = []
    for pair in directions(found, legend):
        rows = tuple(
            (
                Cell(text=legend.model(model), indented=True),
                *(
                    estimate_cell(values.get((*pair, model, *group, *key), MISSING), reading(key.metric).digits, say)
                    for group in groups
                ),
            )
            for model in in_order(found["model"], legend.models)
        )
        bodies.append(Group(heading=legend.direction(*pair), rows=rows))
    columns = (say("prediction.model"), *(_group_name(*group, comparison, legend) for group in groups))
    measure = metric_label(key, say, legend.time_unit)
    return Table(caption=say("subgroups.caption", {"metric": measure}), columns=columns, groups=tuple(bodies))


def _place(group: tuple[str, str]) -> tuple[str, int, float, str]:
    """Sort intervals by their lower end, codes by name, and what is missing last."""
    variable, name = group
    digits = name.lstrip("<>=").partition("-")[0]
    number = float(digits) if digits.replace(".", "", 1).isdigit() else 0.0
    return variable, int(name == "missing"), -1.0 if name.startswith("<") else number, name


def variable_name(variable: str, comparison: Comparison, legend: Legend) -> str:
    """Name the variable of a subgroup for the reader."""
    return legend.prose.pick(comparison.protocol.subgroup_labels.get(variable, {})) or variable


def level_name(variable: str, name: str, comparison: Comparison, legend: Legend) -> str:
    """Name a subgroup of a variable for the reader."""
    labels, say = comparison.protocol.subgroup_labels, legend.prose
    level = say("patients.missing_values") if name == "missing" else say.pick(labels.get(f"{variable}={name}", {}))
    return level or name.replace(">=", "\N{GREATER-THAN OR EQUAL TO}").replace("-<", "\N{EN DASH}<")


def _group_name(variable: str, name: str, comparison: Comparison, legend: Legend) -> str:
    return f"{variable_name(variable, comparison, legend)}: {level_name(variable, name, comparison, legend)}"
