"""Try settings of the boosted trees of `DiscreteTimeHazard` on cohorts that docs/survset.md does not judge it on.

    python benchmarks/boosting_defaults.py --out benchmarks/results/boosting-defaults.json

Eight cohorts of SurvSet that are not among those of benchmarks/survset.py (nki70 shares patients with DBCD, on which no
trees are tried), and two simulated ones (linear, and with interactions), in five folds, repeated. Settings are compared
by their means over the cohorts of Harrell's C and the integrated Brier score. The defaults are chosen here and only
then judged there. One fit at a time.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from survset_table.cohorts import COHORTS, Outcome, read
from survset_table.design import matrices
from survset_table.folds import FOLDS, GRID, assignments, horizon
from survset_table.judge import judge

from biolab.survival import CoxPHCV, DiscreteTimeHazard

CHOSEN_ON = ["pharmacoSmoking", "d.oropha.rec", "nki70", "Unemployment", "vlbw", "grace", "LeukSurv", "rdata"]
SIMULATED = ("linear", "interactions")
SETTINGS: dict[str, dict[str, Any]] = {
    "150 steps of .05, 8 leaves of 20 patients": {},
    "4 leaves of 10, a third, .03": {"max_leaf_nodes": 4, "patients": 10, "max_features": 0.33, "learning_rate": 0.03},
    "leaves of 10 patients": {"patients": 10},
    "a third of the columns a node": {"max_features": 0.33},
    "60 steps": {"max_iter": 60},
    "4 leaves of 10, a third, .03, 6 intervals": {
        "max_leaf_nodes": 4,
        "patients": 10,
        "max_features": 0.33,
        "learning_rate": 0.03,
        "intervals": 6,
    },
    "6 intervals": {"intervals": 6},
    "4 leaves of 10, a third, steps by deviance held out": {
        "max_leaf_nodes": 4,
        "patients": 10,
        "max_features": 0.33,
        "validated": True,
    },
    "steps by deviance held out": {"validated": True},
    "150 steps of .02": {"learning_rate": 0.02},
    "3 leaves": {"max_leaf_nodes": 3},
    "l2 of 5": {"l2_regularization": 5.0},
}


class Validated(ClassifierMixin, BaseEstimator):
    """Boosted trees whose number of steps has the least deviance on patients held out; refitted on all."""

    def __init__(self, classifier: HistGradientBoostingClassifier, folds: int = 3) -> None:
        self.classifier = classifier
        self.folds = folds

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> "Validated":
        patient = np.cumsum(X[:, -1] == 0)  # rows of a patient follow each other, from interval 0 on
        fold = np.random.default_rng(0).integers(self.folds, size=patient[-1] + 1)[patient]
        deviance = np.zeros(self.classifier.max_iter)
        for number in range(self.folds):
            out = fold == number
            model = clone(self.classifier).fit(X[~out], y[~out], sample_weight=sample_weight[~out])
            for step, chance in enumerate(model.staged_predict_proba(X[out])):
                deviance[step] -= sample_weight[out] @ np.log(chance[np.arange(len(chance)), y[out]])
        steps = int(deviance.argmin()) + 1
        self.model_ = clone(self.classifier).set_params(max_iter=steps).fit(X, y, sample_weight=sample_weight)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return self.model_.predict_proba(X)


def trees(  # noqa: PLR0913 - the settings tried
    *,
    intervals: int = 12,
    patients: int = 20,
    learning_rate: float = 0.05,
    max_iter: int = 150,
    max_leaf_nodes: int = 8,
    max_features: float = 1.0,
    l2_regularization: float = 0.0,
    validated: bool = False,
) -> DiscreteTimeHazard:
    classifier = HistGradientBoostingClassifier(
        learning_rate=learning_rate,
        max_iter=max_iter,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=patients * intervals,
        max_features=max_features,
        l2_regularization=l2_regularization,
        max_bins=32,
        early_stopping=False,
        random_state=0,
    )
    return DiscreteTimeHazard(Validated(classifier) if validated else classifier, intervals=intervals)


def simulated(kind: str) -> Outcome:
    """Draw 150 patients with a linear log-hazard, or 300 with thresholds and an interaction; eight columns of noise."""
    generator = np.random.default_rng(7)
    n = 150 if kind == "linear" else 300
    x = generator.normal(size=(n, 12))
    risk = 0.5 * x[:, :4].sum(axis=1) if kind == "linear" else 1.5 * (x[:, 0] > 0) * (x[:, 1] > 0) + np.abs(x[:, 2])
    follow_up, end = generator.exponential(20 * np.exp(-risk)), generator.uniform(5, 40, n)
    return Outcome(
        name=kind,
        time=np.minimum(follow_up, end) + 1e-6,
        event=follow_up <= end,
        covariates=pl.DataFrame(x, schema=[f"num_{at}" for at in range(12)]),
        without_follow_up=0,
    )


def scores(outcome: Outcome, make: Callable[[], Any], *, repeats: int, seed: int) -> dict[str, float]:
    """Return a model's mean metrics over the folds of a cohort, and processor seconds a fit."""
    assigned = assignments(outcome, repeats, seed=seed)
    times = np.linspace(*horizon(outcome, assigned), GRID)
    found = []
    for fold in assigned:
        for number in range(FOLDS):
            test = fold == number
            train, held_out = matrices(outcome.covariates, test)
            started = time.process_time()
            model = make().fit(train, (outcome.time[~test], outcome.event[~test]))
            seconds = time.process_time() - started
            prediction = {
                "risk": model.predict(held_out),
                "survival": model.predict_survival_function(held_out, times),
            }
            found.append(judge(outcome.time, outcome.event, test, prediction, times) | {"seconds": seconds})
    return {name: float(np.nanmean([row[name] for row in found])) for name in found[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=2, help="of the five folds")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if set(CHOSEN_ON) & set(COHORTS):
        raise SystemExit(f"{set(CHOSEN_ON) & set(COHORTS)} would be chosen on and judged on; take other cohorts.")
    outcomes = [read(name) for name in CHOSEN_ON] + [simulated(kind) for kind in SIMULATED]
    made: dict[str, Callable[[], Any]] = {"ridge Cox, for comparison": CoxPHCV}
    made |= {name: lambda settings=settings: trees(**settings) for name, settings in SETTINGS.items()}
    told = {}
    for name, make in made.items():
        told[name] = {
            outcome.name: scores(outcome, make, repeats=options.repeats, seed=options.seed) for outcome in outcomes
        }
        mean = {of: np.mean([row[of] for row in told[name].values()]) for of in next(iter(told[name].values()))}
        print(f"{name:45}" + "  ".join(f"{of} {value:.4f}" for of, value in mean.items()), flush=True)
        options.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
