"""``biolab run``: a joint experiment from its protocol to the report."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from .one_site import OneSiteOptions, run_site
from .options import AsJson, Language, StoreOptions, print_json
from .outcome import outcome, print_outcome, ui_command
from .progress import progress

if TYPE_CHECKING:
    from biolab.core.workers import Workers


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
    with _a_process_a_site(experiment) as workers:
        from biolab.joint import Protocol, plan, run_experiment
        from biolab.reports import publish

        protocol = Protocol.load(experiment).with_seed(seed)
        opened = options.open()
        with progress(protocol.name, total=plan(protocol).total + 1, quiet=as_json) as advance:
            comparison = run_experiment(protocol, opened, advance=advance, workers=workers)
            advance("writing the report")
            published = publish(comparison, opened, folder=options.output, language=language)
    if as_json:
        print_json(outcome(comparison, published, opened))
    else:
        print_outcome(comparison, published, mlflow=ui_command(options), language=language)


def _a_process_a_site(experiment: Path) -> "Workers":
    """Return what shares the sites among the processors, each process with its part of the threads."""
    from biolab.core.workers import Workers
    from biolab.kernels.torch_if_loaded import thread_count

    threads = thread_count()
    processes = min(_sites(experiment), threads)
    return Workers(
        processes - 1,
        threads=threads // processes if processes > 1 else None,
        preload=("biolab.joint", "biolab.tracking.session:load_mlflow"),
    )


def _sites(experiment: Path) -> int:
    """Count the sites without loading what reads a protocol; one, if this is none, which its reader will say."""
    path = experiment / "protocol.toml" if experiment.is_dir() else experiment
    try:
        return max(1, len(tomllib.loads(path.read_text("utf-8"))["sites"]))
    except (OSError, ValueError, KeyError, TypeError):
        return 1
