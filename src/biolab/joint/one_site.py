"""What an institution does on its own computer: check its data, run its part, sign it. Nothing is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from biolab.core import ConfigError
from biolab.data import TooFewEventsError
from biolab.tracking import Store, experiment_name, find_runs, mark_abandoned

from .cohorts import load_cohort
from .description import cohort_tables
from .identity import PrivateIdentity, find_identity, known_identities
from .lock import LOCK_FILE, load_lock
from .performance import Advance
from .protocol import Protocol
from .signing import sign_runs
from .site import SiteWork, run_site
from .withheld import record_withheld_site


@dataclass(frozen=True, kw_only=True)
class OneSite:
    """A site's part as it was run: its run, the runs of its models, and whether they are signed."""

    run_id: str
    models: Mapping[str, str]
    signed: bool
    run_digest: str | None


def check_site(protocol: Protocol, site: str, file: Path | None) -> dict[str, pl.DataFrame]:
    """Check a site's data against the codebook and describe the cohort without a row; write and send nothing.

    Returns the tables ``cohort``, ``flow``, ``characteristics`` and ``survival_curve``, as a run would release them.

    Raises
    ------
    ConfigError
        If the protocol does not know the site, or there is neither a file nor a data set.
    DataError
        If a value stands outside the codebook: names file, row, column and value.
    """
    return cohort_tables(protocol, load_cohort(protocol, site, file=file), site)


def run_one_site(
    protocol: Protocol,
    store: Store,
    *,
    site: str,
    file: Path | None = None,
    identity: PrivateIdentity | None = None,
    advance: Advance = lambda _: None,
) -> OneSite:
    """Run one site's part of a protocol, as ``run_experiment`` does it for every site, and sign it.

    A site with too few events says that it took part, and nothing else: its run has no model.
    Calls ``advance`` 3 + 2 x models times, and once more to sign.

    Raises
    ------
    ConfigError
        If the identity is not the one the protocol names for the site.
    DataError
        If a value stands outside the codebook; nothing was written then.
    """
    mark_abandoned(store, experiment_name(protocol.name))
    advance(f"{site}: checking against the codebook")
    try:
        cohort = load_cohort(protocol, site, file=file)
    except TooFewEventsError:
        run_id = record_withheld_site(protocol, site, store)
    else:
        run_id = run_site(SiteWork(protocol=protocol, site=site, cohort=cohort, store=store), advance=advance)
    children = find_runs(store, protocol=protocol.name, sha256=protocol.sha256, role="model", site=site, latest=False)
    models = {str(run.model): run.run_id for run in children if run.parent_id == run_id}
    if identity is None:
        return OneSite(run_id=run_id, models=models, signed=False, run_digest=None)
    advance(f"{site}: signing")
    manifests = sign_runs(store, [run_id, *models.values()], identity)
    return OneSite(run_id=run_id, models=models, signed=True, run_digest=manifests[run_id].run_digest)


def usable_identity(protocol: Protocol, site: str, home: Path | None = None) -> PrivateIdentity | None:
    """Return the site's identity if it is kept here, having made sure that the protocol means this key.

    Raises
    ------
    ConfigError
        If the protocol names another public key for the site.
    """
    named = protocol.site(site).public_key
    if site not in known_identities(home):
        return None
    identity = find_identity(site, home)
    if named is not None and named != identity.public_key:
        raise ConfigError(
            f"Protocol {protocol.name} {protocol.version} names the key {named} for site {site!r}; the key kept here "
            f"is {identity.public_key}. Give the coordinator this one, or name the folder of the other with --home."
        )
    return identity


def check_locked(experiment: Path, protocol: Protocol) -> bool:
    """Say whether an experiment is locked, having made sure that its protocol is the locked one.

    Raises
    ------
    ConfigError
        If protocol.toml says something else than the lock beside it.
    """
    folder = experiment if experiment.is_dir() else experiment.parent
    if not (folder / LOCK_FILE).exists():
        return False
    latest = load_lock(folder).latest
    if latest.sha256 != protocol.sha256:
        raise ConfigError(
            f"{folder}: protocol.toml ({protocol.version}, {protocol.sha256[:12]}) is not the locked protocol "
            f"({latest.version}, {latest.sha256[:12]}). Fetch the coordinator's protocol.toml, or have the change "
            "locked under a higher version with: biolab joint lock"
        )
    return True
