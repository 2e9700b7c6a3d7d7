"""External validation: models released by one site, judged on another site's patients."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biolab.tracking import RunRecord, conventions, experiment_name, recorded_run

from .fitting import Prediction
from .judged import COHORT_DIGEST
from .outcomes import outcome_kind
from .outgoing import OutgoingRun
from .performance import Advance
from .pooling import POOLED
from .records import describe_run, log_performance, log_subgroups, run_tags
from .released_models import ReleasedModels, complete_models
from .site import SiteWork
from .subgroups import subgroup_tables

Judged = tuple[str, str, tuple[str, ...]]
"""A model, where it was fitted, and the runs it came from (``judged_models``): what a validation judged."""


def validate_at_site(
    work: SiteWork,
    *,
    train_site: str,
    advance: Advance,
    source: ReleasedModels | None = None,
    standing: Collection[Judged] = (),
) -> list[str]:
    """Judge every model that ``train_site`` released on this site's cohort; write one run a model.

    Parameters
    ----------
    work
        The site that judges; runs go to its own store.
    train_site
        Whose models.
    advance
        Called once with a line of text.
    source
        Where the models come from, such as ``verified_models`` of the joint server; by default the site's own store,
        unverified.
    standing
        Validations that are there already; they are not written again.

    Returns
    -------
    list of str
        The ids of the validation runs.

    Raises
    ------
    TrackingError
        If the other site has no complete run under this very protocol.
    DataError
        If a model's files are not those that its site signed.
    """
    advance(f"{work.site}: validating the models of {train_site}")
    models = complete_models(work.protocol, work.store, [train_site]) if source is None else source
    origins = {
        name: _Origin(params={"model_run_id": run.run_id}, members=[run])
        for name, run in models.models.get(train_site, {}).items()
    }
    if not _new(train_site, origins, standing):
        return []
    predictions = {name: _predicted(work, models, origin.members[0]) for name, origin in origins.items()}
    return _record(work, train_site, predictions, _new(train_site, origins, standing))


def validate_pooled_at_site(
    work: SiteWork, *, advance: Advance, source: ReleasedModels | None = None, standing: Collection[Judged] = ()
) -> list[str]:
    """Judge each model as pooled over all other sites: leave one institution out, without pooling rows.

    Weights are the training sites' numbers of patients. Sites that showed nothing, or not this model, have no part; a
    model that fewer than two others have is left out, and so is one that a site released and that does not hold.

    Parameters
    ----------
    work, advance, source, standing
        As for ``validate_at_site``; every other site must have a run in ``source``.

    Returns
    -------
    list of str
        The ids of the validation runs.

    Raises
    ------
    TrackingError
        If another site has no complete run under this very protocol.
    DataError
        If a model's files are not those that its site signed.
    """
    advance(f"{work.site}: validating the models of all others, pooled")
    others = [site for site in work.protocol.sites if site != work.site]
    models = complete_models(work.protocol, work.store, others) if source is None else source
    origins: dict[str, _Origin] = {}
    for spec in work.protocol.models:
        members = {site: models.models[site][spec.name] for site in others if spec.name in models.models[site]}
        if len(members) >= 2 and not any(models.is_refused(site, spec.name) for site in others):
            origins[spec.name] = _pool_of(models, members)
    if not _new(POOLED, origins, standing):
        return []
    predictions = {
        name: outcome_kind(work.protocol).pool(
            [_predicted(work, models, run) for run in origin.members], np.array(origin.weights)
        )
        for name, origin in origins.items()
    }
    return _record(work, POOLED, predictions, _new(POOLED, origins, standing))


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """Where the judged predictions come from: the runs of one model or of the members of a pool."""

    params: Mapping[str, object]
    members: Sequence[RunRecord]
    weights: Sequence[float] = (1.0,)

    @property
    def digests(self) -> tuple[str, ...]:
        """Digests of the signed members, which name them in every store; none where one is not signed."""
        found = [run.tags.get(conventions.RUN_DIGEST) for run in self.members]
        return () if None in found else tuple(map(str, found))

    @property
    def judged(self) -> tuple[str, ...]:
        """What names the members, as ``judged_models`` reads it from the validation."""
        return self.digests or tuple(run.run_id for run in self.members)


def _pool_of(models: ReleasedModels, members: Mapping[str, RunRecord]) -> _Origin:
    weights = np.array([models.sites[site].metrics.get("patients", 0.0) for site in members])
    shares = dict(zip(members, (weights / weights.sum()).round(6).tolist(), strict=True))
    ids = [run.run_id for run in members.values()]
    return _Origin(
        params={"member_run_ids": ids, "member_weights": shares},
        members=list(members.values()),
        weights=weights.tolist(),
    )


def _new(train_site: str, origins: Mapping[str, _Origin], standing: Collection[Judged]) -> dict[str, _Origin]:
    return {name: each for name, each in origins.items() if (name, train_site, each.judged) not in standing}


def _predicted(work: SiteWork, models: ReleasedModels, run: RunRecord) -> Prediction:
    return models.load(work.protocol, run).predict(work.cohort.frame)


def _record(
    work: SiteWork, train_site: str, predictions: Mapping[str, Prediction], origins: Mapping[str, _Origin]
) -> list[str]:
    """Judge the predictions on the site's patients, side by side, and write a run for each model that has an origin."""
    protocol, site = work.protocol, work.site
    outcome = outcome_kind(protocol)
    evaluation = outcome.judge(work.cohort, predictions, test_site=site)
    groups = subgroup_tables(protocol, work.cohort, predictions, sites=(train_site, site))
    cohort = work.cohort.digest
    written = []
    for name, origin in origins.items():
        with recorded_run(
            work.store,
            experiment=experiment_name(protocol.name),
            name=f"{name} of {train_site} at {site}",
            tags=run_tags(protocol, role="validation", site=site, model=name, model_site=train_site),
            description=describe_run(protocol, f"{name} of {train_site}, judged on the patients of {site}"),
        ) as run:
            outgoing = OutgoingRun(run=run, gate=work.gate)
            outgoing.params({**origin.params, COHORT_DIGEST: cohort})
            run.text("protocol.json", protocol.canonical)
            if origin.digests:
                run.tags({conventions.MODEL_RUN_DIGEST: " ".join(origin.digests)})
            calibration = outcome.calibration(work.cohort, predictions[name])
            log_performance(outgoing, evaluation, calibration, model=name, sites=(train_site, site))
            log_subgroups(outgoing, groups, model=name)
            written.append(run.run_id)
    return written
