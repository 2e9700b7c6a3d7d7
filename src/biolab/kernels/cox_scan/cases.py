"""Named inputs of the scan, and what must not change it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from biolab.kernels import cases
from biolab.kernels.risk_set import RiskSet

from . import cox_scan, reference

TOLERANCE = cases.Tolerance(relative=1e-8, absolute=1e-8)


def _cohort(n: int, p: int, seed: int, *, months: bool = True) -> cases.Arguments:
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(n, p))
    time = generator.exponential(9.0 * np.exp(-0.5 * features[:, 0]))
    return {
        "features": features,
        "time": np.ceil(time) if months else time,
        "event": generator.random(n) < 0.6,
    }


def _case(
    name: str,
    n: int,
    p: int,
    seed: int,
    change: Callable[[cases.Arguments], cases.Arguments] | None = None,
    **options: Any,
) -> cases.Case:
    def make() -> cases.Arguments:
        cohort = _cohort(n, p, seed, **options)
        return cohort | (change(cohort) if change else {})

    return cases.Case(name=name, make=make)


def _strata(cohort: cases.Arguments) -> cases.Arguments:
    return {"strata": np.arange(len(cohort["time"])) % 3}


def _covariates(cohort: cases.Arguments) -> cases.Arguments:
    generator = np.random.default_rng(9)
    return {"covariates": generator.normal(size=(len(cohort["time"]), 3)) + 0.4 * cohort["features"][:, :1]}


def _entry(cohort: cases.Arguments) -> cases.Arguments:
    generator = np.random.default_rng(3)
    return {"entry": cohort["time"] - np.ceil(generator.exponential(4.0, len(cohort["time"])))}


def _replaced(column: Callable[[cases.Arguments], ndarray]) -> Callable[[cases.Arguments], cases.Arguments]:
    def change(cohort: cases.Arguments) -> cases.Arguments:
        features = cohort["features"].copy()
        features[:, 1] = column(cohort)
        return {"features": features}

    return change


def _outlier(cohort: cases.Arguments) -> ndarray:
    """One value a million times the others: the first to fail, so that all others still decide."""
    first = np.argmin(np.where(cohort["event"], cohort["time"], np.inf))
    return np.where(np.arange(len(cohort["time"])) == first, 1e4, cohort["features"][:, 1])


def _by_stratum(cohort: cases.Arguments) -> cases.Arguments:
    return _replaced(lambda c: np.arange(float(len(c["time"]))) % 3)(cohort)


CASES = (
    _case("one feature", 60, 1, 0),
    _case("no ties", 80, 11, 1, months=False),
    _case("time in months", 80, 11, 2),
    _case("breslow", 80, 9, 2, lambda c: {"ties": "breslow"}),
    _case("strata", 80, 9, 3, _strata),
    _case("covariates", 80, 9, 4, _covariates),
    _case("covariates, strata, breslow", 80, 9, 4, lambda c: _covariates(c) | _strata(c) | {"ties": "breslow"}),
    _case("late entry", 80, 9, 2, _entry),
    _case("late entry, no ties, breslow", 80, 9, 1, lambda c: _entry(c) | {"ties": "breslow"}, months=False),
    _case("late entry, strata", 80, 9, 3, lambda c: _entry(c) | _strata(c)),
    _case("late entry, covariates, strata", 80, 5, 4, lambda c: _entry(c) | _covariates(c) | _strata(c)),
    _case("late entry, separated", 50, 3, 7, lambda c: _entry(c) | _replaced(lambda c: -c["time"])(c)),
    _case("late entry, constant within strata", 50, 3, 6, lambda c: _entry(c) | _strata(c) | _by_stratum(c)),
    _case("late entry, outlier", 60, 3, 9, lambda c: _entry(c) | _replaced(_outlier)(c)),
    _case("more features than subjects", 20, 40, 5),
    _case("constant", 50, 3, 6, _replaced(lambda c: np.full(50, 3.7))),
    _case("constant within strata", 50, 3, 6, lambda c: _strata(c) | _by_stratum(c)),
    _case("separated", 50, 3, 7, _replaced(lambda c: -c["time"])),
    _case("separated the other way", 50, 3, 7, _replaced(lambda c: c["time"])),
    _case("two values", 60, 3, 8, _replaced(lambda c: np.arange(60.0) % 2)),
    _case("one carrier", 60, 3, 8, _replaced(lambda c: (np.arange(60) == np.argmax(c["event"])) * 1.0)),
    _case("outlier", 60, 3, 9, _replaced(_outlier)),
    _case("large and small units", 60, 4, 10, lambda c: {"features": c["features"] * [1.0, 1e9, 1e-9, 1e5]}),
    _case("far from zero", 60, 3, 11, lambda c: {"features": c["features"] + 1e4}),
    _case("collinear with a covariate", 50, 3, 12, lambda c: {"covariates": c["features"][:, 1:2] * 2.0 + 1.0}),
    _case("single precision", 50, 9, 13, lambda c: {"features": c["features"].astype(np.float32)}),
    _case("features in rows", 50, 9, 14, lambda c: {"features": np.asfortranarray(c["features"])}),
    _case("not contiguous", 50, 9, 15, lambda c: {"features": np.repeat(c["features"], 2, axis=1)[:, ::2]}),
    _case("all one time", 40, 3, 16, lambda c: {"time": np.full(40, 4.0)}),
    _case("one event", 40, 3, 17, lambda c: {"event": np.arange(40) == np.argmin(c["time"])}),
)

INVARIANCES: cases.Invariances = {
    "order of rows": lambda a: {
        name: values if isinstance(values, str) else np.asarray(values)[::-1] for name, values in a.items()
    },
    "time squared": lambda a: a if "entry" in a else a | {"time": a["time"] ** 2},
}


def fast(**arguments: Any) -> dict[str, ndarray]:
    """Scan as users do."""
    features, covariates = arguments.pop("features"), arguments.pop("covariates", None)
    found = cox_scan(features, RiskSet(**arguments), covariates=covariates, threads=1)
    return {
        "z": found.z,
        "standard_error": found.standard_error / _size(found.standard_error),
        "score": found.score,
        "likelihood_ratio": found.likelihood_ratio,
        "outcome": found.outcome,
    }


def _size(errors: ndarray) -> ndarray:
    """Powers of ten, so that one absolute tolerance serves every unit."""
    return 10.0 ** np.floor(np.log10(errors))


def exact(**arguments: Any) -> dict[str, ndarray]:
    """Scan feature by feature."""
    features = np.asarray(arguments["features"], dtype=np.float64)
    n = len(features)
    stratum = arguments.get("strata", np.zeros(n, dtype=np.int64))
    time, event = np.asarray(arguments["time"]), np.asarray(arguments["event"])
    entry = np.asarray(arguments.get("entry", np.full(n, -np.inf)))
    # rows never at risk do not enter a fit, nor the standardisation of a feature
    moments = [np.unique(time[event & (stratum == label)]) for label in stratum]
    kept = np.array([((low < m) & (m <= high)).any() for m, low, high in zip(moments, entry, time, strict=True)])
    covariates = arguments.get("covariates", np.zeros((n, 0)))[kept]
    rows = (time[kept], event[kept], stratum[kept], entry[kept])
    efron = arguments.get("ties", "efron") == "efron"
    found = np.array([reference.scan_feature(column, covariates, rows, efron=efron) for column in features[kept].T])
    coef, error, score, ratio, outcome = found.T
    return {
        "z": coef / error,
        "standard_error": error / _size(error),
        "score": score,
        "likelihood_ratio": ratio,
        "outcome": outcome,
    }
