"""Who signs: an Ed25519 key of a site or of the coordinator, kept in a folder only its owner can read."""

import base64
import binascii
import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from biolab.core import ConfigError, did_you_mean
from biolab.tracking import checked_word

SCHEME = "ed25519:"
KEY_FILE = "key.pem"
FACTS_FILE = "identity.json"
_TEXT = re.compile(r"ed25519:[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A site or coordinator as others know it: its name and its public key, ``ed25519:`` and base64."""

    site: str
    public_key: str


@dataclass(frozen=True, kw_only=True)
class PrivateIdentity:
    """An identity that can sign; the key is never printed and never leaves its folder."""

    public: Identity
    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def site(self) -> str:
        """Name of the site."""
        return self.public.site

    @property
    def public_key(self) -> str:
        """Public key as text."""
        return self.public.public_key

    def sign(self, content: bytes) -> str:
        """Sign bytes; the signature is text, ``ed25519:`` and base64."""
        return _as_text(self._key.sign(content))


def identity_folder(site: str, home: Path | None = None) -> Path:
    """Say where the key of a site is kept: ``sites/<id>`` in the user's configuration folder or in ``home``."""
    return _home(home) / checked_word("site", site)


def known_identities(home: Path | None = None) -> list[str]:
    """Name the sites whose keys are kept here."""
    return sorted(path.parent.name for path in _home(home).glob(f"*/{KEY_FILE}"))


def create_identity(site: str, folder: Path) -> PrivateIdentity:
    """Make an Ed25519 key for a site in a folder, readable by its owner alone.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     identity = create_identity("north", Path(place) / "north")
    ...     signature = identity.sign(b"results")
    >>> verify_signature(identity.public_key, signature, b"results")
    True
    >>> verify_signature(identity.public_key, signature, b"other results")
    False

    Raises
    ------
    ConfigError
        If the folder holds a key already (it is never overwritten), cannot be written, or the name cannot stand in
        MLflow.
    """
    checked_word("site", site)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        identity = PrivateIdentity(public=Identity(site=site, public_key=_public_text(key)), _key=key)
        facts = {"site": site, "public_key": identity.public_key}
        (folder / FACTS_FILE).write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except FileExistsError as error:
        raise ConfigError(
            f"{path} exists: a key is never overwritten, because runs signed with it could then no longer be told from "
            "forged ones. Use it, or move the folder away first."
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror or error}. Name another with --home."
        ) from error
    return identity


def load_identity(folder: Path, site: str | None = None) -> PrivateIdentity:
    """Read the key in a folder.

    Raises
    ------
    ConfigError
        If there is none, others can read it, it is of another site than ``site``, or it is damaged.
    """
    path = folder / KEY_FILE
    try:
        mode = path.stat().st_mode
        pem = path.read_bytes()
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        found = str(facts["site"])
    except FileNotFoundError as error:
        raise ConfigError(f"{folder} holds no identity. Make one with: biolab site init {site or 'ID'}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{folder / FACTS_FILE} is damaged: it names no site.") from error
    if sys.platform != "win32" and mode & 0o077:
        raise ConfigError(f"{path} can be read by others (mode {mode & 0o777:o}). Mend it with: chmod 600 {path}")
    if site is not None and found != site:
        raise ConfigError(f"{folder} holds the key of site {found!r}, not of {site!r}.")
    key = _private_key(pem, path)
    if facts.get("public_key") != _public_text(key):
        raise ConfigError(f"{folder}: {FACTS_FILE} and {KEY_FILE} do not belong together; restore the folder.")
    return PrivateIdentity(public=Identity(site=found, public_key=_public_text(key)), _key=key)


def find_identity(site: str | None = None, home: Path | None = None) -> PrivateIdentity:
    """Read the key of a site from its usual place; without a name, the only one there is.

    Raises
    ------
    ConfigError
        If there is none, or several and no name.
    """
    known = known_identities(home)
    if site is None and len(known) != 1:
        what = f"{len(known)} identities ({', '.join(known)}); name one." if known else "no identity."
        raise ConfigError(f"{_home(home)} holds {what} Make one with: biolab site init ID")
    name = known[0] if site is None else site
    if name not in known:
        raise ConfigError(
            f"{_home(home)} holds no identity of {name!r}. {did_you_mean(name, known)} "
            f"Make one with: biolab site init {name}"
        )
    return load_identity(identity_folder(name, home), name)


def verify_signature(public_key: str, signature: str, content: bytes) -> bool:
    """Say whether a signature is this key's over these bytes; malformed keys and signatures are simply not."""
    key, sealed = _from_text(public_key), _from_text(signature)
    if key is None or sealed is None or len(key) != 32:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(sealed, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def checked_public_key(text: str) -> str:
    """Return a public key's text.

    Raises
    ------
    ValueError
        If it is not ``ed25519:`` and the base64 of 32 bytes.
    """
    key = _from_text(text)
    if key is None or len(key) != 32:
        raise ValueError(f"{text!r} is not a public key; expected ed25519: and base64, as biolab site init prints it")
    return text


def _home(home: Path | None) -> Path:
    return (platformdirs.user_config_path("biolab") if home is None else home.expanduser()) / "sites"


def _private_key(pem: bytes, path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} is not a private key that biolab wrote.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} holds a key of another kind than Ed25519.")
    return key


def _public_text(key: Ed25519PrivateKey) -> str:
    return _as_text(key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def _as_text(content: bytes) -> str:
    return SCHEME + base64.b64encode(content).decode("ascii")


def _from_text(text: str) -> bytes | None:
    """Decode, refusing a second spelling of the same bytes."""
    if not _TEXT.fullmatch(text):
        return None
    try:
        content = base64.b64decode(text.removeprefix(SCHEME), validate=True)
    except binascii.Error:
        return None
    return content if _as_text(content) == text else None
