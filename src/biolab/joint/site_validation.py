"""A site judges the models of the others on its own patients, on its own computer, and signs what it found."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from biolab.core import ConfigError
from biolab.data import TooFewEventsError
from biolab.tracking import (
    RunRecord,
    Store,
    conventions,
    embedded_store,
    experiment_name,
    find_runs,
    mark_abandoned,
    open_store,
)

from .cohorts import load_cohort
from .identity import PrivateIdentity
from .invitation import find_invitation
from .judged import COHORT_DIGEST, judged_models
from .performance import Advance
from .protocol import Protocol
from .released_models import RefusedRun, ReleasedModels, verified_models
from .signing import sign_runs, verify_run
from .site import SiteWork
from .validation import Judged, validate_at_site, validate_pooled_at_site


@dataclass(frozen=True, kw_only=True)
class SiteValidation:
    """What a site judged: new validation runs, those that stood before, and what it could not use.

    ``waiting`` are sites that have no run that holds yet; ``withheld`` says that this site has too few events to judge
    any model.
    """

    site: str
    written: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    refused: tuple[RefusedRun, ...] = ()
    waiting: tuple[str, ...] = ()
    signed: bool = False
    withheld: bool = False

    @property
    def facts(self) -> dict[str, object]:
        """The outcome as a JSON-able object; its keys are stable."""
        listed = {"written": list(self.written), "standing": list(self.standing), "waiting": list(self.waiting)}
        refused = [dict(each.__dict__) for each in self.refused]
        return {"site": self.site, **listed, "refused": refused, "signed": self.signed, "withheld": self.withheld}


def validation_steps(protocol: Protocol) -> int:
    """Count the calls of ``advance`` that ``validate_one_site`` makes, for a progress bar."""
    exchange = protocol.evaluation.exchange
    return 3 + (len(protocol.sites) - 1 if "pairs" in exchange else 0) + ("pooled" in exchange)


def validate_one_site(  # noqa: PLR0913 - one keyword a part of the site
    protocol: Protocol,
    store: Store,
    *,
    site: str,
    file: Path | None = None,
    source: Store | None = None,
    identity: PrivateIdentity | None = None,
    again: bool = False,
    advance: Advance = lambda _: None,
) -> SiteValidation:
    """Judge the models that other sites released on this site's patients, as ``run_experiment`` does, and sign it.

    Only models whose site signed them, and whose store still holds them as they were signed, are used; the others are
    named. Where the protocol exchanges pooled models they are judged once every other site has reported.

    Parameters
    ----------
    protocol
        The protocol; the sites' keys are in it. Without any key unsigned models are used: a demonstration.
    store
        The site's own store, into which the validations are written.
    site
        The site that judges.
    file
        Its data file; without it, the data set that the protocol names.
    source
        Where the other sites' runs are: the study on the joint server, say; by default the site's own store, into
        which their bundles were imported.
    identity
        Signs the validations.
    again
        Judge again what stands: the same models on the same patients.
    advance
        Called with a line of text at each of ``validation_steps(protocol)`` steps.

    Raises
    ------
    DataError
        If a value of the site's data stands outside the codebook; nothing was written then.
    TrackingError
        If a store cannot be read or written.
    """
    mark_abandoned(store, experiment_name(protocol.name))
    advance(f"{site}: checking against the codebook")
    try:
        cohort = load_cohort(protocol, site, file=file)
    except TooFewEventsError:
        return SiteValidation(site=site, withheld=True)
    work = SiteWork(protocol=protocol, site=site, cohort=cohort, store=store)
    advance(f"{site}: verifying the models of the others")
    others = [each for each in protocol.sites if each != site]
    models = verified_models(protocol, source or store, others)
    kept = {} if again else _standing(work, identity)
    written = _judge(work, models, others, standing=kept, advance=advance)
    if identity is not None:
        advance(f"{site}: signing")
        unsigned = [run.run_id for run in kept.values() if conventions.RUN_DIGEST not in run.tags]
        sign_runs(store, [*written, *unsigned], identity)
    return SiteValidation(
        site=site,
        written=tuple(written),
        standing=tuple(run.run_id for run in kept.values()),
        refused=models.refused,
        waiting=tuple(each for each in others if each not in models.sites),
        signed=identity is not None,
    )


def model_source(given: str | None, *, own: Store, folder: Path, protocol: str) -> Store:
    """Say where a site finds the models of the others.

    Parameters
    ----------
    given
        Address of a joint server, or the output folder of a store into which the others' bundles were imported. By
        default the study that the site was invited to; without an invitation, its own store.
    own
        The site's own store.
    folder
        The site's folder, where its key and its invitations are.
    protocol
        Name of the protocol.

    Raises
    ------
    ConfigError
        If the folder holds no store, or the address is of another kind.
    TrackingError
        If the server does not answer.
    """
    invitation = find_invitation(folder, protocol)
    if given is None:
        return own if invitation is None else _reached(invitation.store)
    if "://" in given:
        known = invitation is not None and given.rstrip("/") == invitation.server
        return _reached(invitation.store if invitation is not None and known else open_store(given, Path()))
    place = embedded_store(Path(given))
    if place.database is None or not place.database.exists():
        raise ConfigError(
            f"{given} holds no mlflow.db. Name the folder into which the bundles of the others were imported with "
            "biolab joint import BUNDLE --output FOLDER, or the address of the joint server."
        )
    return place


def _reached(store: Store) -> Store:
    """Make sure within seconds that a server answers."""
    if store.database is None:
        store.check()
    return store


def _judge(
    work: SiteWork, models: ReleasedModels, others: list[str], *, standing: Collection[Judged], advance: Advance
) -> list[str]:
    exchange, written = work.protocol.evaluation.exchange, []
    for train_site in others if "pairs" in exchange else ():
        written += validate_at_site(work, train_site=train_site, advance=advance, source=models, standing=standing)
    if "pooled" in exchange and set(others) <= models.sites.keys():
        written += validate_pooled_at_site(work, advance=advance, source=models, standing=standing)
    return written


def _standing(work: SiteWork, identity: PrivateIdentity | None) -> dict[Judged, RunRecord]:
    """Find the validations of these very patients that the site's store still holds as they were written."""
    protocol, site = work.protocol, work.site
    found = find_runs(work.store, protocol=protocol.name, sha256=protocol.sha256, role="validation", site=site)
    keys = protocol.keys if identity is None else {**protocol.keys, site: identity.public_key}
    cohort = work.cohort.digest
    return {
        (str(run.model), str(run.model_site), judged_models(run)): run
        for run in found
        if run.params.get(COHORT_DIGEST) == cohort and _holds(work.store, run, keys)
    }


def _holds(store: Store, run: RunRecord, keys: Mapping[str, str]) -> bool:
    """Say whether a run was not changed since it was signed; one that is not signed yet will be."""
    found = verify_run(store, run.run_id, keys)
    return found.state in {"verified", "unsigned", "unknown-key"} and not found.changes
