"""Which experiment a coordinator's command means, and the protocol in force there."""

from pathlib import Path

from biolab.core import ConfigError

from .lock import LOCK_FILE, Lock, experiment_folder, load_lock
from .protocol import Protocol


def experiment_source(name: str | Path, *, coordinator_key: str | None = None) -> Lock | Protocol:
    """Return what bundles of an experiment must stand under: its lock or, where it has none, its protocol.

    Parameters
    ----------
    name
        Name of an experiment under ``experiments/``, or its folder.
    coordinator_key
        Public key the lock must be signed with; asks for a lock.

    Raises
    ------
    ConfigError
        If there is no such experiment or its lock is broken.
    """
    folder = experiment_folder(name)
    if (folder / LOCK_FILE).exists() or coordinator_key is not None:
        return load_lock(folder, coordinator_key=coordinator_key)
    return Protocol.load(folder)


def protocol_in_force(name: str | Path) -> Protocol:
    """Return the protocol of an experiment: the locked one, if there is a lock.

    Raises
    ------
    ConfigError
        If there is no such experiment or its lock is broken.
    """
    source = experiment_source(name)
    return source if isinstance(source, Protocol) else source.protocol


def only_experiment() -> str:
    """Name the one experiment under ``experiments/``.

    Raises
    ------
    ConfigError
        If there is none or there are several.
    """
    known = sorted(path.parent.name for path in Path("experiments").glob("*/protocol.toml"))
    if len(known) != 1:
        found = f"{len(known)} ({', '.join(known)})" if known else "none"
        raise ConfigError(f"experiments/ holds {found}; say which one with --protocol NAME.")
    return known[0]
