"""Writing a bundle at a site: signed runs, every file through the gate, one zip."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from biolab.core import ConfigError, sha256_hex, write_atomically
from biolab.core.validation import parse_settings
from biolab.data import Cohort
from biolab.joint.disclosure import ReleaseLedger, rules_of, traces_of
from biolab.joint.identity import PrivateIdentity
from biolab.joint.judged import COHORT_DIGEST
from biolab.joint.manifest import SIGNATURE_PATH, Manifest
from biolab.joint.protocol import Protocol
from biolab.joint.signing import sign_runs
from biolab.tracking import RunContent, RunRecord, Store, find_runs, read_text, run_content, run_record

from .archive import LIMITS, pack
from .contents import FORMAT, LIST, RUNS, SIGNATURE, BundledRun, BundleList, list_files, write_runs
from .crate import FILE as CRATE
from .crate import describe_crate
from .gate import ReleaseCheck, check_differences, check_release
from .names import check_names

_ORDER = ("site", "model", "validation", "federated")


@dataclass(frozen=True, kw_only=True)
class BundleFacts:
    """A bundle that was written."""

    path: Path
    sha256: str
    site: str
    protocol: str
    version: str
    protocol_sha256: str
    runs: int
    files: int
    bytes: int
    traced: bool = False
    """Whether the site's own patients were looked for in it."""

    @property
    def facts(self) -> dict[str, object]:
        """The facts as a JSON-able object; its keys are stable."""
        return {**self.__dict__, "path": str(self.path)}


def export_bundle(
    store: Store,
    runs: str | Sequence[str],
    identity: PrivateIdentity,
    path: Path,
    *,
    cohort: Cohort | None = None,
    ledger: ReleaseLedger | None = None,
) -> BundleFacts:
    """Sign runs of a site if need be, pass everything through the disclosure gate and write one bundle.

    Exporting the same runs again gives the same bytes.

    Parameters
    ----------
    store
        Where the runs are.
    runs
        Name of a protocol (the site's latest complete run, its models and its validations), or identifiers of runs; a
        site's run brings the runs of its models.
    identity
        The site that signs.
    path
        Where the bundle goes; replaced if it exists.
    cohort
        The site's patients under the protocol, where they are at hand: no trace of them may be in the bundle.
    ledger
        What the site has released before (``release_ledger``): this release may not be subtracted from it, and is
        added to it.

    Raises
    ------
    ConfigError
        If there are no such runs, they are of several sites or protocols, or were changed after they were signed.
    DisclosureError
        If something may not leave the site, alone or beside an earlier release; the message names it.
    DataError
        If a file is of a kind that never leaves.
    """
    records = select_runs(store, runs, identity.site)
    manifests = sign_runs(store, [record.run_id for record in records], identity)
    protocol = protocol_of_runs(store, records)
    if cohort is not None:
        _same_patients(cohort, manifests.values())
    check = _release_check(protocol, cohort, ledger)
    bundled, contents = _gather(store, records, manifests, check)
    contents[RUNS] = write_runs(bundled)
    contents[CRATE] = describe_crate([run.manifest for run in bundled], contents)
    listed = BundleList(
        format=FORMAT,
        site=identity.site,
        public_key=identity.public_key,
        protocol=bundled[0].manifest.protocol,
        runs=tuple(run.manifest.run_digest for run in bundled),
        files=list_files(contents),
    )
    contents[LIST] = listed.canonical
    contents[SIGNATURE] = identity.sign(listed.canonical).encode()
    check_names(path, list(contents))
    packed = pack(contents)
    if len(packed) > LIMITS.bytes:
        raise ConfigError(
            f"The bundle has {len(packed) / 1e6:.0f} MB, more than {LIMITS.bytes / 1e6:.0f}; send fewer runs."
        )
    check_differences(check, contents, release=f"{protocol.name} {protocol.version} ({protocol.sha256[:12]})")
    write_atomically(path, packed)
    return BundleFacts(
        path=path,
        sha256=sha256_hex(packed),
        site=identity.site,
        protocol=protocol.name,
        version=protocol.version,
        protocol_sha256=listed.protocol.sha256,
        runs=len(bundled),
        files=len(contents),
        bytes=len(packed),
        traced=cohort is not None,
    )


def select_runs(store: Store, runs: str | Sequence[str], site: str) -> list[RunRecord]:
    """Find what a bundle holds, a site's run before the runs of its models.

    Raises
    ------
    ConfigError
        If there are none, or they are unfinished, of another site, or of several protocols.
    """
    chosen = _latest(store, runs, site) if isinstance(runs, str) else _named(store, runs)
    for record in chosen:
        if record.status != "FINISHED":
            raise ConfigError(f"The run {record.name} ({record.run_id}) is {record.status}; only finished runs leave.")
        if record.role not in _ORDER:
            raise ConfigError(
                f"The run {record.name} ({record.run_id}) has the role {record.role!r}; it does not leave."
            )
        if record.site != site:
            raise ConfigError(f"The run {record.name} ({record.run_id}) is of site {record.site!r}, not of {site!r}.")
    if len({record.protocol_sha256 for record in chosen}) > 1:
        raise ConfigError("The runs stand under several protocols; export them one by one.")
    return sorted(chosen, key=lambda record: (_ORDER.index(str(record.role)), record.name, record.run_id))


def _latest(store: Store, protocol: str, site: str) -> list[RunRecord]:
    parents = find_runs(store, protocol=protocol, role="site", site=site)
    if not parents:
        raise ConfigError(f"Site {site!r} has no complete run of {protocol!r} in {store.label}. Run it first.")
    newest = max(parents, key=lambda record: (record.started, record.run_id))
    validations = find_runs(store, protocol=protocol, sha256=newest.protocol_sha256, role="validation", site=site)
    return [newest, *_children(store, newest), *validations]


def _named(store: Store, run_ids: Sequence[str]) -> list[RunRecord]:
    found = {record.run_id: record for record in (run_record(store, run_id) for run_id in run_ids)}
    for record in list(found.values()):
        if record.parent_id is not None and record.parent_id not in found:
            found[record.parent_id] = run_record(store, record.parent_id)
    for record in list(found.values()):
        found |= {child.run_id: child for child in _children(store, record)}
    if not found:
        raise ConfigError("No run was named.")
    return list(found.values())


def _children(store: Store, parent: RunRecord) -> list[RunRecord]:
    if parent.role != "site":
        return []
    name = str(parent.tags.get("biolab.protocol.name"))
    runs = find_runs(store, protocol=name, sha256=parent.protocol_sha256, role="model", site=parent.site, latest=False)
    return [run for run in runs if run.parent_id == parent.run_id]


def protocol_of_runs(store: Store, records: Sequence[RunRecord]) -> Protocol:
    """Return the protocol that runs of a site recorded, having made sure that they stand under it.

    Raises
    ------
    ConfigError
        If none of them recorded it, or what is recorded has another digest.
    """
    for record in records:
        if record.role in {"site", "validation"}:
            where = f"protocol.json of run {record.name} ({record.run_id})"
            text = read_text(store, record.run_id, "protocol.json")
            if sha256_hex(text.encode()) != record.protocol_sha256:
                raise ConfigError(f"{where} is not the protocol the run stands under; its rules cannot be trusted.")
            return parse_settings(Protocol, json.loads(text), source=where)
    raise ConfigError("None of the runs records its protocol; export the site's run with them.")


def _same_patients(cohort: Cohort, manifests: Iterable[Manifest]) -> None:
    for manifest in manifests:
        digest = manifest.params.get(COHORT_DIGEST) if manifest.cohort is None else manifest.cohort.digest
        if digest not in {None, cohort.digest}:
            raise ConfigError(
                f"The patients at hand are not those of the run {manifest.run.name!r}. Name the file that was run with "
                "--data, or run the site again."
            )


def _release_check(protocol: Protocol, cohort: Cohort | None, ledger: ReleaseLedger | None) -> ReleaseCheck:
    rules = rules_of(protocol)
    if cohort is None:
        return ReleaseCheck(rules=rules, ledger=ledger)
    rules = replace(rules, cohort_size=cohort.patients)
    return ReleaseCheck(rules=rules, traces=traces_of(cohort.frame, rules), ledger=ledger)


def _gather(
    store: Store, records: Sequence[RunRecord], manifests: Mapping[str, Manifest], check: ReleaseCheck
) -> tuple[list[BundledRun], dict[str, bytes]]:
    """Copy every run's files aside, pass the copies through the gate and take the bytes that passed."""
    bundled: list[BundledRun] = []
    contents: dict[str, bytes] = {}
    for number, record in enumerate(records, start=1):
        with tempfile.TemporaryDirectory(prefix="biolab-") as place, run_content(store, record.run_id) as content:
            run = BundledRun(
                manifest=manifests[record.run_id],
                signature=content.artifacts[SIGNATURE_PATH].read_text(encoding="utf-8"),
                folder=f"runs/{number:04d}-{_slug(record.name)}",
            )
            _copy(run, content, Path(place))
            check_release(check, run.manifest, Path(place))
            for path, facts in run.files.items():
                contents[path] = (Path(place) / path).read_bytes()
                if sha256_hex(contents[path]) != facts.sha256:
                    raise ConfigError(f"{path} changed while it was read; export again.")
        bundled.append(run)
    return bundled, contents


def _copy(run: BundledRun, content: RunContent, place: Path) -> None:
    found = {run.artifact(path): file for path, file in content.artifacts.items()}
    for model in content.models:
        found |= {run.model_file(model.name, path): file for path, file in model.files.items()}
    for path in run.files:
        if path not in found:
            raise ConfigError(f"{path} vanished while it was read; export again.")
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found[path], target)


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)[:40].strip("-.") or "run"
