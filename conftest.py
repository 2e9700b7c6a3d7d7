"""What pytest must not import here (Triton kernels without triton), and examples that `make check` runs."""

from importlib.util import find_spec

import pytest

collect_ignore_glob = [] if find_spec("triton") else ["src/biolab/kernels/*/gpu.py"]

# Their examples call kernels that take 10 to 50 s to compile in a fresh clone.
LONG_TO_COMPILE = (
    "src/biolab/kernels/cox_scan/",
    "src/biolab/kernels/logistic_scan/",
    "src/biolab/survival/cox_scan.py",
    "src/biolab/survival/selection.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them slow."""
    for item in items:
        if item.nodeid.startswith(LONG_TO_COMPILE):
            item.add_marker("slow")
