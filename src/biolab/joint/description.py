"""A site's cohort in tables that may leave: who was dropped, who remains, how long they stayed event-free."""

import numpy as np
import polars as pl

from biolab.data import Cohort, describe
from biolab.survival import kaplan_meier

from .disclosure import stop_where_few_remain, suppress_counts
from .protocol import Protocol


def cohort_tables(protocol: Protocol, cohort: Cohort, site: str) -> dict[str, pl.DataFrame]:
    """Return the tables ``cohort``, ``flow``, ``characteristics`` and ``survival_curve`` of one site."""
    minimum = protocol.release.minimum_cell
    tables = {
        "cohort": pl.DataFrame(
            {
                "patients": [cohort.patients],
                "events": [cohort.events],
                "dropped": [int(cohort.flow["dropped"].sum())],
                "median_follow_up": [median_follow_up(cohort)],
            }
        ),
        "flow": suppress_counts(cohort.flow, "dropped", within=[], minimum=minimum),
        "characteristics": released_characteristics(cohort, protocol, minimum=minimum),
        "survival_curve": survival_curve(protocol, cohort),
    }
    return {name: table.select(pl.lit(site).alias("site"), pl.all()) for name, table in tables.items()}


def median_follow_up(cohort: Cohort) -> float:
    """Return the reverse Kaplan-Meier median: time to censoring, with events as its censoring.

    References
    ----------
    Schemper, Smith (1996), Controlled Clinical Trials 17:343-346, doi:10.1016/0197-2456(96)00075-X.
    """
    return round(float(kaplan_meier(cohort.time, ~cohort.event).median.estimate), 1)


def survival_curve(protocol: Protocol, cohort: Cohort) -> pl.DataFrame:
    """Return the Kaplan-Meier curve on the protocol's time grid, while enough patients are at risk."""
    curve = kaplan_meier(cohort.time, cohort.event, confidence=protocol.evaluation.confidence)
    times = np.asarray((0.0, *protocol.grid))
    survival, lower, upper = (np.asarray(part, dtype=np.float64) for part in curve.at(times))
    frame = pl.DataFrame(
        {
            "time": times,
            "survival": survival,
            "lower": lower,
            "upper": upper,
            "at_risk": np.asarray(curve.at_risk(times), dtype=np.int64),
        }
    )
    return stop_where_few_remain(frame, minimum=protocol.release.minimum_cell)


def released_characteristics(cohort: Cohort, protocol: Protocol, *, minimum: int) -> pl.DataFrame:
    """Describe the covariates: quartiles of numbers, counts of categories, small counts withheld."""
    return suppress_counts(describe(cohort, protocol.codebook), "value", within=["variable"], minimum=minimum)
