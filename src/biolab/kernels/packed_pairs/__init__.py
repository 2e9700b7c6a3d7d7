"""Pairs of packed genotypes by counting bits: correlation of two variants, kinship counts of two samples."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Float, Int, UInt
from biolab.kernels.torch_if_loaded import thread_count

from . import cpu

# Samples that a thread takes at once.
ROWS = 16


def packed_planes(packed: UInt[ndarray, "m b"], samples: int) -> UInt[ndarray, "m 3 w"]:
    """Return three bits a call in words of 64 samples: homozygous first, homozygous second, heterozygous.

    Raises
    ------
    DataError
        If rows have another number of bytes than the samples need.
    """
    rows = np.ascontiguousarray(packed)
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != -(-samples // 4):
        raise DataError(f"packed is {rows.dtype} of shape {rows.shape}; expected uint8, (m, {-(-samples // 4)}).")
    found = np.zeros((len(rows), 3, max(-(-samples // 64), 1)), dtype=np.uint64)
    cpu.planes(rows, samples, found)
    return found


def correlations(
    planes: UInt[ndarray, "m 3 w"], first: Int[ndarray, " p"], second: Int[ndarray, " p"]
) -> Float[ndarray, " p"]:
    """Return the correlation of the dosages of two variants, for each pair, over samples called at both.

    NaN where fewer than two samples are called at both or one of the variants does not vary among them.

    Raises
    ------
    DataError
        If a place does not exist.
    """
    a, b = (np.ascontiguousarray(places, dtype=np.int64) for places in (first, second))
    if a.shape != b.shape or (a.size and not (min(a.min(), b.min()) >= 0 and max(a.max(), b.max()) < len(planes))):
        raise DataError(f"Pairs must be two lists of places from 0 to {len(planes) - 1}, of one length.")
    found = np.empty(a.size)
    cpu.correlations(planes, a, b, found)
    return found


def kinship_counts(
    first: UInt[ndarray, "a 3 w"], second: UInt[ndarray, "b 3 w"], *, threads: int | None = None
) -> Int[ndarray, "a b 5"]:
    """Count over variants, for each pair of a sample of the first and one of the second planes, where both are called.

    Last axis: both heterozygous; opposite homozygotes; only the first heterozygous; only the second; called at both.

    Raises
    ------
    DataError
        If the planes are of different numbers of variants.
    """
    if first.shape[1:] != second.shape[1:]:
        raise DataError(f"The planes have shapes {first.shape} and {second.shape}; expected the same variants in both.")
    found = np.empty((len(first), len(second), 5), dtype=np.int32)

    def count(row: int) -> None:
        cpu.kinship_counts(first[row : row + ROWS], second, found[row : row + ROWS])

    with ThreadPoolExecutor(threads or thread_count()) as pool:
        list(pool.map(count, range(0, len(first), ROWS)))
    return found
