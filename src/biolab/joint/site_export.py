"""What a site hands over: one bundle, held against its patients and against everything it has released before."""

from collections.abc import Sequence
from pathlib import Path

from biolab.data import Cohort, TooFewEventsError
from biolab.tracking import Store

from .bundle.exporting import BundleFacts, export_bundle, protocol_of_runs, select_runs
from .cohorts import load_cohort
from .disclosure import release_ledger
from .identity import PrivateIdentity
from .protocol import Protocol


def export_site(
    store: Store,
    runs: str | Sequence[str],
    identity: PrivateIdentity,
    path: Path,
    *,
    folder: Path,
    file: Path | None = None,
) -> BundleFacts:
    """Export a site's results as ``export_bundle`` does, with the site's ledger of releases and its own patients.

    Parameters
    ----------
    store, runs, identity, path
        As for ``export_bundle``.
    folder
        The site's own folder, where its key is; it keeps a ledger for each protocol under ``released``.
    file
        The site's data file. Without it, the data set that the protocol names; if it names none, the patients are not
        looked for again: what a run logs was held against them when it was written.

    Raises
    ------
    ConfigError
        As ``export_bundle``, and if the patients at hand are not those of the runs.
    DisclosureError
        If something may not leave the site, alone or beside an earlier release.
    """
    protocol = protocol_of_runs(store, select_runs(store, runs, identity.site))
    cohort = _at_hand(protocol, identity.site, file)
    ledger = release_ledger(folder, protocol.name)
    return export_bundle(store, runs, identity, path, cohort=cohort, ledger=ledger)


def _at_hand(protocol: Protocol, site: str, file: Path | None) -> Cohort | None:
    if file is None and protocol.site(site).dataset is None:
        return None
    try:
        return load_cohort(protocol, site, file=file)
    except TooFewEventsError:
        return None
