"""The comparison as people get it: a page on disk, and a run in MLflow that holds page, figures and tables."""

from dataclasses import dataclass
from pathlib import Path

from biolab.core import write_atomically
from biolab.data import Language
from biolab.tracking import Store, experiment_name, recorded_run, run_tags

from .comparison import Comparison
from .legend import legend_of
from .page import page
from .plates import plates

TABLES = (
    "cohorts",
    "coefficients",
    "pooled",
    "validation",
    "differences",
    "calibration",
    "survival_curves",
    "versions",
    "verdicts",
    "changes",
    "missing",
    "fairness",
    "subgroups",
    "subgroup_differences",
    "signatures",
    "withheld",
)


@dataclass(frozen=True, kw_only=True)
class Published:
    """Where a comparison can be read: the page's path and the comparison run's id."""

    page: Path
    run_id: str


def publish(comparison: Comparison, store: Store, *, folder: Path, language: Language = "en") -> Published:
    """Write the page into a folder and log the comparison run: metrics, tables, figures and the page.

    Raises
    ------
    BiolabError
        If the folder cannot be written.
    TrackingError
        If the store cannot be written.
    """
    facts = comparison.protocol
    drawn = plates(comparison, legend_of(comparison, language=language))
    html = page(comparison, language=language, drawn=drawn)
    path = write_atomically(folder.resolve() / f"{facts.name}.{language}.html", html)
    with recorded_run(
        store,
        experiment=experiment_name(facts.name),
        name="comparison",
        tags=run_tags(protocol=facts.name, version=facts.version, sha256=facts.sha256, role="comparison"),
        description=f"**{facts.title[language]}**\n\n{facts.question[language]}\n\nArtifact: report.{language}.html",
    ) as run:
        run.params(comparison.settings)
        run.metrics(comparison.metrics)
        for name in TABLES:
            run.table(name, getattr(comparison, name))
        run.table("ranking", comparison.best.ranking)
        run.table("pooled_performance", comparison.meta.pooled)
        run.table("pooled_performance_sites", comparison.meta.sites)
        run.table("pooled_performance_left_out", comparison.meta.left_out)
        for name, drawing in drawn.files.items():
            run.text(f"figures/{name}", drawing)
        run.text(f"report.{language}.html", html)
    return Published(page=path, run_id=run.run_id)
