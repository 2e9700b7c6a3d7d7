"""How the tests are divided between processes: a file stays together, and of the kernels' contract each operation."""

import re
from collections.abc import Generator

import pytest

CONTRACT = "test_contract.py"


@pytest.hookimpl(wrapper=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Keep together what shares a fixture or a compilation (for ``--dist loadgroup``)."""
    for item in items:
        file = item.nodeid.split("::")[0]
        operation = re.search(r"\[(\w+)", item.name) if file.endswith(CONTRACT) else None
        item.add_marker(pytest.mark.xdist_group(f"{file}:{operation[1]}" if operation else file))
    yield
