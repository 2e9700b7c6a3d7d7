"""Packed genotypes unpacked one by one in float64; products and counts written out."""

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float, Int, UInt

from .coding import HET, HOM_FIRST, HOM_SECOND, MISSING


def codes(packed: UInt[ndarray, "m b"], samples: int) -> UInt[ndarray, "m n"]:
    """Return the two bits of each sample."""
    found = np.empty((len(packed), samples), dtype=np.uint8)
    for i in range(samples):
        found[:, i] = packed[:, i // 4] >> 2 * (i % 4) & 3
    return found


def decoded(packed: UInt[ndarray, "m b"], samples: int, values: Float[ndarray, "m 4"]) -> Float[ndarray, "m n"]:
    """Return what each call counts for."""
    return np.take_along_axis(values, codes(packed, samples).astype(np.int64), axis=1)


def scores(decoded_genotypes: Float[ndarray, "m n"], weights: Float[ndarray, "m k"]) -> Float[ndarray, "n k"]:
    """Sum over variants, one after the other."""
    found = np.zeros((decoded_genotypes.shape[1], weights.shape[1]))
    for genotype, weight in zip(decoded_genotypes, weights, strict=True):
        found += np.outer(genotype, weight)
    return found


def products(decoded_genotypes: Float[ndarray, "m n"], dense: Float[ndarray, "n k"]) -> Float[ndarray, "m k"]:
    """Sum over samples, one after the other."""
    found = np.zeros((decoded_genotypes.shape[0], dense.shape[1]))
    for genotype, row in zip(decoded_genotypes.T, dense, strict=True):
        found += np.outer(genotype, row)
    return found


def counts(packed: UInt[ndarray, "m b"], samples: int) -> Int[ndarray, "m 4"]:
    """Count homozygotes of the first allele, heterozygotes, homozygotes of the second, and missing calls."""
    seen = codes(packed, samples)
    return np.stack([(seen == code).sum(axis=1) for code in (HOM_FIRST, HET, HOM_SECOND, MISSING)], axis=1)
