"""Which runs a comparison may use: each is verified first, and what does not hold is named and left out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from biolab.tracking import RunRecord, Store, conventions, find_runs

from .judged import judged_models
from .late_edits import late_edits
from .protocol import Protocol
from .signing import Change, State, verify_run

Use = Literal["used", "older", "unused", "refused", "other"]
"""``used``; ``older``: another run of the same place is newer; ``unused``: its site's or its model's run is not used;
``refused``: it does not hold; ``other``: it stands under another hash of the protocol."""

Place = tuple[str | None, ...]
ROLES = ("site", "model", "validation")
_VERDICTS = {
    **dict.fromkeys(("run_id", "name", "site", "model", "model_site", "role", "version", "sha256"), pl.String()),
    "started": pl.Datetime("ms", "UTC"),
    **dict.fromkeys(("state", "use"), pl.String()),
}
_CHANGES = dict.fromkeys(("run_id", "name", "site", "model", "role", "field", "signed", "stored"), pl.String())


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A run and what verifying it found; ``state`` is ``changed`` also where an unsigned run was edited later."""

    run: RunRecord
    state: State
    changes: tuple[Change, ...] = ()
    has_manifest: bool = False
    same_protocol: bool = True


@dataclass(frozen=True, kw_only=True)
class Admission:
    """The runs a comparison rests on, and the verdict on every run of the protocol's name.

    ``signed`` says whether runs had to be signed; without any key they need not be.
    """

    signed: bool
    sites: tuple[RunRecord, ...]
    models: tuple[RunRecord, ...]
    validations: tuple[RunRecord, ...]
    verdicts: pl.DataFrame
    changes: pl.DataFrame

    @property
    def refused(self) -> pl.DataFrame:
        """The runs that do not hold: run_id, name, site, model, model_site, role, version, sha256, started, state."""
        return self.verdicts.filter(pl.col("use") == "refused")


def admit(protocol: Protocol, store: Store, *, keys: Mapping[str, str] | None = None) -> Admission:
    """Verify every run of a protocol against what the store holds now, and choose those that a comparison may use.

    For each site the newest complete run that its own key signed is taken, then its models and the validations of
    those. A run that was changed after it was signed is refused, and no older one takes its place: what the site last
    said is no longer known. A run that its site did not sign is refused and stands in nobody's way. Without any key
    (a demonstration) unsigned runs are taken, but for those that were visibly edited after they had ended.

    Parameters
    ----------
    protocol
        The protocol; a run under another hash is listed and never used.
    store
        Where the runs are.
    keys
        Public key of each site; by default those that the protocol names.

    Raises
    ------
    TrackingError
        If the store cannot be read.
    """
    known = protocol.keys if keys is None else dict(keys)
    found = find_runs(store, protocol=protocol.name, status=None, latest=False)
    verdicts = [_judge(protocol, store, run, known) for run in found if run.role in ROLES and _ended(run)]
    own = [verdict for verdict in verdicts if verdict.same_protocol and _stands(verdict, signed=bool(known))]
    sites = _newest(own, "site", lambda run: (run.site,))
    parents = {verdict.run.run_id for verdict in sites}
    models = _newest([each for each in own if each.run.parent_id in parents], "model", lambda r: (r.site, r.model))
    current = {run for each in models for run in (each.run.run_id, each.run.tags.get(conventions.RUN_DIGEST)) if run}
    judged = [each for each in own if each.run.role == "validation" and set(judged_models(each.run)) <= current]
    validations = _newest(judged, "validation", lambda run: (run.site, run.model, run.model_site))
    chosen = {each.run.run_id for each in (*sites, *models, *validations)}
    places = {_place(each.run) for each in own if each.run.run_id in chosen}
    uses = {each.run.run_id: _use(each, own, chosen, places) for each in verdicts}
    return Admission(
        signed=bool(known),
        sites=tuple(each.run for each in sites),
        models=tuple(each.run for each in models),
        validations=tuple(each.run for each in validations),
        verdicts=pl.DataFrame([_row(each, uses[each.run.run_id]) for each in verdicts], schema=_VERDICTS),
        changes=pl.DataFrame([row for each in verdicts for row in _change_rows(each)], schema=_CHANGES),
    )


def _ended(run: RunRecord) -> bool:
    """Leave out runs that never finished; one that was signed and says it has not was changed."""
    if run.status == "FINISHED":
        return True
    importing = run.status == "RUNNING" and conventions.IMPORT_COMPLETE not in run.tags
    return conventions.RUN_DIGEST in run.tags and not importing


def _judge(protocol: Protocol, store: Store, run: RunRecord, keys: Mapping[str, str]) -> Verdict:
    same = run.protocol_sha256 == protocol.sha256
    if not same and conventions.RUN_DIGEST not in run.tags:
        return Verdict(run=run, state="unsigned", same_protocol=False)
    found = verify_run(store, run.run_id, keys, protocol_sha256=protocol.sha256)
    # with a key, only what was signed under this very protocol can be found changed, whatever its tags say now
    same |= found.state == "changed"
    state, changes = found.state, found.changes
    if state == "unsigned":
        changes = late_edits(store, run.run_id)
    if changes and (state == "unsigned" or (state == "unknown-key" and not keys)):
        state = "changed"
    has_manifest = found.state != "unsigned"
    return Verdict(run=run, state=state, changes=changes, has_manifest=has_manifest, same_protocol=same)


def _stands(verdict: Verdict, *, signed: bool) -> bool:
    """Say whether a run is its site's word, changed or not."""
    if signed:
        return verdict.state in {"verified", "changed"} and verdict.has_manifest
    return verdict.state in {"verified", "changed", "unsigned", "unknown-key"}


def _newest(verdicts: Iterable[Verdict], role: str, place: Callable[[RunRecord], Place]) -> list[Verdict]:
    """Take the newest run of each place; where it was changed, the place stays empty."""
    newest: dict[Place, Verdict] = {}
    for verdict in sorted(verdicts, key=lambda each: (each.run.started, each.run.run_id), reverse=True):
        if verdict.run.role == role:
            newest.setdefault(place(verdict.run), verdict)
    return [verdict for verdict in newest.values() if verdict.state != "changed"]


def _place(run: RunRecord) -> Place:
    return run.role, run.site, run.model, run.model_site


def _use(verdict: Verdict, own: list[Verdict], chosen: set[str], places: set[Place]) -> Use:
    if verdict.run.run_id in chosen:
        return "used"
    if not verdict.same_protocol:
        return "other"
    if verdict.state == "changed" or verdict not in own:
        return "refused"
    return "older" if _place(verdict.run) in places else "unused"


def _row(verdict: Verdict, use: Use) -> dict[str, object]:
    run = verdict.run
    return {
        "run_id": run.run_id,
        "name": run.name,
        "site": run.site,
        "model": run.model,
        "model_site": run.model_site,
        "role": run.role,
        "version": run.tags.get(conventions.PROTOCOL_VERSION),
        "sha256": run.protocol_sha256,
        "started": run.started,
        "state": verdict.state,
        "use": use,
    }


def _change_rows(verdict: Verdict) -> list[dict[str, object]]:
    run = verdict.run
    where = {"run_id": run.run_id, "name": run.name, "site": run.site, "model": run.model, "role": run.role}
    return [where | {"field": each.field, "signed": _text(each.signed), "stored": _text(each.stored)}
            for each in verdict.changes]  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)
