"""One cohort's folds on disk, the same for every tool: plain little-endian doubles and a JSON file."""

import json
from pathlib import Path

import numpy as np

from biolab.core import spawn_seed
from biolab.stats import stratified_folds

from .cohorts import Outcome, repeats
from .design import matrices

FOLDS, INNER_FOLDS, GRID = 5, 5, 20
EVENTS_PER_COLUMN = 5  # an unpenalised model is tried from this many training events a column


def assignments(outcome: Outcome, count: int, *, seed: int) -> list[np.ndarray]:
    """Return for each repeat the fold of each patient, events spread evenly."""
    name = outcome.name
    return [stratified_folds(outcome.event, FOLDS, seed=spawn_seed(seed, name, f"repeat {at}")) for at in range(count)]


def horizon(outcome: Outcome, folds: list[np.ndarray]) -> tuple[float, float]:
    """Return where the grid of the Brier score starts and ends.

    From the 10th to the 80th percentile of event times, or earlier, so that two patients of every test fold are
    followed beyond its end and every training fold has an event at or after it.
    """
    start, end = np.quantile(outcome.time[outcome.event], [0.1, 0.8])
    for fold in folds:
        for number in range(FOLDS):
            end = min(end, np.sort(outcome.time[fold == number])[-3])
            end = min(end, outcome.time[(fold != number) & outcome.event].max())
    return float(min(start, end / 2)), float(end * (1 - 1e-9))


def write(outcome: Outcome, folder: Path, *, seed: int) -> dict[str, object]:
    """Write the folds of a cohort and return what a table says about them."""
    folder.mkdir(parents=True, exist_ok=True)
    assigned = assignments(outcome, repeats(outcome), seed=seed)
    times = np.linspace(*horizon(outcome, assigned), GRID)
    folds = []
    for repeat, fold in enumerate(assigned):
        for number in range(FOLDS):
            test = fold == number
            train_X, test_X = matrices(outcome.covariates, test)
            at = len(folds)
            inner_seed = spawn_seed(seed, outcome.name, f"inner {repeat} {number}") % 2**31
            inner = stratified_folds(outcome.event[~test], INNER_FOLDS, seed=inner_seed)
            content = {"train": train_X.T, "test": test_X.T, "time": outcome.time[~test], "event": outcome.event[~test]}
            for name, values in (content | {"inner": inner}).items():
                np.ascontiguousarray(values, dtype="<f8").tofile(folder / f"{at}.{name}")
            rows = {"train": len(train_X), "test": len(test_X), "columns": train_X.shape[1]}
            folds.append(rows | {"events": int(outcome.event[~test].sum()), "inner_seed": inner_seed})
    widest = max(fold["columns"] for fold in folds)
    facts = {
        "cohort": outcome.name,
        "patients": len(outcome.time),
        "events": int(outcome.event.sum()),
        "without_follow_up": outcome.without_follow_up,
        "columns": widest,
        "repeats": len(assigned),
        "unpenalised": min(fold["events"] for fold in folds) >= EVENTS_PER_COLUMN * widest,
        "times": times.tolist(),
        "folds": folds,
    }
    (folder / "folds.json").write_text(json.dumps(facts))
    return facts
