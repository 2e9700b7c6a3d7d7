"""``biolab site validate``: the models of the other sites, judged on this site's patients."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .options import AsJson, StoreOptions, print_json
from .progress import progress
from .site import SiteId
from .site_push import site

if TYPE_CHECKING:
    from biolab.joint import SiteValidation


@site.command
def validate(  # noqa: PLR0913 - one keyword an option
    experiment: Path,
    data: Path | None = None,
    *,
    site: SiteId = None,
    source: Annotated[str | None, Parameter(name="--from")] = None,
    again: bool = False,
    home: Path | None = None,
    store: StoreOptions | None = None,
    as_json: AsJson = False,
) -> None:
    """Judge the models that other sites released on this site's patients; sign the results, send nothing.

    Parameters
    ----------
    experiment
        Folder that holds a protocol.toml, or the name of one under experiments/.
    data
        The site's file; without it, the data set that the protocol names.
    site
        The site's name in the protocol; by default the only one whose key is kept here.
    source
        Where the others' models are: the joint server's address, or the folder into which their bundles were imported;
        by default the study that the site was invited to, or its own store.
    again
        Judge again what was judged before.
    home
        Folder for biolab's keys.
    """
    from biolab.joint import (
        Protocol,
        check_locked,
        experiment_folder,
        find_identity,
        identity_folder,
        model_source,
        usable_identity,
        validate_one_site,
        validation_steps,
    )

    folder = experiment_folder(experiment)
    protocol = Protocol.load(folder)
    name = site or find_identity(None, home).site
    check_locked(folder, protocol)
    identity = usable_identity(protocol, name, home)
    own = (store or StoreOptions()).open()
    models = model_source(source, own=own, folder=identity_folder(name, home), protocol=protocol.name)
    with progress(protocol.name, total=validation_steps(protocol), quiet=as_json) as advance:
        done = validate_one_site(
            protocol, own, site=name, file=data, source=models, identity=identity, again=again, advance=advance
        )
    if as_json:
        named = {"name": protocol.name, "version": protocol.version, "sha256": protocol.sha256}
        print_json({**done.facts, "protocol": named, "from": models.label, "tracking_uri": own.tracking_uri})
        return
    _print_validation(done, models.label)
    print(f"Bundle for the coordinator: biolab site export {protocol.name} --site {name} -o {name}.zip")


def _print_validation(done: "SiteValidation", place: str) -> None:
    print(f"{done.site}: {len(done.written)} validations written, {len(done.standing)} stood before (from {place}).")
    for each in done.refused:
        print(f"  not used: {each.name} of {each.site}: {each.reason}")
    if done.waiting:
        print(f"  no run that holds yet: {', '.join(done.waiting)}")
    if done.withheld:
        print("  Too few events to judge any model; the site's own run says so.")
