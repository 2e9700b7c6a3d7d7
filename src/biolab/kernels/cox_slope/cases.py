"""Named inputs of the Cox slope, and what must not change it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from biolab.kernels import cases

from . import cox_slope, reference

TOLERANCE = cases.Tolerance(relative=1e-8, absolute=1e-10)


def _cohort(n: int, seed: int, *, months: bool = False) -> cases.Arguments:
    generator = np.random.default_rng(seed)
    covariate = generator.normal(size=n)
    time = generator.exponential(20.0 * np.exp(-0.7 * covariate))
    event = generator.random(n) < 0.6
    return {"time": np.ceil(time) if months else time, "event": event, "covariate": covariate}


def _with(n: int, seed: int, change: Callable[[cases.Arguments], cases.Arguments]) -> cases.Arguments:
    cohort = _cohort(n, seed, months=True)
    return cohort | change(cohort)


def _strided(cohort: cases.Arguments) -> cases.Arguments:
    return {name: np.repeat(np.asarray(values), 2)[::2] for name, values in cohort.items()}


def _case(name: str, make: Callable[[], cases.Arguments]) -> cases.Case:
    return cases.Case(name=name, make=make)


CASES = (
    _case("empty", lambda: _cohort(0, 0)),
    _case("one subject", lambda: _cohort(1, 0)),
    _case("no ties", lambda: _cohort(120, 1)),
    _case("time in months", lambda: _cohort(120, 2, months=True)),
    _case("all one time", lambda: _with(40, 3, lambda c: {"time": np.full(40, 5.0)})),
    _case("all censored", lambda: _with(40, 4, lambda c: {"event": np.zeros(40, dtype=bool)})),
    _case("constant covariate", lambda: _with(40, 5, lambda c: {"covariate": np.ones(40)})),
    _case("separated", lambda: _with(40, 6, lambda c: {"covariate": -np.asarray(c["time"])})),
    _case("far from zero", lambda: _with(60, 7, lambda c: {"covariate": np.asarray(c["covariate"]) + 1e4})),
    _case("large units", lambda: _with(60, 8, lambda c: {"covariate": np.asarray(c["covariate"]) * 1e9})),
    _case("small units", lambda: _with(60, 9, lambda c: {"covariate": np.asarray(c["covariate"]) * 1e-9})),
    _case("not contiguous", lambda: _with(60, 10, _strided)),
    _case("case weights", lambda: _with(60, 11, lambda c: {"weights": np.linspace(0.0, 2.5, 60)})),
    _case(
        "replicates",
        lambda: _with(70, 12, lambda c: {"weights": np.random.default_rng(1).multinomial(70, np.ones(70) / 70, 5)}),
    ),
)

INVARIANCES: cases.Invariances = {
    "order of rows": lambda a: {name: np.asarray(values)[..., ::-1] for name, values in a.items()},
    "shifted covariate": lambda a: a | {"covariate": np.asarray(a["covariate"]) + 100.0 * np.ptp(_some(a))},
    "time squared": lambda a: a | {"time": np.asarray(a["time"]) ** 2},
}


def _some(arguments: cases.Arguments) -> ndarray:
    covariate = np.asarray(arguments["covariate"])
    return covariate if covariate.size else np.zeros(1)


def fast(**arguments: Any) -> dict[str, ndarray]:
    """Fit as users do."""
    fit = cox_slope(**arguments)
    if fit.standard_error is None:
        return {"slope": fit.slope}
    return {"slope": fit.slope, "standard_error": np.array(fit.standard_error)}


def exact(**arguments: Any) -> dict[str, ndarray]:
    """Fit by bisection, a replicate at a time."""
    time, event, covariate = (np.asarray(arguments[name]) for name in ("time", "event", "covariate"))
    weights = np.asarray(arguments.get("weights", np.ones(time.size)), dtype=np.float64)
    if weights.ndim == 2:
        return {"slope": np.array([reference.slope(time, event, covariate, weight)[0] for weight in weights])}
    slope, information = reference.slope(time, event, covariate, weights)
    return {"slope": np.array(slope), "standard_error": np.array(information**-0.5)}
