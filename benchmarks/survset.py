"""Compare survival models over real cohorts of SurvSet by repeated cross-validation, ours beside the peers.

    python benchmarks/survset.py --peers-python PATH --work FOLDER --out benchmarks/results/survset.json
    python benchmarks/survset.py --page docs/survset.md --out benchmarks/results/survset.json    # tables and figure

Five folds with events spread evenly, two repeats (one above 500 columns or 2,000 patients). Every tool reads the same
matrices from disk, made from the training patients of each fold, and tunes on the same five inner folds. Ours run in
this Python, the peers in --peers-python (scikit-survival, lifelines), glmnet in --rscript; what is missing is left out.
Each model of a cohort is kept in --work once finished: run the command again and it goes on where it stopped. With
--keep what --out holds of other cohorts and models stays, so that a few are made anew or added:

    python benchmarks/survset.py --keep --cohorts AML_Bull DBCD --peers-python PATH --work FOLDER --out ...
    python benchmarks/survset.py --keep --models biolab-net biolab-trees --work FOLDER --out ...

Folds depend on the seed and the cohort alone. One fit at a time, on one thread.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from survset_table.cohorts import COHORTS, Outcome, read
from survset_table.contests import CONTESTS, contest
from survset_table.folds import FOLDS, assignments, write
from survset_table.inference import corrected_mean
from survset_table.judge import METRICS, judge
from survset_table.worker import worker

from biolab.core import write_atomically

ROOT = Path(__file__).resolve().parents[1]
UNPENALISED = ("biolab-cox", "sksurv-cox", "lifelines-cox")
TREES_COLUMNS = 1000  # boosted trees over person-periods take minutes a fold above it
TOOLS = {
    "biolab": ("biolab-cox", "biolab-ridge", "biolab-net", "biolab-trees"),
    "peers": ("sksurv-cox", "sksurv-net", "sksurv-forest", "lifelines-cox"),
    "glmnet": ("glmnet-net", "glmnet-ridge"),
}
MODELS = [model for models in TOOLS.values() for model in models]


def models_for(tool: str, facts: dict) -> list[str]:
    """Return which of a tool's models are tried on a cohort: the rules look at its size only."""
    return [
        model
        for model in TOOLS[tool]
        if (model not in UNPENALISED or facts["unpenalised"])
        and (model != "biolab-trees" or facts["columns"] <= TREES_COLUMNS)
    ]


def prepared(name: str, options: argparse.Namespace) -> dict:
    """Return what is known of a cohort's folds, and write them where they are not there yet."""
    stored = options.work / name / "folds.json"
    if stored.exists():
        return json.loads(stored.read_text())
    return write(read(name), options.work / name, seed=options.seed)


def result(name: str, options: argparse.Namespace) -> dict:
    """Judge all predictions on a cohort, keep the result, and delete its folds."""
    outcome, facts, folder = read(name), prepared(name, options), options.work / name
    share = float(np.mean([fold["test"] / fold["train"] for fold in facts["folds"]]))
    models = {}
    for model in MODELS:
        if (folder / f"{model}.json").exists():
            folds = judged(outcome, facts, json.loads((folder / f"{model}.json").read_text()), options.seed)
            models[model] = summary(folds, share) | {"folds": folds}
    found = {key: value for key, value in facts.items() if key not in {"folds", "times"}}
    found |= {"grid": [facts["times"][0], facts["times"][-1]], "test_share": share, "models": models}
    write_atomically(options.work / f"{name}.json", json.dumps(found))
    shutil.rmtree(folder)
    return found


def run(options: argparse.Namespace) -> list[dict]:
    """Fit and judge cohort by cohort, from where the last run stopped."""
    asked = {"peers_python": options.peers_python, "rscript": options.rscript, "timeout": options.timeout}
    workers = {tool: worker(tool, **asked) for tool in TOOLS}
    cohorts, started = [], time.monotonic()
    try:
        for at, name in enumerate(options.cohorts, start=1):
            finished = options.work / f"{name}.json"
            if not finished.exists():
                facts = prepared(name, options)
                for tool, fitter in workers.items():
                    for model in models_for(tool, facts) if fitter else []:
                        if model in options.models:
                            fitter.fit(model, options.work / name, len(facts["folds"]))
                result(name, options)
            cohorts.append(json.loads(finished.read_text()))
            told = " ".join(
                f"{model} {found['harrell_c']['mean'] if 'harrell_c' in found else float('nan'):.3f}"
                for model, found in cohorts[-1]["models"].items()
            )
            spent = time.monotonic() - started
            print(f"{at}/{len(options.cohorts)} {name} ({spent:.0f} s): {told}", file=sys.stderr, flush=True)
    finally:
        for fitter in filter(None, workers.values()):
            fitter.stop()
    return cohorts


def merged(before: dict | None, now: list[dict], commit: str | None) -> list[dict]:
    """Return the cohorts of an earlier run and of this, whose models replace those of before; all say their commit."""
    found: dict[str, dict] = {}
    for cohorts, made_at in (
        (before["cohorts"], before["environment"]["commit"]) if before else ([], None),
        (now, commit),
    ):
        for cohort in cohorts:
            earlier = found.get(cohort["cohort"], {"models": {}})
            models = {name: {"commit": made_at} | model for name, model in cohort["models"].items()}
            found[cohort["cohort"]] = earlier | cohort | {"models": earlier["models"] | models}
    place = {name: at for at, name in enumerate(COHORTS)}
    return sorted(found.values(), key=lambda cohort: place.get(cohort["cohort"], len(place)))


def judged(outcome: Outcome, facts: dict, predictions: list[dict], seed: int) -> list[dict]:
    folds, times = [], np.array(facts["times"])
    tests = [fold == at for fold in assignments(outcome, facts["repeats"], seed=seed) for at in range(FOLDS)]
    for test, prediction in zip(tests, predictions, strict=True):
        kept = {key: prediction.get(key) for key in ("seconds", "failed", "unconverged") if prediction.get(key)}
        if "failed" not in kept:
            kept |= judge(outcome.time, outcome.event, test, prediction, times)
        folds.append(kept)
    return folds


def summary(folds: list[dict], share: float) -> dict:
    """Return each metric over a model's folds with its interval, median seconds, and what went wrong how often."""
    told: dict[str, object] = {
        "failed": sum("failed" in fold for fold in folds),
        "unconverged": sum("unconverged" in fold for fold in folds),
        "seconds": float(np.median([fold["seconds"] for fold in folds if fold.get("seconds")] or [np.nan])),
    }
    for metric in METRICS:
        values = [fold[metric] for fold in folds if fold.get(metric) is not None]
        if values:
            found = corrected_mean(np.array(values), share)
            told[metric] = {name: getattr(found, name) for name in ("mean", "lower", "upper", "folds")}
    return told


def plain(value: Any) -> Any:
    """Return what is written: numbers to six digits, and null for what is not a number."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value


def environment(options: argparse.Namespace) -> dict[str, object]:
    def said(*words: str) -> str | None:
        try:
            return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return None

    asked = "from importlib.metadata import version as v; print(v('scikit-survival'), v('lifelines'))"
    peers = said(options.peers_python, "-c", asked) if options.peers_python else None
    asked_r = "cat(as.character(packageVersion('glmnet')), as.character(packageVersion('survival')))"
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "commit": said("git", "describe", "--always", "--dirty"),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": model[0].split(":")[1].strip() if model else platform.processor(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("SurvSet", "numpy", "scikit-learn")}
        | {"scikit-survival and lifelines": peers, "glmnet and survival (R)": said(options.rscript, "-e", asked_r)},
        "seed": options.seed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", nargs="*", default=COHORTS, metavar="NAME")
    parser.add_argument("--models", nargs="*", default=MODELS, choices=MODELS, metavar="MODEL")
    parser.add_argument("--keep", action="store_true", help="keep what --out holds of other cohorts and models")
    parser.add_argument("--peers-python", help="a Python with scikit-survival and lifelines")
    parser.add_argument("--rscript", default="Rscript", help="an R with glmnet, survival and jsonlite")
    parser.add_argument("--timeout", type=int, default=900, help="seconds for one model on one cohort")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--work", type=Path, help="a folder for what is finished; without it nothing is fitted")
    parser.add_argument("--out", type=Path, required=True, help="the JSON of all results")
    parser.add_argument("--page", type=Path, help="write the tables of the page here, and its figure beside it")
    options = parser.parse_args()

    if options.work:
        before = json.loads(options.out.read_text()) if options.keep and options.out.exists() else None
        facts = environment(options)
        cohorts = merged(before, run(options), facts["commit"])
        told = {"environment": facts, "cohorts": cohorts}
        told["contests"] = [contest(cohorts, *pair[:2], metric) for pair in CONTESTS for metric in METRICS]
        write_atomically(options.out, json.dumps(plain(told), indent=1) + "\n")
    if options.page:
        from survset_table.page import write_page

        write_page(json.loads(options.out.read_text()), options.page)


if __name__ == "__main__":
    main()
