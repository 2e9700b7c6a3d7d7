# ruff: noqa: PLR0913, PLR0917 - the arguments of a Triton kernel are flat
"""Packed genotypes times dense in Triton: bytes become numbers in registers, tiles are summed in float64."""

from typing import Any

import torch
import triton
import triton.language as tl
from numpy import ndarray
from torch import Tensor

from biolab.core import DataError
from biolab.core.arrays import Float, UInt

VARIANTS = 32
SAMPLES = 64
COLUMNS = 16
# Programs that keep a device busy; fewer tiles than that share the variants.
PROGRAMS = 512


@triton.jit
def _genotypes(packed, values, variant, sample, m, n, width):
    """Return what the calls of [variant, sample] count for, 0 outside."""
    inside = (variant < m)[:, None] & (sample < n)[None, :]
    place = variant.to(tl.int64)[:, None] * width + (sample // 4)[None, :]
    byte = tl.load(packed + place, mask=inside, other=0).to(tl.int32)
    code = (byte >> ((sample % 4) * 2)[None, :]) & 3
    here = variant < m
    first = tl.load(values + variant * 4, mask=here, other=0.0)[:, None]
    missing = tl.load(values + variant * 4 + 1, mask=here, other=0.0)[:, None]
    het = tl.load(values + variant * 4 + 2, mask=here, other=0.0)[:, None]
    second = tl.load(values + variant * 4 + 3, mask=here, other=0.0)[:, None]
    found = tl.where(code == 0, first, tl.where(code == 1, missing, tl.where(code == 2, het, second)))
    return tl.where(inside, found, 0.0)


@triton.jit
def _scores(
    packed, values, weights, found, m, n, k, width, per_part,
    VARIANTS: tl.constexpr, SAMPLES: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Sum a part of the variants; grid (sample tiles, column tiles, parts), found [parts, n, k]."""
    sample = tl.program_id(0) * SAMPLES + tl.arange(0, SAMPLES)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    part = tl.program_id(2)
    total = tl.zeros((SAMPLES, COLUMNS), dtype=tl.float64)
    stop = tl.minimum((part + 1) * per_part, m)
    for start in range(part * per_part, stop, VARIANTS):
        variant = start + tl.arange(0, VARIANTS)
        genotype = _genotypes(packed, values, variant, sample, stop, n, width)
        there = (variant < stop)[:, None] & (column < k)[None, :]
        weight = tl.load(weights + variant.to(tl.int64)[:, None] * k + column[None, :], mask=there, other=0.0)
        total += tl.dot(tl.trans(genotype), weight, input_precision="ieee").to(tl.float64)
    place = (part * n + sample).to(tl.int64)[:, None] * k + column[None, :]
    tl.store(found + place, total, mask=(sample < n)[:, None] & (column < k)[None, :])


@triton.jit
def _products(
    packed, values, dense, found, m, n, k, width,
    VARIANTS: tl.constexpr, SAMPLES: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Sum over all samples; grid (variant tiles, column tiles), found [m, k]."""
    variant = tl.program_id(0) * VARIANTS + tl.arange(0, VARIANTS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    total = tl.zeros((VARIANTS, COLUMNS), dtype=tl.float64)
    for start in range(0, n, SAMPLES):
        sample = start + tl.arange(0, SAMPLES)
        genotype = _genotypes(packed, values, variant, sample, m, n, width)
        there = (sample < n)[:, None] & (column < k)[None, :]
        row = tl.load(dense + sample.to(tl.int64)[:, None] * k + column[None, :], mask=there, other=0.0)
        total += tl.dot(genotype, row, input_precision="ieee").to(tl.float64)
    place = variant.to(tl.int64)[:, None] * k + column[None, :]
    tl.store(found + place, total, mask=(variant < m)[:, None] & (column < k)[None, :])


def scores(
    packed: UInt[Tensor, "m b"], samples: int, weights: Any, numbers: Float[ndarray, "m 4"]
) -> Float[Tensor, "n k"]:
    """Return G' W as float64 on the device of the packed genotypes."""
    m, k, values, columns = _prepared(packed, samples, weights, numbers, packed.shape[0])
    tiles = triton.cdiv(samples, SAMPLES) * triton.cdiv(k, COLUMNS)
    parts = max(1, min(triton.cdiv(PROGRAMS, max(tiles, 1)), triton.cdiv(m, 8 * VARIANTS)))
    per_part = triton.cdiv(triton.cdiv(m, parts), VARIANTS) * VARIANTS
    found = torch.zeros((parts, samples, k), dtype=torch.float64, device=packed.device)
    if m and samples and k:
        _scores[(triton.cdiv(samples, SAMPLES), triton.cdiv(k, COLUMNS), parts)](
            packed, values, columns, found, m, samples, k, packed.shape[1], per_part, VARIANTS, SAMPLES, COLUMNS
        )
    return found.sum(0)


def products(
    packed: UInt[Tensor, "m b"], samples: int, dense: Any, numbers: Float[ndarray, "m 4"]
) -> Float[Tensor, "m k"]:
    """Return G D as float64 on the device of the packed genotypes."""
    m, k, values, columns = _prepared(packed, samples, dense, numbers, samples)
    found = torch.zeros((m, k), dtype=torch.float64, device=packed.device)
    if m and samples and k:
        _products[(triton.cdiv(m, VARIANTS), triton.cdiv(k, COLUMNS))](
            packed, values, columns, found, m, samples, k, packed.shape[1], VARIANTS, SAMPLES, COLUMNS
        )
    return found


def _prepared(packed: Tensor, samples: int, given: Any, numbers: ndarray, rows: int) -> tuple[int, int, Tensor, Tensor]:
    m, dense = packed.shape[0], torch.as_tensor(given, device=packed.device)
    if packed.dtype != torch.uint8 or packed.dim() != 2 or packed.shape[1] != -(-samples // 4):
        raise DataError(
            f"packed is {packed.dtype} of shape {tuple(packed.shape)}; expected uint8, (m, {-(-samples // 4)})."
        )
    if dense.dim() != 2 or dense.shape[0] != rows or numbers.shape != (m, 4):
        raise DataError(
            f"Shapes do not fit: packed {tuple(packed.shape)}, dense {tuple(dense.shape)}, numbers {numbers.shape}."
        )
    if not bool(torch.isfinite(dense).all()):
        raise DataError("The dense columns hold NaN or infinity; expected finite numbers.")
    values = torch.as_tensor(numbers, dtype=torch.float32, device=packed.device).contiguous()
    return m, dense.shape[1], values, dense.to(torch.float32).contiguous()
