"""The comparison between institutions: what their runs say side by side, and pooled."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from biolab.core import TrackingError
from biolab.tracking import Role, RunRecord, Store, find_runs, read_table, read_text

from .coefficients import COEFFICIENT_SCHEMA
from .facts import ProtocolFacts, protocol_facts
from .pooling import POOLED, pool_hazard_ratios
from .protocol import Protocol
from .signatures import SIGNATURE_SCHEMA
from .subgroups import DIFFERENCE_SCHEMA, SUBGROUP_SCHEMA
from .transport import transport
from .versions import installed_versions
from .withheld import STATE

EMPTY = {
    "coefficients": COEFFICIENT_SCHEMA,
    "signature": SIGNATURE_SCHEMA,
    "subgroups": SUBGROUP_SCHEMA,
    "subgroup_differences": DIFFERENCE_SCHEMA,
}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Tables of one protocol over its institutions, from what their runs released; no row of a patient is in it."""

    protocol: ProtocolFacts
    sites: pl.DataFrame
    cohorts: pl.DataFrame
    characteristics: pl.DataFrame
    flow: pl.DataFrame
    survival_curves: pl.DataFrame
    at_risk: pl.DataFrame
    models: pl.DataFrame
    coefficients: pl.DataFrame
    pooled: pl.DataFrame
    validation: pl.DataFrame
    differences: pl.DataFrame
    calibration: pl.DataFrame
    runs: pl.DataFrame
    versions: pl.DataFrame
    withheld: pl.DataFrame
    signatures: pl.DataFrame
    subgroups: pl.DataFrame
    subgroup_differences: pl.DataFrame

    @property
    def settings(self) -> dict[str, object]:
        """What was decided before anyone looked at a patient."""
        return dict(self.protocol.settings)

    @property
    def metrics(self) -> dict[str, float]:
        """Every estimate with its limits, named ``metric/model/train_site_to_test_site``."""
        found: dict[str, float] = {}
        for row in self.validation.iter_rows(named=True):
            at = "" if row["horizon"] is None else f".at_{row['horizon']:g}"
            name = f"{row['metric']}{at}/{row['model']}/{row['train_site']}_to_{row['test_site']}"
            numbers = {name: row["estimate"], f"{name}.lower": row["lower"], f"{name}.upper": row["upper"]}
            found |= {key: value for key, value in numbers.items() if value is not None}
        return found

    @property
    def transport(self) -> pl.DataFrame:
        """What cross-validation promised at home and what was found elsewhere, a row a model; see ``transport``."""
        return transport(self.validation)

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
    recorded, children, validations = _runs(protocol, store)
    sites = [run for run in recorded if run.params.get(STATE) != "withheld"]
    judged = [*children, *validations]
    with_coefficients = [run for run in children if run.model in protocol.cox_models]
    curves = _stack(store, sites, "survival_curve")
    coefficients = _stack(store, with_coefficients, "coefficients")
    return Comparison(
        protocol=protocol_facts(protocol),
        sites=_site_list(protocol),
        cohorts=_stack(store, sites, "cohort"),
        characteristics=_stack(store, sites, "characteristics"),
        flow=_stack(store, sites, "flow"),
        survival_curves=curves.drop("at_risk"),
        at_risk=curves.select("site", "time", "at_risk"),
        models=_model_list(protocol),
        coefficients=coefficients,
        pooled=pool_hazard_ratios(coefficients.filter(pl.col("model").is_in(protocol.unpenalised_cox_models))),
        validation=_stack(store, judged, "performance"),
        differences=_stack(store, judged, "differences"),
        calibration=_stack(store, judged, "calibration"),
        runs=_run_list([*sites, *judged]),
        versions=installed_versions(),
        withheld=_stack(store, recorded, "withheld"),
        signatures=_stack(store, [run for run in children if run.model in protocol.signature_models], "signature"),
        subgroups=_stack(store, judged if protocol.subgroups else [], "subgroups"),
        subgroup_differences=_stack(store, judged if protocol.subgroups else [], "subgroup_differences"),
    )


def recorded_protocol(name: str, store: Store) -> Protocol:
    """Return the protocol of the latest complete site run of an experiment, as that run recorded it.

    Raises
    ------
    TrackingError
        If the store holds no complete site run of that name.
    """
    runs = find_runs(store, protocol=name, role="site")
    if not runs:
        raise TrackingError(f"No site has a complete run of {name!r} in {store.label}. Run the experiment first.")
    return Protocol.model_validate_json(read_text(store, runs[0].run_id, "protocol.json"))


def _runs(protocol: Protocol, store: Store) -> tuple[list[RunRecord], list[RunRecord], list[RunRecord]]:
    def find(role: Role, *, latest: bool = True) -> list[RunRecord]:
        return find_runs(store, protocol=protocol.name, sha256=protocol.sha256, role=role, latest=latest)

    newest = find("site")
    if not newest:
        raise TrackingError(
            f"No site has a complete run of {protocol.name} {protocol.version} ({protocol.sha256[:12]}) in "
            f"{store.label}. Run the experiment first, or name the protocol those runs used."
        )
    order = list(protocol.sites)
    sites = sorted(newest, key=lambda run: order.index(str(run.site)))
    parents = {run.run_id for run in sites}
    children = [run for run in find("model", latest=False) if run.parent_id in parents]
    current = {run.run_id for run in children}
    validations = [run for run in find("validation") if _judges(run) <= current]
    order.append(POOLED)
    rank = [spec.name for spec in protocol.models]
    by_place = lambda run: (rank.index(run.model), order.index(run.model_site), order.index(run.site))  # noqa: E731
    return sites, sorted(children, key=by_place), sorted(validations, key=by_place)


def _judges(run: RunRecord) -> set[str]:
    """Return the runs whose models a validation judged: one, or the members of a pool."""
    if "member_run_ids" in run.params:
        return set(json.loads(run.params["member_run_ids"]))
    return {run.params.get("model_run_id", "")}


def _stack(store: Store, runs: Iterable[RunRecord], table: str) -> pl.DataFrame:
    found = [read_table(store, run.run_id, table) for run in runs]
    return pl.concat(found, how="vertical_relaxed") if found else pl.DataFrame(schema=EMPTY.get(table, {}))


def _site_list(protocol: Protocol) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "site": name,
                "label_en": site.label.en,
                "label_ko": site.label.ko,
                "country": site.country,
                "note_en": None if site.note is None else site.note.en,
                "note_ko": None if site.note is None else site.note.ko,
            }
            for name, site in protocol.sites.items()
        ],
        schema_overrides={"note_en": pl.String, "note_ko": pl.String},
    )


def _model_list(protocol: Protocol) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "model": spec.name,
                "label_en": spec.label.en,
                "label_ko": spec.label.ko,
                "description_en": spec.description.en,
                "description_ko": spec.description.ko,
            }
            for spec in protocol.models
        ]
    )


def _run_list(runs: Iterable[RunRecord]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"run_id": run.run_id, "site": run.site, "model": run.model, "role": run.role, "started": run.started}
            for run in runs
        ],
        schema_overrides={"model": pl.String},
    )
