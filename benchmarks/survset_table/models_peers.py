"""The peers' models: scikit-survival and lifelines, each used as its own guide says."""

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from sksurv.ensemble import RandomSurvivalForest
from sksurv.linear_model import CoxnetSurvivalAnalysis, CoxPHSurvivalAnalysis
from sksurv.util import Surv

FOREST_ROWS = 1000


def sksurv_cox(fold):
    model = CoxPHSurvivalAnalysis(ties="efron").fit(fold["train"], _target(fold))
    return _predictions(model, fold)


def sksurv_net(fold):
    """Return an elastic net whose alpha has the best mean C over the inner folds, the package's own score.

    The path of alphas is that of all training patients, as in the package's guide; each inner fold fits it once.
    """
    X, y = fold["train"], _target(fold)
    alphas = CoxnetSurvivalAnalysis(l1_ratio=0.5).fit(X, y).alphas_
    scores = []
    for number in range(fold["inner"].max() + 1):
        learn, judge = fold["inner"] != number, fold["inner"] == number
        path = CoxnetSurvivalAnalysis(l1_ratio=0.5, alphas=alphas).fit(X[learn], y[learn])
        scores.append([_c(y[judge], path.predict(X[judge], alpha=alpha)) for alpha in alphas])
    best = alphas[int(np.mean(scores, axis=0).argmax())]
    model = CoxnetSurvivalAnalysis(l1_ratio=0.5, alphas=[best], fit_baseline_model=True).fit(X, y)
    return _predictions(model, fold)


def sksurv_forest(fold):
    """Return a forest with the leaves of the package's guide; at most 1,000 training patients, drawn at random."""
    rows = np.random.default_rng(0).permutation(len(fold["time"]))[:FOREST_ROWS]
    forest = RandomSurvivalForest(n_estimators=100, min_samples_split=10, min_samples_leaf=15, random_state=0)
    return _predictions(forest.fit(fold["train"][rows], _target(fold)[rows]), fold)


def lifelines_cox(fold):
    frame = pd.DataFrame(fold["train"]).assign(time=fold["time"], event=fold["event"])
    model = CoxPHFitter().fit(frame, "time", "event")
    test = pd.DataFrame(fold["test"])
    return (
        lambda: model.predict_log_partial_hazard(test).to_numpy(),
        lambda: model.predict_survival_function(test, times=fold["times"]).to_numpy().T,
    )


def _target(fold):
    return Surv.from_arrays(fold["event"], fold["time"])


def _c(y, risk):
    from sksurv.metrics import concordance_index_censored

    return concordance_index_censored(y["event"], y["time"], risk)[0]


def _predictions(model, fold):
    def survival():
        steps = model.predict_survival_function(fold["test"])
        return [_at(step, fold["times"]) for step in steps]

    return lambda: model.predict(fold["test"]), survival


def _at(step, times):
    place = np.searchsorted(step.x, times, side="right") - 1
    return np.where(place < 0, 1.0, step.y[np.maximum(place, 0)])


MODELS = {
    "sksurv-cox": sksurv_cox,
    "sksurv-net": sksurv_net,
    "sksurv-forest": sksurv_forest,
    "lifelines-cox": lifelines_cox,
}
