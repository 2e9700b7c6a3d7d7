"""Reading a bundle as if it came from a stranger: every byte accounted for, every signature checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from biolab.core import BiolabError, ConfigError, DataError, sha256_hex
from biolab.joint.identity import verify_signature

from .archive import LIMITS, Limits, unpack
from .contents import LIST, RUNS, SIGNATURE, BundledRun, BundleList, list_files, read_list, read_runs
from .crate import FILE as CRATE
from .crate import describe_crate
from .gate import check_kind


@dataclass(frozen=True, kw_only=True)
class BundleReport:
    """What a bundle holds, every check passed; ``trusted`` if it was signed with a key that was given."""

    path: Path
    sha256: str
    site: str
    public_key: str
    protocol: str
    version: str
    protocol_sha256: str
    runs: tuple[str, ...]
    files: int
    bytes: int
    trusted: bool

    @property
    def facts(self) -> dict[str, object]:
        """The report as a JSON-able object; its keys are stable."""
        return {**self.__dict__, "path": str(self.path), "runs": list(self.runs)}


@dataclass(frozen=True, kw_only=True)
class OpenedBundle:
    """A verified bundle in memory."""

    report: BundleReport
    runs: tuple[BundledRun, ...]
    contents: Mapping[str, bytes]


def verify(path: Path | str, keys: Mapping[str, str] | None = None) -> BundleReport:
    """Check a bundle: its form, every digest, every signature.

    Parameters
    ----------
    path
        The bundle.
    keys
        Public key of each site, from the locked protocol. Without it the bundle is checked against the key it names
        itself: that shows that it is whole, not who made it.

    Raises
    ------
    DataError
        If anything is not as its site signed it; the message names the entry.
    """
    return open_bundle(Path(path), keys).report


def open_bundle(path: Path, keys: Mapping[str, str] | None = None, limits: Limits = LIMITS) -> OpenedBundle:
    """Read and check a bundle; see ``verify``."""
    contents = unpack(path, limits)
    try:
        for needed in (LIST, SIGNATURE, RUNS, CRATE):
            if needed not in contents:
                raise ConfigError(f"has no entry {needed!r}; it is not a bundle of biolab.")
        listed = read_list(contents[LIST])
        _check_signature(listed, contents, keys)
        _check_files(listed, contents)
        runs = read_runs(contents[RUNS])
        _check_runs(listed, runs, contents)
    except BiolabError as error:
        raise DataError(f"{path}: {error}") from error
    report = BundleReport(
        path=path,
        sha256=sha256_hex(path.read_bytes()),
        site=listed.site,
        public_key=listed.public_key,
        protocol=listed.protocol.name,
        version=listed.protocol.version,
        protocol_sha256=listed.protocol.sha256,
        runs=listed.runs,
        files=len(contents),
        bytes=sum(len(content) for content in contents.values()),
        trusted=keys is not None,
    )
    return OpenedBundle(report=report, runs=tuple(runs), contents=contents)


def _check_signature(listed: BundleList, contents: Mapping[str, bytes], keys: Mapping[str, str] | None) -> None:
    if keys is not None and listed.site not in keys:
        raise ConfigError(f"{LIST}: is of site {listed.site!r}, whose public key the protocol does not name.")
    key = listed.public_key if keys is None else keys[listed.site]
    if listed.public_key != key:
        raise ConfigError(
            f"{LIST}: site {listed.site!r} has the key {key} in the protocol; the bundle names {listed.public_key}."
        )
    if not verify_signature(key, contents[SIGNATURE].decode("utf-8", "replace"), contents[LIST]):
        raise ConfigError(f"{SIGNATURE}: is not the signature of site {listed.site!r} over {LIST}.")


def _check_files(listed: BundleList, contents: Mapping[str, bytes]) -> None:
    signed = {each.path: each for each in listed.files}
    present = {path: content for path, content in contents.items() if path not in {LIST, SIGNATURE}}
    for path in present:
        if path not in signed:
            raise ConfigError(f"entry {path!r} is not in the signed list {LIST}.")
    for path in signed:
        if path not in present:
            raise ConfigError(f"entry {path!r} of the signed list {LIST} is missing.")
    for found in list_files(present):
        if signed[found.path] != found:
            raise ConfigError(
                f"entry {found.path!r} was changed: its SHA-256 is {found.sha256}, signed {signed[found.path].sha256}."
            )


def _check_runs(listed: BundleList, runs: list[BundledRun], contents: Mapping[str, bytes]) -> None:
    if [run.manifest.run_digest for run in runs] != list(listed.runs):
        raise ConfigError(f"{RUNS} holds other runs than the signed list {LIST}.")
    claimed: set[str] = set()
    earlier: set[str] = set()
    for number, run in enumerate(runs, start=1):
        _check_run(f"{RUNS}, line {number}", listed, run, earlier)
        earlier.add(run.manifest.run_digest)
        for path, facts in run.files.items():
            if path in claimed or path not in contents:
                raise ConfigError(f"{RUNS}, line {number}: entry {path!r} is missing or claimed twice.")
            if (sha256_hex(contents[path]), len(contents[path])) != (facts.sha256, facts.bytes):
                raise ConfigError(f"entry {path!r} is not the file that run {number} was signed with.")
            check_kind(path)
            claimed.add(path)
    if unclaimed := sorted(contents.keys() - claimed - {LIST, SIGNATURE, RUNS, CRATE}):
        raise ConfigError(f"entry {unclaimed[0]!r} belongs to no run.")
    rest = {path: content for path, content in contents.items() if path not in {LIST, SIGNATURE, CRATE}}
    if describe_crate([run.manifest for run in runs], rest) != contents[CRATE]:
        raise ConfigError(f"entry {CRATE!r} does not describe this bundle.")


def _check_run(where: str, listed: BundleList, run: BundledRun, earlier: set[str]) -> None:
    manifest = run.manifest
    if manifest.run.site != listed.site:
        raise ConfigError(f"{where}: the run is of site {manifest.run.site!r}, the bundle of {listed.site!r}.")
    if manifest.protocol != listed.protocol:
        raise ConfigError(
            f"{where}: the run stands under protocol {manifest.protocol.name} {manifest.protocol.version} "
            f"({manifest.protocol.sha256[:12]}), the bundle under {listed.protocol.name} {listed.protocol.version} "
            f"({listed.protocol.sha256[:12]})."
        )
    if not verify_signature(listed.public_key, run.signature, manifest.canonical):
        raise ConfigError(f"{where}: the signature is not site {listed.site!r}'s over this run.")
    if manifest.run_digest in earlier:
        raise ConfigError(f"{where}: the run stands twice.")
    if manifest.run.parent is not None and manifest.run.parent not in earlier:
        raise ConfigError(f"{where}: the run belongs to {manifest.run.parent[:12]}, which does not stand before it.")
