"""Versions of what computed the numbers."""

import platform
import subprocess
from functools import cache
from importlib.metadata import distributions, version
from pathlib import Path

import polars as pl

import biolab
from biolab.core import canonical_json, sha256_hex

COMPUTES = ("numpy", "scipy", "polars", "torch", "scikit-learn", "numba", "mlflow", "survival")
_PATIENCE_S = 5


def installed_versions() -> pl.DataFrame:
    """Return name and version of biolab, Python and the packages that compute."""
    rows = {"biolab": biolab.__version__, "python": platform.python_version()} | {
        name: version(name) for name in COMPUTES
    }
    return pl.DataFrame({"name": list(rows), "version": list(rows.values())})


@cache
def environment_sha256() -> str:
    """Return the digest of Python's version and of every installed package's name and version.

    >>> len(environment_sha256())
    64
    """
    packages = {(str(each.metadata["Name"]).lower(), each.version) for each in distributions()}
    listing = {"python": platform.python_version(), "packages": sorted(packages)}
    return sha256_hex(canonical_json(listing))


@cache
def code_commit() -> str | None:
    """Return the git commit that biolab runs from, ``-dirty`` if it was changed since; ``None`` if installed."""
    folder = Path(biolab.__file__).parent
    if not any((above / ".git").exists() for above in folder.parents[:2]):
        return None
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PATIENCE_S)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
