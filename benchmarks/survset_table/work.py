"""Fit one tool's models on cohorts' folds: ``python work.py TOOL`` with a line "MODEL FOLDER" on stdin for each job.

Runs in the Python that has the tool and needs only numpy beside it. For each job it writes FOLDER/MODEL.json with an
entry a fold (seconds of processor time of the fit, log risk of the test patients, survival on the grid where the model
has it, or why there is none), then says "done" on a line.
"""

import importlib
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np


def read_fold(folder: Path, at: int, facts: dict) -> dict[str, np.ndarray]:
    def values(name: str) -> np.ndarray:
        return np.fromfile(folder / f"{at}.{name}", dtype="<f8")

    columns = facts["folds"][at]["columns"]
    matrix = {name: np.ascontiguousarray(values(name).reshape(columns, -1).T) for name in ("train", "test")}
    return matrix | {
        "time": values("time"),
        "event": values("event") > 0,
        "inner": values("inner").astype(int),
        "times": np.array(facts["times"]),
        "inner_seed": facts["folds"][at]["inner_seed"],
    }


def one_fold(model, fold: dict[str, np.ndarray]) -> dict[str, object]:
    """Fit and predict; whatever the model raises is what this fold says."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        started = time.process_time()
        try:
            fitted = model(fold)
            seconds = time.process_time() - started
            risk, survival = fitted
            risk, survival = np.asarray(risk(), dtype=float), None if survival is None else np.asarray(survival())
        except Exception as error:  # noqa: BLE001 - a peer's failure of any kind is a result here
            return {"failed": f"{type(error).__name__}: {error}"[:300], "seconds": time.process_time() - started}
    if not np.isfinite(risk).all():
        return {"failed": "the risk is NaN or infinite", "seconds": seconds}
    unconverged = [str(warning.message) for warning in said if "converge" in str(warning.message).lower()]
    return {
        "seconds": seconds,
        "risk": risk.tolist(),
        "survival": None if survival is None else survival.tolist(),
        "unconverged": unconverged[0][:200] if unconverged else None,
    }


def warm_up() -> dict[str, np.ndarray]:
    """Return a small fold, so that compilation and imports are not counted."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 3))
    follow_up = generator.exponential(np.exp(-X[:, 0]))
    return {
        "train": X,
        "test": X[:5],
        "time": follow_up,
        "event": generator.random(60) < 0.7,
        "inner": np.arange(60) % 5,
        "times": np.linspace(0.1, 0.5, 20),
        "inner_seed": 0,
    }


def main() -> None:
    models = importlib.import_module(f"models_{sys.argv[1]}").MODELS
    warm = set()
    for line in sys.stdin:
        name, folder = line.rstrip("\n").split(" ", 1)
        facts = json.loads((Path(folder) / "folds.json").read_text())
        if name not in warm:
            one_fold(models[name], warm_up())
            warm.add(name)
        results = [one_fold(models[name], read_fold(Path(folder), at, facts)) for at in range(len(facts["folds"]))]
        staged = Path(folder) / f".{name}.json"
        staged.write_text(json.dumps(results))
        staged.replace(Path(folder) / f"{name}.json")
        print("done", flush=True)


if __name__ == "__main__":
    main()
