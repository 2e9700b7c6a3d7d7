"""``biolab joint``: the coordinator's part - the protocol, its lock, the bundles that come in."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from .options import AsJson, StoreOptions, print_json

joint = App(name="joint", help="The coordinator's part of a joint experiment.", help_format="plaintext")


@joint.command
def new(
    name: str,
    *,
    folder: Path = Path("experiments"),
    site: Annotated[tuple[str, ...], Parameter(name="--site")] = ("site-a", "site-b"),
    as_json: AsJson = False,
) -> None:
    """Write a protocol to start from.

    Parameters
    ----------
    name
        Name of the protocol.
    folder
        Where experiments are kept.
    site
        A site's name; once for each site.
    """
    from biolab.joint import Protocol, new_experiment

    made = new_experiment(name, folder, sites=site)
    if as_json:
        protocol = Protocol.load(made)
        print_json({"folder": str(made), "sites": list(protocol.sites), "version": protocol.version})
        return
    print(f"{made / 'protocol.toml'}: fill it in from the top, then lock it with: biolab joint lock {made}")


@joint.command
def lock(
    name: str,
    *,
    identity: Annotated[str | None, Parameter(name="--as")] = None,
    home: Path | None = None,
    unsigned_sites: bool = False,
    as_json: AsJson = False,
) -> None:
    """Validate a protocol, hash it and sign it; a changed one becomes an amendment that names what changed.

    Parameters
    ----------
    name
        Name of the experiment, or its folder.
    identity
        Whose key signs; by default the only one kept here.
    home
        Folder for biolab's keys.
    unsigned_sites
        Accept sites without a public key.
    """
    from biolab.joint import experiment_folder, find_identity, lock_protocol

    done = lock_protocol(experiment_folder(name), find_identity(identity, home), unsigned_sites=unsigned_sites)
    latest = done.lock.latest
    changes = [each.model_dump(mode="json") for each in latest.changes]
    if as_json:
        said = {"version": latest.version, "sha256": latest.sha256, "parent": latest.parent, "changes": changes}
        print_json({"path": str(done.path), "added": done.added, **said, "public_key": latest.coordinator.public_key})
        return
    print(f"{done.path}: {latest.version}, SHA-256 {latest.sha256}" + ("" if done.added else " (locked before)"))
    for each in latest.changes if done.added else ():
        print(f"  {each}")


@joint.command(name="import")
def import_(
    bundle: Path,
    *,
    protocol: str | None = None,
    coordinator_key: str | None = None,
    log: Path | None = None,
    store: StoreOptions | None = None,
    as_json: AsJson = False,
) -> None:
    """Verify a site's bundle and take its runs into the store, each once.

    Parameters
    ----------
    bundle
        The bundle.
    protocol
        Experiment (name or folder) whose lock it must stand under; by default the one the bundle names.
    coordinator_key
        Public key the lock must be signed with.
    log
        Audit log; by default audit.jsonl in the output folder.
    """
    from biolab.joint import import_bundle, protocol_of_bundle

    options = store or StoreOptions()
    study = protocol_of_bundle(bundle, protocol, coordinator_key=coordinator_key)
    kept = log or options.output / "audit.jsonl"
    report = import_bundle(options.open(), bundle, study, log=kept)
    if as_json:
        print_json(report.facts)
        return
    facts = report.bundle
    print(f"{facts.site}: {len(report.created)} runs taken in, {len(report.present)} were there ({facts.protocol}).")
    print(f"Log: {kept}")
