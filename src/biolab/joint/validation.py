"""External validation: models released by one site, judged on another site's patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biolab.core import TrackingError
from biolab.tracking import RunRecord, conventions, experiment_name, find_runs, load_released, recorded_run

from .fitting import Prediction
from .outcomes import outcome_kind
from .outgoing import OutgoingRun
from .performance import Advance
from .pooling import POOLED
from .records import describe_run, log_performance, log_subgroups, run_tags
from .site import SiteWork
from .subgroups import subgroup_tables


def validate_at_site(work: SiteWork, *, train_site: str, advance: Advance) -> list[str]:
    """Judge every model that ``train_site`` released on this site's cohort; write one run a model.

    Returns
    -------
    list of str
        The ids of the validation runs.

    Raises
    ------
    TrackingError
        If the other site has no complete run under this very protocol.
    """
    advance(f"{work.site}: validating the models of {train_site}")
    sources = model_runs(work, train_site)
    if not sources:
        return []
    predictions = {name: _predicted(work, run) for name, run in sources.items()}
    origins = {name: _Origin(params={"model_run_id": run.run_id}, members=[run]) for name, run in sources.items()}
    return _record(work, train_site, predictions, origins)


def validate_pooled_at_site(work: SiteWork, *, advance: Advance) -> list[str]:
    """Judge each model as pooled over all other sites: leave one institution out, without pooling rows.

    Weights are the training sites' numbers of patients. Sites that showed nothing, or not this model, have no part; a
    model that fewer than two others have is left out.

    Returns
    -------
    list of str
        The ids of the validation runs.

    Raises
    ------
    TrackingError
        If another site has no complete run under this very protocol.
    """
    advance(f"{work.site}: validating the models of all others, pooled")
    parents = _site_runs(work, [site for site in work.protocol.sites if site != work.site])
    sources = _children(work, parents)
    patients = {site: run.metrics.get("patients", 0.0) for site, run in parents.items()}
    predictions: dict[str, Prediction] = {}
    origins: dict[str, _Origin] = {}
    for spec in work.protocol.models:
        members = {site: runs[spec.name] for site, runs in sources.items() if spec.name in runs}
        if len(members) < 2:
            continue
        weights = np.array([patients[site] for site in members])
        predictions[spec.name] = outcome_kind(work.protocol).pool(
            [_predicted(work, run) for run in members.values()], weights
        )
        shares = dict(zip(members, (weights / weights.sum()).round(6).tolist(), strict=True))
        ids = [run.run_id for run in members.values()]
        origins[spec.name] = _Origin(
            params={"member_run_ids": ids, "member_weights": shares}, members=list(members.values())
        )
    return _record(work, POOLED, predictions, origins) if predictions else []


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """Where the judged predictions come from: the runs of one model or of the members of a pool."""

    params: Mapping[str, object]
    members: Sequence[RunRecord]

    @property
    def digests(self) -> str | None:
        """Digests of the signed members, which name them in every store; null where one is not signed."""
        found = [run.tags.get(conventions.RUN_DIGEST) for run in self.members]
        return None if None in found else " ".join(map(str, found))


def _predicted(work: SiteWork, run: RunRecord) -> Prediction:
    return outcome_kind(work.protocol).load(load_released(work.store, run.run_id)).predict(work.cohort.frame)


def _record(
    work: SiteWork,
    train_site: str,
    predictions: Mapping[str, Prediction],
    origins: Mapping[str, _Origin],
) -> list[str]:
    """Judge the predictions on the site's patients and write a run a model."""
    protocol, site = work.protocol, work.site
    outcome = outcome_kind(protocol)
    evaluation = outcome.judge(work.cohort, predictions, test_site=site)
    groups = subgroup_tables(protocol, work.cohort, predictions, sites=(train_site, site))
    written = []
    for name, prediction in predictions.items():
        with recorded_run(
            work.store,
            experiment=experiment_name(protocol.name),
            name=f"{name} of {train_site} at {site}",
            tags=run_tags(protocol, role="validation", site=site, model=name, model_site=train_site),
            description=describe_run(protocol, f"{name} of {train_site}, judged on the patients of {site}"),
        ) as run:
            outgoing = OutgoingRun(run=run, gate=work.gate)
            outgoing.params(origins[name].params)
            run.text("protocol.json", protocol.canonical)
            if digests := origins[name].digests:
                run.tags({conventions.MODEL_RUN_DIGEST: digests})
            calibration = outcome.calibration(work.cohort, prediction)
            log_performance(outgoing, evaluation, calibration, model=name, sites=(train_site, site))
            log_subgroups(outgoing, groups, model=name)
            written.append(run.run_id)
    return written


def model_runs(work: SiteWork, train_site: str) -> dict[str, RunRecord]:
    """Find the runs of the models of a site's latest complete run under this very protocol, by model."""
    return _children(work, _site_runs(work, [train_site]))[train_site]


def _site_runs(work: SiteWork, sites: Sequence[str]) -> dict[str, RunRecord]:
    """Find the latest complete run of each of some sites under this very protocol."""
    protocol = work.protocol
    found = find_runs(work.store, protocol=protocol.name, sha256=protocol.sha256, role="site")
    latest = {str(run.site): run for run in found}
    for site in sites:
        if site not in latest:
            raise TrackingError(
                f"Site {site!r} has no complete run of protocol {protocol.name} {protocol.version} "
                f"({protocol.sha256[:12]}) in {work.store.label}. Run that site first."
            )
    return {site: latest[site] for site in sites}


def _children(work: SiteWork, parents: Mapping[str, RunRecord]) -> dict[str, dict[str, RunRecord]]:
    """Find the model runs of each site's run, by site and model."""
    protocol = work.protocol
    only = next(iter(parents)) if len(parents) == 1 else None
    runs = find_runs(work.store, protocol=protocol.name, sha256=protocol.sha256, role="model", site=only, latest=False)
    return {
        site: {str(run.model): run for run in runs if run.parent_id == parent.run_id}
        for site, parent in parents.items()
    }
