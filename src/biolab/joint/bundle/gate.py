"""The gate before anything leaves a site: everything that goes into a bundle passes here, and only here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from biolab.core import DataError
from biolab.joint.disclosure import ReleaseLedger, Rules, Traces, refuse
from biolab.joint.manifest import Manifest

_NAME = "mlflow.runName"
ALLOWED = frozenset({".json", ".csv", ".svg", ".png", ".html", ".md", ".txt", ".safetensors"})


@dataclass(frozen=True, kw_only=True)
class ReleaseCheck:
    """What a release is held against: the protocol's rules, and at the site its own patients and earlier releases."""

    rules: Rules
    traces: Traces | None = None
    ledger: ReleaseLedger | None = None


def check_release(check: ReleaseCheck, manifest: Manifest, folder: Path) -> None:
    """Refuse to release a run that holds what the protocol's release rules withhold, or a patient of the site.

    Parameters
    ----------
    check
        The rules and, where the site's data are at hand, the traces of its patients.
    manifest
        What the run says: params, metrics, tags, names, its cohort's profile, its models' examples.
    folder
        Its artifacts and model files, copied as they would lie in the bundle; these very bytes leave.

    Raises
    ------
    DisclosureError
        Names the file and the rule, never the value.
    DataError
        If a file is of a kind that never leaves.
    """
    rules, traces = check.rules, check.traces
    histories: dict[str, list[tuple[int, float]]] = {}
    for key, step, value, _ in manifest.metrics:
        histories.setdefault(key, []).append((step, value))
    metrics = {key: points[0][1] if len(points) == 1 else points for key, points in histories.items()}
    said = {"params": manifest.params, "metrics": metrics, "tags": {**manifest.tags, _NAME: manifest.run.name}}
    refuse(said, rules, cohort=traces)
    if manifest.cohort is not None:
        cohort = {"profile": json.loads(manifest.cohort.profile), "columns": manifest.cohort.columns}
        refuse({**cohort, "source": manifest.cohort.source, _NAME: manifest.cohort.name}, rules, cohort=traces)
    for model in manifest.models:
        refuse({"signature": dict(model.signature)}, rules, cohort=traces)
        if model.example is not None:
            example = pl.DataFrame(model.example.data, schema=list(model.example.columns), orient="row", strict=False)
            refuse(example, rules, cohort=traces, name=f"the input example of model {model.name!r}")
    refuse(folder, rules, cohort=traces)
    for path in folder.rglob("*"):
        if path.is_file():
            check_kind(path.relative_to(folder).as_posix())


def check_differences(check: ReleaseCheck, contents: Mapping[str, bytes], *, release: str) -> None:
    """Refuse a release that can be subtracted from an earlier one, and remember it; nothing without a ledger.

    It is remembered before it leaves: one that was never handed over counts too.

    Parameters
    ----------
    check
        The rules and the site's ledger.
    contents
        Every file of the bundle by its path.
    release
        What the ledger calls it.

    Raises
    ------
    DisclosureError
        If a count differs by fewer than the minimum from the same count of an earlier release.
    ConfigError
        If the ledger is damaged.
    """
    if check.ledger is not None:
        tables = {path: content for path, content in contents.items() if "/artifacts/tables/" in path}
        check.ledger.admit(tables, check.rules, release=release)


def check_kind(path: str) -> None:
    """Refuse a file of a kind that could hold rows or code.

    Raises
    ------
    DataError
        Names the file and the kinds that may leave.
    """
    if PurePosixPath(path).suffix.lower() not in ALLOWED:
        raise DataError(f"{path} cannot leave a site: only {', '.join(sorted(ALLOWED))} may.")
