"""What a site needs to reach a study: an address, an account, an inbox. It holds a password."""

from dataclasses import asdict, dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from biolab.core import ConfigError
from biolab.core.private_files import read_private, write_private
from biolab.tracking import Store, checked_word
from biolab.tracking.store import Account

FORMAT = "biolab.invitation/1"


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A site's way into a study; ``store`` is the study as the site sees it."""

    server: str
    workspace: str
    protocol: str
    site: str
    inbox: str
    account: Account

    @property
    def store(self) -> Store:
        """The study as the site sees it: all of it to read, its own inbox to write."""
        return Store(tracking_uri=self.server, workspace=self.workspace, account=self.account)


def write_invitation(path: Path, invitation: Invitation) -> Path:
    """Write an invitation so that its owner alone can read it."""
    return write_private(path, {"format": FORMAT, **asdict(invitation)})


def read_invitation(path: Path) -> Invitation:
    """Read an invitation.

    Raises
    ------
    ConfigError
        If it is missing, can be read by others, is damaged, or its address would carry the password in clear.
    """
    content = read_private(path, missing="Ask the coordinator for an invitation.")
    if content.pop("format", None) != FORMAT:
        raise ConfigError(f"{path} is not an invitation to a joint experiment.")
    try:
        found = Invitation(account=Account(**content.pop("account")), **content)
        checked_word("protocol", found.protocol)
        checked_word("site", found.site)
        return replace(found, server=checked_address(found.server))
    except (TypeError, KeyError) as error:
        raise ConfigError(f"{path} is damaged ({error}); ask the coordinator for another.") from error


def accept_invitation(folder: Path, site: str, path: Path | None, protocol: str | None) -> Invitation:
    """Return the invitation in a file, and keep it in the site's folder; without a file, the one kept there.

    Raises
    ------
    ConfigError
        If it is of another site or protocol, or none is kept; the message names those that are.
    """
    if path is None:
        return _kept_invitation(folder, protocol)
    found = read_invitation(path)
    if found.site != site:
        raise ConfigError(f"{path} invites site {found.site!r}; the key kept here is of {site!r}. Name it with --site.")
    if protocol is not None and found.protocol != protocol:
        raise ConfigError(f"{path} invites to protocol {found.protocol!r}, not to {protocol!r}.")
    write_invitation(_place(folder, found.protocol), found)
    return found


def find_invitation(folder: Path, protocol: str) -> Invitation | None:
    """Return the invitation to a protocol's study that a site's folder keeps, if there is one.

    Raises
    ------
    ConfigError
        If it is damaged or can be read by others.
    """
    path = _place(folder, protocol)
    return read_invitation(path) if path.exists() else None


def _kept_invitation(folder: Path, protocol: str | None) -> Invitation:
    known = sorted(path.stem for path in _place(folder, "any").parent.glob("*.json"))
    wanted = known[0] if protocol is None and len(known) == 1 else protocol
    if wanted is None or not _place(folder, wanted).exists():
        hint = f" It keeps {', '.join(known)}." if known else ""
        which = f" to {protocol!r}" if protocol else ""
        raise ConfigError(
            f"{folder} keeps no invitation{which}.{hint} Name the file that the coordinator sent with --invitation, or "
            "the study with --protocol."
        )
    return read_invitation(_place(folder, wanted))


def _place(folder: Path, protocol: str) -> Path:
    return folder / "invitations" / f"{checked_word('protocol', protocol)}.json"


def checked_address(address: str) -> str:
    """Return an address over which a password may travel: TLS, or this computer itself."""
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return address.rstrip("/")
    if parts.scheme == "http" and parts.hostname and _is_here(parts.hostname):
        return address.rstrip("/")
    raise ConfigError(
        f"{address}: passwords would cross the network in clear. Give the https:// address of the reverse proxy with "
        "--address; docs/joint.md shows one."
    )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
