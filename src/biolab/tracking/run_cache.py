"""All runs of a store as tables, kept on this computer and brought up to date by what has changed."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import platformdirs
import polars as pl

from biolab.core import BiolabError, sha256_hex, write_atomically
from biolab.core.locks import exclusive

from .run_rows import SCHEMAS, fetch_runs, has_rows, read_rows, read_runs, snapshot, stamp
from .store import Store

FORMAT = "biolab.runs/1"
TABLES = ("runs", "params", "metrics", "tags")
SERVER_AGE_S = 600.0
_OVERLAP_MS = 3_600_000  # clocks of sites differ; runs begun within the hour are read again


@dataclass(frozen=True, kw_only=True, eq=False)
class RunTables:
    """The runs of a store: one row a run, and their params, latest metrics and tags, one row each.

    ``read`` is how many runs were read from the store this time; the others came from the cache.
    """

    runs: pl.DataFrame
    params: pl.DataFrame
    metrics: pl.DataFrame
    tags: pl.DataFrame
    read: int

    def wide(self) -> pl.DataFrame:
        """Return one row a run and a column for each of ``params.*``, ``metrics.*`` and ``tags.*``, null if missing."""
        frame = self.runs
        for name in TABLES[1:]:
            table: pl.DataFrame = getattr(self, name)
            if not table.is_empty():
                across = table.pivot("key", index="run_id", values="value")
                named = across.rename({column: f"{name}.{column}" for column in across.columns if column != "run_id"})
                frame = frame.join(named, on="run_id", how="left", maintain_order="left")
        return frame


def cached_runs(
    store: Store,
    *,
    experiment: str | None = None,
    deleted: bool = False,
    folder: Path | None = None,
    server_age_s: float = SERVER_AGE_S,
) -> RunTables:
    """List the runs of a store, newest first, from tables kept on this computer and refreshed first.

    Of a store in a file (SQLite) every change is found: whatever is written raises the file's change counter; then each
    run's counts and sums of metrics, its params' lengths and its tags are compared with those kept, and only runs that
    differ are read. Of a server new and running runs are read each time and all runs again after ``server_age_s``: a
    server does not say which finished runs were edited, deleted or restored, so these show up to that much later
    (0 reads all). A comparison never rests on these tables: it verifies what the store holds.

    Parameters
    ----------
    store
        Which runs.
    experiment
        Only runs of this experiment and of those under it (``biolab/study`` takes ``biolab/study/site``).
    deleted
        List runs that were deleted in MLflow (and can be restored) too.
    folder
        Where tables are kept; by default ``runs`` in biolab's cache folder, for each store apart.
    server_age_s
        How old, in seconds, the last reading of all runs of a server may be.

    Raises
    ------
    TrackingError
        If the store cannot be read.
    """
    place = (folder or platformdirs.user_cache_path("biolab") / "runs") / sha256_hex(store.tracking_uri.encode())[:32]
    if store.database is not None and not store.database.exists():
        return _shown({name: pl.DataFrame(schema=SCHEMAS[name]) for name in TABLES}, experiment, deleted=True, read=0)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with exclusive(place / "lock"):
        kept, state = _load(place)
        tables, state, read = (_from_file if has_rows(store) else _from_server)(store, kept, state, server_age_s)
        if tables is not kept or read < 0:
            _save(place, tables, state)
    return _shown(tables, experiment, deleted=deleted, read=max(read, 0))


def _from_file(
    store: Store, kept: Mapping[str, pl.DataFrame], state: Mapping[str, Any], _age_s: float
) -> tuple[Mapping[str, pl.DataFrame], dict[str, Any], int]:
    now = stamp(store.database) if store.database is not None else ""
    if kept and state.get("stamp") == now:
        return kept, dict(state), 0
    with snapshot(store) as opened:
        runs = read_runs(opened)
        if not kept:
            tables = {name: read_rows(opened, name, None) for name in TABLES[1:]}
            return tables | {"runs": runs}, {"stamp": now}, runs.height
        same = runs.select("run_id", "mark").join(kept["runs"], on=["run_id", "mark"], how="semi")
        changed = runs.join(same, on="run_id", how="anti")["run_id"].to_list()
        fresh = {name: read_rows(opened, name, changed) for name in TABLES[1:]}
    valid = pl.col("run_id").is_in(same["run_id"].implode())
    if same.height == kept["runs"].height:  # new runs only
        valid = pl.lit(value=True)
    tables = {name: pl.concat([kept[name].filter(valid), rows]) for name, rows in fresh.items()}
    return tables | {"runs": runs}, {"stamp": now}, len(changed)


def _from_server(
    store: Store, kept: Mapping[str, pl.DataFrame], state: Mapping[str, Any], age_s: float
) -> tuple[Mapping[str, pl.DataFrame], dict[str, Any], int]:
    now = time.time()
    read_all = float(state.get("read_all", 0.0))
    if not kept or not 0 <= now - read_all < age_s:
        found = fetch_runs(store, since_ms=None)
        return found, {"read_all": now}, found["runs"].height
    newest = kept["runs"]["started"].dt.epoch("ms").max()
    found = fetch_runs(store, since_ms=int(str(newest or 0)) - _OVERLAP_MS)
    ids = found["runs"].select("run_id")
    tables = {name: pl.concat([kept[name].join(ids, on="run_id", how="anti"), rows]) for name, rows in found.items()}
    return tables, {"read_all": read_all}, ids.height


def _shown(tables: Mapping[str, pl.DataFrame], experiment: str | None, *, deleted: bool, read: int) -> RunTables:
    runs = tables["runs"].drop("mark", strict=False)
    if not deleted:
        runs = runs.filter(pl.col("lifecycle") == "active")
    if experiment is not None:
        name = pl.col("experiment")
        runs = runs.filter((name == experiment) | name.str.starts_with(f"{experiment}/"))
    runs = runs.sort("started", "run_id", descending=True, nulls_last=True)
    whole = runs.height == tables["runs"].height
    rows = {n: tables[n] if whole else tables[n].join(runs, on="run_id", how="semi") for n in TABLES[1:]}
    return RunTables(runs=runs, read=read, **rows)


def _load(place: Path) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """Read the tables kept; none if they were never kept, are of another form or are damaged."""
    try:
        state = json.loads((place / "state.json").read_text(encoding="utf-8"))
        if state.get("format") != FORMAT:
            return {}, {}
        tables = {name: pl.read_parquet(place / f"{name}-{state['generation']}.parquet") for name in TABLES}
    except (OSError, ValueError, KeyError, AttributeError, pl.exceptions.PolarsError):
        return {}, {}
    return tables, state


def _save(place: Path, tables: Mapping[str, pl.DataFrame], state: Mapping[str, Any]) -> None:
    """Keep the tables: all files of a generation, then the state that names it, then the older files go."""
    generation = uuid4().hex
    try:
        for name in TABLES:
            tables[name].write_parquet(place / f"{name}-{generation}.parquet", compression="lz4", statistics=False)
        write_atomically(place / "state.json", json.dumps({**state, "format": FORMAT, "generation": generation}))
        for path in place.glob("*.parquet"):
            if not path.stem.endswith(generation):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise BiolabError(f"{place} cannot be written ({error.strerror or error}). Free space in it.") from error
