"""The gate before anything leaves a site: everything that goes into a bundle passes here, and only here."""

import json
from pathlib import Path, PurePosixPath

from biolab.core import DataError
from biolab.joint.disclosure import refuse, rules_of
from biolab.joint.manifest import Manifest
from biolab.joint.protocol import Protocol

_NAME = "mlflow.runName"
ALLOWED = frozenset({".json", ".csv", ".svg", ".png", ".html", ".md", ".txt", ".safetensors"})


def check_release(protocol: Protocol, manifest: Manifest, folder: Path) -> None:
    """Refuse to release a run that holds what the protocol's release rules withhold.

    Parameters
    ----------
    protocol
        The protocol whose release rules hold.
    manifest
        What the run says: params, metrics, tags, names.
    folder
        Its artifacts and model files, copied as they would lie in the bundle; these very bytes leave.

    Raises
    ------
    DisclosureError
        Names the file and the rule, never the value.
    DataError
        If a file is of a kind that never leaves.
    """
    rules = rules_of(protocol)
    histories: dict[str, list[tuple[int, float]]] = {}
    for key, step, value, _ in manifest.metrics:
        histories.setdefault(key, []).append((step, value))
    metrics = {key: points[0][1] if len(points) == 1 else points for key, points in histories.items()}
    refuse({"params": manifest.params, "metrics": metrics, "tags": {**manifest.tags, _NAME: manifest.run.name}}, rules)
    if manifest.cohort is not None:
        refuse({"profile": json.loads(manifest.cohort.profile), _NAME: manifest.cohort.name}, rules)
    refuse(folder, rules)
    for path in folder.rglob("*"):
        if path.is_file():
            check_kind(path.relative_to(folder).as_posix())


def check_kind(path: str) -> None:
    """Refuse a file of a kind that could hold rows or code.

    Raises
    ------
    DataError
        Names the file and the kinds that may leave.
    """
    if PurePosixPath(path).suffix.lower() not in ALLOWED:
        raise DataError(f"{path} cannot leave a site: only {', '.join(sorted(ALLOWED))} may.")
