"""A site's outbox: a bundle lies there, on the site's own disk, until the joint server was seen to hold it whole."""

from dataclasses import dataclass
from pathlib import Path

from biolab.core import BiolabError, ConfigError, DataError, TrackingError, sha256_hex, write_atomically
from biolab.core.locks import exclusive
from biolab.tracking import checked_word, conventions
from biolab.tracking.inbox import Delivery, deliver, deliveries

from . import audit_log
from .bundle import verify
from .identity import PrivateIdentity
from .invitation import Invitation


@dataclass(frozen=True, kw_only=True)
class PushReport:
    """What a push did, as SHA-256 of bundles: ``sent`` now, ``present`` before, ``waiting`` still; ``inbox`` is all."""

    sent: tuple[str, ...]
    present: tuple[str, ...]
    waiting: tuple[str, ...]
    fault: str | None
    inbox: tuple[Delivery, ...]

    @property
    def facts(self) -> dict[str, object]:
        """The report as a JSON-able object; its keys are stable."""
        found = [{"sha256": each.sha256, "state": each.state, "reason": each.reason} for each in self.inbox]
        plain = {"sent": list(self.sent), "present": list(self.present), "waiting": list(self.waiting)}
        return {**plain, "fault": self.fault, "inbox": found}


def outbox(folder: Path, protocol: str) -> Path:
    """Say where a site's folder keeps the bundles of a protocol that wait."""
    return folder / "outbox" / checked_word("protocol", protocol)


def bundle_protocol(bundle: Path) -> str:
    """Name the protocol of a bundle.

    Raises
    ------
    DataError
        If the bundle is not whole.
    """
    return verify(bundle).protocol


def put_in_outbox(folder: Path, bundle: Path, identity: PrivateIdentity, protocol: str) -> Path:
    """Check a bundle as the importer will and keep a copy in the outbox; nothing is sent.

    Raises
    ------
    DataError
        If it is not whole, or of another site, key or protocol.
    """
    report = verify(bundle, {identity.site: identity.public_key})
    if report.protocol != protocol:
        raise DataError(f"{bundle}: is of protocol {report.protocol!r}; the invitation is to {protocol!r}.")
    content = bundle.read_bytes()
    if sha256_hex(content) != report.sha256:
        raise DataError(f"{bundle} changed while it was read. Export it again.")
    return write_atomically(outbox(folder, protocol) / f"{report.sha256}.zip", content)


def push(folder: Path, invitation: Invitation, bundle: Path | None, identity: PrivateIdentity) -> PushReport:
    """Send a bundle, and what waits from before, to the site's inbox; sending again changes nothing.

    A bundle leaves the outbox only after it was read back from the server byte for byte. Where the server or the
    network is gone, everything stays and the next push sends it.

    Parameters
    ----------
    folder
        The site's own folder, where its key is.
    invitation
        The way into the study.
    bundle
        What ``biolab site export`` wrote; ``None`` sends only what waits.
    identity
        The site.

    Raises
    ------
    ConfigError
        If the invitation is another site's.
    DataError
        If the bundle is not whole, or of another site, key or protocol. Nothing was sent then.
    """
    if invitation.site != identity.site:
        raise ConfigError(f"The invitation is for site {invitation.site!r}; the key is of {identity.site!r}.")
    place = outbox(folder, invitation.protocol)
    with exclusive(folder / "outbox" / ".lock"):
        if bundle is not None:
            put_in_outbox(folder, bundle, identity, invitation.protocol)
        return _send(folder, place, invitation)


def _send(folder: Path, place: Path, invitation: Invitation) -> PushReport:
    sent: list[str] = []
    present: list[str] = []
    fault: str | None = None
    inbox: list[Delivery] = []
    tags = {conventions.SITE: invitation.site, conventions.PROTOCOL_NAME: invitation.protocol}
    try:
        inbox = deliveries(invitation.store, invitation.inbox)
        held = {each.sha256 for each in inbox if each.complete}
        for path in _waiting(place):
            digest = path.stem
            if digest in held:
                present.append(digest)
            else:
                inbox.append(deliver(invitation.store, invitation.inbox, path, digest, tags=tags))
                audit_log.append(folder / "push.jsonl", actor=invitation.site, action="push", subject=digest)
                sent.append(digest)
            path.unlink()
    except TrackingError as error:
        fault = str(error)
    waiting = tuple(path.stem for path in _waiting(place))
    return PushReport(
        sent=tuple(sent), present=tuple(present), waiting=waiting, fault=fault, inbox=tuple(_latest(inbox))
    )


def _waiting(place: Path) -> list[Path]:
    """List what waits, oldest first; a file whose name is not its digest was damaged on the disk."""
    found = sorted(place.glob("*.zip"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    for path in found:
        if sha256_hex(path.read_bytes()) != path.stem:
            raise BiolabError(f"{path} was damaged on this disk. Remove it and export its run again.")
    return found


def _latest(inbox: list[Delivery]) -> list[Delivery]:
    return list({each.sha256: each for each in inbox if each.complete}.values())
