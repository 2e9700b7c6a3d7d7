"""A look at this installation: Python, packages, optional extras, device, disk."""

import importlib.util
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

REQUIRED = ("torch", "polars", "scikit-learn", "biopython", "mlflow", "numpy", "scipy", "numba", "survival")
EXTRAS = {
    "lab": ("jupyterlab", "jupytext", "nbclient"),
    "genomics": ("isal", "parasail", "pgenlib"),
    "datasets": ("survset",),
    "federation": ("flwr",),
    "pipelines": ("snakemake",),
    "server": ("boto3", "flask-wtf", "psycopg"),
    "course": ("nbgrader",),
    "gpu": ("triton",),
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at: its state, what was found and how to mend it."""

    name: str
    state: Literal["ok", "missing", "broken"]
    found: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the finding as JSON-able content."""
        return asdict(self)


def examine(folder: Path = Path()) -> list[Finding]:
    """Look at Python, required packages, extras, the device and the disk that holds ``folder``.

    >>> [finding.name for finding in examine()][0]
    'python'
    """
    return [_python(), *map(_required, REQUIRED), *(_extra(*item) for item in EXTRAS.items()), _device(), _disk(folder)]


def _python() -> Finding:
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    remedy = "" if supported else "Install Python 3.11, 3.12 or 3.13."
    return Finding(name="python", state="ok" if supported else "broken", found=platform.python_version(), remedy=remedy)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _required(package: str) -> Finding:
    found = _installed(package)
    if found is None:
        return Finding(name=package, state="broken", found="not installed", remedy=f"pip install {package}")
    return Finding(name=package, state="ok", found=found)


def _extra(extra: str, packages: tuple[str, ...]) -> Finding:
    found = {package: _installed(package) for package in packages}
    absent = [package for package, number in found.items() if number is None]
    if absent:
        return Finding(
            name=f"extra {extra}",
            state="missing",
            found=f"without {', '.join(absent)}",
            remedy=f"only if you need it: pip install 'biolab[{extra}]'",
        )
    return Finding(
        name=f"extra {extra}", state="ok", found=", ".join(f"{name} {number}" for name, number in found.items())
    )


def _device() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding(name="device", state="broken", found="torch is not installed", remedy="pip install torch")
    import torch

    if torch.cuda.is_available():
        return Finding(name="device", state="ok", found=f"cuda: {torch.cuda.get_device_name()}")
    remedy = "" if torch.version.cuda is None else "torch is a CUDA build but sees no GPU: check the driver"
    return Finding(name="device", state="ok", found=f"cpu, {torch.get_num_threads()} threads", remedy=remedy)


def _disk(folder: Path) -> Finding:
    free_gb = shutil.disk_usage(folder.resolve()).free / 1e9
    short = free_gb < 1
    remedy = "Free at least 1 GB, or write elsewhere with --output." if short else ""
    return Finding(name="disk", state="broken" if short else "ok", found=f"{free_gb:.0f} GB free", remedy=remedy)
