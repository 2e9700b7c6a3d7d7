"""``biolab site push``: a bundle to the site's inbox on the joint server, or into the outbox until it answers."""

from pathlib import Path

from .options import AsJson, print_json
from .site import SiteId, site


@site.command
def push(
    bundle: Path | None = None,
    *,
    protocol: str | None = None,
    invitation: Path | None = None,
    site: SiteId = None,
    home: Path | None = None,
    as_json: AsJson = False,
) -> None:
    """Send a bundle, and what waits from before, to the joint server; it stays in the outbox until it is there.

    Parameters
    ----------
    bundle
        What biolab site export wrote; without it, only what waits is sent.
    protocol
        Name of the protocol; by default the bundle's or the invitation's.
    invitation
        What the coordinator sent; kept from then on.
    site
        The site; by default the only one whose key is kept here.
    home
        Folder for biolab's keys.
    """
    from biolab.core import TrackingError
    from biolab.joint import accept_invitation, bundle_protocol, find_identity, identity_folder
    from biolab.joint import push as push_bundle

    identity = find_identity(site, home)
    folder = identity_folder(identity.site, home)
    name = protocol or (None if bundle is None else bundle_protocol(bundle))
    report = push_bundle(folder, accept_invitation(folder, identity.site, invitation, name), bundle, identity)
    if as_json:
        print_json(report.facts)
    else:
        print(f"{len(report.sent)} sent, {len(report.present)} were there, {len(report.waiting)} wait in the outbox.")
        for each in report.inbox:
            print(
                f"  {each.sha256[:12]}  {each.state or 'not judged yet'}" + (f": {each.reason}" if each.reason else "")
            )
    if report.fault is not None:
        raise TrackingError(f"{report.fault} Nothing is lost: {len(report.waiting)} wait; run again: biolab site push")
