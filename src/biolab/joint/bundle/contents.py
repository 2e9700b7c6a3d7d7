"""What a bundle says it holds: the signed list of its files, and its runs one a line."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from biolab.core import ConfigError, canonical_json, sha256_hex
from biolab.core.validation import Settings, parse_settings
from biolab.joint.manifest import Digest, FileFacts, Manifest, ProtocolName, Word, digest_of

_Model = TypeVar("_Model", bound=Settings)
FORMAT = "biolab.bundle/1"
LIST, SIGNATURE, RUNS = "manifest.json", "manifest.sig", "runs.jsonl"


class BundleList(Settings):
    """The signed list: whose bundle it is, under which protocol, which runs and every file with its digest."""

    format: Literal["biolab.bundle/1"]
    site: Word
    public_key: str
    protocol: ProtocolName
    runs: Annotated[tuple[Digest, ...], Field(min_length=1, max_length=10_000)]
    files: tuple[FileFacts, ...]

    @property
    def canonical(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json(self.model_dump(mode="json"))


class BundledRun(Settings):
    """One run: what its site signed, the signature, and the folder of its files in the bundle."""

    manifest: Manifest
    signature: Annotated[str, Field(max_length=200)]
    folder: Annotated[str, Field(pattern=r"^runs/[0-9]{4}-[\w.-]+$", max_length=120)]

    def artifact(self, path: str) -> str:
        """Say where an artifact stands in the bundle."""
        return f"{self.folder}/artifacts/{path}"

    def model_file(self, model: str, path: str) -> str:
        """Say where a model's file stands in the bundle."""
        return f"{self.folder}/models/{model}/{path}"

    @property
    def files(self) -> dict[str, FileFacts]:
        """Every file of the run by its path in the bundle."""
        listed = {self.artifact(each.path): each for each in self.manifest.artifacts}
        for model in self.manifest.models:
            listed |= {self.model_file(model.name, each.path): each for each in model.files}
        return listed


def write_runs(runs: Sequence[BundledRun]) -> bytes:
    """Return ``runs.jsonl``: one run a line, canonical JSON."""
    return b"".join(canonical_json(run.model_dump(mode="json")) + b"\n" for run in runs)


def read_runs(content: bytes) -> list[BundledRun]:
    """Read ``runs.jsonl``.

    Raises
    ------
    ConfigError
        Names the line and what is wrong with it.
    """
    runs = []
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        where = f"{RUNS}, line {number}"
        run = _parsed(BundledRun, line.removesuffix(b"\n"), where)
        if digest_of(run.manifest.model_dump(mode="json")) != run.manifest.run_digest:
            raise ConfigError(f"{where}: run_digest is not the digest of what the run holds.")
        runs.append(run)
    if write_runs(runs) != content:
        raise ConfigError(f"{RUNS} is not in canonical form (sorted keys, no spaces, no key twice).")
    return runs


def read_list(content: bytes) -> BundleList:
    """Read the signed list of a bundle.

    Raises
    ------
    ConfigError
        If it is of another format, has a key it should not, or is not canonical.
    """
    listed = _parsed(BundleList, content, LIST)
    if listed.canonical != content:
        raise ConfigError(f"{LIST} is not in canonical form (sorted keys, no spaces, no key twice).")
    return listed


def list_files(contents: Mapping[str, bytes]) -> tuple[FileFacts, ...]:
    """Describe files by path, digest and size."""
    return tuple(
        FileFacts(path=path, sha256=sha256_hex(content), bytes=len(content))
        for path, content in sorted(contents.items())
    )


def _parsed(model: type[_Model], content: bytes, where: str) -> _Model:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where} is not JSON ({type(error).__name__}).") from error
    if not isinstance(body, dict):
        raise ConfigError(f"{where} is not a JSON object.")
    return parse_settings(model, body, source=where)
