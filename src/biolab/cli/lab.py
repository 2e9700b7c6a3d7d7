"""``biolab lab``: JupyterLab in notebooks/."""

import importlib.util
import subprocess
import sys
from pathlib import Path

from biolab.core.errors import ConfigError, MissingExtraError

from .options import AsJson, print_json


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
    command = [sys.executable, "-m", "jupyterlab", str(folder), f"--port={port}"]
    command += [] if browser else ["--no-browser"]
    if as_json:
        print_json({"command": command})
        return
    subprocess.run(command, check=False)
