"""Named inputs of the concordance, and what must not change its counts."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float
from biolab.kernels import cases

from . import concordance, reference

TOLERANCE = cases.Tolerance(relative=1e-12, absolute=1e-12)


def _cohort(n: int, seed: int, *, months: bool = False, steps: int = 0, event_rate: float = 0.6) -> cases.Arguments:
    generator = np.random.default_rng(seed)
    time = generator.exponential(20.0, n)
    score = generator.normal(size=n) - 0.03 * time
    return {
        "time": np.ceil(time) if months else time,
        "event": generator.random(n) < event_rate,
        "score": np.round(score * steps) / steps if steps else score,
    }


def _with(change: Callable[[cases.Arguments], cases.Arguments], n: int, seed: int) -> cases.Arguments:
    cohort = _cohort(n, seed, months=True, steps=4)
    return cohort | change(cohort)


def _replicates(cohort: cases.Arguments) -> cases.Arguments:
    generator, n = np.random.default_rng(3), len(cohort["time"])
    return {
        "weights": generator.multinomial(n, np.full(n, 1 / n), size=11),
        "event_weight": 1.0 + generator.random((11, n)),
        "tau": 30.0,
    }


def _strided(cohort: cases.Arguments) -> cases.Arguments:
    return {name: np.repeat(np.asarray(values), 2)[::2] for name, values in cohort.items()}


def _case(name: str, make: Callable[[], cases.Arguments]) -> cases.Case:
    return cases.Case(name=name, make=make)


CASES = (
    _case("empty", lambda: _cohort(0, 0)),
    _case("one subject", lambda: _cohort(1, 0)),
    _case("two subjects", lambda: _cohort(2, 5, event_rate=1.0)),
    _case("no ties", lambda: _cohort(257, 1)),
    _case("time in months", lambda: _cohort(400, 2, months=True)),
    _case("tied scores", lambda: _cohort(400, 3, steps=2)),
    _case("tied times and scores", lambda: _cohort(400, 4, months=True, steps=2)),
    _case("all one time", lambda: _with(lambda c: {"time": np.full(50, 7.0)}, 50, 5)),
    _case("all one score", lambda: _with(lambda c: {"score": np.zeros(50)}, 50, 6)),
    _case("all censored", lambda: _with(lambda c: {"event": np.zeros(50, dtype=bool)}, 50, 7)),
    _case("all events", lambda: _cohort(300, 8, months=True, event_rate=1.0)),
    _case("one event", lambda: _with(lambda c: {"event": np.arange(50) == 20}, 50, 9)),
    _case("scores 1e-9 apart", lambda: _with(lambda c: {"score": 1.0 + 1e-9 * np.arange(60.0)}, 60, 10)),
    _case("huge scores", lambda: _with(lambda c: {"score": np.asarray(c["score"]) * 1e300}, 60, 11)),
    _case("single precision", lambda: _with(lambda c: {"score": np.asarray(c["score"], dtype=np.float32)}, 60, 12)),
    _case("not contiguous", lambda: _with(_strided, 60, 13)),
    _case("case weights", lambda: _with(lambda c: {"weights": np.linspace(0.0, 3.0, 90)}, 90, 14)),
    _case("event weights", lambda: _with(lambda c: {"event_weight": np.linspace(1.0, 9.0, 90)}, 90, 15)),
    _case("truncated", lambda: _with(lambda c: {"tau": 20.0}, 90, 16)),
    _case("truncated before the first event", lambda: _with(lambda c: {"tau": -1.0}, 90, 17)),
    _case("replicates", lambda: _with(_replicates, 150, 18)),
)

INVARIANCES: cases.Invariances = {
    "order of rows": lambda a: {
        name: np.asarray(values)[..., ::-1] if np.ndim(values) else values for name, values in a.items()
    },
    "scores cubed and shifted": lambda a: a | {"score": _ranks(a) ** 3 - 9},
    "time squared": lambda a: a if "tau" in a else a | {"time": np.asarray(a["time"]) ** 2},
}


def _ranks(arguments: cases.Arguments) -> Float[ndarray, " n"]:
    return np.unique(np.asarray(arguments["score"]), return_inverse=True)[1].astype(np.float64)


def fast(**arguments: Any) -> dict[str, ndarray]:
    """Count as users do."""
    counts = concordance(**arguments)
    outputs = {
        "counts": np.stack(
            [counts.concordant, counts.discordant, counts.tied_score, counts.tied_time, counts.tied_both], axis=-1
        )
    }
    if counts.standard_error is not None:
        outputs["standard_error"] = np.array(counts.standard_error)
    return outputs


def exact(**arguments: Any) -> dict[str, ndarray]:
    """Count pair by pair, a replicate at a time."""
    time, event, score = (np.asarray(arguments[name]) for name in ("time", "event", "score"))
    weights = np.asarray(arguments.get("weights", np.ones(time.size)), dtype=np.float64)
    event_weight = np.asarray(arguments.get("event_weight", np.ones(time.size)))
    tau = float(arguments.get("tau", np.inf))
    if weights.ndim == 1:
        counts, error = reference.count_pairs(time, event, score, weights, event_weight, tau)
        return {"counts": counts, "standard_error": np.array(error)}
    pair = np.broadcast_to(event_weight, weights.shape)
    rows = [reference.count_pairs(time, event, score, w, v, tau)[0] for w, v in zip(weights, pair, strict=True)]
    return {"counts": np.array(rows)}
