# ruff: noqa: PLR0913, PLR0917 - the arguments of a Triton kernel are flat
"""Pair counts in Triton: rows sorted latest first are split by the bits of their score ranks, highest bit first.

Two rows whose ranks differ part at the highest differing bit; till then they stand in one segment, still latest first.
So a row that goes up there adds the weights of the rows which stand before it and go down; levels add up to all lower
ranks. Replicates are lanes of a row. All is running sums, look-ups at a segment's ends, and stable partitions.
"""

from typing import Any

import numpy as np
import torch
import triton
import triton.language as tl
from numpy import ndarray
from torch import Tensor

from biolab.core import DataError
from biolab.core.arrays import Bool, Float, Int

# Numbers in the registers of a program: rows times lanes.
TILE = 2048
LANES = 8
# Blocks whose totals one program adds up at a time.
TOTALS = 1024


@triton.jit
def _lanes(values, row, here, LANES: tl.constexpr):
    place = row.to(tl.int64)[:, None] * LANES + tl.arange(0, LANES)[None, :]
    return tl.load(values + place, mask=here[:, None], other=0.0)


@triton.jit
def _put(values, row, lanes, here, LANES: tl.constexpr):
    place = row.to(tl.int64)[:, None] * LANES + tl.arange(0, LANES)[None, :]
    tl.store(values + place, lanes, mask=here[:, None])


@triton.jit
def _sides(rank, k, n, bit, SPLIT: tl.constexpr):
    """Return which rows go down at this bit and which go up; without a split all do both."""
    down = k < n
    up = down
    if SPLIT:
        high = (tl.load(rank + k, mask=down, other=0) >> bit) & 1
        up = down & (high != 0)
        down = down & (high == 0)
    return down, up


@triton.jit
def _block_totals(
    rows, rank, weight, heavy, totals, n, bit,
    SPLIT: tl.constexpr, ERROR: tl.constexpr, COLUMNS: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Add up each block: rows going down, their weights, and event weights of those going up; grid (blocks,)."""
    block, lane = tl.program_id(0), tl.arange(0, LANES)
    k = block * BLOCK + tl.arange(0, BLOCK)
    row = tl.load(rows + k, mask=k < n, other=0)
    down, up = _sides(rank, k, n, bit, SPLIT=SPLIT)
    place = totals + block.to(tl.int64) * COLUMNS
    tl.store(place, tl.sum(down.to(tl.int32), 0).to(tl.float64))
    tl.store(place + 1 + lane, tl.sum(_lanes(weight, row, down, LANES), 0))
    if ERROR:
        tl.store(place + 1 + LANES + lane, tl.sum(_lanes(heavy, row, up, LANES), 0))


@triton.jit
def _carries(totals, blocks, COLUMNS: tl.constexpr, BLOCK: tl.constexpr):
    """Replace a column's totals by what stands before each block; grid (columns,)."""
    column = tl.program_id(0)
    before = tl.full((), 0.0, tl.float64)
    for start in range(0, blocks, BLOCK):
        k = start + tl.arange(0, BLOCK)
        place = totals + k.to(tl.int64) * COLUMNS + column
        part = tl.load(place, mask=k < blocks, other=0.0)
        tl.store(place, before + tl.cumsum(part, 0) - part, mask=k < blocks)
        before += tl.sum(part, 0)


@triton.jit
def _prefixes(
    rows, rank, weight, heavy, totals, down_before, weight_before, heavy_before, n, bit,
    SPLIT: tl.constexpr, ERROR: tl.constexpr, COLUMNS: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Write the running sums up to and with row k at k + 1; at 0 they are 0 already; grid (blocks,)."""
    block, lane = tl.program_id(0), tl.arange(0, LANES)
    k = block * BLOCK + tl.arange(0, BLOCK)
    inside = k < n
    row = tl.load(rows + k, mask=inside, other=0)
    down, up = _sides(rank, k, n, bit, SPLIT=SPLIT)
    place = totals + block.to(tl.int64) * COLUMNS
    if SPLIT:
        passed = tl.load(place).to(tl.int32) + tl.cumsum(down.to(tl.int32), 0)
        tl.store(down_before + k + 1, passed, mask=inside)
    light = tl.load(place + 1 + lane)[None, :] + tl.cumsum(_lanes(weight, row, down, LANES), 0)
    _put(weight_before, k + 1, light, inside, LANES)
    if ERROR:
        large = tl.load(place + 1 + LANES + lane)[None, :] + tl.cumsum(_lanes(heavy, row, up, LANES), 0)
        _put(heavy_before, k + 1, large, inside, LANES)


@triton.jit
def _split(
    rows, rank, start, stop, next_rows, next_rank, next_start, next_stop,
    down_before, weight_before, heavy_before, lower, higher, n, bit,
    ERROR: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Add what each row meets in its segment, and move it: those going down first, order kept; grid (blocks,)."""
    k = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = k < n
    row, value = tl.load(rows + k, mask=inside, other=0), tl.load(rank + k, mask=inside, other=0)
    begin, end = tl.load(start + k, mask=inside, other=0), tl.load(stop + k, mask=inside, other=0)
    down, up = _sides(rank, k, n, bit, SPLIT=True)
    met = _lanes(weight_before, k, up, LANES) - _lanes(weight_before, begin, up, LANES)
    _put(lower, row, _lanes(lower, row, up, LANES) + met, up, LANES)
    if ERROR:
        met = _lanes(heavy_before, end, down, LANES) - _lanes(heavy_before, k, down, LANES)
        _put(higher, row, _lanes(higher, row, down, LANES) + met, down, LANES)
    all_down = tl.load(down_before + n)
    here = tl.load(down_before + k, mask=inside, other=0)
    at_begin = tl.load(down_before + begin, mask=inside, other=0)
    at_end = tl.load(down_before + end, mask=inside, other=0)
    place = tl.where(up, all_down + k - here, here)
    tl.store(next_rows + place, row, mask=inside)
    tl.store(next_rank + place, value, mask=inside)
    tl.store(next_start + place, tl.where(up, all_down + begin - at_begin, at_begin), mask=inside)
    tl.store(next_stop + place, tl.where(up, all_down + end - at_end, at_end), mask=inside)


@triton.jit
def _add_pairs(
    rows, start, stop, tie_first, tie_stop, first, last, weight, heavy, lower, higher,
    weight_along, heavy_along, weight_ranked, heavy_ranked, parts, n,
    ERROR: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Add up the five counts of each block; rows in order of rank, then latest first; grid (blocks,).

    With ERROR, ``lower`` and ``higher`` become each row's concordant minus discordant pairs and all its pairs.
    """
    block, lane = tl.program_id(0), tl.arange(0, LANES)
    k = block * BLOCK + tl.arange(0, BLOCK)
    inside = k < n
    row = tl.load(rows + k, mask=inside, other=0)
    group, after = tl.load(first + row, mask=inside, other=0), tl.load(last + row, mask=inside, other=0)
    tie, tie_end = tl.load(tie_first + k, mask=inside, other=0), tl.load(tie_stop + k, mask=inside, other=0)
    begin = tl.load(start + k, mask=inside, other=0)
    light, large = _lanes(weight, row, inside, LANES), _lanes(heavy, row, inside, LANES)
    passed, tied = _lanes(weight_along, group, inside, LANES), _lanes(weight_ranked, tie, inside, LANES)
    below = _lanes(lower, row, inside, LANES)
    equal = tied - _lanes(weight_ranked, begin, inside, LANES)
    above = passed - below - equal
    together = _lanes(weight_along, after, inside, LANES) - passed
    same = _lanes(weight_ranked, tie_end, inside, LANES) - tied
    place = parts + block.to(tl.int64) * 5 * LANES + lane
    tl.store(place, tl.sum(large * below, 0))
    tl.store(place + LANES, tl.sum(large * above, 0))
    tl.store(place + 2 * LANES, tl.sum(large * equal, 0))
    tl.store(place + 3 * LANES, tl.sum(large * (together - same) / 2, 0))
    tl.store(place + 4 * LANES, tl.sum(large * (same - light) / 2, 0))
    if ERROR:
        end = tl.load(stop + k, mask=inside, other=0)
        earlier = _lanes(heavy_along, k * 0 + n, inside, LANES) - _lanes(heavy_along, after, inside, LANES)
        alike = _lanes(heavy_ranked, end, inside, LANES) - _lanes(heavy_ranked, tie_end, inside, LANES)
        won = _lanes(higher, row, inside, LANES)
        lost = earlier - won - alike
        _put(lower, row, large * (below - above) + light * (won - lost), inside, LANES)
        _put(higher, row, large * passed + light * earlier, inside, LANES)


class _Rows:
    """Rows of one cohort, latest first, censored before events, events of one time from the highest score down."""

    def __init__(self, time: Tensor, event: Tensor, score: Tensor) -> None:
        # + 0.0 makes the two zeros one
        times, scores = (torch.unique(values + 0.0, return_inverse=True) for values in (time, score))
        self.levels = max(scores[0].numel() - 1, 0).bit_length()
        latest = (times[0].numel() - 1 - times[1]) * 2 + event
        self.order = torch.argsort(latest * scores[0].numel() + (scores[0].numel() - 1 - scores[1]), stable=True)
        self.rank = scores[1][self.order].int()
        self.group = latest[self.order]
        self.first, self.last = _runs(self.group)

    def count(self, weight: Float[Tensor, "n l"], heavy: Float[Tensor, "n l"], *, error: bool) -> tuple[Tensor, Tensor]:
        """Return the counts [5, l] and, with ``error``, what each row adds to A and B [2, n, l]."""
        (n, lanes), device = weight.shape, weight.device
        block = max(TILE // lanes, 1)
        grid = (triton.cdiv(n, block),)
        sums = torch.zeros((4 if error else 2, n + 1, lanes), dtype=torch.float64, device=device)
        along, ranked = sums[::2], sums[1::2]
        met = torch.zeros((2 if error else 1, n, lanes), dtype=torch.float64, device=device)
        down_before = torch.zeros(n + 1, dtype=torch.int32, device=device)
        position = torch.arange(n, dtype=torch.int32, device=device)
        here = (position, self.rank, torch.zeros_like(position), torch.full_like(position, n))
        spare = tuple(torch.empty_like(values) for values in here)
        for bit in reversed(range(self.levels)):
            _running(here, (weight, heavy), along, down_before, bit, block)
            _split[grid](*here, *spare, down_before, along[0], along[-1], met[0], met[-1], n, bit, error, lanes, block)
            # the first level's rows and ranks are not written over: later replicates need them
            here, spare = spare, (tuple(torch.empty_like(v) for v in here) if bit == self.levels - 1 else here)
        _running(here, (weight, heavy), ranked, down_before, -1, block)
        _running((position, self.rank), (weight, heavy), along, down_before, -1, block)
        rows, rank, start, stop = here
        ties = _runs(rank, self.group[rows.long()])
        parts = torch.empty((grid[0], 5, lanes), dtype=torch.float64, device=device)
        _add_pairs[grid](
            rows, start, stop, *ties, self.first, self.last, weight, heavy, met[0], met[-1],
            along[0], along[-1], ranked[0], ranked[-1], parts, n, error, lanes, block,
        )  # fmt: skip
        return parts.sum(0), met


def _running(
    here: tuple[Tensor, ...],
    values: tuple[Tensor, Tensor],
    before: Float[Tensor, "s m l"],
    down_before: Int[Tensor, " m"],
    bit: int,
    block: int,
) -> None:
    """Write the sums of what goes down (weights) and, if asked for, up (event weights) before each row; -1: of all."""
    (rows, rank), (n, lanes), error = here[:2], values[0].shape, len(before) == 2
    blocks, columns = triton.cdiv(n, block), 1 + len(before) * lanes
    totals = torch.empty((blocks, columns), dtype=torch.float64, device=rank.device)
    options = (bit >= 0, error, columns, lanes, block)
    _block_totals[(blocks,)](rows, rank, *values, totals, n, max(bit, 0), *options)
    _carries[(columns,)](totals, blocks, columns, TOTALS)
    _prefixes[(blocks,)](rows, rank, *values, totals, down_before, before[0], before[-1], n, max(bit, 0), *options)


def _runs(*keys: Int[Tensor, " n"]) -> tuple[Int[Tensor, " n"], Int[Tensor, " n"]]:
    """Return where the run of equal keys that holds each place begins and stops."""
    opens = torch.ones_like(keys[0], dtype=torch.bool)
    opens[1:] = torch.stack([key[1:] != key[:-1] for key in keys]).any(0)
    begins = torch.nonzero(opens)[:, 0]
    ends = torch.cat([begins[1:], begins.new_full((1,), opens.numel())])
    run = torch.cumsum(opens, 0) - 1
    return begins[run].int(), ends[run].int()


def count(
    time: Any,
    event: Any,
    score: Any,
    *,
    weights: Any = None,
    event_weight: Any = None,
    tau: float = np.inf,
    device: torch.device,
) -> tuple[Float[ndarray, "*b 5"], float | None]:
    """Return the five counts on the host and, for one weighting, the standard error of the index.

    Raises
    ------
    DataError
        If shapes differ, a time or score is NaN or infinite, or a weight is negative or not finite.
    """
    time, score = _vector(time, "time", device), _vector(score, "score", device)
    event, n = _tensor(event).to(device, dtype=torch.bool), time.numel()
    if not time.shape == event.shape == score.shape:
        shapes = f"time {tuple(time.shape)}, event {tuple(event.shape)}, score {tuple(score.shape)}"
        raise DataError(f"Shapes differ: {shapes}; expected one value a subject in each.")
    case, pair = _weights(weights, "weights", n), _weights(event_weight, "event_weight", n)
    if pair.dim() > case.dim() or (pair.dim() == 2 and pair.shape[0] not in (1, case.shape[0])):
        raise DataError(
            f"event_weight has shape {tuple(pair.shape)} but weights {tuple(case.shape)}; "
            "expected [n] or the same [b, n]."
        )
    found = np.zeros((*case.shape[:-1], 5))
    if n == 0:
        return found, np.nan if case.dim() == 1 else None
    rows = _Rows(time, event, score)
    counted, pair = event & (time <= tau) if np.isfinite(tau) else event, torch.atleast_2d(pair)
    if case.dim() == 1:
        return _count_one(rows, *_laid_out(rows, counted, case[None], pair))
    lanes = min(LANES, triton.next_power_of_2(max(len(case), 1)))
    for begin in range(0, len(case), lanes):
        block = slice(begin, begin + lanes)
        weight, heavy = _laid_out(rows, counted, case[block], pair[block] if len(pair) > 1 else pair)
        counts, _ = rows.count(_filled(weight, lanes), _filled(heavy, lanes), error=False)
        found[block] = counts.T.cpu().numpy()[: weight.shape[1]]
    return found, None


def _count_one(
    rows: _Rows, weight: Float[Tensor, "n 1"], heavy: Float[Tensor, "n 1"]
) -> tuple[Float[ndarray, " 5"], float]:
    counts, (signed, comparable) = rows.count(weight, heavy, error=True)
    found = counts[:, 0].cpu().numpy()
    pairs = float(found[:3].sum())
    if pairs == 0.0:
        return found, np.nan
    somers = float(found[0] - found[1]) / pairs
    return found, float(((signed - somers * comparable) / pairs).square().sum().sqrt()) / 2


def _laid_out(
    rows: _Rows, counted: Bool[Tensor, " n"], case: Tensor, pair: Tensor
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
    """Return weights and weights times event weights, sorted, a replicate a column."""
    device = counted.device
    weight = case.to(device)[:, rows.order].double().T
    heavy = (pair.to(device) * counted)[:, rows.order].double().T
    return weight.contiguous(), (weight * heavy).contiguous()


def _filled(columns: Float[Tensor, "n k"], lanes: int) -> Float[Tensor, "n l"]:
    return torch.nn.functional.pad(columns, (0, lanes - columns.shape[1]))


def _tensor(values: Any) -> Tensor:
    return values.detach() if isinstance(values, Tensor) else torch.from_numpy(np.require(values, requirements="CW"))


def _vector(values: Any, name: str, device: torch.device) -> Tensor:
    vector = _tensor(values).to(device)
    vector = vector if vector.dtype in (torch.float32, torch.float64) else vector.double()
    if vector.dim() != 1:
        raise DataError(f"{name} has shape {tuple(vector.shape)}; expected one value a subject, shape (n,).")
    if not bool(torch.isfinite(vector).all()):
        row = int(torch.nonzero(~torch.isfinite(vector))[0])
        raise DataError(
            f"{name} is {float(vector[row])} in row {row}; expected finite numbers. Drop or impute these rows first."
        )
    return vector


def _weights(values: Any, name: str, n: int) -> Tensor:
    """Return weights where they are: replicates may be too many for the device at once."""
    if values is None:
        return torch.ones(n, dtype=torch.float64)
    weights = _tensor(values)
    if not weights.is_floating_point() and weights.dtype not in (torch.int32, torch.int64):
        weights = weights.double()  # few operations know unsigned numbers
    if weights.dim() not in (1, 2) or weights.shape[-1] != n:
        raise DataError(f"{name} has shape {tuple(weights.shape)}; expected ({n},) or (replicates, {n}).")
    if weights.numel() and not (bool(weights.min() >= 0) and bool(weights.max() < np.inf)):  # NaN fails both
        raise DataError(f"{name} holds a negative, NaN or infinite value; expected numbers >= 0.")
    return weights
