"""Reading ``protocol.toml``: what several sites share is said once, and long lists stand in files beside it."""

import tomllib
from pathlib import Path
from typing import Any

from biolab.core import ConfigError

SHARED = "every_site"


def read_protocol_file(experiment: Path | str) -> tuple[dict[str, Any], Path]:
    """Return the full content of a protocol and the file it stands in.

    ``[every_site]`` holds what all sites have in common (``dataset``, ``columns``); a site's own table overrides it,
    for ``columns`` line by line. ``[panels.NAME] features = "genes.txt"`` reads a list of names, one a line, from a
    file beside the protocol. Both are written out here, so that the digest of a protocol covers them.

    Raises
    ------
    ConfigError
        If a file is missing, is not TOML or UTF-8, or lies outside the experiment's folder.
    """
    path = Path(experiment)
    file = path / "protocol.toml" if path.is_dir() else path
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{file} does not exist. Name a folder that holds a protocol.toml.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error
    for name, panel in _tables(content.get("panels")).items():
        if isinstance(panel.get("features"), str):
            panel["features"] = _names(file, name, panel["features"])
    shared = content.pop(SHARED, {})
    if not isinstance(shared, dict):
        raise ConfigError(f"{file}: {SHARED} is {shared!r}; expected a table like that of a site.")
    for site in _tables(content.get("sites")).values():
        columns = {**shared.get("columns", {}), **site.get("columns", {})}
        site.update({**shared, **site} | ({"columns": columns} if columns else {}))
    return content, file


def _tables(content: object) -> dict[str, dict[str, Any]]:
    found = content if isinstance(content, dict) else {}
    return {name: table for name, table in found.items() if isinstance(table, dict)}


def _names(protocol: Path, panel: str, name: str) -> list[str]:
    folder = protocol.parent.resolve()
    file = (folder / name).resolve()
    if folder not in file.parents:
        raise ConfigError(f"{protocol}: panels.{panel}.features names {name!r}, which lies outside {folder.name}/.")
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{protocol}: panels.{panel}.features: {name!r} cannot be read: {error}") from error
