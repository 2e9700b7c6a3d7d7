"""Pairs of packed genotypes by counting bits: correlation of two variants, kinship counts of two samples."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Float, Int, UInt

from . import cpu

# Samples of one side of a square of pairs.
SQUARE = 64


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


def kinship_counts(planes: UInt[ndarray, "n 3 w"], *, threads: int | None = None) -> Int[ndarray, "n n 4"]:
    """Count, for each pair of samples (rows, planes over variants), over variants called at both.

    Last axis: both heterozygous; opposite homozygotes; only the first heterozygous; variants called at both.
    """
    n = len(planes)
    found = np.zeros((n, n, 4), dtype=np.int32)
    corners = [(a, b) for a in range(0, n, SQUARE) for b in range(a, n, SQUARE)]

    def count(corner: tuple[int, int]) -> None:
        cpu.kinship_counts(planes, *corner, SQUARE, found)

    with ThreadPoolExecutor(threads or torch.get_num_threads()) as pool:
        list(pool.map(count, corners))
    return found
