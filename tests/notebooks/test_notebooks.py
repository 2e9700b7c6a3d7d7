"""Every notebook runs whole, keeps to the rules of the house and stores no output."""

import re
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.rglob("*.md"))
NAMES = [str(path.relative_to(FOLDER)) for path in NOTEBOOKS]


def test_there_are_notebooks() -> None:
    assert NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_cells_are_short_and_checked(path: Path) -> None:
    cells = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    assert max(cell.count("\n") + 1 for cell in cells) <= 15
    assert any("assert " in cell for cell in cells)
    assert not [cell for cell in cells if re.search(r"^\s*[!%]", cell, re.M)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_runs_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error::DeprecationWarning:biolab")
    notebook = jupytext.read(path)
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
