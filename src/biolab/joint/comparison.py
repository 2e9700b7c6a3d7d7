"""The comparison between institutions: what their runs say side by side, and pooled."""

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from biolab.core import TrackingError
from biolab.stats import meta_analyse
from biolab.tracking import RunRecord, Store, find_runs, read_table

from .protocol import CoxSpec, Protocol
from .versions import installed_versions


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Tables of one protocol over its institutions, from what their runs released; no row of a patient is in it."""

    protocol: Protocol
    sites: pl.DataFrame
    cohorts: pl.DataFrame
    characteristics: pl.DataFrame
    flow: pl.DataFrame
    survival_curves: pl.DataFrame
    models: pl.DataFrame
    coefficients: pl.DataFrame
    pooled: pl.DataFrame
    validation: pl.DataFrame
    differences: pl.DataFrame
    calibration: pl.DataFrame
    runs: pl.DataFrame
    versions: pl.DataFrame

    @property
    def settings(self) -> dict[str, object]:
        """What was decided before anyone looked at a patient."""
        return self.protocol.parameters

    @property
    def metrics(self) -> dict[str, float]:
        """Every estimate with its limits, named ``metric.model.train_site.test_site``."""
        found = {}
        for row in self.validation.iter_rows(named=True):
            at = "" if row["horizon"] is None else f".at_{row['horizon']:g}"
            name = f"{row['metric']}{at}/{row['model']}/{row['train_site']}_to_{row['test_site']}"
            found |= {name: row["estimate"], f"{name}.lower": row["lower"], f"{name}.upper": row["upper"]}
        return found

    def table(self) -> pl.DataFrame:
        """Return the validation matrix in long form."""
        return self.validation


def compare(protocol: Protocol, store: Store) -> Comparison:
    """Put the latest complete runs of every site under this very protocol side by side.

    Raises
    ------
    TrackingError
        If no site has a complete run under the protocol's digest.
    """
    asked = {"protocol": protocol.name, "sha256": protocol.sha256}
    sites = {str(run.site): run for run in reversed(find_runs(store, **asked, role="site"))}
    if not sites:
        raise TrackingError(f"No site has a complete run of {protocol.name} ({protocol.sha256[:12]}) in {store.tracking_uri}.")
    parents = {run.run_id for run in sites.values()}
    children = [run for run in find_runs(store, **asked, role="model") if run.parent_id in parents]
    validations = _latest(find_runs(store, **asked, role="validation"))
    judged = [*children, *validations]
    coefficients = _stack(store, [run for run in children if _is_cox(protocol, run)], "coefficients")
    return Comparison(
        protocol=protocol,
        sites=_sites(protocol),
        cohorts=_stack(store, sites.values(), "cohort"),
        characteristics=_stack(store, sites.values(), "characteristics"),
        flow=_stack(store, sites.values(), "flow"),
        survival_curves=_stack(store, sites.values(), "survival_curve"),
        models=_models(protocol),
        coefficients=coefficients,
        pooled=pool(protocol, coefficients),
        validation=_stack(store, judged, "performance"),
        differences=_stack(store, judged, "differences"),
        calibration=_stack(store, judged, "calibration"),
        runs=_run_list([*sites.values(), *judged]),
        versions=installed_versions(),
    )
