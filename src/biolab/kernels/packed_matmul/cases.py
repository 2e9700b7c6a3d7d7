"""Named packed genotypes, and what must not change their products."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from biolab.core.arrays import UInt
from biolab.kernels import cases

from . import (
    Coding,
    packed_counts,
    packed_decode,
    packed_missing_of_samples,
    packed_missing_sums,
    packed_products,
    packed_scores,
    reference,
)

TOLERANCE = cases.Tolerance(relative=1e-10, absolute=1e-10)


def pack(codes: UInt[ndarray, "m n"]) -> UInt[ndarray, "m b"]:
    """Put four two-bit codes into a byte, the first in the lowest bits."""
    m, n = codes.shape
    filled = np.zeros((m, -(-n // 4) * 4), dtype=np.uint8)
    filled[:, :n] = codes
    parts = filled.reshape(m, -(-n // 4), 4)
    return parts[..., 0] | parts[..., 1] << 2 | parts[..., 2] << 4 | parts[..., 3] << 6


def _genotypes(n: int, m: int, k: int, seed: int) -> cases.Arguments:
    generator = np.random.default_rng(seed)
    return {
        "codes": generator.choice(4, size=(m, n), p=(0.3, 0.1, 0.35, 0.25)).astype(np.uint8),
        "weights": generator.normal(size=(m, k)),
        "dense": generator.normal(size=(n, k)),
        "centre": generator.uniform(0, 2, size=m),
        "scale": generator.uniform(0.5, 3, size=m),
        "missing": generator.normal(size=m),
    }


def _case(
    name: str,
    n: int,
    m: int,
    k: int,
    change: Callable[[cases.Arguments], cases.Arguments] | None = None,
) -> cases.Case:
    def make() -> cases.Arguments:
        made = _genotypes(n, m, k, seed=n + m + k)
        return made | (change(made) if change else {})

    return cases.Case(name=name, make=make)


def _all(code: int) -> Callable[[cases.Arguments], cases.Arguments]:
    return lambda a: {"codes": np.full_like(a["codes"], code)}


def _some_missing(arguments: cases.Arguments) -> cases.Arguments:
    codes = arguments["codes"].copy()
    codes[1], codes[:, 2] = 1, 1
    return {"codes": codes}


CASES = (
    _case("one sample", 1, 5, 1),
    _case("one variant", 9, 1, 3),
    _case("one of each", 1, 1, 1),
    _case("samples a multiple of 4", 32, 7, 2),
    _case("samples not a multiple of 4", 35, 19, 9),
    _case("one column", 70, 33, 1),
    _case("many columns", 21, 17, 40),
    _case("several tiles of samples and spans of variants", 2100, 150, 9),
    _case("several blocks of variants", 5, 1100, 1),
    _case("no variant", 6, 0, 2),
    _case("all missing", 13, 4, 3, _all(1)),
    _case("monomorphic", 13, 4, 3, _all(0)),
    _case("a variant and a sample without calls", 30, 6, 8, _some_missing),
    _case("plain dosage", 30, 6, 2, lambda a: {"centre": 0.0, "scale": 1.0, "missing": 0.0}),
    _case("not contiguous", 30, 6, 2, lambda a: {"strided": True}),
    _case("two threads", 700, 300, 3, lambda a: {"threads": 2}),
)


def _reversed_samples(arguments: cases.Arguments) -> cases.Arguments:
    return arguments | {"codes": arguments["codes"][:, ::-1], "dense": arguments["dense"][::-1], "turned": True}


def _swapped_alleles(arguments: cases.Arguments) -> cases.Arguments:
    """Count the other allele: dosage 2 - d, so centre 2 - c and the opposite scale mean the same."""
    swapped = np.array([3, 1, 2, 0], dtype=np.uint8)[arguments["codes"]]
    scale, centre = np.asarray(arguments["scale"]), np.asarray(arguments["centre"])
    return arguments | {"codes": swapped, "centre": 2 - centre, "scale": -scale, "turned_alleles": True}


INVARIANCES: cases.Invariances = {"order of samples": _reversed_samples, "which allele is counted": _swapped_alleles}


def fast(**arguments: Any) -> dict[str, ndarray]:
    """Multiply packed genotypes."""
    codes, threads = arguments["codes"], arguments.get("threads", 1)
    samples = codes.shape[1]
    packed = pack(codes)
    if "strided" in arguments:
        packed = np.repeat(packed, 2, axis=0)[::2]
    coding = Coding.of(len(codes), **{name: arguments[name] for name in ("centre", "scale", "missing")})
    found = {
        "scores": packed_scores(packed, samples, arguments["weights"], coding, threads=threads),
        "products": packed_products(packed, samples, arguments["dense"], coding, threads=threads),
        "missing": packed_missing_sums(packed, samples, arguments["dense"], threads=threads),
        "missing_of_samples": packed_missing_of_samples(packed, samples, threads=threads),
        "decoded": packed_decode(packed, samples, coding, threads=threads),
        "counts": packed_counts(packed, samples, threads=threads),
    }
    if "turned" in arguments:
        turned = {name: found[name][::-1] for name in ("scores", "missing_of_samples")}
        found |= turned | {"decoded": found["decoded"][:, ::-1]}
    if "turned_alleles" in arguments:
        found["counts"] = found["counts"][:, [2, 1, 0, 3]]
    return found


def exact(**arguments: Any) -> dict[str, ndarray]:
    """Decode, then multiply."""
    codes, dense = arguments["codes"], arguments["dense"]
    packed, samples = pack(codes), codes.shape[1]
    coding = Coding.of(len(codes), **{name: arguments[name] for name in ("centre", "scale", "missing")})
    decoded = reference.decoded(packed, samples, coding.values)
    return {
        "scores": reference.scores(decoded, arguments["weights"]),
        "products": reference.products(decoded, dense),
        "missing": reference.products((reference.codes(packed, samples) == 1).astype(np.float64), dense),
        "missing_of_samples": (reference.codes(packed, samples) == 1).sum(axis=0),
        "decoded": decoded,
        "counts": reference.counts(packed, samples),
    }
