"""External validation: models released by one site, judged on another site's patients."""

from biolab.core import TrackingError
from biolab.survival import ReleasedModel
from biolab.tracking import experiment_name, find_runs, load_released, recorded_run

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
    released = released_models(work, train_site)
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
            calibration = calibration_table(protocol, work.cohort, prediction)
            log_performance(run, evaluation, calibration, model=name, sites=(train_site, site))
            written.append(run.run_id)
    return written


def released_models(work: SiteWork, train_site: str) -> dict[str, ReleasedModel]:
    """Fetch the models of the latest complete run of a site under this very protocol."""
    protocol = work.protocol
    asked = {"protocol": protocol.name, "sha256": protocol.sha256, "site": train_site}
    parents = find_runs(work.store, **asked, role="site")
    if not parents:
        raise TrackingError(
            f"Site {train_site!r} has no complete run of protocol {protocol.name} {protocol.protocol.version} "
            f"({protocol.sha256[:12]}) in {work.store.tracking_uri}. Run that site first."
        )
    children = [run for run in find_runs(work.store, **asked, role="model") if run.parent_id == parents[0].run_id]
    return {str(run.model): ReleasedModel.load(load_released(work.store, run)) for run in children}
