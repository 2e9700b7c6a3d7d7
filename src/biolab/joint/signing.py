"""Signed runs: a site vouches for what a run holds, and anyone can ask whether the store still holds it."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from biolab.core import BiolabError, ConfigError, TrackingError, canonical_json
from biolab.core.validation import parse_settings
from biolab.tracking import RunContent, Store, conventions, has_artifact, run_content, run_record, write_to_run

from .differences import Difference, flat
from .identity import PrivateIdentity, verify_signature
from .judged import judged_run_ids
from .manifest import MANIFEST_PATH, SIGNATURE_PATH, Manifest, digest_of, facts_of, manifest_of, parent_digest

State = Literal["verified", "changed", "unsigned", "unknown-key", "bad-signature", "wrong-protocol"]

_SIGNED_IN_TURN = {"site": 0, "model": 1}


@dataclass(frozen=True, kw_only=True)
class Change:
    """A value that is not what was signed; ``None`` where one of the two is missing."""

    field: str
    signed: object
    stored: object

    def __str__(self) -> str:
        return f"{self.field}: signed {_say(self.signed)}, stored {_say(self.stored)}"


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Whether a run is what its site signed, and each value that is not.

    ``verified``: signed with the site's key and unchanged. ``changed``: signed, but the store holds something else now.
    ``unknown-key``: no key of that site was given. ``bad-signature``: not signed with the site's key.
    ``wrong-protocol``: signed under another protocol than was asked for. ``unsigned``: no manifest.
    """

    run_id: str
    site: str | None
    state: State
    changes: tuple[Change, ...] = ()
    run_digest: str | None = None

    @property
    def verified(self) -> bool:
        """Whether the run may be compared."""
        return self.state == "verified"


def sign_run(store: Store, run_id: str, identity: PrivateIdentity) -> Manifest:
    """Sign what a finished run of the identity's site holds; a run that is signed already is only checked.

    The manifest and its signature become artifacts under ``biolab/``, their digest and the key tags of the run.

    Raises
    ------
    ConfigError
        If the run is another site's, unfinished, cannot be described, or was changed after it was signed.
    TrackingError
        If the store cannot be read or written.
    """
    _name_model(store, run_id)
    with run_content(store, run_id) as content:
        site = content.tags.get(conventions.SITE)
        if site != identity.site:
            raise ConfigError(f"The run {content.name} ({run_id}) is of site {site!r}; {identity.site} cannot sign it.")
        parent = parent_digest(store, content)
        if MANIFEST_PATH in content.artifacts:
            return _still_signed(content, identity, parent)
        manifest = manifest_of(content, parent=parent)
    signature = identity.sign(manifest.canonical)
    write_signature(store, run_id, manifest, signature, identity.public_key)
    return manifest


def sign_runs(store: Store, run_ids: Iterable[str], identity: PrivateIdentity) -> dict[str, Manifest]:
    """Sign several runs, a site's before its models' and those before validations; return the manifests by run."""
    records = [run_record(store, run_id) for run_id in run_ids]
    ordered = sorted(records, key=lambda run: _SIGNED_IN_TURN.get(str(run.role), len(_SIGNED_IN_TURN)))
    return {run.run_id: sign_run(store, run.run_id, identity) for run in ordered}


def write_signature(store: Store, run_id: str, manifest: Manifest, signature: str, public_key: str) -> None:
    """Put a manifest and its signature into a run; the tags last, because they say that the rest is there."""
    write_to_run(
        store,
        run_id,
        texts={MANIFEST_PATH: manifest.canonical.decode(), SIGNATURE_PATH: signature},
        tags={
            conventions.RUN_DIGEST: manifest.run_digest,
            conventions.SIGNATURE: signature,
            conventions.SITE_KEY: public_key,
        },
    )


def verify_run(
    store: Store, run_id: str, keys: Mapping[str, str], *, protocol_sha256: str | None = None
) -> Verification:
    """Hash again what the store holds now and compare it with what the run's site signed.

    MLflow lets everyone with the right to edit change a run after it has finished; each changed value is named.

    Parameters
    ----------
    store, run_id
        The run.
    keys
        Public key of each site, from the locked protocol.
    protocol_sha256
        The protocol that the run must stand under; any if ``None``.

    Raises
    ------
    TrackingError
        If the store cannot be read or has no such run.
    """
    if not has_artifact(store, run_id, MANIFEST_PATH):
        site = run_record(store, run_id).tags.get(conventions.SITE)
        return Verification(run_id=run_id, site=site, state="unsigned")
    with run_content(store, run_id) as content:
        site = content.tags.get(conventions.SITE)
        try:
            manifest = read_manifest(content.artifacts[MANIFEST_PATH].read_bytes(), where=MANIFEST_PATH)
        except BiolabError as error:
            change = Change(field=MANIFEST_PATH, signed=None, stored=str(error))
            return Verification(run_id=run_id, site=site, state="bad-signature", changes=(change,))
        signature = _signature(content)
        state = _state(manifest, signature, keys, protocol_sha256)
        changes = changes_of(manifest, content, parent=_parent(store, content))
    changes += _changed_tags(manifest, signature, content)
    if state == "verified" and changes:
        state = "changed"
    return Verification(
        run_id=run_id, site=manifest.run.site, state=state, changes=changes, run_digest=manifest.run_digest
    )


def read_manifest(content: bytes, *, where: str) -> Manifest:
    """Read a manifest, which has one spelling only.

    Raises
    ------
    ConfigError
        If it is not JSON, has a key it should not, disagrees with itself or its digest, or is not canonical.
    """
    try:
        body = json.loads(content)
        if not isinstance(body, dict):
            raise ValueError("not an object")
        manifest = parse_settings(Manifest, body, source=where)
        if manifest.canonical != content:
            raise ConfigError(f"{where}: is not in canonical form (sorted keys, no spaces, no key twice).")
    except (ValueError, RecursionError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{where}: is not a manifest ({error}).") from error
    if digest_of(body) != manifest.run_digest:
        raise ConfigError(f"{where}: run_digest is {manifest.run_digest}, its content gives {digest_of(body)}.")
    return manifest


def changes_of(manifest: Manifest, content: RunContent, *, parent: str | None) -> tuple[Change, ...]:
    """Name each value of a run that is not what its manifest says."""
    signed = _comparable(manifest.model_dump(mode="json"))
    stored = _comparable(facts_of(content, parent=parent))
    found = [_as_change(each) for each in flat(signed, stored)]
    named = {change.field for change in found}
    last = {key: value for key, _, _, value in sorted((k, step, at, value) for k, step, value, at in manifest.metrics)}
    for key, value in sorted(content.shown.items()):
        if key in last and value != last[key] and f"metrics.{key}" not in named:
            found.append(Change(field=f"metrics.{key}", signed=last[key], stored=value))
    return tuple(found)


def _comparable(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Key lists by what names their entries, so that a difference is named after what a reader knows."""
    by_name = {key: value for key, value in facts.items() if key not in {"format", "run_digest", "environment", "code"}}
    points: dict[str, list[list[float]]] = {}
    for key, step, value, at in facts["metrics"]:
        points.setdefault(key if step == 0 else f"{key}[{step}]", []).append([at, value])
    by_name["metrics"] = {key: sorted(each) for key, each in points.items()}
    by_name["artifacts"] = {each["path"]: each["sha256"] for each in facts["artifacts"]}
    by_name["models"] = {}
    for number, model in enumerate(facts["models"]):
        name = model["name"] if model["name"] not in by_name["models"] else f"{model['name']}[{number}]"
        files = {each["path"]: each["sha256"] for each in model["files"]}
        example = canonical_json(model["example"]).decode()
        by_name["models"][name] = {**model, "files": files, "example": example}
    return by_name


def _as_change(each: Difference) -> Change:
    if not each.path.startswith("metrics."):
        return Change(field=each.path, signed=each.old, stored=each.new)
    signed, stored = _newest(each.old), _newest(each.new)
    if signed == stored:  # added points, other times
        return Change(field=each.path, signed=each.old, stored=each.new)
    return Change(field=each.path, signed=signed, stored=stored)


def _newest(points: object) -> object:
    return points[-1][1] if isinstance(points, list) else None


def _signature(content: RunContent) -> str:
    if SIGNATURE_PATH not in content.artifacts:
        return ""
    return content.artifacts[SIGNATURE_PATH].read_bytes().decode("utf-8", "replace")


def _state(manifest: Manifest, signature: str, keys: Mapping[str, str], protocol_sha256: str | None) -> State:
    if manifest.run.site not in keys:
        return "unknown-key"
    if not verify_signature(keys[manifest.run.site], signature, manifest.canonical):
        return "bad-signature"
    if protocol_sha256 not in {None, manifest.protocol.sha256}:
        return "wrong-protocol"
    return "verified"


def _changed_tags(manifest: Manifest, signature: str, content: RunContent) -> tuple[Change, ...]:
    expected = {conventions.RUN_DIGEST: manifest.run_digest, conventions.SIGNATURE: signature}
    return tuple(
        Change(field=f"tags.{tag}", signed=value, stored=content.tags.get(tag))
        for tag, value in expected.items()
        if content.tags.get(tag) != value
    )


def _parent(store: Store, content: RunContent) -> str | None:
    try:
        return parent_digest(store, content)
    except ConfigError:
        return None


def _still_signed(content: RunContent, identity: PrivateIdentity, parent: str | None) -> Manifest:
    where = f"The run {content.name} ({content.run_id})"
    manifest = read_manifest(content.artifacts[MANIFEST_PATH].read_bytes(), where=where)
    if not verify_signature(identity.public_key, _signature(content), manifest.canonical):
        raise ConfigError(f"{where} was signed with another key than {identity.site}'s of today; run it again.")
    if changes := changes_of(manifest, content, parent=parent):
        raise ConfigError(
            f"{where} was changed after it was signed. Undo the change, or run again. "
            + "; ".join(str(each) for each in changes[:5])
        )
    return manifest


def _name_model(store: Store, run_id: str) -> None:
    """Let an unsigned validation name its models by digest, which holds in every store, where they are signed."""
    run = run_record(store, run_id)
    judged = judged_run_ids(run.params)
    if not judged or conventions.MODEL_RUN_DIGEST in run.tags or conventions.RUN_DIGEST in run.tags:
        return
    with suppress(TrackingError):
        digests = [run_record(store, model).tags.get(conventions.RUN_DIGEST) for model in judged]
        if None not in digests:
            write_to_run(store, run_id, texts={}, tags={conventions.MODEL_RUN_DIGEST: " ".join(map(str, digests))})


def _say(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
