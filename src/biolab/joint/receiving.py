"""The importer's round: fetch what lies in the sites' inboxes, verify it, take it in, tell each site."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from biolab.core import BiolabError, DataError, TrackingError
from biolab.core.locks import exclusive
from biolab.tracking import conventions
from biolab.tracking.inbox import Delivery, deliveries, fetch, keep_name, mark

from . import audit_log
from .bundle import import_bundle, verify
from .bundle.archive import LIMITS
from .lock import Lock
from .protocol import Protocol
from .study import Study

_PAUSES_S = (1.0, 2.0, 4.0)


@dataclass(frozen=True, kw_only=True)
class Received:
    """One delivery and what became of it: ``imported`` or ``refused``, and why."""

    site: str
    sha256: str
    state: str
    runs: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ReceivingReport:
    """What a round took in and refused; ``renamed`` are inboxes whose site had renamed them."""

    received: tuple[Received, ...]
    renamed: tuple[str, ...]
    unfinished: int
    """Deliveries that their sites have not completed yet."""

    @property
    def facts(self) -> dict[str, object]:
        """The report as a JSON-able object; its keys are stable."""
        found = [dict(each.__dict__) for each in self.received]
        return {"received": found, "renamed": list(self.renamed), "unfinished": self.unfinished}


def import_inbox(study: Study, source: Lock | Protocol, *, again: bool = False) -> ReceivingReport:
    """Import every delivery that has not been judged yet; one round at a time, and each bundle once.

    What was judged is read from the study's own audit log, not from what a site could write into its inbox.

    Parameters
    ----------
    study
        The study, as its coordinator keeps it.
    source
        What bundles must stand under: any version of the lock, or the very protocol.
    again
        Judge refused deliveries again, after the protocol or a key was mended.

    Raises
    ------
    TrackingError
        If the server is lost; the next round completes what this one began.
    """
    received: list[Received] = []
    renamed: list[str] = []
    unfinished = 0
    with exclusive(study.folder / ".import.lock"):
        judged = _judged(study, again=again)
        for site, facts in study.sites.items():
            name = conventions.inbox_name(study.protocol, site)
            if (found := keep_name(study.store, facts.inbox, name)) is not None:
                renamed.append(found)
                _note(study, "rename", site, {"inbox": facts.inbox, "found": found})
            found_there = deliveries(study.store, facts.inbox)
            unfinished += len(_unfinished(found_there))
            for each in found_there:
                if each.complete and each.sha256 not in judged:
                    received.append(_take(study, source, site, each))
                    judged.add(each.sha256)
    return ReceivingReport(received=tuple(received), renamed=tuple(renamed), unfinished=unfinished)


def _unfinished(inbox: list[Delivery]) -> set[str]:
    """Return the bundles of which no whole copy is there: an interrupted delivery may stand beside its repetition."""
    return {each.sha256 for each in inbox} - {each.sha256 for each in inbox if each.complete}


def _take(study: Study, source: Lock | Protocol, site: str, delivery: Delivery) -> Received:
    path = study.received / f"{delivery.sha256}.zip"
    try:
        runs = _patiently(lambda: _import(study, source, site, delivery, path))
    except TrackingError:
        raise
    except BiolabError as error:
        reason = str(error).replace(str(path), path.name)
        path.unlink(missing_ok=True)
        mark(study.store, delivery, "refused", reason)
        return Received(site=site, sha256=delivery.sha256, state="refused", runs=0, reason=reason)
    mark(study.store, delivery, "imported")
    return Received(site=site, sha256=delivery.sha256, state="imported", runs=runs, reason="")


def _patiently(action: Callable[[], int]) -> int:
    """Begin again after a fault of the server: an import looks what was done and completes it."""
    for pause_s in _PAUSES_S:
        try:
            return action()
        except TrackingError:
            time.sleep(pause_s)
    return action()


def _import(study: Study, source: Lock | Protocol, site: str, delivery: Delivery, path: Path) -> int:
    try:
        fetch(study.store, delivery, path, limit=LIMITS.bytes)
        found = verify(path).site
        if found != site:
            raise DataError(f"{path.name}: is of site {found!r} and came through the inbox of {site!r}.")
    except DataError as error:
        _note(study, "refuse", path.name, {"reason": str(error), "inbox": site})
        raise
    report = import_bundle(study.store, path, source, log=study.log)
    return len(report.bundle.runs)


def _judged(study: Study, *, again: bool) -> set[str]:
    """Return the SHA-256 of the bundles that the log says were imported or, unless ``again``, refused."""
    found: set[str] = set()
    for entry in audit_log.verify_log(study.log):
        if entry.action == "import":
            found.add(str(entry.detail.get("sha256")))
        elif entry.action == "refuse" and not again:
            found.add(entry.subject.removesuffix(".zip"))
    return found


def _note(study: Study, action: str, subject: str, detail: dict[str, object]) -> None:
    audit_log.append(study.log, actor="importer", action=action, subject=subject, detail=detail)
