"""The locked protocol: every version under the coordinator's signature, each saying what it changed."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from biolab.core import ConfigError, canonical_json, sha256_hex, write_atomically
from biolab.core.validation import Settings, parse_settings

from .differences import flat
from .identity import PrivateIdentity, verify_signature
from .manifest import Digest
from .protocol import Protocol

LOCK_FILE = "protocol.lock.json"
_VERSION_FORMAT = "biolab.lock-version/1"


class Amendment(Settings):
    """One value that a version changed; ``None`` where it was or became absent."""

    path: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.path}: {json.dumps(self.old, ensure_ascii=False)} -> {json.dumps(self.new, ensure_ascii=False)}"


class Coordinator(Settings):
    """Who locked a version."""

    name: str
    public_key: str


class LockedVersion(Settings):
    """One version as it was locked; the signature covers everything else here."""

    format: Literal["biolab.lock-version/1"] = _VERSION_FORMAT
    version: str
    sha256: Digest
    parent: Digest | None
    changes: tuple[Amendment, ...]
    locked_at: str
    coordinator: Coordinator
    protocol: dict[str, Any]
    signature: str

    @property
    def signed(self) -> bytes:
        """The bytes that the coordinator signed."""
        return canonical_json(self.model_dump(mode="json", exclude={"signature"}))

    @property
    def keys(self) -> dict[str, str]:
        """Public key of each site of this version that has one."""
        sites = self.protocol.get("sites") or {}
        return {name: site["public_key"] for name, site in sites.items() if site.get("public_key")}


class Lock(Settings):
    """A protocol's locked versions, oldest first, each naming its parent by hash."""

    format: Literal["biolab.lock/1"] = "biolab.lock/1"
    versions: Annotated[tuple[LockedVersion, ...], Field(min_length=1)]

    @property
    def latest(self) -> LockedVersion:
        """The version in force."""
        return self.versions[-1]

    def find(self, sha256: str) -> LockedVersion | None:
        """Return the version with a hash, if it is one of these."""
        return next((each for each in self.versions if each.sha256 == sha256), None)

    @property
    def protocol(self) -> Protocol:
        """The protocol in force.

        Raises
        ------
        ConfigError
            If this biolab reads another meaning into it than the one that was locked.
        """
        latest = self.latest
        protocol = parse_settings(Protocol, latest.protocol, source=f"{LOCK_FILE}, version {latest.version}")
        if protocol.sha256 != latest.sha256:
            raise ConfigError(
                f"{LOCK_FILE}, version {latest.version}: this biolab reads it as {protocol.sha256[:12]}, it was locked "
                f"as {latest.sha256[:12]}. Use the version of biolab that it was locked with."
            )
        return protocol


@dataclass(frozen=True, kw_only=True)
class LockOutcome:
    """What locking did: ``added`` is false if this very protocol was locked already."""

    path: Path
    lock: Lock
    added: bool


def lock_protocol(
    experiment: Path, identity: PrivateIdentity, *, unsigned_sites: bool = False, now: datetime | None = None
) -> LockOutcome:
    """Validate an experiment's protocol and put it under the coordinator's signature in ``protocol.lock.json``.

    Locking the same protocol again changes nothing. A changed one must have a higher version and becomes an amendment
    that names its parent's hash and each changed value.

    Parameters
    ----------
    experiment
        Folder that holds ``protocol.toml``.
    identity
        The coordinator.
    unsigned_sites
        Accept sites without a public key, whose runs nobody can verify.
    now
        Time of locking, for tests.

    Raises
    ------
    ConfigError
        If the protocol is faulty, a site has no public key, the version was not raised, or an existing lock is broken
        or another coordinator's.
    """
    protocol = Protocol.load(experiment)
    without = [] if unsigned_sites else sorted(protocol.sites.keys() - protocol.keys.keys())
    if without:
        raise ConfigError(
            f"{experiment}: site {without[0]!r} has no public_key, so nobody could verify its runs. Ask the site for "
            "the one that biolab site init printed, or lock with --unsigned-sites."
        )
    path = experiment / LOCK_FILE
    before = load_lock(experiment, coordinator_key=identity.public_key) if path.exists() else None
    if before is not None and before.latest.sha256 == protocol.sha256:
        return LockOutcome(path=path, lock=before, added=False)
    entry = _version(protocol, None if before is None else before.latest, identity, now or datetime.now(UTC))
    lock = Lock(versions=(*(() if before is None else before.versions), entry))
    write_atomically(path, json.dumps(lock.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n")
    return LockOutcome(path=path, lock=lock, added=True)


def load_lock(experiment: Path, *, coordinator_key: str | None = None) -> Lock:
    """Read and verify ``protocol.lock.json`` from an experiment's folder, or the file itself.

    Raises
    ------
    ConfigError
        If it is missing, is no lock, or fails ``verify_lock``.
    """
    path = experiment / LOCK_FILE if experiment.is_dir() else experiment
    try:
        lock = Lock.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist. The coordinator makes it with: biolab joint lock NAME") from error
    except (OSError, UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as JSON ({type(error).__name__}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {where}: {first['msg']}.") from error
    verify_lock(lock, source=str(path), coordinator_key=coordinator_key)
    return lock


def verify_lock(lock: Lock, *, source: str = LOCK_FILE, coordinator_key: str | None = None) -> None:
    """Check every version of a lock: its hash, its parent, what it says it changed, and its signature.

    Without ``coordinator_key`` the first version's key is believed; compare it once with the coordinator by another
    way.

    Raises
    ------
    ConfigError
        Names the version and what is wrong with it.
    """
    key = lock.versions[0].coordinator.public_key if coordinator_key is None else coordinator_key
    before: LockedVersion | None = None
    for each in lock.versions:
        if fault := _fault(each, before, key):
            raise ConfigError(f"{source}, version {each.version}: {fault}.")
        before = each


def experiment_folder(name: str | Path) -> Path:
    """Find an experiment by its folder or, under ``experiments/``, by its name.

    Raises
    ------
    ConfigError
        If neither holds a protocol.toml.
    """
    for folder in (Path(name), Path("experiments") / name):
        if (folder / "protocol.toml").is_file():
            return folder
    raise ConfigError(
        f"Neither {name} nor experiments/{name} holds a protocol.toml. Make one with: biolab joint new NAME"
    )


def _version(
    protocol: Protocol, before: LockedVersion | None, identity: PrivateIdentity, now: datetime
) -> LockedVersion:
    content = protocol.model_dump(mode="json")  # in the order of the file, which a comparison shows its sites in
    changes = () if before is None else _changes(before.protocol, content)
    if before is not None and _number(protocol.version) <= _number(before.version):
        named = "; ".join(str(each) for each in changes[:5])
        raise ConfigError(
            f"Protocol {protocol.name} was locked as {before.version} and has changed since ({named}). Raise "
            f"protocol.version above {before.version} to amend it, or undo the change."
        )
    unsigned = LockedVersion(
        version=protocol.version,
        sha256=protocol.sha256,
        parent=None if before is None else before.sha256,
        changes=changes,
        locked_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        coordinator=Coordinator(name=identity.site, public_key=identity.public_key),
        protocol=content,
        signature="",
    )
    return unsigned.model_copy(update={"signature": identity.sign(unsigned.signed)})


def _fault(each: LockedVersion, before: LockedVersion | None, key: str) -> str | None:
    header = each.protocol.get("protocol")
    named = header.get("version") if isinstance(header, dict) else None
    changes = () if before is None else _changes(before.protocol, each.protocol)
    faults = (
        (each.coordinator.public_key != key, f"it was locked with {each.coordinator.public_key}, expected {key}"),
        (not verify_signature(key, each.signature, each.signed), "the signature is not the coordinator's"),
        (sha256_hex(canonical_json(each.protocol)) != each.sha256, f"its protocol has not the hash {each.sha256[:12]}"),
        (named != each.version, f"its protocol names the version {named!r}"),
        (each.parent != (None if before is None else before.sha256), "it does not follow the version before it"),
        (
            before is not None and _number(each.version) <= _number(before.version),
            "it is not higher than the one before",
        ),
        (each.changes != changes, "it does not say what it changed"),
    )
    return next((text for found, text in faults if found), None)


def _changes(old: dict[str, Any], new: dict[str, Any]) -> tuple[Amendment, ...]:
    before, after = (json.loads(canonical_json(content)) for content in (old, new))  # whatever the order of the names
    return tuple(Amendment(path=each.path, old=each.old, new=each.new) for each in flat(before, after))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in version.split("."))
