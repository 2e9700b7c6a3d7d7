"""A protocol to start from: complete, valid, and to be filled in from the top."""

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from biolab.core import ConfigError, write_atomically

from .protocol import Protocol

SITES = ("site-a", "site-b")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


def new_experiment(name: str, folder: Path, *, sites: Sequence[str] = SITES) -> Path:
    """Write ``folder/<name>/protocol.toml`` from the template and return the experiment's folder.

    Raises
    ------
    ConfigError
        If the name cannot be a protocol's, a site's cannot stand in TOML, or the file exists.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot name a protocol; use lower-case letters, digits and '-', such as lung-study."
        )
    if wrong := [site for site in sites if not re.fullmatch(r"[A-Za-z0-9_-]+", site)]:
        raise ConfigError(f"{wrong[0]!r} cannot name a site; use letters, digits, '_' and '-'.")
    if not sites or len(set(sites)) < len(sites):
        raise ConfigError(f"The sites {list(sites)} must be at least one, each named once.")
    target = folder / name / "protocol.toml"
    if target.exists():
        raise ConfigError(f"{target} exists; edit it, or choose another name.")
    place = files("biolab.joint") / "templates"
    head = (place / "protocol.toml").read_text(encoding="utf-8").replace("@NAME@", name)
    part = (place / "site.toml").read_text(encoding="utf-8")
    write_atomically(target, head + "".join(part.replace("@SITE@", site) for site in sites))
    Protocol.load(target.parent)
    return target.parent
