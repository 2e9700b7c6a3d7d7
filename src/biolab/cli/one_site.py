"""``biolab run EXPERIMENT --site ID``: one institution's part, on its own computer."""

from dataclasses import dataclass
from pathlib import Path

from cyclopts import Parameter

from .options import StoreOptions, print_json
from .progress import progress


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class OneSiteOptions:
    """One site's part only.

    Parameters
    ----------
    site
        Run this site only, and sign its runs if its key is kept here.
    data
        The site's file; without it, the data set that the protocol names.
    home
        Folder for biolab's keys; by default your configuration folder.
    """

    site: str | None = None
    data: Path | None = None
    home: Path | None = None


def run_site(experiment: Path, one: OneSiteOptions, options: StoreOptions, *, seed: int | None, as_json: bool) -> None:
    """Run one site's part, sign it, and say what to do next."""
    from biolab.joint import Protocol, check_locked, run_one_site, usable_identity

    name = str(one.site)
    protocol = Protocol.load(experiment).with_seed(seed)
    locked = check_locked(experiment, protocol)
    identity = usable_identity(protocol, name, one.home)
    opened = options.open()
    with progress(protocol.name, total=4 + 2 * len(protocol.models), quiet=as_json) as advance:
        done = run_one_site(protocol, opened, site=name, file=one.data, identity=identity, advance=advance)
    if as_json:
        named = {"name": protocol.name, "version": protocol.version, "sha256": protocol.sha256, "locked": locked}
        runs = {"run_id": done.run_id, "models": dict(done.models)}
        signed = {"signed": done.signed, "run_digest": done.run_digest}
        print_json({"site": name, "protocol": named, **runs, **signed, "tracking_uri": opened.tracking_uri})
        return
    state = "signed" if done.signed else f"not signed (no key of {name} here; make one with: biolab site init {name})"
    print(f"{name}: run {done.run_id}, {len(done.models)} models, {state}.")
    print(f"Bundle for the coordinator: biolab site export {protocol.name} --site {name} -o {name}.zip")
