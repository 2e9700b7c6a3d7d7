"""``biolab joint serve|invite|withdraw|status``: the joint server, and who stands where."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .joint import joint
from .options import AsJson, StoreOptions, print_json

if TYPE_CHECKING:
    from biolab.joint import Progress, Study

Folder = Annotated[Path, Parameter(name="--server", env_var="BIOLAB_SERVER")]
_SERVER = Path("biolab-server")


@joint.command
def serve(  # noqa: PLR0913 - one keyword an option
    *,
    folder: Folder = _SERVER,
    host: str = "127.0.0.1",
    port: int = 5000,
    database: Annotated[str | None, Parameter(env_var="BIOLAB_SERVER_DATABASE")] = None,
    artifacts: Annotated[str | None, Parameter(env_var="BIOLAB_SERVER_ARTIFACTS")] = None,
    allowed_host: Annotated[tuple[str, ...], Parameter(name="--allowed-host")] = (),
    workers: int = 1,
    as_json: AsJson = False,
) -> None:
    """Start the joint server: MLflow with users, workspaces and nothing open by default; Ctrl-C stops it.

    Parameters
    ----------
    folder
        Where its secrets are and, by default, its databases and artifacts.
    host
        Address to listen on; the default is reachable from this computer only.
    port
        Port to listen on.
    database
        postgresql+psycopg://user@host/name; by default SQLite. Leave a password to ~/.pgpass or the environment.
    artifacts
        s3://bucket/path or a folder.
    allowed_host
        Name under which it may be asked, as a browser sends it; once for each.
    workers
        Processes that answer.
    """
    from biolab.tracking import ServerSettings
    from biolab.tracking import serve as start

    settings = ServerSettings(
        folder=folder,
        host=host,
        port=port,
        database=database,
        artifacts=artifacts,
        allowed_hosts=allowed_host,
        workers=workers,
    )
    if as_json:
        print_json({"address": settings.address, "folder": str(folder), "administrator": str(folder / "server.json")})
    else:
        print(f"MLflow: {settings.address}  (Ctrl-C stops it; the administrator's password stands in {folder})")
    start(settings)


@joint.command
def invite(  # noqa: PLR0913 - one keyword an option
    site: str,
    *,
    protocol: str | None = None,
    folder: Folder = _SERVER,
    output_file: Annotated[Path | None, Parameter(name=["-o", "--invitation"])] = None,
    address: str | None = None,
    renew: bool = False,
    as_json: AsJson = False,
) -> None:
    """Give a site an account: it reads the whole study and writes nothing but its own inbox.

    Parameters
    ----------
    site
        The site's name in the protocol.
    protocol
        Experiment (name or folder); by default the only one under experiments/.
    folder
        The server's folder.
    output_file
        Where the invitation goes; it holds a password and is readable by you alone.
    address
        Where the site reaches the server, https://...
    renew
        Make a new password for a site that was invited before.
    """
    from biolab.joint import invite as invite_site
    from biolab.joint import only_experiment, protocol_in_force

    loaded = protocol_in_force(protocol or only_experiment())
    done = invite_site(folder, loaded, site, path=output_file, address=address, renew=renew)
    if as_json:
        print_json({"path": str(done.path), "user": done.invitation.account.name, "renewed": done.renewed})
        return
    invitation = done.invitation
    print(f"{done.path}: {invitation.account.name}, {invitation.server}, workspace {invitation.workspace}")
    print("It holds a password: hand it over in a way you would trust with one. The site then runs:")
    print(f"  biolab site push bundle.zip --invitation {done.path.name}")


@joint.command
def withdraw(site: str, *, protocol: str, folder: Folder = _SERVER, as_json: AsJson = False) -> None:
    """Delete a site's account; what it sent and what was imported stays.

    Parameters
    ----------
    site
        The site's name in the protocol.
    protocol
        Name of the protocol.
    folder
        The server's folder.
    """
    from biolab.joint import withdraw as withdraw_site

    withdraw_site(folder, protocol, site)
    if as_json:
        print_json({"site": site, "withdrawn": True})
        return
    print(f"{site}: its account is deleted; what was imported stays.")


@joint.command
def status(
    name: str,
    *,
    folder: Folder = _SERVER,
    quick: bool = False,
    store: StoreOptions | None = None,
    as_json: AsJson = False,
) -> None:
    """Say for each site what was sent, imported and verified, and which cells of the matrix are missing.

    Parameters
    ----------
    name
        Name of the experiment, or its folder.
    folder
        The server's folder; without a study there, the store is looked at.
    quick
        Do not check the signatures.
    """
    from biolab.joint import joint_progress, protocol_in_force

    protocol = protocol_in_force(name)
    study = _study(folder, protocol.name)
    place = (store or StoreOptions()).open() if study is None else study.store
    progress = joint_progress(protocol, place, study=study, verify=not quick)
    if as_json:
        print_json(progress.facts)
        return
    _print_progress(progress)


def _study(folder: Path, protocol: str) -> "Study | None":
    from biolab.joint import open_study, study_folder

    return open_study(folder, protocol) if study_folder(folder, protocol).exists() else None


def _print_progress(progress: "Progress") -> None:
    from rich.console import Console
    from rich.table import Table

    columns = ("site", "invited", "key", "pushed", "waiting", "refused", "imported", "verified", "owes")
    table = Table(*columns, title=f"{progress.protocol} {progress.version}", title_justify="left", box=None)
    for site in progress.sites:
        counts = (site.pushed, site.waiting, len(site.refused), site.imported)
        verified = "-" if site.verified is None else str(site.verified)
        invited = "-" if site.invited is None else site.invited[:10]
        key = "yes" if site.key_known else "no"
        table.add_row(site.site, invited, key, *map(str, counts), verified, str(len(site.missing)))
    console = Console()
    console.print(table)
    console.print(f"{progress.filled} of {progress.cells} cells of the validation matrix are filled.")
    for site in progress.sites:
        for model, train in site.missing:
            console.print(f"  missing: {model}, fitted at {train}, on the patients of {site.site}", highlight=False)
        for fault in (*site.unverified, *site.refused):
            console.print(f"  {site.site}: {fault}", highlight=False)
    if progress.other_protocol:
        console.print(f"{progress.other_protocol} runs stand under another protocol digest and are never pooled.")
