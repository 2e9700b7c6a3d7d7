"""Where a comparison's protocol, and with it the sites' keys, comes from: a lock, a folder, or the runs themselves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from biolab.core import ConfigError
from biolab.tracking import Store

from .comparison import recorded_protocol
from .lock import LOCK_FILE, experiment_folder, load_lock
from .protocol import Protocol

Source = Literal["lock", "folder", "runs"]


@dataclass(frozen=True, kw_only=True)
class KnownProtocol:
    """A protocol and how far its keys can be trusted.

    ``lock``: under the coordinator's signature; ``folder``: from a protocol.toml at hand; ``runs``: as the newest site
    run recorded it, so that who may write to the store could have put other keys there.
    """

    protocol: Protocol
    source: Source


def known_protocol(name: str, store: Store) -> KnownProtocol:
    """Find the protocol of an experiment by its name, or by the folder that holds it.

    A name is looked up under ``experiments/``, where a lock counts, then in the store.

    Raises
    ------
    ConfigError
        If the lock or the protocol is faulty.
    TrackingError
        If nothing of that name is known.
    """
    try:
        folder = experiment_folder(name)
    except ConfigError:
        folder = None
    if folder is not None and (folder / LOCK_FILE).exists():
        return KnownProtocol(protocol=load_lock(folder).protocol, source="lock")
    if folder is not None and folder == Path(name):
        return KnownProtocol(protocol=Protocol.load(folder), source="folder")
    return KnownProtocol(protocol=recorded_protocol(name, store), source="runs")
