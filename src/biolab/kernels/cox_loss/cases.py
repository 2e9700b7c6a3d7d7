"""Named inputs of the Cox loss, and what must not change it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from biolab.kernels import cases
from biolab.kernels.risk_set import RiskSet

from . import cox_derivatives, reference

TOLERANCE = cases.Tolerance(relative=1e-10, absolute=1e-11)


def _cohort(n: int, seed: int, *, months: bool = True, spread: float = 1.0) -> cases.Arguments:
    generator = np.random.default_rng(seed)
    time = generator.exponential(9.0, n)
    return {
        "time": np.ceil(time) if months else time,
        "event": generator.random(n) < 0.6,
        "log_hazard": spread * generator.uniform(-1.0, 1.0, n),
    }


def _case(
    name: str, n: int, seed: int, change: Callable[[cases.Arguments], cases.Arguments] | None = None, **options: Any
) -> cases.Case:
    def make() -> cases.Arguments:
        cohort = _cohort(n, seed, **options)
        return cohort | (change(cohort) if change else {})

    return cases.Case(name=name, make=make)


def _strata(cohort: cases.Arguments) -> cases.Arguments:
    return {"strata": np.arange(len(cohort["time"])) % 4}


def _weight(cohort: cases.Arguments) -> cases.Arguments:
    return {"weight": np.arange(len(cohort["time"])) % 5 * 0.75}


def _entry(cohort: cases.Arguments) -> cases.Arguments:
    generator = np.random.default_rng(1)
    return {"entry": cohort["time"] - np.ceil(generator.exponential(5.0, len(cohort["time"])))}


def _everything(cohort: cases.Arguments) -> cases.Arguments:
    return _strata(cohort) | _weight(cohort) | _entry(cohort)


def _large_tie(cohort: cases.Arguments) -> cases.Arguments:
    """Let so many fail at once that their steps are summed as an integral."""
    return {"time": np.where(np.arange(len(cohort["time"])) % 5 > 0, 5.0, cohort["time"])}


def _outlier(cohort: cases.Arguments) -> cases.Arguments:
    """Let the row that leaves first tower over all others: alone it is at risk only in the first risk set."""
    first = np.argmin(cohort["time"])
    return {"log_hazard": np.where(np.arange(len(cohort["time"])) == first, 60.0, cohort["log_hazard"])}


def _batch(cohort: cases.Arguments) -> cases.Arguments:
    return {"log_hazard": np.random.default_rng(2).normal(size=(5, len(cohort["time"]))) * 3.0}


def _strided(cohort: cases.Arguments) -> cases.Arguments:
    return {name: np.repeat(np.asarray(values), 2)[::2] for name, values in cohort.items()}


CASES = (
    _case("one subject", 1, 0, lambda c: {"event": np.ones(1, dtype=bool)}),
    _case("one censored subject", 1, 0, lambda c: {"event": np.zeros(1, dtype=bool)}),
    _case("no ties", 150, 1, months=False),
    _case("time in months", 150, 2),
    _case("time in months, breslow", 150, 2, lambda c: {"ties": "breslow"}),
    _case("one tie holds a tenth", 200, 3, lambda c: {"time": np.where(np.arange(200) < 20, 5.0, c["time"])}),
    _case("all one time", 60, 4, lambda c: {"time": np.full(60, 7.0)}),
    _case("all censored", 50, 5, lambda c: {"event": np.zeros(50, dtype=bool)}),
    _case("all events", 50, 6, lambda c: {"event": np.ones(50, dtype=bool)}),
    _case("one event", 50, 7, lambda c: {"event": np.arange(50) == 20}),
    _case("strata", 120, 8, _strata),
    _case("case weights", 120, 9, _weight),
    _case("case weights, breslow", 120, 9, lambda c: _weight(c) | {"ties": "breslow"}),
    _case("left truncation", 120, 10, _entry),
    _case("left truncation, breslow", 120, 10, lambda c: _entry(c) | {"ties": "breslow"}),
    _case("everything", 160, 11, _everything),
    _case("everything, breslow", 160, 11, lambda c: _everything(c) | {"ties": "breslow"}),
    _case("each its own stratum", 30, 12, lambda c: {"strata": np.arange(30)}),
    _case("spread over +-100", 150, 13, spread=100.0),
    _case("spread over +-100, left truncation", 150, 13, _entry, spread=100.0),
    _case("spread over +-2000", 150, 14, spread=2000.0),
    _case("spread over +-2000, everything", 150, 14, _everything, spread=2000.0),
    _case("outlier of 60 leaves first", 150, 15, _outlier),
    _case("outlier of 60 leaves first, left truncation", 150, 15, lambda c: _outlier(c) | _entry(c)),
    _case("strata 900 apart", 40, 16, lambda c: _strata(c) | {"log_hazard": 900.0 * (np.arange(40) % 4)}),
    _case("not contiguous", 60, 17, _strided),
    _case("batch", 70, 18, lambda c: _strata(c) | _weight(c) | _batch(c)),
    _case("batch, everything", 70, 18, lambda c: _everything(c) | _batch(c)),
    _case("a tie of hundreds", 700, 19, _large_tie),
    _case("a tie of hundreds, everything", 700, 19, lambda c: _everything(c | _large_tie(c)) | _large_tie(c)),
    _case("a tie of hundreds, spread over +-2000", 700, 20, _large_tie, spread=2000.0),
)


INVARIANCES: cases.Invariances = {
    "common shift of 1000": lambda a: a | {"log_hazard": a["log_hazard"] + 1000.0},
    "common shift of -1000": lambda a: a | {"log_hazard": a["log_hazard"] - 1000.0},
    "time squared": lambda a: a if "entry" in a else a | {"time": a["time"] ** 2},
}


def fast(**arguments: Any) -> dict[str, ndarray]:
    """Evaluate as users do."""
    log_hazard = torch.from_numpy(np.array(arguments.pop("log_hazard")))
    found = cox_derivatives(log_hazard, RiskSet(**arguments))
    return {
        "value": found.value.numpy(),
        "gradient": found.gradient.numpy(),
        "hessian_diagonal": found.hessian_diagonal.numpy(),
    }


def exact(**arguments: Any) -> dict[str, ndarray]:
    """Evaluate death by death, one linear predictor at a time."""
    n = len(arguments["time"])
    rows = [
        reference.negative_log_partial_likelihood(
            log_hazard,
            arguments["time"],
            arguments["event"],
            arguments.get("strata", np.zeros(n, dtype=np.int64)),
            arguments.get("weight", np.ones(n)),
            arguments.get("entry", np.full(n, -np.inf)),
            efron=arguments.get("ties", "efron") == "efron",
        )
        for log_hazard in np.atleast_2d(arguments["log_hazard"])
    ]
    value, gradient, hessian = (np.array(part) for part in zip(*rows, strict=True))
    if arguments["log_hazard"].ndim == 1:
        value, gradient, hessian = value[0], gradient[0], hessian[0]
    return {"value": value, "gradient": gradient, "hessian_diagonal": hessian}
