"""A trainee's notebook in a real JupyterLab: sliders move and the figure follows, in the notebook's language."""

import json
from pathlib import Path
from typing import Any

import pytest

from biolab.course import Language, Module, build, find_module, notebook

from .browser import MISSING, Page, in_lab

pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING, reason="no Chromium or no JupyterLab")]
COURSE = Path(__file__).parents[2] / "notebooks" / "course"
NARROW = (1000, 1100)
PANEL = "[...(window.jupyterapp?.shell.widgets('main') ?? [])].find(one => one.content?.model?.cells)"
RUN = f"""(() => {{
const panel = {PANEL}, book = panel.content
window.jupyterapp.shell.activateById(panel.id)
const at = Array.from(book.model.cells).findIndex(cell => cell.id === %s)
book.activeCellIndex = at
book.deselectAll()
book.scrollToItem(at, 'start')
window.jupyterapp.commands.execute('notebook:run-cell')
return at }})()"""
STATE = f"""(() => {{
const cell = {PANEL}.content.model.cells.get(%d)
return cell.executionState == 'idle' && cell.executionCount }})()"""
NODE = f"{PANEL}.content.widgets[%d].node"
TEXT = f"{PANEL}.content.widgets[%d].node.querySelector('.jp-RenderedMarkdown').innerText"
CUT = """[...%s.querySelectorAll('.cm-scroller, .jp-OutputArea-output')]
.filter(one => one.offsetParent && one.scrollWidth > one.clientWidth + 1)
.map(one => one.className + ' ' + one.scrollWidth + ' ' + one.clientWidth)"""


async def run(page: Page, name: str) -> str:
    """Run a cell by its name; say where it stands on the page."""
    at = int(str(await page.ask(RUN % json.dumps(name))))
    await page.until(STATE % at)
    return NODE % at


async def arrow(page: Page, key: str, code: int) -> None:
    for kind in ("keyDown", "keyUp"):
        await page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)


async def drawn(page: Page, cell: str, other_than: str = "") -> str:
    """Return the figure of a cell as soon as there is one that is not the one known."""
    figure = f"{cell}.querySelector('.widget-output svg')?.outerHTML"
    return str(await page.until(f"(() => {{ const now = {figure}; return now != {json.dumps(other_than)} && now }})()"))


@pytest.mark.parametrize(
    ("number", "language", "explorer"),
    [("02", "ko", "dose-explorer"), ("03", "en", "gassing-out-explorer"), ("03", "ko", "loop-explorer")],
)
def test_a_slider_moves_the_figure_and_nothing_is_cut(number: str, language: Language, explorer: str, tmp_path: Path):
    module = Module.load(find_module(number, COURSE))
    [built] = [each for each in build([module], tmp_path, languages=[language]) if each.audience == "trainee"]
    code = [cell["id"] for cell in notebook(module, language=language, audience="trainee")["cells"]]
    needed = [name for name in code if name.startswith(("code-setup", "code-interactive"))]
    last = f"code-interactive-{explorer}"

    async def work(page: Page) -> tuple[str, str, dict[str, object]]:
        await page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        await page.until(f"{PANEL}?.sessionContext.isReady && {PANEL}.content.model.cells.length > 5")
        cut: dict[str, object] = {}
        for name in needed[: needed.index(last) + 1]:
            cell = await run(page, name)
            cut[name] = await page.ask(CUT % cell)
            await page.picture(tmp_path / f"{name}.png")
        before = await drawn(page, cell)
        await page.ask(f"{cell}.querySelector('.noUi-handle').focus()")
        for _ in range(3):
            await arrow(page, "ArrowRight", 39)
        after = await drawn(page, cell, before)
        await page.picture(tmp_path / "moved.png")
        return before, after, {name: found for name, found in cut.items() if found}

    before, after, cut = in_lab(built.path.parent, built.path.name, work, size=NARROW)
    assert before != after
    assert cut == {}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_formulas_are_set_without_a_network(language: Language, tmp_path: Path):
    module = Module.load(find_module("03", COURSE))
    [built] = [each for each in build([module], tmp_path, languages=[language]) if each.audience == "trainee"]
    cells = notebook(module, language=language, audience="trainee")["cells"]
    told = [at for at, cell in enumerate(cells) if cell["cell_type"] == "markdown" and "$" in "".join(cell["source"])]

    async def work(page: Page) -> list[Any]:
        await page.until(f"{PANEL}?.sessionContext.isReady && {PANEL}.content.model.cells.length > 5")
        found = []
        for at in told:
            await page.ask(f"{PANEL}.content.scrollToItem({at}, 'start')")
            await page.until(f"{NODE % at}.querySelectorAll('mjx-container').length", 60)
            found.append(await page.ask(f"[{NODE % at}.querySelectorAll('mjx-merror').length, {TEXT % at}]"))
        return found

    found = in_lab(built.path.parent, built.path.name, work, size=NARROW)
    assert len(found) == 10
    assert all(errors == 0 and "$" not in text for errors, text in found)
