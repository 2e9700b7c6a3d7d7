"""A site's cohort in tables that may leave: who was dropped, who remains, how long they stayed event-free."""

import numpy as np
import polars as pl

from biolab.data import Codebook, Cohort, describe
from biolab.survival import kaplan_meier

from .disclosure import coarsen_steps, stop_where_few_remain, suppress_counts
from .protocol import Protocol
from .tabular import outcome_values

CURVE_SCHEMA = {
    "time": pl.Float64,
    "at_risk": pl.Int64,
    "survival": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
}


def cohort_tables(protocol: Protocol, cohort: Cohort, site: str) -> dict[str, pl.DataFrame]:
    """Return the tables ``cohort``, ``flow``, ``characteristics`` and ``survival_curve`` of one site.

    Where few patients are censored, the number of events is withheld, for the rest would follow from it, and so is the
    median follow-up, which rests on the censored.
    """
    tables = {
        "cohort": _sizes(protocol, cohort),
        "flow": released_flow(cohort, minimum=protocol.release.minimum_cell),
        "characteristics": released_characteristics(cohort, protocol),
        "survival_curve": survival_curve(protocol, cohort)
        if protocol.is_survival
        else pl.DataFrame(schema=CURVE_SCHEMA),
    }
    return {name: table.select(pl.lit(site).alias("site"), pl.all()) for name, table in tables.items()}


def _sizes(protocol: Protocol, cohort: Cohort) -> pl.DataFrame:
    minimum = protocol.release.minimum_cell
    events, follow_up = None, None
    if protocol.is_survival:
        events = released_events(cohort.patients, cohort.events, minimum=minimum)
        follow_up = median_follow_up(cohort) if cohort.patients - cohort.events >= minimum else None
    elif protocol.endpoint.kind == "binary":
        found = int(outcome_values(protocol, cohort.frame).sum())
        events = released_events(cohort.patients, found, minimum=minimum)
    return pl.DataFrame(
        {
            "patients": [cohort.patients],
            "events": [events],
            "dropped": [_released_count(int(cohort.flow["dropped"].sum()), minimum)],
            "median_follow_up": [follow_up],
        },
        schema={"patients": pl.Int64, "events": pl.Int64, "dropped": pl.Int64, "median_follow_up": pl.Float64},
    )


def released_events(patients: int, events: int, *, minimum: int) -> int | None:
    """Return the number of events; withheld if few patients had none, whom it would count too."""
    return None if 0 < patients - events < minimum else _released_count(events, minimum)


def released_flow(cohort: Cohort, *, minimum: int) -> pl.DataFrame:
    """Return how many patients each step left out.

    If a step left out fewer than ``minimum``, the counts of all steps that left out anyone are withheld, and so is what
    remained before the last step: any one of them would give the small one away.
    """
    flow = cohort.flow.rename({"reason": "reason_en"})
    if not flow["dropped"].is_between(1, minimum - 1).any():
        return flow
    last = pl.int_range(pl.len()) == pl.len() - 1
    return flow.with_columns(
        pl.when(pl.col("dropped") > 0).then(None).otherwise(pl.col("dropped")).alias("dropped"),
        pl.when(last).then(pl.col("remaining")).alias("remaining"),
    )


def median_follow_up(cohort: Cohort) -> float | None:
    """Return the reverse Kaplan-Meier median: time to censoring, with events as its censoring; null if not reached.

    References
    ----------
    Schemper, Smith (1996), Controlled Clinical Trials 17:343-346, doi:10.1016/0197-2456(96)00075-X.
    """
    median = float(kaplan_meier(cohort.time, ~cohort.event).median.estimate)
    return round(median, 1) if np.isfinite(median) else None


def survival_curve(protocol: Protocol, cohort: Cohort) -> pl.DataFrame:
    """Return the Kaplan-Meier curve on the protocol's time grid, while enough patients are at risk.

    Points are left out until nobody or at least the minimum cell left and had the event between two; the horizons stay
    where they can.
    """
    curve = kaplan_meier(cohort.time, cohort.event, confidence=protocol.evaluation.confidence)
    times = np.asarray((0.0, *protocol.grid))
    grid = pl.DataFrame({"time": times, "at_risk": np.asarray(curve.at_risk(times), dtype=np.int64)})
    steps = curve.table().select("time", "survival", "lower", "upper")
    frame = grid.join_asof(steps, on="time").with_columns(pl.col("survival", "lower", "upper").fill_null(1.0))
    minimum = protocol.release.minimum_cell
    kept = stop_where_few_remain(frame, minimum=minimum)
    until = np.sort(cohort.time[cohort.event])
    events = np.diff(np.searchsorted(until, kept["time"].to_numpy(), side="right"), prepend=0)
    return coarsen_steps(kept, events.tolist(), minimum=minimum, keep=protocol.endpoint.horizons)


def released_characteristics(cohort: Cohort, protocol: Protocol) -> pl.DataFrame:
    """Describe the covariates with labels: quartiles of numbers, counts of categories, small counts withheld.

    Quartiles are rounded to three digits: unrounded, a quartile can be one patient's exact value.
    Columns: variable, unit and level (each also with labels), kind (quartiles, count, missing), value, lower, upper,
    percent.
    """
    labels = _variable_labels(protocol.codebook)
    described = describe(cohort, protocol.codebook).rename({"lower_quartile": "lower", "upper_quartile": "upper"})
    codes = _code_labels(protocol.codebook)
    labelled = labels.join(described, on="variable", maintain_order="left").rename({"statistic": "kind"})
    labelled = labelled.join(codes, on=["variable", "level"], how="left", maintain_order="left")
    counted = labelled.with_columns(pl.col("kind").replace("median", "quartiles"))
    released = suppress_counts(
        counted, "value", within=["variable"], minimum=protocol.release.minimum_cell, only=pl.col("kind") != "quartiles"
    )
    rounded = released.with_columns(
        pl.when(pl.col("kind") == "quartiles").then(pl.col(name).round_sig_figs(3)).otherwise(pl.col(name)).alias(name)
        for name in ("value", "lower", "upper")
    )
    hidden = pl.col("value").is_null()
    return rounded.with_columns(pl.when(hidden).then(None).otherwise(pl.col("percent")).alias("percent"))


def _released_count(count: int, minimum: int) -> int | None:
    return None if 0 < count < minimum else count


def _variable_labels(codebook: Codebook) -> pl.DataFrame:
    rows = [
        {
            "variable": one.name,
            "label_en": one.label.en,
            "label_ko": one.label.ko,
            "unit": one.unit,
            "unit_en": one.said_unit.en or None,
            "unit_ko": one.said_unit.ko or None,
        }
        for one in codebook.covariates
    ]
    names = ("variable", "label_en", "label_ko", "unit", "unit_en", "unit_ko")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))


def _code_labels(codebook: Codebook) -> pl.DataFrame:
    rows = [(one.name, code, one.code_label(code)) for one in codebook.covariates for code in one.codes]
    return pl.DataFrame(
        [{"variable": name, "level": code, "level_en": said.en, "level_ko": said.ko} for name, code, said in rows],
        schema=dict.fromkeys(("variable", "level", "level_en", "level_ko"), pl.String),
    )
