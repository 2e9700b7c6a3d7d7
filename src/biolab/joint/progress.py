"""How far a joint experiment has come: who was invited, what was sent, imported and verified, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from biolab.tracking import RunRecord, Store, conventions, find_runs
from biolab.tracking.inbox import Delivery, deliveries

from .judged import judged_models
from .protocol import Protocol
from .signing import verify_run
from .study import Study

Cell = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class SiteProgress:
    """One site: when it was invited, what it sent, what of it stands in the study, and which cells it still owes.

    ``unverified`` names runs that are not as their site signed them; ``missing`` are (model, fitted at) of models that
    this site has not judged on its patients.
    """

    site: str
    invited: str | None
    key_known: bool
    pushed: int
    waiting: int
    refused: tuple[str, ...]
    imported: int
    verified: int | None
    unverified: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A joint experiment, site by site; ``other_protocol`` counts runs under another digest, which are never pooled."""

    protocol: str
    version: str
    sha256: str
    sites: tuple[SiteProgress, ...]
    cells: int
    filled: int
    other_protocol: int

    @property
    def facts(self) -> dict[str, object]:
        """The progress as a JSON-able object; its keys are stable."""
        return {**self.__dict__, "sites": [asdict(site) for site in self.sites]}


def joint_progress(protocol: Protocol, store: Store, *, study: Study | None = None, verify: bool = True) -> Progress:
    """Say how far an experiment has come.

    Parameters
    ----------
    protocol
        The protocol in force; runs under another digest only count as such.
    store
        Where imported runs stand.
    study
        The study on a joint server; without it nothing is known of invitations and inboxes.
    verify
        Check every run against its site's signature, which reads all its files.

    Raises
    ------
    TrackingError
        If the store or server cannot be read.
    """
    found = find_runs(store, protocol=protocol.name, latest=False)
    runs = [run for run in found if run.protocol_sha256 == protocol.sha256 and run.role != "comparison"]
    filled = _filled(protocol, runs)
    return Progress(
        protocol=protocol.name,
        version=protocol.version,
        sha256=protocol.sha256,
        sites=tuple(
            _site(protocol, store, site, runs, study=study, filled=filled, verify=verify) for site in protocol.sites
        ),
        cells=len(protocol.models) * len(protocol.sites) ** 2,
        filled=len(filled),
        other_protocol=sum(run.protocol_sha256 != protocol.sha256 for run in found),
    )


def _site(  # noqa: PLR0913 - what one row of the table is made of
    protocol: Protocol,
    store: Store,
    site: str,
    runs: Sequence[RunRecord],
    *,
    study: Study | None,
    filled: set[Cell],
    verify: bool,
) -> SiteProgress:
    own = [run for run in runs if run.site == site]
    invited = None if study is None else study.sites.get(site)
    inbox = [] if study is None or invited is None else deliveries(study.store, invited.inbox)
    sent = {each.sha256: each for each in inbox if each.complete}
    wrong = _wrong(store, own, protocol.keys) if verify else ()
    return SiteProgress(
        site=site,
        invited=None if invited is None else invited.invited_at,
        key_known=site in protocol.keys,
        pushed=len(sent),
        waiting=sum(each.state is None for each in sent.values()),
        refused=tuple(_reason(each) for each in sent.values() if each.state == "refused"),
        imported=len(own),
        verified=len(own) - len(wrong) if verify else None,
        unverified=wrong,
        missing=tuple(
            (spec.name, train)
            for spec in protocol.models
            for train in protocol.sites
            if (spec.name, train, site) not in filled
        ),
    )


def _wrong(store: Store, runs: Sequence[RunRecord], keys: Mapping[str, str]) -> tuple[str, ...]:
    found = ((run, verify_run(store, run.run_id, keys)) for run in runs)
    return tuple(f"{run.name}: {seen.state}" for run, seen in found if seen.state != "verified")


def _reason(delivery: Delivery) -> str:
    return f"{delivery.sha256[:12]}: {delivery.reason or 'no reason given'}"


def _filled(protocol: Protocol, runs: Sequence[RunRecord]) -> set[Cell]:
    """Return the cells (model, fitted at, judged at) of the matrix that stand, for each site's newest run.

    A validation counts for the very model it judged: not for one of an earlier run of that site.
    """
    newest = {run.site: run.run_id for run in reversed(runs) if run.role == "site"}
    models = [run for run in runs if run.role == "model" and run.parent_id == newest.get(run.site)]
    current = {run.tags.get(conventions.RUN_DIGEST, run.run_id) for run in models}
    filled = {(str(run.model), str(run.site), str(run.site)) for run in models}
    for run in runs:
        if run.role == "validation" and set(judged_models(run)) <= current:
            filled.add((str(run.model), str(run.model_site), str(run.site)))
    return {cell for cell in filled if cell[1] in protocol.sites and cell[2] in protocol.sites}
