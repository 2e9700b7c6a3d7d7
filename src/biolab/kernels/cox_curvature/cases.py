"""Named inputs of the curvature, and what must not change it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from biolab.kernels import cases
from biolab.kernels.risk_set import RiskSet

from . import cox_curvature, reference

TOLERANCE = cases.Tolerance(relative=1e-9, absolute=1e-12)


def _cohort(n: int, seed: int, *, ties: str = "efron", spread: float = 1.0) -> cases.Arguments:
    generator = np.random.default_rng(seed)
    return {
        "log_hazard": spread * generator.normal(size=n),
        "time": np.ceil(generator.exponential(12.0, n)),
        "event": generator.random(n) < 0.6,
        "directions": generator.normal(size=(3, n)),
        "ties": ties,
    }


def _late(n: int, seed: int, **chosen: Any) -> cases.Arguments:
    cohort = _cohort(n, seed, **chosen)
    return cohort | {"entry": np.floor(cohort["time"] * np.random.default_rng(seed).random(n))}


def _case(name: str, make: Callable[[], cases.Arguments]) -> cases.Case:
    return cases.Case(name=name, make=make)


def _outlier_leaves_first() -> cases.Arguments:
    cohort = _cohort(50, 6)
    cohort["log_hazard"][0], cohort["time"][0], cohort["event"][0] = 60.0, 0.5, True
    return cohort


CASES = (
    _case("one row", lambda: _cohort(1, 0)),
    _case("months, Efron", lambda: _cohort(120, 1)),
    _case("months, Breslow", lambda: _cohort(120, 2, ties="breslow")),
    _case("all one time", lambda: _cohort(40, 3) | {"time": np.full(40, 5.0)}),
    _case("all censored", lambda: _cohort(40, 4) | {"event": np.zeros(40, dtype=bool)}),
    _case("spread over 100", lambda: _cohort(60, 5, spread=40.0)),
    _case("outlier leaves first", _outlier_leaves_first),
    _case("weights", lambda: _cohort(60, 7) | {"weight": np.arange(60) % 4 / 2}),
    _case("weights, Breslow", lambda: _cohort(60, 8, ties="breslow") | {"weight": np.arange(60) % 4 / 2}),
    _case("strata", lambda: _cohort(80, 9) | {"strata": np.arange(80) % 3}),
    _case("late entry", lambda: _late(90, 11)),
    _case("late entry, Breslow", lambda: _late(90, 12, ties="breslow")),
    _case(
        "late entry, strata, weights",
        lambda: _late(90, 13) | {"strata": np.arange(90) % 3, "weight": np.arange(90) % 4},
    ),
    _case("late entry, spread over 1000", lambda: _late(60, 14, spread=400.0)),
    _case("no direction", lambda: _cohort(20, 10) | {"directions": np.empty((0, 20))}),
)

INVARIANCES: cases.Invariances = {
    "common shift of 1000": lambda a: a | {"log_hazard": np.asarray(a["log_hazard"]) + 1000.0},
    "shifted directions": lambda a: a | {"directions": np.asarray(a["directions"]) + 3.0},
    "time squared": lambda a: (
        a | {"time": np.asarray(a["time"]) ** 2} | ({"entry": a["entry"] ** 2} if "entry" in a else {})
    ),
}


def fast(**arguments: Any) -> dict[str, ndarray]:
    """Multiply as users do."""
    names = ("ties", "strata", "weight", "entry")
    settings = {name: arguments[name] for name in names if arguments.get(name) is not None}
    risk = RiskSet(arguments["time"], arguments["event"], **settings)
    return {"images": cox_curvature(arguments["log_hazard"], risk, arguments["directions"])}


def exact(**arguments: Any) -> dict[str, ndarray]:
    """Multiply by the dense matrix."""
    time = arguments["time"]
    found = reference.images(
        arguments["log_hazard"],
        time,
        arguments["event"],
        arguments.get("strata", np.zeros(time.size, dtype=np.int64)),
        arguments.get("weight", np.ones(time.size)),
        arguments.get("entry", np.full(time.size, -np.inf)),
        arguments["directions"],
        efron=arguments["ties"] == "efron",
    )
    return {"images": found}
