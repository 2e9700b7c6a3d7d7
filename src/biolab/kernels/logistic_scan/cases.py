"""Named inputs of the logistic scan, and what must not change it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from biolab.kernels import cases

from . import logistic_scan, reference
from .outcomes import CONSTANT, OK, ONE_CLASS, SEPARATED

TOLERANCE = cases.Tolerance(relative=1e-7, absolute=1e-8)


def _cohort(n: int, m: int, seed: int) -> cases.Arguments:
    generator = np.random.default_rng(seed)
    dosage = generator.binomial(2, generator.uniform(0.15, 0.6, size=(m, 1)), size=(m, n)).astype(np.float64)
    chance = 1 / (1 + np.exp(0.3 - 0.6 * dosage[0]))
    return {
        "dosage": dosage,
        "outcome": (generator.random(n) < chance).astype(np.float64),
        "covariates": generator.normal(size=(n, 2)),
        "penalty": "never",
    }


def _case(
    name: str, n: int, m: int, seed: int, change: Callable[[cases.Arguments], cases.Arguments] = lambda a: {}
) -> cases.Case:
    def make() -> cases.Arguments:
        made = _cohort(n, m, seed)
        return made | change(made)

    return cases.Case(name=name, make=make)


def _missing(arguments: cases.Arguments) -> cases.Arguments:
    dosage = arguments["dosage"].copy()
    dosage[0, ::7], dosage[1, 3] = np.nan, np.nan
    return {"dosage": dosage}


def _separated(arguments: cases.Arguments) -> cases.Arguments:
    dosage = arguments["dosage"].copy()
    dosage[1], dosage[2] = 2 * arguments["outcome"], 1.0
    return {"dosage": dosage}


def _one_class(arguments: cases.Arguments) -> cases.Arguments:
    dosage = arguments["dosage"].copy()
    dosage[1, arguments["outcome"] == 1] = np.nan
    return {"dosage": dosage}


CASES = (
    _case("one variant", 90, 1, 0),
    _case("no covariate", 90, 3, 1, lambda a: {"covariates": None}),
    _case("covariates", 120, 12, 2),
    _case("missing dosages", 90, 3, 3, _missing),
    _case("separated and constant", 90, 3, 4, _separated),
    _case("separated, Firth where needed", 90, 3, 4, lambda a: _separated(a) | {"penalty": "fallback"}),
    _case("Firth always", 60, 4, 5, lambda a: _missing(a) | {"penalty": "always"}),
    _case("only controls called", 90, 3, 6, _one_class),
    _case("covariates far from 0 in large units", 90, 3, 7, lambda a: {"covariates": a["covariates"] * 1e4 + 1e6}),
)


def _reversed_rows(arguments: cases.Arguments) -> cases.Arguments:
    covariates = arguments["covariates"]
    return arguments | {
        "dosage": arguments["dosage"][:, ::-1],
        "outcome": arguments["outcome"][::-1],
        "covariates": None if covariates is None else covariates[::-1],
    }


INVARIANCES: cases.Invariances = {"order of samples": _reversed_rows}


def fast(**arguments: Any) -> dict[str, ndarray]:
    """Scan all variants."""
    found = logistic_scan(**arguments, threads=1)
    return {"coef": found.coef, "standard_error": found.standard_error, "outcome": found.outcome, "n": found.n}


def exact(**arguments: Any) -> dict[str, ndarray]:
    """Fit variant by variant."""
    y, penalty = arguments["outcome"], arguments["penalty"]
    covariates = np.zeros((y.size, 0)) if arguments["covariates"] is None else arguments["covariates"]
    scaled = (covariates - covariates.mean(axis=0)) / covariates.std(axis=0)
    rows = [_exact_variant(dosage, y, scaled, penalty) for dosage in arguments["dosage"]]
    coef, error, outcome, n = np.array(rows).T
    return {"coef": coef, "standard_error": error, "outcome": outcome, "n": n}


def _exact_variant(dosage: ndarray, y: ndarray, covariates: ndarray, penalty: str) -> tuple[float, float, int, int]:
    called = ~np.isnan(dosage)
    x, cases_here, n = dosage[called], y[called], int(called.sum())
    if np.ptp(x) == 0:
        return np.nan, np.nan, CONSTANT, n
    if np.ptp(cases_here) == 0:
        return np.nan, np.nan, ONE_CLASS, n
    design = np.column_stack([np.ones(n), covariates[called], x - x.mean()])
    good, beta, error = reference.fit(design, cases_here, firth=penalty == "always")
    if not good and penalty == "fallback":
        good, beta, error = reference.fit(design, cases_here, firth=True)
    if not good:
        return np.nan, np.nan, SEPARATED, n
    return beta[-1], error[-1], OK, n
