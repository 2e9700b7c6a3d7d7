"""One institution's part: fit, judge by cross-validation, release, and write its run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from biolab.core import FitError
from biolab.data import Cohort
from biolab.survival import Evaluation
from biolab.tracking import RecordedRun, Store, experiment_name, log_model, recorded_run, registered_model_name

from .description import cohort_tables
from .disclosure import rules_of, traces_of
from .example import synthetic_patients
from .fitting import FittedModel, Prediction, fit_model
from .model_specs import ModelSpec
from .outcomes import outcome_kind
from .outgoing import Gate, OutgoingRun
from .protocol import Protocol
from .records import describe_run, log_performance, log_subgroups, run_tags, site_parameters
from .subgroups import subgroup_tables
from .withheld import STATE, Withheld, withheld_table

Advance = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class SiteWork:
    """What one site works on: its protocol, its patients and where its runs go."""

    protocol: Protocol
    site: str
    cohort: Cohort
    store: Store

    @cached_property
    def gate(self) -> Gate:
        """What everything passes before it is written: the protocol's rules and the traces of these patients."""
        rules = replace(rules_of(self.protocol), cohort_size=self.cohort.patients)
        return Gate(rules=rules, traces=traces_of(self.cohort.frame, rules))


def run_site(work: SiteWork, *, advance: Advance) -> str:
    """Fit and judge every model of the protocol on one site's cohort and record what may leave.

    Writes a parent run for the site and a child run for each model. If anything stops it, the runs it opened are marked
    FAILED and nothing compares them.

    Returns
    -------
    str
        The id of the parent run.
    """
    protocol, site = work.protocol, work.site
    advance(f"{site}: describing the cohort")
    with recorded_run(
        work.store,
        experiment=experiment_name(protocol.name),
        name=site,
        tags=run_tags(protocol, role="site", site=site),
        description=describe_run(protocol, f"{protocol.site(site).label.en}: cohort and models"),
    ) as run:
        _record_cohort(run, work)
        fitted, predictions, missing = _fit_all(work, advance)
        OutgoingRun(run=run, gate=work.gate).tables({"withheld": withheld_table(missing)})
        if fitted:
            advance(f"{site}: metrics and intervals")
            evaluation = outcome_kind(protocol).judge(work.cohort, predictions, test_site=site)
            groups = subgroup_tables(protocol, work.cohort, predictions, sites=(site, site))
        for name, model in fitted.items():
            spec = next(spec for spec in protocol.models if spec.name == name)
            _record_model(
                work, run, spec, model, _Judged(evaluation=evaluation, prediction=predictions[name], groups=groups)
            )
    return run.run_id


def _fit_all(work: SiteWork, advance: Advance) -> tuple[dict[str, FittedModel], dict[str, Prediction], list[Withheld]]:
    """Fit every model and predict by cross-validation; a model that cannot be fitted here is named, not fatal."""
    protocol, site = work.protocol, work.site
    fitted: dict[str, FittedModel] = {}
    predictions: dict[str, Prediction] = {}
    missing: list[Withheld] = []
    for spec in protocol.models:
        try:
            advance(f"{site}: cross-validating {spec.name}")
            found = outcome_kind(protocol).cross_validate(spec, work.cohort, site)
            advance(f"{site}: fitting and releasing {spec.name}")
            fitted[spec.name] = fit_model(protocol, spec, work.cohort.frame, site=site)
            predictions[spec.name] = found
        except FitError:
            missing.append(Withheld(site=site, model=spec.name, reason="fit"))
    return fitted, predictions, missing


@dataclass(frozen=True, kw_only=True)
class _Judged:
    evaluation: Evaluation
    prediction: Prediction
    groups: Mapping[str, pl.DataFrame]


def _record_cohort(run: RecordedRun, work: SiteWork) -> None:
    tables = cohort_tables(work.protocol, work.cohort, work.site)
    outgoing = OutgoingRun(run=run, gate=work.gate)
    outgoing.tables(tables)
    facts = tables["cohort"].drop("site").row(0, named=True)
    run.params({**site_parameters(work.protocol), STATE: "complete"})
    run.text("protocol.json", work.protocol.canonical)
    run.dataset(
        name=f"{work.protocol.name}-{work.site}",
        digest=work.cohort.digest,
        schema=_schema(work),
        profile=facts,
        context="cohort",
    )
    outgoing.metrics({name: float(value) for name, value in facts.items() if value is not None})
    curve = tables["survival_curve"]
    if curve.is_empty():
        return
    outgoing.curves(
        [round(time) for time in curve["time"]],
        {
            "event_free": curve["survival"].to_list(),
            "event_free.lower": curve["lower"].to_list(),
            "event_free.upper": curve["upper"].to_list(),
        },
    )


def _schema(work: SiteWork) -> dict[str, str]:
    """Return the type of each codebook variable, and of each panel as a whole."""
    schema = {name: str(dtype) for name, dtype in work.protocol.codebook.frame_schema.items()}
    panels = work.protocol.panels.items()
    return schema | {f"panel {name}": f"{len(panel.features)} numbers, {panel.sha256[:12]}" for name, panel in panels}


def _record_model(work: SiteWork, parent: RecordedRun, spec: ModelSpec, fitted: FittedModel, judged: _Judged) -> None:
    protocol, site = work.protocol, work.site
    with recorded_run(
        work.store,
        experiment=experiment_name(protocol.name),
        name=f"{site} {spec.name}",
        tags=run_tags(protocol, role="model", site=site, model=spec.name, model_site=site),
        parent=parent.run_id,
        description=describe_run(protocol, f"{spec.label.en}, fitted at {protocol.site(site).label.en}"),
    ) as run:
        outgoing = OutgoingRun(run=run, gate=work.gate)
        outgoing.params(dict(fitted.settings))
        if fitted.coefficients is not None:
            outgoing.tables({"coefficients": fitted.coefficients})
        if fitted.signature is not None:
            outgoing.tables({"signature": fitted.signature})
        calibration = outcome_kind(protocol).calibration(work.cohort, judged.prediction)
        log_performance(outgoing, judged.evaluation, calibration, model=spec.name, sites=(site, site))
        log_subgroups(outgoing, judged.groups, model=spec.name)
        with TemporaryDirectory() as folder:
            fitted.released.save(Path(folder))
            work.gate.refuse(Path(folder))
            example = synthetic_patients(fitted.released.design)
            log_model(
                run,
                name=spec.name,
                folder=Path(folder),
                signature_input=example,
                signature_output=fitted.released.table(example),
                registered_name=registered_model_name(protocol.name, spec.name, site),
                pip_requirements=REQUIREMENTS,
            )


REQUIREMENTS = ["biolab"]
