"""Packed genotypes (two bits a call, as in PLINK's .bed) times dense columns, in both directions, and their counts."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Float, Int, UInt
from biolab.kernels.lanes import LANES, aligned_zeros
from biolab.kernels.torch_if_loaded import is_tensor, thread_count

from . import cpu
from . import products as sums
from .coding import HET as HET
from .coding import HOM_FIRST as HOM_FIRST
from .coding import HOM_SECOND as HOM_SECOND
from .coding import MISSING as MISSING
from .coding import Coding as Coding

if TYPE_CHECKING:
    from torch import Tensor

# Threads take samples in parts of at least this many bytes.
SMALLEST_PART = 64


def packed_counts(packed: UInt[ndarray, "m b"], samples: int, *, threads: int | None = None) -> Int[ndarray, "m 4"]:
    """Count, for each variant, homozygotes of the first allele, heterozygotes, homozygotes of the second, and missing.

    A byte holds four samples, the first in its lowest bits: 00 homozygous for the first allele, 10 heterozygous, 11
    homozygous for the second, 01 no call.

    >>> packed_counts(np.array([[0b11_10_01_00]], dtype=np.uint8), 4).tolist()
    [[1, 1, 1, 1]]

    Raises
    ------
    DataError
        If rows have another number of bytes than the samples need.
    """
    packed = _checked(packed, samples)
    found = np.empty((len(packed), 4), dtype=np.int64)
    _by_variants(len(packed), threads, lambda start, stop: cpu.counts(packed[start:stop], samples, found[start:stop]))
    return found


def packed_missing_of_samples(
    packed: UInt[ndarray, "m b"], samples: int, *, threads: int | None = None
) -> Int[ndarray, " n"]:
    """Count the missing calls of each sample; costs little where few are missing.

    >>> packed_missing_of_samples(np.array([[0b11_10_01_00]], dtype=np.uint8), 3).tolist()
    [0, 1, 0]

    Raises
    ------
    DataError
        If rows have another number of bytes than the samples need.
    """
    packed, parts = _checked(packed, samples), []

    def count(start: int, stop: int) -> None:
        found = np.zeros(samples, dtype=np.int64)
        sums.count_missing(packed[start:stop], samples, found)
        parts.append(found)

    _by_variants(len(packed), threads, count)
    return sum(parts, np.zeros(samples, dtype=np.int64))


def packed_decode(
    packed: UInt[ndarray, "m b"], samples: int, coding: Coding, *, threads: int | None = None
) -> Float[ndarray, "m n"]:
    """Return what each call counts for, as float64.

    >>> packed_decode(np.array([[0b11_10_01_00]], dtype=np.uint8), 4, Coding.of(1, missing=0.5)).tolist()
    [[2.0, 0.5, 1.0, 0.0]]

    Raises
    ------
    DataError
        If shapes do not fit.
    """
    values = coding.values
    packed = _checked(packed, samples, values)
    found = np.empty((len(packed), samples))
    _by_variants(len(packed), threads, lambda a, b: cpu.decode(packed[a:b], values[a:b], found[a:b]))
    return found


def packed_select(
    packed: UInt[ndarray, "m b"], samples: int, chosen: Int[ndarray, " s"], *, threads: int | None = None
) -> UInt[ndarray, "m c"]:
    """Return the packed genotypes of the chosen samples (counted from 0), in the order given.

    Raises
    ------
    DataError
        If shapes do not fit, or there is no such sample.
    """
    packed, places = _checked(packed, samples), np.ascontiguousarray(chosen, dtype=np.int64)
    if places.ndim != 1 or (places.size and not 0 <= places.min() <= places.max() < samples):
        raise DataError(f"Chosen samples must be places from 0 to {samples - 1}, in one dimension.")
    found = np.empty((len(packed), -(-places.size // 4)), dtype=np.uint8)
    _by_variants(len(packed), threads, lambda start, stop: cpu.select(packed[start:stop], places, found[start:stop]))
    return found


def packed_transpose(packed: UInt[ndarray, "m b"], samples: int) -> UInt[ndarray, "n c"]:
    """Return the calls with samples as rows, four variants a byte.

    >>> packed_transpose(np.array([[0b10_01], [0b00_11]], dtype=np.uint8), 2)[:, 0] & 0b11_11
    array([13,  2], dtype=uint8)

    Raises
    ------
    DataError
        If rows have another number of bytes than the samples need.
    """
    packed = _checked(packed, samples)
    found = np.zeros((samples, -(-len(packed) // 4)), dtype=np.uint8)
    cpu.transpose(packed, samples, found)
    return found


@overload
def packed_scores(
    packed: UInt[ndarray, "m b"],
    samples: int,
    weights: Float[ndarray, "m k"],
    coding: Coding | Float[ndarray, "m 4"],
    *,
    threads: int | None = None,
) -> Float[ndarray, "n k"]: ...


@overload
def packed_scores(
    packed: "Tensor",
    samples: int,
    weights: "Tensor",
    coding: Coding | Float[ndarray, "m 4"],
    *,
    threads: int | None = None,
) -> "Tensor": ...


def packed_scores(
    packed: Any,
    samples: int,
    weights: Any,
    coding: Coding | Float[ndarray, "m 4"],
    *,
    threads: int | None = None,
) -> Any:
    """Return scores = G' W, where G [m, n] is what each call counts for.

    That is said by a `Coding`, or by four numbers a variant, in the order of the two bits (00, 01, 10, 11).

    Sums are float64 and the same bit for bit for any number of threads. Tensors on a CUDA device are multiplied there
    in float32 with float64 sums over blocks of variants.

    >>> packed = np.array([[0b11_10_01_00]], dtype=np.uint8)
    >>> packed_scores(packed, 3, np.array([[10.0]]), Coding.of(1)).tolist()
    [[20.0], [0.0], [10.0]]

    Raises
    ------
    DataError
        If shapes do not fit, or a weight is not finite.
    """
    if is_tensor(packed):
        from . import gpu

        return gpu.scores(packed.contiguous(), samples, weights, _values(coding))
    values = _values(coding)
    packed, columns = _checked(packed, samples, values), _dense(weights, "weights", len(packed), "variant")
    k, width = columns.shape[1], packed.shape[1]
    if not packed.size or not k:
        return np.zeros((samples, k))
    if k == 1:
        alone, found = np.ascontiguousarray(columns[:, 0]), np.zeros(4 * width)
        _by_bytes(width, threads, lambda start, stop: cpu.add_score(packed, values, alone, found, start, stop))
        return found[:samples, None].copy()
    tiled = _tiles(columns, len(packed))
    found = aligned_zeros(-(-k // LANES) * 4 * width * LANES).reshape(-1, 4 * width, LANES)
    flat, total = tiled.ravel(), found.ravel()
    _by_bytes(width, threads, lambda start, stop: cpu.add_scores(packed, values, flat, total, start, stop))
    return found[:, :samples].transpose(1, 0, 2).reshape(samples, -1)[:, :k].copy()


@overload
def packed_products(
    packed: UInt[ndarray, "m b"],
    samples: int,
    dense: Float[ndarray, "n k"],
    coding: Coding,
    *,
    threads: int | None = None,
) -> Float[ndarray, "m k"]: ...


@overload
def packed_products(
    packed: "Tensor",
    samples: int,
    dense: "Tensor",
    coding: Coding,
    *,
    threads: int | None = None,
) -> "Tensor": ...


def packed_products(
    packed: Any,
    samples: int,
    dense: Any,
    coding: Coding,
    *,
    threads: int | None = None,
) -> Any:
    """Return G D, where G [m, n] is what each call counts for under the coding.

    >>> packed = np.array([[0b11_10_01_00]], dtype=np.uint8)
    >>> packed_products(packed, 3, np.array([[1.0], [5.0], [7.0]]), Coding.of(1)).tolist()
    [[9.0]]

    Raises
    ------
    DataError
        If shapes do not fit, or a number is not finite.
    """
    if is_tensor(packed):
        from . import gpu

        return gpu.products(packed.contiguous(), samples, dense, coding.values)
    packed, columns = _checked(packed, samples, coding.values), _dense(dense, "dense", samples, "sample")
    m, k = len(packed), columns.shape[1]
    if not packed.size or not k:
        return np.zeros((m, k))
    tiled = _tiles(columns, -(-samples // sums.STEP) * sums.STEP).ravel()
    found = aligned_zeros(-(-k // LANES) * m * LANES).reshape(-1, m, LANES)
    total = found.ravel()
    _by_variants(m, threads, lambda start, stop: sums.add_products(packed, tiled, samples, total, start, stop))
    dosage = found.transpose(1, 0, 2).reshape(m, -1)[:, :k]
    absent = packed_missing_sums(packed, samples, columns, threads=threads)
    shifted = dosage - coding.centre[:, None] * (columns.sum(axis=0) - absent)
    return coding.scale[:, None] * shifted + coding.missing[:, None] * absent


def packed_missing_sums(
    packed: UInt[ndarray, "m b"], samples: int, dense: Float[ndarray, "n k"], *, threads: int | None = None
) -> Float[ndarray, "m k"]:
    """Return, for each variant, the sum of the rows of samples without a call; costs little where few are missing.

    >>> packed_missing_sums(np.array([[0b11_10_01_00]], dtype=np.uint8), 3, np.array([[1.0], [5.0], [7.0]])).tolist()
    [[5.0]]

    Raises
    ------
    DataError
        If shapes do not fit, or a number is not finite.
    """
    packed, columns = _checked(packed, samples), _dense(dense, "dense", samples, "sample")
    found = np.zeros((len(packed), columns.shape[1]))
    _by_variants(len(packed), threads, lambda start, stop: sums.add_missing(packed, columns, found, start, stop))
    return found


def _values(coding: Coding | ndarray) -> Float[ndarray, "m 4"]:
    return coding.values if isinstance(coding, Coding) else np.ascontiguousarray(coding, dtype=np.float64)


def _checked(packed: Any, samples: int, values: ndarray | None = None) -> UInt[ndarray, "m b"]:
    rows = np.asarray(packed)
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != -(-samples // 4):
        raise DataError(
            f"packed is {rows.dtype} of shape {rows.shape}; expected uint8 of shape (variants, {-(-samples // 4)}): "
            f"a byte for four of {samples} samples."
        )
    if values is not None and values.shape != (len(rows), 4):
        raise DataError(f"The coding has shape {values.shape}; expected four numbers a variant, ({len(rows)}, 4).")
    return np.ascontiguousarray(rows)


def _dense(values: Any, name: str, rows: int, unit: str) -> Float[ndarray, "r k"]:
    columns = np.ascontiguousarray(values, dtype=np.float64)
    if columns.ndim != 2 or len(columns) != rows:
        raise DataError(f"{name} has shape {columns.shape}; expected one row a {unit}, ({rows}, k).")
    if not np.isfinite(columns).all():
        row, column = np.argwhere(~np.isfinite(columns))[0]
        raise DataError(
            f"{name} is {columns[row, column]} in row {row}, column {column}; expected finite numbers. "
            f"Drop or impute this {unit} first."
        )
    return columns


def _tiles(columns: Float[ndarray, "r k"], rows: int) -> Float[ndarray, "c s w"]:
    """Lay columns out in tiles of LANES, filled up with 0 on both sides."""
    tiles = -(-columns.shape[1] // LANES)
    found = np.zeros((tiles, rows, LANES))
    for tile in range(tiles):
        part = columns[:, tile * LANES : (tile + 1) * LANES]
        found[tile, : len(part), : part.shape[1]] = part
    return found


def _by_variants(variants: int, threads: int | None, work: Callable[[int, int], None]) -> None:
    _in_parts(variants, max(1, sums.BLOCK // 8), sums.BLOCK, threads, work)


def _by_bytes(width: int, threads: int | None, work: Callable[[int, int], None]) -> None:
    _in_parts(width, SMALLEST_PART, width, threads, work)


def _in_parts(size: int, smallest: int, largest: int, threads: int | None, work: Callable[[int, int], None]) -> None:
    """Share a range between threads, in parts of ``smallest`` to ``largest``; parts do not change what is found."""
    workers = threads or thread_count()
    part = min(max(-(-size // workers), smallest), largest)
    starts = range(0, size, part)
    if workers == 1 or len(starts) == 1:
        for start in starts:
            work(start, min(start + part, size))
        return
    list(_threads(workers).map(lambda start: work(start, min(start + part, size)), starts))


@cache
def _threads(workers: int) -> ThreadPoolExecutor:
    """Keep threads for the next call: blocks are short, and to start threads anew costs as much on a busy machine."""
    return ThreadPoolExecutor(workers, thread_name_prefix="packed_matmul")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a forked child has none of the threads
