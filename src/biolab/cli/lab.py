"""``biolab lab``: JupyterLab in notebooks/."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from biolab.core.errors import BiolabError, ConfigError, MissingExtraError

from .options import AsJson, print_json

# Long lines of code wrap, so that none is cut at the edge of a narrow window; no pop-up asks about news.
SETTINGS = Path(__file__).with_name("lab_settings")


def lab(*, folder: Path = Path("notebooks"), port: int = 8888, browser: bool = True, as_json: AsJson = False) -> None:
    """Open JupyterLab on the notebooks, which are paired text files (right click, Open With, Notebook).

    Parameters
    ----------
    folder
        Folder JupyterLab starts in.
    port
        Port on this machine.
    browser
        Open a browser window.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise MissingExtraError("JupyterLab is not installed. Install it with: pip install 'biolab[lab]'")
    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder. Start from a checkout of biolab or name one with --folder.")
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        str(folder),
        f"--port={port}",
        f"--LabApp.app_settings_dir={SETTINGS}",
    ]
    command += [] if browser else ["--no-browser"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    if as_json:
        print_json({"command": command})
        return
    if status := _wait(subprocess.Popen(command)):
        raise BiolabError(f"JupyterLab ended with status {status}; what it said is above. Is port {port} free?")


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for JupyterLab; Ctrl-C reaches it too, and it is left to it what that means."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
