"""Every notebook runs whole, keeps to the rules of the house and stores no output."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import jupytext
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(path for path in FOLDER.rglob("*.md") if path.name != "module.md")
"""Modules of the course are read by biolab.course; tests/course looks at them."""
NAMES = [str(path.relative_to(FOLDER)) for path in NOTEBOOKS]
FIRST = "research/01-two-institutions.md"
"""Run with every test; the others with the longer tests (`make check`)."""
EXECUTED = [
    pytest.param(path, id=name, marks=[] if name == FIRST else pytest.mark.slow)
    for path, name in zip(NOTEBOOKS, NAMES, strict=True)
]


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """Give what runs a notebook's cells in a kernel, here in this process: packages are loaded and kernels compiled."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def code_cells(path: Path) -> list[str]:
    return [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]


def test_there_are_notebooks() -> None:
    assert FIRST in NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_cells_are_short_and_checked(path: Path) -> None:
    cells = code_cells(path)
    assert max(cell.count("\n") + 1 for cell in cells) <= 15
    assert any("assert " in cell for cell in cells)
    assert not [cell for cell in cells if re.search(r"^\s*[!%]", cell, re.M)]


@pytest.mark.parametrize("path", EXECUTED)
def test_runs_whole(path: Path, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(path.parent)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # a kernel shows warnings, this suite refuses them
        warnings.filterwarnings("error", category=DeprecationWarning, module="biolab")
        for cell in code_cells(path):
            shell.run_cell(cell, store_history=False).raise_error()


@pytest.mark.slow
def test_runs_in_a_kernel() -> None:
    path = FOLDER / FIRST
    notebook = jupytext.read(path)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}})
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
