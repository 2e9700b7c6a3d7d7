"""The control room in a real JupyterLab, driven through Chromium's own protocol: the clock runs, buttons act."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import biolab
from biolab.reports.language import prose

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None or find_spec("jupyterlab") is None, reason="no Chromium or no JupyterLab"),
]
SOURCE = """
import biolab as bl
from biolab.bioprocess import CHOFedBatch
room = bl.reports.control_room(CHOFedBatch(), seed=5, operator="heron", language="ko")
room.advance(50)
room
"""
HERE = {"PYTHONPATH": str(Path(biolab.__file__).resolve().parents[1])}
RUN_HERE = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "modifiers": 8}


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


@contextmanager
def running(*command: str, cwd: Path) -> Generator[None]:
    with (cwd / "log.txt").open("a") as log:
        process = subprocess.Popen(command, cwd=cwd, stdout=log, stderr=log, env=os.environ | HERE | {"HOME": str(cwd)})
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


class Page:
    """A tab, spoken to in Chromium's DevTools protocol."""

    def __init__(self, socket) -> None:
        self.socket, self.number = socket, 0

    async def call(self, method: str, **values: object) -> dict:
        self.number += 1
        await self.socket.write_message(json.dumps({"id": self.number, "method": method, "params": values}))
        while True:
            answer = json.loads(await self.socket.read_message())
            if answer.get("id") == self.number:
                return answer["result"]

    async def ask(self, script: str) -> object:
        found = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return found["result"].get("value")

    async def until(self, script: str, seconds: float = 300.0) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := await self.ask(script):
                return found
            await asyncio.sleep(0.5)
        raise TimeoutError(script)

    async def press(self, text: str) -> None:
        one = f"[...document.querySelectorAll('.jupyter-button')].find(b => b.textContent.trim() == {json.dumps(text)})"
        await self.until(f"!!{one}")
        await self.ask(f"{one}.click()")

    async def run_first_cell(self) -> None:
        place = await self.until(
            "(() => { const one = document.querySelector('.jp-Notebook .cm-content'); if (!one) return null;"
            "const box = one.getBoundingClientRect(); return [box.x + 60, box.y + 8] })()"
        )
        await asyncio.sleep(3)
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, **RUN_HERE)


async def tab(port: int) -> Page:
    from tornado.websocket import websocket_connect

    for _ in range(120):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
                pages = [each for each in json.load(answer) if each["type"] == "page"]
            return Page(await websocket_connect(pages[0]["webSocketDebuggerUrl"], max_message_size=1 << 28))
        except (OSError, IndexError):
            await asyncio.sleep(0.5)
    raise TimeoutError("Chromium did not open")


async def shift(lab: int, debug: int) -> tuple[str, str, str]:
    page = await tab(debug)
    try:
        return await work(page, lab)
    finally:
        page.socket.close()
        while await page.socket.read_message() is not None:
            pass


async def work(page: Page, lab: int) -> tuple[str, str, str]:
    say = prose("ko")
    await page.call("Page.navigate", url=f"http://127.0.0.1:{lab}/lab/tree/room.ipynb")
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
    lab, debug = free_port(), free_port()
    server = (
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={lab}"),
        *("--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"),
    )
    browser = (
        *(str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1500,1250"),
        *(f"--remote-debugging-port={debug}", f"--user-data-dir={tmp_path / 'profile'}", "about:blank"),
    )
    with running(*server, cwd=tmp_path):
        wait_for(lab)
        with running(*browser, cwd=tmp_path):
            before, after, words = asyncio.run(shift(lab, debug))
    assert "배양 2일 2시간 (50 h)" in before
    assert before != after
    assert "용존산소, %" in words


def wait_for(port: int) -> None:
    for _ in range(240):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api"):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError("JupyterLab did not start")
