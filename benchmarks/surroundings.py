"""Where a measurement was made: commit, machine, load, versions; and the peak memory of this process."""

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def surroundings(*, threads: int | None = None, packages: Sequence[str] = ()) -> dict[str, object]:
    """Return what a reader of a figure must know; packages that are not installed have no version."""
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "commit": said("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": model[0].split(":")[1].strip() if model else platform.processor(),
        "cores": os.cpu_count(),
        "threads": threads or os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: installed(name) for name in packages},
    }


def said(*command: str) -> str:
    """Return what a command prints."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return "not installed"


def installed(package: str) -> str | None:
    """Return the version of a package of this Python."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def peak_mib() -> float:
    """Return the most memory held since this program started (getrusage would count its parent's)."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
