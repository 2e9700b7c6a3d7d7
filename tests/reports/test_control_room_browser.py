"""The control room in a real JupyterLab: the clock runs, buttons act."""

import json
from pathlib import Path

import pytest

from biolab.reports.language import prose

from .browser import MISSING, Page, in_lab

pytestmark = [pytest.mark.slow, pytest.mark.skipif(MISSING, reason="no Chromium or no JupyterLab")]
SOURCE = """
import biolab as bl
from biolab.bioprocess import CHOFedBatch
room = bl.reports.control_room(CHOFedBatch(), seed=5, operator="heron", language="ko")
room.advance(50)
room
"""


async def work(page: Page) -> tuple[str, str, str]:
    say = prose("ko")
    await page.run_first_cell()
    clock = "document.querySelector('.widget-html-content').textContent"
    await page.until("document.querySelectorAll('.jupyter-button').length > 5")
    before = str(await page.ask(clock))
    await page.press(say("control_room.button_start"))
    await page.until(f"{clock} != {json.dumps(before)} && {clock}.includes({json.dumps(say('control_room.running'))})")
    await page.press(say("control_room.button_sample"))
    refused = f"document.body.textContent.includes({json.dumps(say('control_room.need_reason'))})"
    await page.until(refused)
    field = f"document.querySelector('input[placeholder={json.dumps(say('control_room.why_hint'))}]')"
    await page.ask(
        f"{field}.value = '오프라인 pH 확인'; {field}.dispatchEvent(new Event('input', {{bubbles: true}}));"
        f"{field}.dispatchEvent(new Event('change', {{bubbles: true}}))"
    )
    await page.press(say("control_room.button_sample"))
    await page.until("document.body.textContent.includes('사유: 오프라인 pH 확인')")
    return (
        before,
        str(await page.ask(clock)),
        str(await page.ask("document.querySelector('svg[role=img]').textContent")),
    )


def test_the_clock_runs_and_buttons_act_in_jupyterlab(tmp_path: Path):
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": SOURCE, "outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "room.ipynb").write_text(json.dumps(content), encoding="utf-8")
    before, after, words = in_lab(tmp_path, "room.ipynb", work)
    assert "배양 2일 2시간 (50 h)" in before
    assert before != after
    assert "용존산소, %" in words
