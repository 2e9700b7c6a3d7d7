"""List the runs of one store with params, metrics and tags: biolab's cache against MLflow's own search, side by side.

    python benchmarks/run_listing.py [--runs 10000] [--json benchmarks/results/run-listing.json]

The store is SQLite, filled through SQL in MLflow's schema (20 params, 30 metrics, 12 tags a run), because logging so
many runs takes an hour. Each way of listing runs in a process of its own: seconds from the call to all rows in memory,
without imports, and the growth of the process's largest resident set. Every listing must give the same runs and values
as MLflow's, or no time is reported. MLflow is timed once (most of a minute), the others five times (median).
"""

import argparse
import json
import multiprocessing
import os
import platform
import random
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

PARAMS, METRICS, TAGS, REPEATS = 20, 30, 12, 5
EXPERIMENT = "biolab/benchmark"


def fill(folder: Path, runs: int) -> None:
    """Write runs into a new store."""
    from biolab.tracking import embedded_store

    store = embedded_store(folder)
    store.client().create_experiment(EXPERIMENT)
    draw = random.Random(0)
    with closing(sqlite3.connect(store.database)) as database:
        (number,) = database.execute("SELECT experiment_id FROM experiments WHERE name = ?", [EXPERIMENT]).fetchone()
        for k in range(runs):
            run = f"{draw.getrandbits(128):032x}"
            row = (run, f"run {k}", "LOCAL", "lab", "FINISHED", k * 1000, k * 1000 + 500, "active", "none", number)
            columns = (
                "run_uuid, name, source_type, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri"
            )
            database.execute(f"INSERT INTO runs ({columns}, experiment_id) VALUES ({','.join('?' * 10)})", row)
            for table, size in (("params", PARAMS), ("tags", TAGS)):
                rows = [(f"{table}.{j}", f"value {j} of {k % 7}", run) for j in range(size)]
                database.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)
            points = [(f"metric.{j}", draw.random(), k * 1000, 0, 0, run) for j in range(METRICS)]
            for table in ("metrics", "latest_metrics"):
                database.executemany(
                    f"INSERT INTO {table} (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)",
                    points,
                )
        database.commit()


def by_mlflow(folder: Path) -> tuple[float, int, float]:
    """Page through MLflow's client."""
    from biolab.tracking import embedded_store

    store = embedded_store(folder)
    with store.session() as client:
        client.search_experiments(max_results=1)
        start = time.perf_counter()
        experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
        runs, token = [], None
        while True:
            page = client.search_runs([experiment], max_results=1000, page_token=token)
            runs += page
            token = page.token
            if not token:
                break
        seconds = time.perf_counter() - start
    total = sum(sum(run.data.metrics.values()) for run in runs)
    return seconds, sum(len(run.data.params) + len(run.data.metrics) + len(run.data.tags) for run in runs), total


def by_cache(folder: Path) -> tuple[float, int, float]:
    """Ask biolab's cache, as it is, refreshed by whatever has changed."""
    from biolab.tracking import cached_runs, embedded_store

    store = embedded_store(folder)
    start = time.perf_counter()
    found = cached_runs(store, experiment=EXPERIMENT, folder=folder / "cache")
    seconds = time.perf_counter() - start
    return seconds, found.params.height + found.metrics.height + found.tags.height, float(found.metrics["value"].sum())


def by_records(folder: Path) -> tuple[float, int, float]:
    """List them as ``biolab compare`` and ``biolab joint status`` do, as records with all their values."""
    from biolab.tracking import embedded_store, find_runs

    os.environ["XDG_CACHE_HOME"] = str(folder / "user-cache")
    store = embedded_store(folder)
    start = time.perf_counter()
    runs = find_runs(store, protocol=EXPERIMENT.removeprefix("biolab/"), status=None, latest=False)
    seconds = time.perf_counter() - start
    total = sum(sum(run.metrics.values()) for run in runs)
    return seconds, sum(len(run.params) + len(run.metrics) + len(run.tags) for run in runs), total


def edit(folder: Path) -> None:
    """Change one number of one run after its end, as anyone may."""
    from biolab.tracking import cached_runs, embedded_store

    store = embedded_store(folder)
    run = cached_runs(store, experiment=EXPERIMENT, folder=folder / "cache").runs["run_id"][0]
    with store.session() as client:
        client.log_metric(run, "metric.0", random.Random(time.time_ns()).random())


def _timed(way: Callable[[Path], tuple[float, int, float]], folder: Path, pipe) -> None:
    import mlflow  # noqa: F401 - imports are not timed

    from biolab.tracking import cached_runs  # noqa: F401

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, values, total = way(folder)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    pipe.send({"seconds": seconds, "values": values, "sum": total, "grown_mb": grown})


def in_own_process(way: Callable[[Path], tuple[float, int, float]], folder: Path) -> dict[str, float]:
    """Run one way of listing in a fresh process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_timed, args=(way, folder, theirs))
    process.start()
    found = ours.recv()
    process.join()
    return found


def median_of(way: Callable[[Path], tuple[float, int, float]], folder: Path, before: Callable[[Path], None]) -> dict:
    """Repeat and keep the median time."""
    found = []
    for _ in range(REPEATS):
        before(folder)
        found.append(in_own_process(way, folder))
    return found[-1] | {"seconds": statistics.median(each["seconds"] for each in found)}


def main() -> None:
    """Measure and print a line a way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        fill(folder, chosen.runs)
        mlflow = in_own_process(by_mlflow, folder)
        found = {"mlflow search_runs": mlflow, "biolab, first reading": in_own_process(by_cache, folder)}
        found["biolab, nothing changed"] = median_of(by_cache, folder, lambda _: None)
        in_own_process(by_records, folder)
        found["biolab, as records"] = median_of(by_records, folder, lambda _: None)
        same = all((each["values"], round(each["sum"], 6)) == (mlflow["values"], round(mlflow["sum"], 6))
                   for each in found.values())  # fmt: skip
        found["biolab, one run edited"] = median_of(by_cache, folder, edit)
        last = in_own_process(by_mlflow, folder)
        same &= abs(found["biolab, one run edited"]["sum"] - last["sum"]) < 1e-6
    if not same:
        raise SystemExit("The listings differ; no time is reported.")
    for name, each in found.items():
        ratio = mlflow["seconds"] / each["seconds"]
        print(f"{name:26} {each['seconds']:8.3f} s  {ratio:8.1f} x  {each['grown_mb']:7.0f} MB grown")
    if chosen.json is not None:
        about = {"runs": chosen.runs, "params": PARAMS, "metrics": METRICS, "tags": TAGS, "machine": platform.machine()}
        versions = {name: version(name) for name in ("mlflow", "polars")} | {"python": platform.python_version()}
        chosen.json.write_text(json.dumps({"about": about, "versions": versions, "found": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
