"""Taking a bundle into a store: once, whole, or not at all."""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import platformdirs

from biolab.core import BiolabError, DataError
from biolab.core.locks import exclusive
from biolab.joint import audit_log
from biolab.joint.lock import LOCK_FILE, Lock, experiment_folder, load_lock
from biolab.joint.protocol import Protocol
from biolab.joint.signing import verify_run, write_signature
from biolab.tracking import (
    CarriedModel,
    CarriedRun,
    DatasetContent,
    MetricPoint,
    Store,
    begin_carried_run,
    conventions,
    end_carried_run,
    experiment_name,
    find_carried,
    registered_model_name,
    remove_run,
    run_record,
    write_to_run,
)

from .contents import BundledRun
from .verification import BundleReport, OpenedBundle, open_bundle


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did; run identifiers are the store's own."""

    bundle: BundleReport
    created: tuple[str, ...]
    present: tuple[str, ...]
    removed: tuple[str, ...]
    """Unfinished leftovers of an import that was interrupted."""
    changed: tuple[str, ...]
    """Runs that bear the digest of one of these but were changed since; left as they are and written anew."""

    @property
    def facts(self) -> dict[str, object]:
        """The report as a JSON-able object; its keys are stable."""
        ours = {"created": list(self.created), "present": list(self.present), "removed": list(self.removed)}
        ours["changed"] = list(self.changed)
        return {"bundle": self.bundle.facts, **ours}


def import_bundle(
    store: Store,
    path: Path | str,
    lock_or_protocol: Lock | Protocol,
    *,
    keys: Mapping[str, str] | None = None,
    log: Path | None = None,
    actor: str = "importer",
) -> ImportReport:
    """Verify a bundle and write its runs into a store, each once; importing it again changes nothing.

    Every run is written RUNNING, read back and compared with its manifest; only when all of them hold are they
    finished, a site's run last. What an interrupted import left is removed first. One import writes at a time.

    Parameters
    ----------
    store
        Where the runs go: ``biolab/<protocol>`` in an embedded store, ``biolab/<protocol>/<site>`` on a server.
    path
        The bundle.
    lock_or_protocol
        What the bundle must stand under: any version of a lock, or the very protocol.
    keys
        Public keys of the sites; those of the protocol if ``None``.
    log
        Audit log to record the import in; the refusal of a bundle too.
    actor
        Who imports, for the log.

    Raises
    ------
    DataError
        If the bundle is refused (exit code 3); the message names the entry. Nothing was written.
    TrackingError
        If the store cannot be written; the next import completes what this one began.
    """
    bundle = Path(path)
    try:
        opened = open_bundle(bundle, _keys(bundle, lock_or_protocol, keys))
        _check_protocol(opened.report, lock_or_protocol)
    except BiolabError as error:
        if log is not None:
            audit_log.append(log, actor=actor, action="refuse", subject=bundle.name, detail={"reason": str(error)})
        raise
    with exclusive(_lock_file(store)), tempfile.TemporaryDirectory(prefix="biolab-") as place:
        report = _Import(store=store, opened=opened, place=Path(place)).run()
        if log is not None:
            detail = {**report.bundle.facts, "path": bundle.name, "runs": len(report.bundle.runs)}
            detail |= {"created": len(report.created), "present": len(report.present), "removed": len(report.removed)}
            detail["changed"] = len(report.changed)
            audit_log.append(log, actor=actor, action="import", subject=opened.report.site, detail=detail)
    return report


def protocol_of_bundle(
    path: Path, experiment: str | None = None, *, coordinator_key: str | None = None
) -> Lock | Protocol:
    """Return what a bundle must stand under: an experiment's lock or, where it has none, its protocol.

    Parameters
    ----------
    path
        The bundle; it names the experiment if ``experiment`` does not.
    experiment
        Name of an experiment under ``experiments/``, or its folder.
    coordinator_key
        Public key the lock must be signed with; asks for a lock.

    Raises
    ------
    ConfigError
        If there is no such experiment or its lock is broken.
    DataError
        If the bundle is refused.
    """
    folder = experiment_folder(experiment or open_bundle(path).report.protocol)
    if (folder / LOCK_FILE).exists() or coordinator_key is not None:
        return load_lock(folder, coordinator_key=coordinator_key)
    return Protocol.load(folder)


def _keys(path: Path, source: Lock | Protocol, keys: Mapping[str, str] | None) -> Mapping[str, str]:
    if keys is not None:
        return keys
    if isinstance(source, Protocol):
        return source.keys
    claimed = open_bundle(path).report  # whole by its own key; whose key that is comes next
    version = source.find(claimed.protocol_sha256)
    return (version or source.latest).keys


def _check_protocol(report: BundleReport, source: Lock | Protocol) -> None:
    known = (
        {source.sha256: (source.name, source.version)}
        if isinstance(source, Protocol)
        else {each.sha256: (each.protocol["protocol"]["name"], each.version) for each in source.versions}
    )
    if known.get(report.protocol_sha256) != (report.protocol, report.version):
        versions = ", ".join(f"{name} {version} ({sha256[:12]})" for sha256, (name, version) in known.items())
        raise DataError(
            f"{report.path}: manifest.json stands under protocol {report.protocol} {report.version} "
            f"({report.protocol_sha256[:12]}); this study's is {versions}. Run the site again under it."
        )


def _lock_file(store: Store) -> Path:
    """One lock a store: beside an embedded one, in the importing user's folder for a server."""
    if store.database is not None:
        return store.database.with_name(".biolab-import.lock")
    name = sha256(store.tracking_uri.encode()).hexdigest()[:24]
    return platformdirs.user_state_path("biolab") / f"import-{name}.lock"


@dataclass(frozen=True, kw_only=True)
class _Import:
    store: Store
    opened: OpenedBundle
    place: Path

    @property
    def _experiments(self) -> list[str]:
        """Where runs of this bundle may stand, the first being where they go."""
        protocol, site = self.opened.report.protocol, self.opened.report.site
        whole, own = experiment_name(protocol), experiment_name(protocol, site)
        return [whole, own] if self.store.database is not None else [own, whole]

    def run(self) -> ImportReport:
        """Find, clear, write, check, finish."""
        present: dict[str, str] = {}
        removed: list[str] = []
        changed: list[str] = []
        for run in self.opened.runs:
            digest = run.manifest.run_digest
            for run_id, finished in find_carried(self.store, self._experiments, digest).items():
                if not finished:
                    remove_run(self.store, run_id, failure="ImportInterrupted")
                    removed.append(run_id)
                elif not self._holds(run, run_id):
                    changed.append(run_id)
                else:
                    present.setdefault(digest, run_id)
        created = self._write(present)
        return ImportReport(
            bundle=self.opened.report,
            created=tuple(created.values()),
            present=tuple(present.values()),
            removed=tuple(removed),
            changed=tuple(changed),
        )

    def _write(self, present: Mapping[str, str]) -> dict[str, str]:
        created: dict[str, str] = {}
        with ExitStack() as undo:
            for run in self.opened.runs:
                digest = run.manifest.run_digest
                if digest not in present:
                    run_id = self._begin(run, {**present, **created})
                    undo.callback(self._discard, run_id)
                    created[digest] = run_id
                    self._check(run, run_id)
            undo.pop_all()
        self._relink({**present, **created})
        for run in reversed(self.opened.runs):
            if run.manifest.run_digest in created:
                self._end(run, created[run.manifest.run_digest])
        return created

    def _begin(self, run: BundledRun, known: Mapping[str, str]) -> str:
        manifest = run.manifest
        tags = {conventions.RUN_DIGEST: manifest.run_digest}
        if manifest.run.parent is not None:
            tags[conventions.PARENT_RUN] = known[manifest.run.parent]
        run_id = begin_carried_run(self.store, self._experiments[0], self._carried(run), tags=tags)
        write_signature(self.store, run_id, manifest, run.signature, self.opened.report.public_key)
        return run_id

    def _carried(self, run: BundledRun) -> CarriedRun:
        manifest = run.manifest
        folder = self.place / manifest.run_digest[:16]
        files = folder / "artifacts"
        files.mkdir(parents=True)
        for each in manifest.artifacts:
            _put(files / each.path, self.opened.contents[run.artifact(each.path)])
        model = None
        for each in manifest.models:
            data = folder / "released"
            for file in each.files:
                _put(data / file.path, self.opened.contents[run.model_file(each.name, file.path)])
            example = None if each.example is None else each.example.model_dump(mode="json")
            model = CarriedModel(name=each.name, folder=data, signature=each.signature, example=example)
        cohort = manifest.cohort
        return CarriedRun(
            name=manifest.run.name,
            started=manifest.run.started,
            ended=manifest.run.ended,
            tags=manifest.tags,
            params=manifest.params,
            points=[MetricPoint(key=k, step=s, value=v, timestamp=at) for k, s, v, at in manifest.metrics],
            dataset=None if cohort is None else DatasetContent(**cohort.model_dump()),
            files=files,
            model=model,
        )

    def _holds(self, run: BundledRun, run_id: str) -> bool:
        """Say whether a finished run still is what the site signed."""
        site = run.manifest.run.site
        found = verify_run(self.store, run_id, {site: self.opened.report.public_key})
        return found.verified and found.run_digest == run.manifest.run_digest

    def _check(self, run: BundledRun, run_id: str) -> None:
        """Read the run back and compare everything; only its end is still to come."""
        site = run.manifest.run.site
        found = verify_run(self.store, run_id, {site: self.opened.report.public_key})
        wrong = [change for change in found.changes if change.field not in {"run.status", "run.ended"}]
        if found.state not in {"verified", "changed"} or wrong:
            named = "; ".join(str(change) for change in wrong[:3]) or found.state
            raise DataError(
                f"{self.opened.report.path}: run {run.manifest.run.name!r} does not come back from "
                f"{self.store.label} as it was signed ({named}). Nothing was imported."
            )

    def _relink(self, known: Mapping[str, str]) -> None:
        """Point runs that were there before at a parent that was written anew."""
        for run in self.opened.runs:
            if run.manifest.run.parent is not None:
                parent = known[run.manifest.run.parent]
                run_id = known[run.manifest.run_digest]
                if run_record(self.store, run_id).parent_id != parent:
                    write_to_run(self.store, run_id, texts={}, tags={conventions.PARENT_RUN: parent})

    def _end(self, run: BundledRun, run_id: str) -> None:
        facts = run.manifest.run
        name = None
        if facts.role == "model" and facts.model is not None:
            name = registered_model_name(run.manifest.protocol.name, facts.model, facts.site)
        done = {conventions.IMPORT_COMPLETE: self.opened.report.sha256}
        end_carried_run(self.store, run_id, ended=facts.ended, tags=done, registered_name=name)

    def _discard(self, run_id: str) -> None:
        remove_run(self.store, run_id, failure="ImportRefused")


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
