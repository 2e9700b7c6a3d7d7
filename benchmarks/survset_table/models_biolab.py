"""Our models, as functions of a fold that return what predicts risk and what predicts survival."""

from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from biolab.survival import CoxPathCV, CoxPH, CoxPHCV, DiscreteTimeHazard


def cox(fold):
    model = CoxPH().fit(fold["train"], (fold["time"], fold["event"]))
    return _predictions(model, fold)


def ridge(fold):
    """Return a ridge model; with more columns than patients on the principal components, which changes no ridge fit."""
    ridge = CoxPHCV(seed=fold["inner_seed"])
    if fold["train"].shape[1] < fold["train"].shape[0]:
        return _predictions(ridge.fit(fold["train"], (fold["time"], fold["event"])), fold)
    rotated = make_pipeline(PCA(svd_solver="full"), ridge).fit(fold["train"], (fold["time"], fold["event"]))
    return _predictions(rotated[1], fold | {"test": rotated[0].transform(fold["test"])})


def net(fold):
    model = CoxPathCV(0.5, seed=fold["inner_seed"])
    return _predictions(model.fit(fold["train"], (fold["time"], fold["event"])), fold)


def trees(fold):
    return _predictions(DiscreteTimeHazard().fit(fold["train"], (fold["time"], fold["event"])), fold)


def _predictions(model, fold):
    return (
        lambda: model.predict(fold["test"]),
        lambda: model.predict_survival_function(fold["test"], fold["times"]),
    )


MODELS = {"biolab-cox": cox, "biolab-ridge": ridge, "biolab-net": net, "biolab-trees": trees}
