"""Named counts of the exact test, and what must not change it."""

from typing import Any

import numpy as np
from numpy import ndarray

from biolab.kernels import cases

from . import hardy_weinberg_exact, reference

TOLERANCE = cases.Tolerance(relative=1e-9, absolute=1e-300)


def _case(name: str, rows: list[list[int]]) -> cases.Case:
    return cases.Case(name=name, make=lambda: {"counts": np.array(rows, dtype=np.int64).reshape(-1, 3)})


CASES = (
    _case("no variant", []),
    _case("no calls, one sample", [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    _case("monomorphic", [[0, 0, 50], [50, 0, 0]]),
    _case("one heterozygote", [[0, 1, 99], [99, 1, 0]]),
    _case("published example", [[3, 57, 1400], [1400, 57, 3]]),
    _case("all heterozygous", [[0, 60, 0]]),
    _case("no heterozygote", [[30, 0, 40], [80, 0, 80]]),
    _case("in proportion", [[25, 50, 25], [9, 42, 49], [1, 18, 81]]),
    _case("equally probable outcomes", [[1, 2, 1], [2, 3, 2], [3, 4, 3]]),
)

INVARIANCES: cases.Invariances = {"which allele comes first": lambda a: {"counts": a["counts"][:, ::-1]}}


def fast(counts: ndarray, **_: Any) -> dict[str, ndarray]:
    """Test all variants."""
    return {"exact": hardy_weinberg_exact(counts), "mid": hardy_weinberg_exact(counts, mid_p=True)}


def exact(counts: ndarray, **_: Any) -> dict[str, ndarray]:
    """Test one variant after the other."""
    rows = counts.tolist()
    return {
        "exact": np.array([reference.p_value(*row, mid_p=False) for row in rows]),
        "mid": np.array([reference.p_value(*row, mid_p=True) for row in rows]),
    }
