"""``biolab run``: a joint experiment from its protocol to the report."""

from pathlib import Path

from .one_site import OneSiteOptions, run_site
from .options import AsJson, Language, StoreOptions, print_json
from .outcome import outcome, print_outcome, ui_command
from .progress import progress


def run(
    experiment: Path,
    *,
    store: StoreOptions | None = None,
    language: Language = "en",
    seed: int | None = None,
    one: OneSiteOptions | None = None,
    as_json: AsJson = False,
) -> None:
    """Run a joint experiment: every site's models, external validation, comparison and report; or one site's part.

    Parameters
    ----------
    experiment
        Folder that holds a protocol.toml, or the file itself.
    language
        Language of the report.
    seed
        Another seed than the protocol's; the run then stands under another protocol digest.
    """
    options = store or StoreOptions()
    if one is not None and one.site is not None:
        run_site(experiment, one, options, seed=seed, as_json=as_json)
        return
    from biolab.joint import Protocol, plan, run_experiment
    from biolab.reports import publish

    protocol = Protocol.load(experiment).with_seed(seed)
    opened = options.open()
    with progress(protocol.name, total=plan(protocol).total + 1, quiet=as_json) as advance:
        comparison = run_experiment(protocol, opened, advance=advance)
        advance("writing the report")
        published = publish(comparison, opened, folder=options.output, language=language)
    if as_json:
        print_json(outcome(comparison, published, opened))
    else:
        print_outcome(comparison, published, mlflow=ui_command(options), language=language)
