"""Named inputs of the elastic-net descent, and what must not change it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from biolab.kernels import cases

from . import elastic_net_descent, reference

TOLERANCE = cases.Tolerance(relative=1e-6, absolute=1e-7)


def _problem(size: int, seed: int, *, lasso: float = 1.0, ridge: float = 0.0, rows: int = 20) -> cases.Arguments:
    generator = np.random.default_rng(seed)
    design = generator.normal(size=(size, rows))
    return {
        "gradient": 3 * generator.normal(size=size),
        "curvature": design @ design.T / rows,
        "start": generator.normal(size=size),
        "lasso": np.full(size, lasso),
        "ridge": np.full(size, ridge),
    }


def _factored(size: int, seed: int, rows: int) -> cases.Arguments:
    generator = np.random.default_rng(seed)
    design, inner = generator.normal(size=(size, rows)), generator.random(rows)
    return _problem(size, seed, ridge=0.1) | {"rows": design, "curvature": design * inner}


def _duplicates() -> cases.Arguments:
    design = np.random.default_rng(3).normal(size=(5, 9))[[0, 1, 2, 0, 1]]
    return _problem(5, 3) | {"curvature": design @ design.T / 9, "gradient": design.sum(axis=1)}


def _case(name: str, make: Callable[[], cases.Arguments]) -> cases.Case:
    return cases.Case(name=name, make=make)


CASES = (
    _case("nothing", lambda: _problem(0, 0)),
    _case("one coordinate", lambda: _problem(1, 1)),
    _case("lasso", lambda: _problem(6, 2)),
    _case("duplicates", _duplicates),
    _case("ridge", lambda: _problem(5, 4, lasso=0.0, ridge=0.5)),
    _case("elastic net", lambda: _problem(6, 5, lasso=0.5, ridge=0.5)),
    _case("nothing survives", lambda: _problem(5, 6, lasso=1e3)),
    _case("unpenalised coordinate", lambda: _problem(5, 7) | {"lasso": np.array([0.0, 1, 1, 1, 9])}),
    _case("flat coordinate", lambda: _problem(3, 8) | {"curvature": np.diag([1.0, 0, 2]), "gradient": np.ones(3) / 2}),
    _case("factored", lambda: _factored(5, 9, 12)),
    _case("factored, more coordinates than rows", lambda: _factored(6, 10, 4)),
)

INVARIANCES: cases.Invariances = {
    "same quadratic around another point": lambda a: (
        a | {"start": a["start"] + 1.5, "gradient": a["gradient"] + 1.5 * _curvature(a).sum(axis=1)}
    ),
}


def fast(**arguments: Any) -> dict[str, ndarray]:
    """Descend as users do; what curvature and penalty see of the solution is unique, the solution need not be."""
    return _seen(elastic_net_descent(**arguments, tolerance=1e-20).solution, arguments)


def exact(**arguments: Any) -> dict[str, ndarray]:
    """Try every pattern of signs."""
    vectors = [arguments[name] for name in ("gradient", "start", "lasso", "ridge")]
    return _seen(reference.minimum(vectors[0], _curvature(arguments), *vectors[1:]), arguments)


def _curvature(arguments: cases.Arguments) -> ndarray:
    rows = arguments.get("rows")
    return arguments["curvature"] if rows is None else rows @ arguments["curvature"].T


def _seen(solution: ndarray, arguments: cases.Arguments) -> dict[str, ndarray]:
    return {
        "curved": _curvature(arguments) @ solution,
        "lengths": np.array([arguments["lasso"] @ np.abs(solution), arguments["ridge"] @ solution**2]),
    }
