"""``biolab genotypes record`` and ``page``: a folder of steps as a run in MLflow, and as a page."""

from pathlib import Path

from .genotype_scans import genotypes
from .options import AsJson, Language, StoreOptions, print_json


@genotypes.command
def record(
    folder: Path,
    *,
    name: str | None = None,
    out: Path | None = None,
    store: StoreOptions | None = None,
    as_json: AsJson = False,
) -> None:
    """Write the aggregates of a study's folder as a run in MLflow; components and scores of persons stay on disk.

    Parameters
    ----------
    folder
        Folder with clean.json and what the other steps wrote.
    name
        Name of the study; by default the folder's.
    out
        Where to say which run it is; by default run.json in the folder, where ``page`` looks for it.
    """
    import json

    from biolab.core import write_atomically
    from biolab.reports import read_study, record_study

    opened = (store or StoreOptions()).open()
    study = read_study(folder, name=name)
    run_id = record_study(study, opened)
    said = {"step": "record", "study": study.name, "run_id": run_id, "tracking_uri": opened.tracking_uri}
    write_atomically(out or folder / "run.json", json.dumps(said, indent=2) + "\n")
    if as_json:
        print_json(said)
        return
    print(f"{study.name}: run {run_id} in {opened.label}")


@genotypes.command
def page(
    folder: Path, *, out: Path, name: str | None = None, language: Language = "en", as_json: AsJson = False
) -> None:
    """Write a study's folder as one HTML page. It shows a point a person: it stays where the persons' data may stay.

    Parameters
    ----------
    folder
        Folder with clean.json and what the other steps wrote.
    out
        The page, .html.
    name
        Name of the study; by default the folder's.
    language
        Language of the page.
    """
    from biolab.core import write_atomically
    from biolab.reports import genotype_page, read_study

    study = read_study(folder, name=name)
    written = write_atomically(out, genotype_page(study, language=language))
    if as_json:
        print_json({"step": "page", "study": study.name, "page": str(written), "language": language})
        return
    print(f"wrote {written}")
