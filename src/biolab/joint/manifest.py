"""What a run holds, as one signed object: settings, numbers and the SHA-256 of every file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from biolab.core import ConfigError, canonical_json, sha256_hex
from biolab.core.validation import Settings, parse_settings
from biolab.tracking import RunContent, Store, conventions, run_content, run_record

FORMAT = "biolab.manifest/1"
MANIFEST_PATH = "biolab/manifest.json"
SIGNATURE_PATH = "biolab/manifest.sig"

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Key = Annotated[str, Field(pattern=r"^[\w.\-/: ]+$", max_length=250)]
Word = Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=100)]
Milliseconds = Annotated[int, Field(ge=0, lt=10**14)]


class RunFacts(Settings):
    """Which run it is: a site's cohort, one fitted model, or a model judged on another site's cohort."""

    name: Annotated[str, Field(min_length=1, max_length=250)]
    role: Literal["site", "model", "validation", "federated"]
    site: Word
    model: Word | None
    model_site: Word | None
    status: Literal["FINISHED"]
    started: Milliseconds
    ended: Milliseconds
    parent: Digest | None


class ProtocolName(Settings):
    """The protocol the run stands under."""

    name: Word
    version: Annotated[str, Field(max_length=50)]
    sha256: Digest


class CohortFacts(Settings):
    """The data set input of the run: no rows, no path."""

    name: Annotated[str, Field(max_length=500)]
    digest: Annotated[str, Field(min_length=1, max_length=500)]
    columns: Annotated[str, Field(max_length=1_000_000)]
    profile: Annotated[str, Field(max_length=1_000_000)]
    source: Annotated[str, Field(max_length=500)]
    context: Annotated[str, Field(max_length=100)]


class CodeFacts(Settings):
    """What computed the numbers: biolab's version, and its commit where it ran from a checkout."""

    biolab: Annotated[str, Field(max_length=100)] | None
    commit: Annotated[str, Field(max_length=100)] | None


class FileFacts(Settings):
    """A file by its path, digest and size."""

    path: Annotated[str, Field(min_length=1, max_length=400)]
    sha256: Digest
    bytes: Annotated[int, Field(ge=0)]


class ExampleFacts(Settings):
    """Made-up rows that show what goes into a model."""

    columns: Annotated[tuple[str, ...], Field(max_length=100_000)]
    data: Annotated[tuple[tuple[float | int | bool | str | None, ...], ...], Field(max_length=10)]


class ModelFacts(Settings):
    """A logged model: its loader, its signature, a synthetic input example, and its files."""

    name: Word
    loader: Annotated[str, Field(max_length=200)]
    signature: dict[str, str | None]
    example: ExampleFacts | None
    unusual: Annotated[dict[str, Any], Field(max_length=0)]
    files: Annotated[tuple[FileFacts, ...], Field(min_length=1)]


class Manifest(Settings):
    """Everything about a run that a site vouches for; ``run_digest`` is the SHA-256 of all the rest."""

    format: Literal["biolab.manifest/1"]
    run_digest: Digest
    run: RunFacts
    protocol: ProtocolName
    cohort: CohortFacts | None
    code: CodeFacts
    environment: Digest | None
    params: dict[Key, Annotated[str, Field(max_length=6000)]]
    metrics: tuple[tuple[Key, int, float, Milliseconds], ...]
    tags: dict[str, Annotated[str, Field(max_length=8000)]]
    artifacts: tuple[FileFacts, ...]
    models: tuple[ModelFacts, ...]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Manifest":
        if unlisted := sorted(self.tags.keys() - conventions.SIGNED_TAGS):
            raise ValueError(f"the tag {unlisted[0]!r} is not one that a bundle carries")
        for files in (self.artifacts, *(model.files for model in self.models)):
            paths = [each.path for each in files]
            if len(set(paths)) < len(paths):
                raise ValueError(f"the files {sorted(paths)} are not each named once")
        run, protocol = self.run, self.protocol
        said = {
            conventions.ROLE: run.role,
            conventions.SITE: run.site,
            conventions.MODEL: run.model,
            conventions.MODEL_SITE: run.model_site,
            conventions.PROTOCOL_NAME: protocol.name,
            conventions.PROTOCOL_VERSION: protocol.version,
            conventions.PROTOCOL_SHA256: protocol.sha256,
        }
        for tag, value in said.items():
            if self.tags.get(tag) != value:
                raise ValueError(f"the tag {tag} says {self.tags.get(tag)!r}, the run {value!r}")
        if (run.role == "model") != bool(self.models) or any(model.name != run.model for model in self.models):
            raise ValueError(f"a run of role {run.role!r} holds the models {[model.name for model in self.models]}")
        if run.role == "model" and (run.model_site != run.site or run.parent is None):
            raise ValueError("a model's run must belong to its own site and to that site's run")
        return self

    @property
    def canonical(self) -> bytes:
        """The manifest as canonical JSON: the bytes that are signed."""
        return canonical_json(self.model_dump(mode="json"))


def build_manifest(store: Store, run_id: str) -> Manifest:
    """Describe a finished run of a protocol as it stands in the store.

    Raises
    ------
    ConfigError
        If the run is unfinished, carries a tag or a model that cannot be signed, or its parent is not signed yet.
    TrackingError
        If the store cannot be read.
    """
    with run_content(store, run_id) as content:
        return manifest_of(content, parent=parent_digest(store, content))


def manifest_of(content: RunContent, *, parent: str | None) -> Manifest:
    """Describe a run's content; see ``build_manifest``."""
    where = f"The run {content.name} ({content.run_id}) cannot be signed"
    body = facts_of(content, parent=parent)
    if own := sorted(tag for tag in content.tags if _unknown_tag(tag)):
        raise ConfigError(f"{where}: its tag {own[0]!r} is not one that a bundle carries.")
    if len(content.datasets) > 1:
        raise ConfigError(f"{where}: it has {len(content.datasets)} data sets; a run is about one cohort.")
    try:
        return parse_settings(Manifest, {**body, "run_digest": digest_of(body)}, source=where)
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{where}: {error}") from error


def digest_of(body: Mapping[str, object]) -> str:
    """Return the digest of a manifest's content, leaving out ``run_digest`` itself."""
    return sha256_hex(canonical_json({key: value for key, value in body.items() if key != "run_digest"}))


def parent_digest(store: Store, content: RunContent) -> str | None:
    """Return the digest under which the parent of a run was signed, ``None`` if it has no parent.

    Raises
    ------
    ConfigError
        If the parent is not signed.
    """
    parent = content.tags.get(conventions.PARENT_RUN)
    if parent is None:
        return None
    found = run_record(store, parent).tags.get(conventions.RUN_DIGEST)
    if found is None:
        raise ConfigError(f"The run {content.name} ({content.run_id}) belongs to {parent}, which is not signed yet.")
    return str(found)


def facts_of(content: RunContent, *, parent: str | None) -> dict[str, Any]:
    """Lay out what a run holds as a manifest does, without judging it."""
    tags = {key: value for key, value in content.tags.items() if key in conventions.SIGNED_TAGS or _unknown_tag(key)}
    cohorts = [
        {"name": each.name, "digest": each.digest, "columns": each.columns}
        | {"profile": each.profile, "source": each.source, "context": each.context}
        for each in content.datasets
    ]
    return {
        "format": FORMAT,
        "run": {
            "name": content.name,
            "role": tags.get(conventions.ROLE),
            "site": tags.get(conventions.SITE),
            "model": tags.get(conventions.MODEL),
            "model_site": tags.get(conventions.MODEL_SITE),
            "status": content.status,
            "started": content.started,
            "ended": content.ended,
            "parent": parent,
        },
        "protocol": {
            "name": tags.get(conventions.PROTOCOL_NAME),
            "version": tags.get(conventions.PROTOCOL_VERSION),
            "sha256": tags.get(conventions.PROTOCOL_SHA256),
        },
        "cohort": cohorts[0] if len(cohorts) == 1 else (cohorts or None),
        "code": {"biolab": tags.get(conventions.CODE_VERSION), "commit": tags.get(conventions.CODE_COMMIT)},
        "environment": tags.get(conventions.ENVIRONMENT_SHA256),
        "params": dict(content.params),
        "metrics": [[each.key, each.step, each.value, each.timestamp] for each in content.points],
        "tags": tags,
        "artifacts": _file_facts({p: f for p, f in content.artifacts.items() if p not in _OWN_FILES}),
        "models": [
            {
                "name": each.name,
                "loader": each.loader,
                "signature": dict(each.signature),
                "example": each.example,
                "unusual": dict(each.unusual),
                "files": _file_facts(each.files),
            }
            for each in content.models
        ],
    }


_OWN_FILES = {MANIFEST_PATH, SIGNATURE_PATH}


def _unknown_tag(tag: str) -> bool:
    """Say whether a tag is in our name space but none of ours; labs may add tags of their own elsewhere."""
    return tag.startswith("biolab.") and tag not in conventions.SIGNED_TAGS | conventions.STORE_TAGS


def _file_facts(files: Mapping[str, Path]) -> list[dict[str, object]]:
    contents = ((path, file.read_bytes()) for path, file in sorted(files.items()))
    return [{"path": path, "sha256": sha256_hex(content), "bytes": len(content)} for path, content in contents]
