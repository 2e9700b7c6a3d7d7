"""The comparison between institutions: what their runs say side by side, and pooled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import polars as pl

from biolab.core import TrackingError
from biolab.tracking import RunRecord, Store, find_runs, read_text

from .admission import Admission, admit
from .best_model import Best, best_model
from .facts import ProtocolFacts, protocol_facts
from .fairness import fairness
from .matrix import missing_cells
from .pooled_performance import PooledPerformance, pool_performance
from .pooling import POOLED, pool_hazard_ratios
from .protocol import Protocol
from .records import SITE_ORDER
from .released_tables import stack, stack_where_present
from .transport import transport
from .versions import installed_versions
from .withheld import STATE


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
    signed: bool
    verdicts: pl.DataFrame
    changes: pl.DataFrame
    missing: pl.DataFrame
    meta: PooledPerformance
    best: Best
    subgroups: pl.DataFrame
    subgroup_differences: pl.DataFrame
    fairness: pl.DataFrame
    signatures: pl.DataFrame
    withheld: pl.DataFrame

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
    def refused(self) -> pl.DataFrame:
        """The runs that do not hold and are in none of the numbers; ``changes`` names what differs in them."""
        return self.verdicts.filter(pl.col("use") == "refused")

    @property
    def transport(self) -> pl.DataFrame:
        """What cross-validation promised at home and what was found elsewhere, a row a model; see ``transport``."""
        return transport(self.validation)

    def table(self) -> pl.DataFrame:
        """Return the validation matrix in long form."""
        return self.validation


def compare(protocol: Protocol, store: Store, *, keys: Mapping[str, str] | None = None) -> Comparison:
    """Put the latest complete runs of every site under this very protocol side by side, each verified first.

    Only what the sites signed and the store still holds is shown and pooled (see ``admit``); a site that has not
    reported yet leaves its places of the matrix empty.

    Parameters
    ----------
    protocol
        The protocol.
    store
        Where the runs are.
    keys
        Public key of each site; by default those that the protocol names. Without any, unsigned runs are compared,
        and the page says so.

    Raises
    ------
    TrackingError
        If no site has a complete run under the protocol's digest that holds.
    """
    runs = _in_order(admit(protocol, store, keys=keys), protocol)
    if not runs.sites:
        raise TrackingError(_nothing(protocol, store, runs))
    shown = [run for run in runs.sites if run.params.get(STATE) != "withheld"]
    judged = [*runs.models, *runs.validations]
    confidence = protocol.evaluation.confidence
    curves = stack(store, shown, "survival_curve")
    coefficients = stack(store, [run for run in runs.models if run.model in protocol.cox_models], "coefficients")
    performance, differences = (stack(store, judged, name) for name in ("performance", "differences"))
    subgroups = stack_where_present(store, judged, "subgroups")
    unpenalised = coefficients.filter(pl.col("model").is_in(protocol.unpenalised_cox_models))
    return Comparison(
        protocol=protocol_facts(protocol),
        sites=_site_list(protocol),
        cohorts=stack(store, shown, "cohort"),
        characteristics=stack(store, shown, "characteristics"),
        flow=stack(store, shown, "flow"),
        survival_curves=curves.drop("at_risk"),
        at_risk=curves.select("site", "time", "at_risk"),
        models=_model_list(protocol),
        coefficients=coefficients,
        pooled=pool_hazard_ratios(unpenalised, confidence=confidence),
        validation=performance,
        differences=differences,
        calibration=stack(store, judged, "calibration"),
        runs=_run_list([*shown, *judged]),
        versions=installed_versions(),
        signed=runs.signed,
        verdicts=runs.verdicts,
        changes=runs.changes,
        missing=missing_cells(protocol, runs, performance),
        meta=pool_performance(performance, confidence=confidence),
        best=best_model(
            performance,
            differences,
            models=[spec.name for spec in protocol.models],
            reference=protocol.evaluation.reference,
            confidence=confidence,
        ),
        subgroups=subgroups,
        subgroup_differences=stack_where_present(store, judged, "subgroup_differences"),
        fairness=fairness(subgroups),
        signatures=stack_where_present(store, runs.models, "signature"),
        withheld=stack_where_present(store, runs.sites, "withheld"),
    )


def recorded_protocol(name: str, store: Store) -> Protocol:
    """Return the protocol of the latest complete site run of an experiment, as that run recorded it.

    Its sites stand in the order of the coordinator's file where the run says it.

    Raises
    ------
    TrackingError
        If the store holds no complete site run of that name.
    """
    runs = find_runs(store, protocol=name, role="site")
    if not runs:
        raise TrackingError(f"No site has a complete run of {name!r} in {store.label}. Run the experiment first.")
    found = Protocol.model_validate_json(read_text(store, runs[0].run_id, "protocol.json"))
    return found.in_order(runs[0].params.get(SITE_ORDER, "").split())


def _in_order(runs: Admission, protocol: Protocol) -> Admission:
    """Sort the runs as the protocol names its sites and models, and leave out those it does not name."""
    order, rank = list(protocol.sites), [spec.name for spec in protocol.models]
    origins = [*order, POOLED]

    def by_place(run: RunRecord) -> tuple[int, int, int]:
        return rank.index(str(run.model)), origins.index(str(run.model_site)), order.index(str(run.site))

    known = {
        name: [run for run in getattr(runs, name) if run.site in order] for name in ("sites", "models", "validations")
    }
    judged = {
        name: tuple(
            sorted((run for run in known[name] if run.model in rank and run.model_site in origins), key=by_place)
        )
        for name in ("models", "validations")
    }
    return replace(runs, sites=tuple(sorted(known["sites"], key=lambda run: order.index(str(run.site)))), **judged)


def _nothing(protocol: Protocol, store: Store, runs: Admission) -> str:
    said = f"No site has a complete run of {protocol.name} {protocol.version} ({protocol.sha256[:12]}) in {store.label}"
    if runs.refused.is_empty():
        return f"{said}. Run the experiment first, or name the protocol those runs used."
    first = runs.refused.row(0, named=True)
    changed = runs.changes.filter(pl.col("run_id") == first["run_id"])
    what = (
        "" if changed.is_empty() else ": {field}, signed {signed}, stored {stored}".format(**changed.row(0, named=True))
    )
    return (
        f"{said} that holds: {runs.refused.height} were refused, the first {first['name']!r} of site {first['site']!r} "
        f"({first['state']}{what}). Import the site's bundle again, or give the sites' public keys."
    )


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
