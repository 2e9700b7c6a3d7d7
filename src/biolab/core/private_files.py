"""Small JSON files that hold a password or a key: readable by their owner alone, checked at every reading."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import ConfigError
from .files import write_atomically


def write_private(path: Path, content: Mapping[str, Any]) -> Path:
    """Write a JSON object that its owner alone can read, in one step.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_private(Path(folder) / "server.json", {"password": "secret"})
    ...     read_private(path, missing="Start the server first.")
    {'password': 'secret'}

    Raises
    ------
    BiolabError
        If the folder cannot be written; what stood there is untouched.
    """
    return write_atomically(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n", mode=0o600)


def read_private(path: Path, *, missing: str) -> dict[str, Any]:
    """Read a JSON object that its owner alone can read; ``missing`` says what to do if it is not there.

    Raises
    ------
    ConfigError
        If it is not there, others can read it, or it is damaged.
    """
    try:
        mode = path.stat().st_mode
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist. {missing}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON; restore it from a copy. {missing}") from error
    if sys.platform != "win32" and mode & 0o077:
        raise ConfigError(f"{path} can be read by others (mode {mode & 0o777:o}). Mend it with: chmod 600 {path}")
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds no JSON object; restore it from a copy. {missing}")
    return content
