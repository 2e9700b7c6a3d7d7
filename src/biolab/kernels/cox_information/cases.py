"""Named inputs of the Cox information, and what must not change it."""

from typing import Any

import numpy as np
from numpy import ndarray

from biolab.kernels import cases
from biolab.kernels.risk_set import RiskSet

from . import cox_information, reference

TOLERANCE = cases.Tolerance(relative=1e-9, absolute=1e-9)


def _cohort(n: int, seed: int, **changes: Any) -> cases.Arguments:
    generator = np.random.default_rng(seed)
    design = generator.normal(size=(n, 3))
    time = generator.exponential(20.0 * np.exp(-design @ [0.7, -0.3, 0.0]))
    made: cases.Arguments = {
        "design": design,
        "beta": np.array([0.5, -0.2, 0.1]),
        "time": np.ceil(time),
        "event": generator.random(n) < 0.6,
        "strata": np.zeros(n, dtype=np.int64),
        "weight": np.ones(n),
        "efron": True,
    }
    return made | {name: change(made) if callable(change) else change for name, change in changes.items()}


def _case(name: str, n: int, seed: int, **changes: Any) -> cases.Case:
    return cases.Case(name=name, make=lambda: _cohort(n, seed, **changes))


def _leading_outlier(made: cases.Arguments) -> ndarray:
    design = np.array(made["design"])
    design[np.argmin(made["time"])] = [120.0, 0.0, 0.0]
    return design


CASES = (
    _case("one row", 1, 0, event=np.ones(1, dtype=bool)),
    _case("Efron", 90, 1),
    _case("Breslow", 90, 2, efron=False),
    _case("no ties", 90, 3, time=lambda c: c["time"] + np.linspace(0, 0.5, 90)),
    _case("all one time", 30, 4, time=np.full(30, 5.0)),
    _case("a tie of hundreds", 400, 13, time=lambda c: np.where(np.arange(400) % 5 > 0, 5.0, c["time"])),
    _case("all censored", 30, 5, event=np.zeros(30, dtype=bool)),
    _case("strata", 90, 6, strata=np.arange(90) % 4),
    _case("weights", 90, 7, weight=np.linspace(0.0, 2.5, 90)),
    _case("weights, strata, Breslow", 90, 8, weight=np.linspace(0.0, 2.5, 90), strata=np.arange(90) % 3, efron=False),
    _case("wide log-hazards", 60, 9, beta=np.array([60.0, -40.0, 20.0])),
    _case("an outlier leaves first", 60, 10, design=_leading_outlier),
    _case("not contiguous", 60, 11, design=lambda c: np.repeat(c["design"], 2, axis=0)[::2]),
)


def _reversed(arguments: cases.Arguments) -> cases.Arguments:
    rows = ("design", "time", "event", "strata", "weight")
    return arguments | {name: np.asarray(arguments[name])[::-1] for name in rows}


INVARIANCES: cases.Invariances = {
    "order of rows": _reversed,
    "time squared": lambda a: a | {"time": np.asarray(a["time"]) ** 2},
}


def fast(**arguments: Any) -> dict[str, ndarray]:
    """Run the compiled path."""
    risk = RiskSet(
        arguments["time"],
        arguments["event"],
        ties="efron" if arguments["efron"] else "breslow",
        strata=arguments["strata"],
        weight=arguments["weight"],
    )
    found = cox_information(arguments["design"], arguments["beta"], risk)
    return {
        "value": np.array(found.value),
        "gradient": found.gradient,
        "hessian": found.hessian,
        "log_hazard_step": found.log_hazard_step,
    }


def exact(**arguments: Any) -> dict[str, ndarray]:
    """Run the reference."""
    return reference.information(**arguments)
