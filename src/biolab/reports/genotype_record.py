"""A genotype study as a run in MLflow: aggregates, settings and figures, no person's value."""

from biolab import __version__
from biolab.tracking import Store, checked_word, recorded_run

from .genotype_page import scan_plates
from .genotype_study import GenotypeStudy
from .legend import Legend

_STUDY, _ROLE, _VERSION = "biolab.study", "biolab.role", "biolab.code.version"


def record_study(study: GenotypeStudy, store: Store) -> str:
    """Write a study's settings, metrics, tables and figures of scans as a run of ``biolab/genotypes/<name>``.

    Tables: quality (step by step), matching (rows of weights by reason), score_quantiles (to three digits, the extremes
    left out) and leads_<scan>. Components and scores of persons stay on disk.

    Raises
    ------
    ConfigError
        If the study's name cannot stand in MLflow.
    TrackingError
        If the store cannot be written.
    """
    name = checked_word("study", study.name)
    tags = {_STUDY: name, _ROLE: "genotypes", _VERSION: __version__}
    with recorded_run(store, experiment=f"biolab/genotypes/{name}", name=name, tags=tags) as run:
        run.params(study.settings)
        run.metrics(study.metrics)
        run.table("quality", study.quality)
        if study.scores is not None:
            run.table("matching", study.matching_counts())
            run.table("score_quantiles", study.score_quantiles())
        for scan in study.scans:
            run.table(f"leads_{scan.name}", scan.leads())
            for plate in scan_plates(scan, Legend()):
                run.text(f"figures/{plate.name}.svg", str(plate.svg))
    return run.run_id
