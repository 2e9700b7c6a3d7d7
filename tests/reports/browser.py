"""A real JupyterLab and a headless Chromium, spoken to in Chromium's own protocol."""

import asyncio
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import biolab
from biolab.cli.lab import SETTINGS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
Answer = TypeVar("Answer")
MISSING = CHROMIUM is None or find_spec("jupyterlab") is None
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
        await self.run_cell("document.querySelector('.jp-Notebook .cm-content')")

    async def run_cell(self, editor: str) -> None:
        """Run the cell whose editor a script finds, as a person does: click into it, then Shift and Enter."""
        place = await self.until(
            f"(() => {{ const one = {editor}; if (!one) return null; one.scrollIntoView({{block: 'center'}});"
            "const box = one.getBoundingClientRect(); return [box.x + 60, box.y + 8] })()"
        )
        await asyncio.sleep(3)
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, **RUN_HERE)

    async def picture(self, path: Path) -> None:
        """Keep what is on the screen."""
        shot = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))


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


async def _visit(port: int, address: str, work: Callable[[Page], Awaitable[Answer]]) -> Answer:
    page = await tab(port)
    try:
        await page.call("Page.navigate", url=address)
        return await work(page)
    finally:
        page.socket.close()
        while await page.socket.read_message() is not None:
            pass


def wait_for(port: int) -> None:
    for _ in range(240):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api"):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError("JupyterLab did not start")


def in_lab(
    folder: Path, notebook: str, work: Callable[[Page], Awaitable[Answer]], *, size: tuple[int, int] = (1500, 1250)
) -> Answer:
    """Open a notebook of a folder in JupyterLab, do something on its page, and close both."""
    lab, debug = free_port(), free_port()
    server = (
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={lab}"),
        *("--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True"),
        f"--LabApp.app_settings_dir={SETTINGS}",
    )
    browser = (
        *(str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={size[0]},{size[1]}"),
        *(f"--remote-debugging-port={debug}", f"--user-data-dir={folder / 'profile'}", "about:blank"),
    )
    with running(*server, cwd=folder):
        wait_for(lab)
        with running(*browser, cwd=folder):
            return asyncio.run(_visit(debug, f"http://127.0.0.1:{lab}/lab/tree/{notebook}", work))
