"""Artifact addresses and the local paths they stand for."""

from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import url2pathname

from biolab.core import ConfigError


def local_path(uri: str) -> Path | None:
    """Return the path a ``file:`` address stands for, ``None`` for any other address.

    >>> local_path("mlflow-artifacts:/1/abc") is None
    True
    >>> local_path("file:///lab%20one/artifacts").name
    'artifacts'
    """
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return None
    share = f"//{parts.netloc}" if parts.netloc else ""
    return Path(url2pathname(share + parts.path))


def checked_path(path: str) -> str:
    """Return an artifact path that stays inside its run's folder.

    >>> checked_path("figures/forest.svg")
    'figures/forest.svg'

    Raises
    ------
    ConfigError
        If the path is absolute, climbs out with ``..``, or is not written with ``/``.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or ":" in path or ".." in parts:
        raise ConfigError(f"The artifact path {path!r} must be relative, with '/' between folders and without '..'.")
    return path
