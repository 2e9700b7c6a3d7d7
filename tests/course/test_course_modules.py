"""The course's own modules: whole in both languages, short cells, solutions that grade, notebooks that run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from biolab.course import LANGUAGES, Module, check_module, notebook, sandbox_fault
from biolab.course.build import copy_figures

ROOT = Path(__file__).parents[2]
FOLDERS = [
    *sorted(path.parent for path in (ROOT / "notebooks" / "course").glob("*/module.md")),
    ROOT / "experiments" / "class-demo" / "modules" / "91-one-dose",
    Path(__file__).parent / "modules" / "90-dilution",
]


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name, scope="module")
def module(request: pytest.FixtureRequest) -> Module:
    return Module.load(request.param)


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """Give what runs a notebook's cells in a kernel, here in this process."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_cells_are_short_as_a_trainee_sees_them(module: Module):
    shown = {cell.name: getattr(cell, "stripped", cell.source).count("\n") + 1 for cell in module.cells}
    assert {name: lines for name, lines in shown.items() if lines > 15} == {}


@pytest.mark.slow
@pytest.mark.skipif(sandbox_fault() is not None, reason=f"no sandbox here: {sandbox_fault()}")
def test_solutions_get_every_point_and_nonsense_none(module: Module):
    found = check_module(module)
    assert found.is_sound, found.wrong.to_dicts()
    assert set(found.scores) == {score.name for score in module.scores}


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_instructors_notebook_runs_whole(
    module: Module, language: str, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    copy_figures(module, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    shell.run_cell("seed = 0", store_history=False)
    content = notebook(module, language=language, audience="instructor")
    for cell in content["cells"]:
        if cell["cell_type"] == "code" and cell["metadata"]["biolab"]["kind"] != "score":
            shell.run_cell("".join(cell["source"]), store_history=False).raise_error()
