"""Models that sites have released into a store: which of them may be used, and that their files are the signed ones."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from biolab.core import DataError, TrackingError, sha256_hex
from biolab.tracking import RunRecord, Store, conventions, find_runs, load_released, read_text

from .admission import admit
from .fitting import AbstractReleased
from .manifest import MANIFEST_PATH
from .outcomes import outcome_kind
from .protocol import Protocol
from .signing import read_manifest


@dataclass(frozen=True, kw_only=True)
class RefusedRun:
    """A run of a site that does not hold, and why: the state that verifying found and the first changed value."""

    name: str
    site: str
    model: str | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class ReleasedModels:
    """The runs of sites (``sites``) and of their models (by site and name), and the store that holds them.

    ``refused`` are runs that do not hold; no model of theirs is among ``models``.
    """

    store: Store
    sites: Mapping[str, RunRecord]
    models: Mapping[str, Mapping[str, RunRecord]]
    refused: tuple[RefusedRun, ...] = ()

    def is_refused(self, site: str, model: str) -> bool:
        """Say whether a site released this model and what is there does not hold."""
        return any(each.site == site and each.model == model for each in self.refused)

    def load(self, protocol: Protocol, run: RunRecord) -> AbstractReleased:
        """Fetch and read the model of a run; where the run is signed, its files must be those that were signed.

        Raises
        ------
        DataError
            If the files are not the signed ones: they were changed after the run was verified.
        TrackingError
            If the store cannot be read.
        """
        with TemporaryDirectory(prefix="biolab-") as place:
            local = self.store.database is not None
            folder = load_released(self.store, run.run_id, destination=None if local else Path(place))
            self._check_files(run, folder)
            return outcome_kind(protocol).load(folder)

    def _check_files(self, run: RunRecord, folder: Path) -> None:
        digest = run.tags.get(conventions.RUN_DIGEST)
        if digest is None:
            return
        where = f"the model of run {run.name!r} in {self.store.label}"
        manifest = read_manifest(read_text(self.store, run.run_id, MANIFEST_PATH).encode(), where=where)
        signed = {each.path: each.sha256 for model in manifest.models for each in model.files}
        files = (path for path in folder.rglob("*") if path.is_file())
        found = {path.relative_to(folder).as_posix(): sha256_hex(path.read_bytes()) for path in files}
        if manifest.run_digest != digest or found != signed:
            raise DataError(
                f"{where}: its files are not those that {run.site} signed. Verify the store, then run again."
            )


def complete_models(protocol: Protocol, store: Store, sites: Sequence[str]) -> ReleasedModels:
    """Find the newest complete run of each site under this very protocol and its models, without verifying them.

    For stores that one person wrote on one computer.

    Raises
    ------
    TrackingError
        If a site has no complete run under this very protocol.
    """
    only = sites[0] if len(sites) == 1 else None
    found = find_runs(store, protocol=protocol.name, sha256=protocol.sha256, role="site", site=only)
    latest = {str(run.site): run for run in found}
    for site in sites:
        if site not in latest:
            raise TrackingError(
                f"Site {site!r} has no complete run of protocol {protocol.name} {protocol.version} "
                f"({protocol.sha256[:12]}) in {store.label}. Run that site first."
            )
    runs = find_runs(store, protocol=protocol.name, sha256=protocol.sha256, role="model", site=only, latest=False)
    models = {
        site: {str(run.model): run for run in runs if run.parent_id == latest[site].run_id and run.site == site}
        for site in sites
    }
    return ReleasedModels(store=store, sites={site: latest[site] for site in sites}, models=models)


def verified_models(
    protocol: Protocol, store: Store, sites: Collection[str], *, keys: Mapping[str, str] | None = None
) -> ReleasedModels:
    """Find the models that sites signed and the store still holds; sites that have not reported are not there.

    Parameters
    ----------
    protocol
        The protocol; runs under another hash are not looked at.
    store
        Where the sites' runs are.
    sites
        Whose models.
    keys
        Public key of each site; by default those that the protocol names. Without any, unsigned runs are taken.

    Raises
    ------
    TrackingError
        If the store cannot be read.
    """
    admitted = admit(protocol, store, keys=keys, roles=("site", "model"), sites=sites)
    models: dict[str, dict[str, RunRecord]] = {str(run.site): {} for run in admitted.sites}
    for run in admitted.models:
        models[str(run.site)][str(run.model)] = run
    rows = admitted.refused.iter_rows(named=True)
    return ReleasedModels(
        store=store,
        sites={str(run.site): run for run in admitted.sites},
        models=models,
        refused=tuple(_refused(row, admitted.changes) for row in rows),
    )


def _refused(row: Mapping[str, str], changes: pl.DataFrame) -> RefusedRun:
    first = changes.filter(pl.col("run_id") == row["run_id"]).head(1).to_dicts()
    said = "".join(f": {each['field']}, signed {each['signed']}, stored {each['stored']}" for each in first)
    return RefusedRun(name=row["name"], site=row["site"], model=row["model"], reason=f"{row['state']}{said}")
