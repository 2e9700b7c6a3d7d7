"""What a site needs to reach a study: an address, an account, an inbox. It holds a password."""

from dataclasses import asdict, dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from biolab.core import ConfigError, did_you_mean
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


def keep_invitation(invitation: Invitation, folder: Path) -> Path:
    """Keep an invitation in the site's folder, so that pushing needs no file named again."""
    return write_invitation(_kept(folder, invitation.protocol), invitation)


def kept_invitation(folder: Path, protocol: str) -> Invitation:
    """Return the invitation to a protocol that the site's folder keeps.

    Raises
    ------
    ConfigError
        If it keeps none; the message names those it keeps.
    """
    path = _kept(folder, protocol)
    if not path.exists():
        known = sorted(each.stem for each in path.parent.glob("*.json"))
        raise ConfigError(
            f"{folder} keeps no invitation to {protocol!r}. {did_you_mean(protocol, known)} Name the file that the "
            "coordinator sent with --invitation."
        )
    return read_invitation(path)


def _kept(folder: Path, protocol: str) -> Path:
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
        "--address; docs/joint-server.md shows one."
    )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
