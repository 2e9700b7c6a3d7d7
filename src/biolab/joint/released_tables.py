"""The tables of runs, stacked over runs: empty with their columns where no run has one."""

from collections.abc import Iterable, Mapping

import polars as pl

from biolab.core import TrackingError
from biolab.tracking import RunRecord, Store, read_table, table_names

from .coefficients import COEFFICIENT_SCHEMA
from .signatures import SIGNATURE_SCHEMA
from .subgroups import DIFFERENCE_SCHEMA, SUBGROUP_SCHEMA
from .withheld import WITHHELD_SCHEMA

_TEXT, _NUMBER, _COUNT = pl.String(), pl.Float64(), pl.Int64()
_PLACE = {"model": _TEXT, "train_site": _TEXT, "test_site": _TEXT}
_LIMITS = {"standard_error": _NUMBER, "lower": _NUMBER, "upper": _NUMBER, "replicates": _COUNT}
SCHEMAS: Mapping[str, Mapping[str, pl.DataType | type[pl.DataType]]] = {
    "performance": {**_PLACE, "metric": _TEXT, "horizon": _NUMBER, "estimate": _NUMBER, **_LIMITS},
    "differences": {
        **_PLACE, "reference": _TEXT, "metric": _TEXT, "horizon": _NUMBER, "difference": _NUMBER, **_LIMITS,
    },
    "calibration": {
        **_PLACE, "horizon": _NUMBER, "group": _COUNT, "predicted": _NUMBER, "observed": _NUMBER, "lower": _NUMBER,
        "upper": _NUMBER, "patients": _COUNT,
    },
    "coefficients": COEFFICIENT_SCHEMA,
    "subgroups": SUBGROUP_SCHEMA,
    "subgroup_differences": DIFFERENCE_SCHEMA,
    "signature": SIGNATURE_SCHEMA,
    "withheld": WITHHELD_SCHEMA,
}  # fmt: skip
"""Columns of the tables that every run may lack."""


def stack(store: Store, runs: Iterable[RunRecord], name: str) -> pl.DataFrame:
    """Put one table of several runs under one another.

    Raises
    ------
    TrackingError
        If a run lacks the table.
    """
    frames = [read_table(store, run.run_id, name) for run in runs]
    return pl.concat(frames, how="vertical_relaxed") if frames else pl.DataFrame(schema=SCHEMAS[name])


def stack_where_present(store: Store, runs: Iterable[RunRecord], name: str) -> pl.DataFrame:
    """Put a table under one another that not every run has; what a run does not say of a row, its tags say."""
    frames = [pl.DataFrame(schema=SCHEMAS[name])]
    for run in runs:
        if name in table_names(store, run.run_id):
            said = {"model": run.model, "train_site": run.model_site, "test_site": run.site}
            table = read_table(store, run.run_id, name)
            lacking = {
                column: pl.lit(value, pl.String)
                for column, value in said.items()
                if column in SCHEMAS[name] and column not in table
            }
            frames.append(table.with_columns(**lacking))
    try:
        return pl.concat(frames, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise TrackingError(f"The tables {name!r} of the runs in {store.label} do not fit together: {error}") from error
