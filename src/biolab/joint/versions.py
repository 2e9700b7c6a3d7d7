"""Versions of what computed the numbers."""

import platform
from importlib.metadata import version

import polars as pl

import biolab

COMPUTES = ("numpy", "scipy", "polars", "torch", "scikit-learn", "numba", "mlflow", "survival")


def installed_versions() -> pl.DataFrame:
    """Return name and version of biolab, Python and the packages that compute."""
    rows = {"biolab": biolab.__version__, "python": platform.python_version()} | {
        name: version(name) for name in COMPUTES
    }
    return pl.DataFrame({"name": list(rows), "version": list(rows.values())})
