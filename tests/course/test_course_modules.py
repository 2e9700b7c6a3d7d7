"""The course's own modules: whole in both languages, short cells, solutions that grade, notebooks that run."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from biolab.course import LANGUAGES, Language, Module, build, check_module, notebook, sandbox_fault
from biolab.course.interactive import Explorer

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
def test_the_instructors_notebook_runs_whole_and_its_figures_speak_its_language(
    module: Module, language: Language, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    [_, built] = build([module], tmp_path, languages=[language])
    monkeypatch.chdir(built.path.parent)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    drawn = []
    for cell in notebook(module, language=language, audience="instructor")["cells"]:
        if cell["cell_type"] == "code":
            done = shell.run_cell("".join(cell["source"]), store_history=False)
            done.raise_error()
            drawn += figures(done.result)
    assert all((re.search("[가-힣]", svg) is not None) == (language == "ko") for svg in drawn)
    assert drawn or not [cell for cell in module.cells if cell.kind == "interactive"]


def figures(shown: object) -> list[str]:
    """Return what a cell shows as SVG."""
    shown = shown.still() if isinstance(shown, Explorer) else shown
    html = shown._repr_html_() if hasattr(shown, "_repr_html_") else ""
    return [html] if "<svg" in html else []
