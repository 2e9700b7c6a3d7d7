"""What pytest must not import (Triton kernels without triton), what `make check` runs, and the order of files."""

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
# One process compiles the kernels while the other runs what needs none; what calls them comes when they are there.
CONTRACT = "tests/kernels/test_contract.py"
CALL_KERNELS = (
    "tests/benchmarks/",
    "tests/bioprocess/",
    "tests/cli/",
    "tests/genotypes/",
    "tests/joint/",
    "tests/kernels/",
    "tests/survival/",
    "tests/validation/",
    "src/",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow examples, and put the kernels' contract first and what calls kernels last."""
    for item in items:
        if item.nodeid.startswith(LONG_TO_COMPILE):
            item.add_marker("slow")
    items.sort(key=lambda item: (not item.nodeid.startswith(CONTRACT), item.nodeid.startswith(CALL_KERNELS)))
