# ruff: noqa: PLR0913, PLR0917 - the arguments of a Triton kernel are flat
"""Concordance on a GPU: sums over ranges of time and score, bit by bit of the scores' ranks, for all rows at once."""

from typing import Any, NamedTuple

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

from biolab.core import DataError
from biolab.core.arrays import Bool, Float, Int

BLOCK = 1024
# Numbers (replicates times rows) that are summed at a time: five arrays of it are held
CELLS = 1 << 26


class _Sorted(NamedTuple):
    """Rows latest first, at one time the censored first, then events by score.

    ``first`` is where the events of a row's time begin, ``stop`` where that time ends.
    """

    order: Int[Tensor, " n"]
    event: Bool[Tensor, " n"]
    rank: Int[Tensor, " n"]
    time_rank: Int[Tensor, " n"]
    first: Int[Tensor, " n"]
    stop: Int[Tensor, " n"]


@triton.jit
def _descend(
    low, high, rank, zeros, running, lower, low_next, high_next, queries, rows, zero_count, level, BLOCK: tl.constexpr
):
    """Take each query to the half of its range whose ranks share its next bit; if that is 1, add the other half."""
    q = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    replicate = tl.program_id(1).to(tl.int64)
    here = q < queries
    start, stop = tl.load(low + q, mask=here, other=0), tl.load(high + q, mask=here, other=0)
    zero_start, zero_stop = tl.load(zeros + start, mask=here, other=0), tl.load(zeros + stop, mask=here, other=0)
    upper = ((tl.load(rank + q, mask=here, other=0) >> level) & 1) == 1
    sums = running + replicate * (rows + 1)
    less = tl.load(sums + zero_stop, mask=here, other=0.0) - tl.load(sums + zero_start, mask=here, other=0.0)
    found = lower + replicate * queries + q
    tl.store(found, tl.load(found, mask=here, other=0.0) + tl.where(upper, less, 0.0), mask=here)
    if replicate == 0:
        tl.store(low_next + q, tl.where(upper, zero_count + start - zero_start, zero_start), mask=here)
        tl.store(high_next + q, tl.where(upper, zero_count + stop - zero_stop, zero_stop), mask=here)


def concordance(
    time: Any, event: Any, score: Float[Tensor, " n"], weights: Any, event_weight: Any, tau: float
) -> tuple[Float[np.ndarray, "*b 5"], float | None]:
    """Return the five counts and, unless weights are replicates, the standard error of the index.

    Raises
    ------
    DataError
        As `biolab.kernels.concordance` does, or if there are 2^31 rows or more.
    """
    times, events = _vector(time, "time", score), _vector(event, "event", score) != 0
    scores = _vector(score, "score", score)
    case, pair = _weights(weights, "weights", scores), _weights(event_weight, "event_weight", scores)
    if len(pair) not in (1, len(case)):
        raise DataError(f"event_weight has {len(pair)} replicates but weights {len(case)}; expected 1 or as many.")
    pair = torch.where(times <= tau, pair, 0.0)
    n, alone = times.numel(), weights is None or (len(case) == 1 and np.ndim(weights) == 1)
    counts, error = torch.zeros((len(case), 5), dtype=torch.float64, device=score.device), np.nan
    if bool(events.any()):
        rows, size = _sorted(times, events, scores), max(1, CELLS // n)
        for part in (slice(start, start + size) for start in range(0, len(case), size)):
            here = case[part][:, rows.order]
            later = (pair[part] if len(pair) > 1 else pair)[:, rows.order] * rows.event
            counts[part, :3], influence = _ordered_pairs(rows, here, later)
            counts[part, 3:] = _tied_pairs(rows, here, later)
            error = _standard_error(rows, here, later, counts[0], influence) if alone else None
    found = counts.cpu().numpy()
    return (found[0], error) if alone else (found, None)


def _vector(values: Any, name: str, like: Tensor) -> Tensor:
    given = values if isinstance(values, Tensor) else np.ascontiguousarray(values)
    vector = torch.as_tensor(given, device=like.device)
    if vector.shape != like.shape or vector.dim() != 1 or vector.numel() >= 2**31:
        raise DataError(
            f"{name} has shape {tuple(vector.shape)} and score {tuple(like.shape)}; expected one value a subject in "
            "each, fewer than 2^31."
        )
    if not bool(torch.isfinite(vector).all()):
        raise DataError(f"{name} holds NaN or infinity; expected finite numbers. Drop or impute these rows first.")
    return vector


def _weights(values: Any, name: str, like: Tensor) -> Float[Tensor, "b n"]:
    if values is None:
        return torch.ones((1, like.numel()), dtype=torch.float64, device=like.device)
    weights = torch.atleast_2d(torch.as_tensor(values, dtype=torch.float64, device=like.device))
    if weights.dim() != 2 or weights.shape[1] != like.numel():
        raise DataError(f"{name} has shape {tuple(weights.shape)}; expected ({like.numel()},) or (replicates, it).")
    if not bool(((weights >= 0) & torch.isfinite(weights)).all()):
        raise DataError(f"{name} holds a negative, NaN or infinite value; expected numbers >= 0.")
    return weights


def _sorted(time: Float[Tensor, " n"], event: Bool[Tensor, " n"], score: Float[Tensor, " n"]) -> _Sorted:
    rank = torch.unique(score, return_inverse=True)[1]
    time_rank = torch.unique(time, return_inverse=True)[1]
    key = ((time_rank.max() - time_rank) * 2 + event) * (rank.max() + 1) + rank
    order = torch.argsort(key, stable=True)
    event, rank, time_rank = event[order], rank[order], time_rank[order]
    group, sizes = torch.unique_consecutive(time_rank, return_inverse=True, return_counts=True)[1:]
    stop = torch.cumsum(sizes, 0)
    events = torch.zeros_like(sizes).index_add_(0, group, event.to(sizes.dtype))
    return _Sorted(order, event, rank, time_rank, (stop - events)[group], stop[group])


def _range_sums(
    rank: Int[Tensor, " n"],
    weight: Float[Tensor, "b n"],
    low: Int[Tensor, " q"],
    high: Int[Tensor, " q"],
    sought: Int[Tensor, " q"],
) -> tuple[Float[Tensor, "b q"], Float[Tensor, "b q"]]:
    """Sum the weights of rows low..high-1 whose rank is lower than sought, and of those whose rank is equal.

    From the highest bit of the ranks to the lowest, rows are parted stably into those with 0 and those with 1. A range
    of rows stays a range in the part a query goes on in, and what the query leaves behind is a difference of running
    sums (the wavelet matrix of Claude, Navarro and Ordonez 2015, doi:10.1016/j.is.2014.06.002).
    """
    n, (b, queries) = rank.numel(), (weight.shape[0], sought.numel())
    lower = torch.zeros((b, queries), dtype=torch.float64, device=rank.device)
    low, high, zeros = low.contiguous(), high.contiguous(), rank.new_zeros(n + 1)
    running = lower.new_zeros((b, n + 1))
    place = torch.arange(n, device=rank.device)
    for level in reversed(range(max(1, int(rank.max()).bit_length()))):
        one = (rank >> level) & 1
        torch.cumsum(1 - one, 0, out=zeros[1:])
        zero_count = int(zeros[-1])
        target = torch.where(one == 0, zeros[:-1], zero_count + place - zeros[:-1])
        rank = torch.empty_like(rank).scatter_(0, target, rank)
        weight = torch.empty_like(weight).index_copy_(1, target, weight)
        torch.cumsum(weight, 1, out=running[:, 1:])
        low_next, high_next = torch.empty_like(low), torch.empty_like(high)
        _descend[(triton.cdiv(queries, BLOCK), b)](
            low, high, sought, zeros, running, lower, low_next, high_next, queries, n, zero_count, level, BLOCK
        )
        low, high = low_next, high_next
    return lower, running[:, high] - running[:, low]


def _ordered_pairs(
    rows: _Sorted, case: Float[Tensor, "b n"], pair: Float[Tensor, "c n"]
) -> tuple[Float[Tensor, "b 3"], tuple[Float[Tensor, "b e"], Float[Tensor, "b e"]]]:
    """Count pairs whose order in time is known; also return, for each event, lower less higher scores, and all."""
    at = torch.nonzero(rows.event)[:, 0]
    until = rows.first[at]
    passed = torch.nn.functional.pad(torch.cumsum(case, 1), (1, 0))[:, until]
    lower, equal = _range_sums(rows.rank, case, torch.zeros_like(until), until, rows.rank[at])
    higher = passed - lower - equal
    heavy = case[:, at] * pair[:, at]
    counts = torch.stack([(heavy * lower).sum(1), (heavy * higher).sum(1), (heavy * equal).sum(1)], dim=1)
    return counts, (lower - higher, passed)


def _tied_pairs(rows: _Sorted, case: Float[Tensor, "b n"], pair: Float[Tensor, "c n"]) -> Float[Tensor, "b 2"]:
    """Count pairs of events at one time: those with different scores, and those with equal ones."""
    at = torch.nonzero(rows.event)[:, 0]
    weight, heavy = case[:, at], case[:, at] * pair[:, at]
    own = (weight * heavy).sum(1)
    every, same = (
        _products_within(weight, heavy, label) - own
        for label in (rows.time_rank[at], rows.time_rank[at] * (rows.rank.max() + 1) + rows.rank[at])
    )
    return torch.stack([(every - same) / 2, same / 2], dim=1)


def _products_within(
    first: Float[Tensor, "b e"], second: Float[Tensor, "b e"], label: Int[Tensor, " e"]
) -> Float[Tensor, " b"]:
    """Return the sum over groups (neighbours of one label) of the product of the two sums in a group."""
    group = torch.unique_consecutive(label, return_inverse=True)[1]
    none = first.new_zeros((first.shape[0], int(group[-1]) + 1))
    return (none.index_add(1, group, first) * none.index_add(1, group, second)).sum(1)


def _standard_error(
    rows: _Sorted,
    case: Float[Tensor, "1 n"],
    pair: Float[Tensor, "1 n"],
    counts: Float[Tensor, " 5"],
    influence: tuple[Float[Tensor, "1 e"], Float[Tensor, "1 e"]],
) -> float:
    """Return the infinitesimal jackknife's error: what each row adds as the earlier one and as the later one."""
    pairs = counts[:3].sum()
    if float(pairs) == 0.0:
        return np.nan
    heavy, at = case * pair, torch.nonzero(rows.event)[:, 0]
    # events meet only those of earlier times, the censored also those of their own time
    start = torch.where(rows.event, rows.stop, rows.first)
    before = torch.nn.functional.pad(torch.cumsum(heavy, 1), (1, 0))
    passed = before[:, -1:] - before[:, start]
    lower, equal = _range_sums(rows.rank, heavy, start, torch.full_like(start, rows.rank.numel()), rows.rank)
    signed = (passed - 2 * lower - equal).index_add(1, at, pair[:, at] * influence[0])
    comparable = passed.index_add(1, at, pair[:, at] * influence[1])
    somers = (counts[0] - counts[1]) / pairs
    return float(torch.linalg.vector_norm(case * (signed - somers * comparable) / pairs)) / 2
