"""Named packed genotypes whose rows are compared in pairs."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from biolab.kernels import cases
from biolab.kernels.packed_matmul import Coding
from biolab.kernels.packed_matmul import reference as unpacked
from biolab.kernels.packed_matmul.cases import pack

from . import correlations, kinship_counts, packed_planes, reference

TOLERANCE = cases.Tolerance(relative=1e-12, absolute=1e-12)


def _case(name: str, n: int, m: int, change: Callable[[ndarray], ndarray] = lambda codes: codes) -> cases.Case:
    def make() -> cases.Arguments:
        generator = np.random.default_rng(n + m)
        return {"codes": change(generator.choice(4, size=(m, n), p=(0.3, 0.1, 0.35, 0.25)).astype(np.uint8))}

    return cases.Case(name=name, make=make)


def _blank_row(codes: ndarray) -> ndarray:
    codes[1] = 1
    return codes


CASES = (
    _case("one row", 20, 1),
    _case("one call a row", 1, 4),
    _case("32 calls a row", 32, 5),
    _case("not a multiple of 4", 75, 6),
    _case("several words", 200, 7),
    _case("more rows than a thread takes at once", 70, 67),
    _case("a row without calls", 40, 4, _blank_row),
    _case("monomorphic", 40, 4, np.zeros_like),
)

INVARIANCES: cases.Invariances = {"order of calls": lambda a: {"codes": a["codes"][:, ::-1]}}


def fast(codes: ndarray, **_: Any) -> dict[str, ndarray]:
    """Count bits."""
    m, n = codes.shape
    planes = packed_planes(pack(codes), n)
    first, second = np.triu_indices(m)
    return {"correlation": correlations(planes, first, second), "kinship": kinship_counts(planes, planes, threads=1)}


def exact(codes: ndarray, **_: Any) -> dict[str, ndarray]:
    """Compare decoded rows."""
    m, n = codes.shape
    dosage = unpacked.decoded(pack(codes), n, Coding.of(m, missing=np.nan).values)
    first, second = np.triu_indices(m)
    return {
        "correlation": np.array(
            [reference.correlation(dosage[a], dosage[b]) for a, b in zip(first, second, strict=True)]
        ),
        "kinship": np.array([[reference.kinship_counts(a, b) for b in dosage] for a in dosage]),
    }
