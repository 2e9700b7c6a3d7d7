"""A study on a joint server, as its coordinator keeps it: who was invited, with which account, into which inbox."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from biolab.core import ConfigError, did_you_mean
from biolab.core.locks import exclusive
from biolab.core.private_files import read_private, write_private
from biolab.tracking import Store, conventions, experiment_name
from biolab.tracking.accounts import Grant, ensure_experiment, ensure_role, ensure_user, ensure_workspace, remove_user
from biolab.tracking.server import new_password, read_server
from biolab.tracking.store import Account

from . import audit_log
from .invitation import Invitation, checked_address, write_invitation
from .protocol import Protocol

SERVER_FOLDER = Path("biolab-server")
_IMPORTER = "importer"


@dataclass(frozen=True, kw_only=True)
class InvitedSite:
    """A site's account name, its inbox (an experiment's id) and when it was invited."""

    user: str
    inbox: str
    invited_at: str


@dataclass(frozen=True, kw_only=True)
class Study:
    """A protocol's study on the server whose folder is given; ``store`` is what its importer writes.

    The password stands in the study's own file, which only its owner can read.
    """

    folder: Path
    protocol: str
    workspace: str
    address: str
    importer: Account
    sites: Mapping[str, InvitedSite]
    store: Store

    @property
    def log(self) -> Path:
        """The study's audit log."""
        return self.folder / "audit.jsonl"

    @property
    def received(self) -> Path:
        """Where fetched bundles are kept, each under its SHA-256."""
        return self.folder / "received"


def study_folder(server: Path, protocol: str) -> Path:
    """Say where a server's folder keeps a study."""
    return server / "studies" / conventions.checked_word("protocol", protocol)


def open_study(server: Path, protocol: str) -> Study:
    """Open a study that has been made by inviting a site.

    Raises
    ------
    ConfigError
        If there is none, or its file is damaged or can be read by others.
    """
    folder = study_folder(server, protocol)
    path = folder / "study.json"
    content = read_private(path, missing="Invite a site first with: biolab joint invite SITE --protocol NAME")
    try:
        importer = Account(**content["importer"])
        sites = {site: InvitedSite(**facts) for site, facts in content["sites"].items()}
        store = replace(read_server(server).store, account=importer, workspace=content["workspace"])
        return Study(
            folder=folder,
            protocol=content["protocol"],
            workspace=content["workspace"],
            address=content["address"],
            importer=importer,
            sites=sites,
            store=store,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is damaged ({error}); restore it from a copy.") from error


@dataclass(frozen=True, kw_only=True)
class Invited:
    """What an invitation did: the file to hand over, and what it says."""

    path: Path
    invitation: Invitation
    renewed: bool


def invite(
    server: Path,
    protocol: Protocol,
    site: str,
    *,
    path: Path | None = None,
    address: str | None = None,
    renew: bool = False,
) -> Invited:
    """Give a site an account for a study: it reads the whole study and writes nothing but its own inbox.

    The first invitation makes the study: a workspace, an experiment for each site's imported runs and one for
    comparisons, which the importer's account alone writes.

    Parameters
    ----------
    server
        The server's folder.
    protocol, site
        The study's protocol and one of its sites.
    path
        Where the invitation is written, readable by its owner alone; by default in the study's folder.
    address
        Where the site reaches the server, ``https://...``; by default as the server listens.
    renew
        Make a new password for a site that was invited before; the old one then opens nothing.

    Raises
    ------
    ConfigError
        If the protocol does not know the site, it was invited before, or the address would carry passwords in clear.
    TrackingError
        If the server does not answer. Invite again then.
    """
    protocol.site(site)
    folder = study_folder(server, protocol.name)
    with exclusive(folder / ".study.lock"):
        kept = open_study(server, protocol.name) if (folder / "study.json").exists() else None
        if kept is not None and site in kept.sites and not renew:
            raise ConfigError(
                f"Site {site!r} was invited on {kept.sites[site].invited_at[:10]}. Make a new password with "
                "--renew; the old one ends then."
            )
        study = _prepared(server, folder, protocol, kept, address)
        administrator = replace(read_server(server).store, workspace=study.workspace)
        account = Account(name=conventions.account_name(protocol.name, site), password=new_password())
        inbox = ensure_experiment(administrator, conventions.inbox_name(protocol.name, site), _INBOX.format(site=site))
        renewed = not ensure_user(administrator, account)
        _permit(administrator, study, protocol, (site, account.name, inbox))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        facts = InvitedSite(user=account.name, inbox=inbox, invited_at=now)
        study = replace(study, sites={**study.sites, site: facts})
        _keep(study)
        invitation = Invitation(
            server=study.address,
            workspace=study.workspace,
            protocol=protocol.name,
            site=site,
            inbox=inbox,
            account=account,
        )
        written = write_invitation(path or folder / f"invitation-{site}.json", invitation)
        audit_log.append(
            study.log,
            actor="coordinator",
            action="invite",
            subject=site,
            detail={"user": account.name, "new": not renewed},
        )
    return Invited(path=written, invitation=invitation, renewed=renewed)


def withdraw(server: Path, protocol: str, site: str) -> None:
    """Delete a site's account; what it sent and what was imported stays.

    Raises
    ------
    ConfigError
        If the site was not invited.
    TrackingError
        If the server does not answer.
    """
    folder = study_folder(server, protocol)
    with exclusive(folder / ".study.lock"):
        study = open_study(server, protocol)
        if site not in study.sites:
            raise ConfigError(f"Site {site!r} has no invitation to {protocol}. {did_you_mean(site, study.sites)}")
        remove_user(read_server(server).store, study.sites[site].user)
        _keep(replace(study, sites={name: facts for name, facts in study.sites.items() if name != site}))
        audit_log.append(study.log, actor="coordinator", action="withdraw", subject=site)


_INBOX = "Bundles that site **{site}** delivers. The importer verifies them and says here what became of each."
_RESULTS = "Verified runs of site **{site}** under the protocol *{protocol}*; written by the importer alone."
_COMPARISONS = "Comparisons of the sites' verified runs under the protocol *{protocol}*; written by the importer alone."


def _prepared(server: Path, folder: Path, protocol: Protocol, kept: Study | None, address: str | None) -> Study:
    """Return the study, made on the server with its importer if this is its first invitation."""
    facts = read_server(server)
    reached = checked_address(address or (facts.address if kept is None else kept.address))
    workspace = conventions.workspace_name(protocol.name)
    if kept is not None:
        return replace(kept, address=reached)
    if _IMPORTER in protocol.sites:
        raise ConfigError(f"A site cannot be called {_IMPORTER!r}: that is the name of the account that imports.")
    importer = Account(name=conventions.account_name(protocol.name, _IMPORTER), password=new_password())
    ensure_workspace(facts.store, workspace, f"Study {protocol.name}")
    ensure_user(facts.store, importer)
    study = Study(
        folder=folder,
        protocol=protocol.name,
        workspace=workspace,
        address=reached,
        importer=importer,
        sites={},
        store=replace(facts.store, account=importer, workspace=workspace),
    )
    _keep(study)
    return study


def _permit(administrator: Store, study: Study, protocol: Protocol, invited: tuple[str, str, str]) -> None:
    """Make the roles: the importer's, every site's to read the study, and this site's to write its inbox.

    No site has the workspace itself: that would let it make experiments and models.
    """
    named = {experiment_name(protocol.name): _COMPARISONS.format(protocol=protocol.name)}
    for each in protocol.sites:
        named[experiment_name(protocol.name, each)] = _RESULTS.format(site=each, protocol=protocol.name)
    places = [ensure_experiment(administrator, name, note) for name, note in named.items()]
    site, user, inbox = invited
    everything = [Grant(kind=kind, which="*", level="MANAGE") for kind in ("experiment", "registered_model")]
    writing = [Grant(kind="workspace", which="*", level="USE"), *everything]
    reading = [Grant(kind="experiment", which=place, level="READ") for place in places]
    reading.append(Grant(kind="registered_model", which="*", level="READ"))
    own = [Grant(kind="experiment", which=inbox, level="EDIT")]
    ensure_role(administrator, study.workspace, "importer", writing, [study.importer.name])
    ensure_role(administrator, study.workspace, "reader", reading, [user])
    ensure_role(administrator, study.workspace, f"site-{site}", own, [user])


def _keep(study: Study) -> None:
    content = {
        "format": "biolab.study/1",
        "protocol": study.protocol,
        "workspace": study.workspace,
        "address": study.address,
        "importer": asdict(study.importer),
        "sites": {site: asdict(facts) for site, facts in study.sites.items()},
    }
    write_private(study.folder / "study.json", content)
