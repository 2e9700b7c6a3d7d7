"""External validation: models released by one site, judged on another site's patients."""

from biolab.core import TrackingError
from biolab.survival import ReleasedModel
from biolab.tracking import RunRecord, conventions, experiment_name, find_runs, load_released, recorded_run

from .outgoing import OutgoingRun
from .performance import Advance, calibration_table, judge
from .records import describe_run, log_performance, run_tags
from .site import SiteWork


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
    protocol, site = work.protocol, work.site
    advance(f"{site}: validating the models of {train_site}")
    sources = model_runs(work, train_site)
    released = {name: ReleasedModel.load(load_released(work.store, run.run_id)) for name, run in sources.items()}
    predictions = {name: model.predict(work.cohort.frame) for name, model in released.items()}
    evaluation = judge(protocol, work.cohort, predictions, test_site=site)
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
            outgoing.params({"model_run_id": sources[name].run_id})
            run.text("protocol.json", protocol.canonical)
            if digest := sources[name].tags.get(conventions.RUN_DIGEST):
                run.tags({conventions.MODEL_RUN_DIGEST: digest})
            calibration = calibration_table(protocol, work.cohort, prediction)
            log_performance(outgoing, evaluation, calibration, model=name, sites=(train_site, site))
            written.append(run.run_id)
    return written


def model_runs(work: SiteWork, train_site: str) -> dict[str, RunRecord]:
    """Find the runs of the models of a site's latest complete run under this very protocol, by model."""
    protocol = work.protocol
    parents = find_runs(work.store, protocol=protocol.name, sha256=protocol.sha256, role="site", site=train_site)
    if not parents:
        raise TrackingError(
            f"Site {train_site!r} has no complete run of protocol {protocol.name} {protocol.version} "
            f"({protocol.sha256[:12]}) in {work.store.label}. Run that site first."
        )
    runs = find_runs(
        work.store, protocol=protocol.name, sha256=protocol.sha256, role="model", site=train_site, latest=False
    )
    return {str(run.model): run for run in runs if run.parent_id == parents[0].run_id}
