# ruff: noqa: PLR0913, PLR0917 - the arguments of a Triton kernel are flat
"""Cox's partial likelihood in Triton: two segmented log-sum-exp scans, one latest first and one earliest first.

A sum stands as a pair (top, mass) for mass * exp(top); pairs merge by rescaling to the larger top, so that a risk set
never vanishes beside a larger one. Every death computes its own denominator: no loop over ties.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from biolab.core import DataError

BLOCK = 1024
# Stands for an empty sum: finite, so that differences of two are 0.
EMPTY = -1e300

VALUE, GRADIENT, HESSIAN = 0, 1, 2


@triton.jit
def _merge(opens_left, top_left, mass_left, opens_right, top_right, mass_right):
    fresh = opens_right != 0
    top = tl.where(fresh, top_right, tl.maximum(top_left, top_right))
    kept = mass_left * tl.exp(tl.minimum(top_left - top, 0.0))
    mass = tl.where(fresh, 0.0, kept) + mass_right * tl.exp(top_right - top)
    return opens_left | opens_right, top, mass


@triton.jit
def _block_totals(opens, top, mass, total_opens, total_top, total_mass, m, blocks, channels, BLOCK: tl.constexpr):
    """Merge each block of one channel; grid (blocks, channels * batch)."""
    block, row = tl.program_id(0), tl.program_id(1)
    k = block * BLOCK + tl.arange(0, BLOCK)
    inside = k < m
    flag = tl.load(opens + (row % channels) * m + k, mask=inside, other=0).to(tl.int32)
    high = tl.load(top + row.to(tl.int64) * m + k, mask=inside, other=-1e300)
    part = tl.load(mass + row.to(tl.int64) * m + k, mask=inside, other=0.0)
    flag, high, part = tl.associative_scan((flag, high, part), 0, _merge)
    last = tl.arange(0, BLOCK) == BLOCK - 1
    place = row * blocks + block
    tl.store(total_opens + place, tl.sum(tl.where(last, flag, 0), 0))
    tl.store(total_top + place, tl.sum(tl.where(last, high, 0.0), 0))
    tl.store(total_mass + place, tl.sum(tl.where(last, part, 0.0), 0))


@triton.jit
def _carries(total_opens, total_top, total_mass, blocks, BLOCK: tl.constexpr):
    """Replace the blocks' totals of a channel by their running sums; grid (channels * batch,)."""
    row = tl.program_id(0)
    before_top, before_mass = tl.full((), -1e300, tl.float64), tl.full((), 0.0, tl.float64)
    for start in range(0, blocks, BLOCK):
        k = start + tl.arange(0, BLOCK)
        inside, place = k < blocks, row * blocks + k
        flag = tl.load(total_opens + place, mask=inside, other=0)
        high = tl.load(total_top + place, mask=inside, other=-1e300)
        part = tl.load(total_mass + place, mask=inside, other=0.0)
        flag, high, part = tl.associative_scan((flag, high, part), 0, _merge)
        none = tl.zeros_like(flag)
        _, high, part = _merge(
            none, before_top + tl.zeros_like(high), before_mass + tl.zeros_like(part), flag, high, part
        )
        tl.store(total_top + place, high, mask=inside)
        tl.store(total_mass + place, part, mask=inside)
        last = tl.arange(0, BLOCK) == BLOCK - 1
        before_top, before_mass = tl.sum(tl.where(last, high, 0.0), 0), tl.sum(tl.where(last, part, 0.0), 0)


@triton.jit
def _prefixes(opens, top, mass, total_top, total_mass, m, blocks, channels, BLOCK: tl.constexpr):
    """Replace the pairs of one channel by their running sums; grid (blocks, channels * batch)."""
    block, row = tl.program_id(0), tl.program_id(1)
    k = block * BLOCK + tl.arange(0, BLOCK)
    inside = k < m
    place = row.to(tl.int64) * m + k
    flag = tl.load(opens + (row % channels) * m + k, mask=inside, other=0).to(tl.int32)
    high = tl.load(top + place, mask=inside, other=-1e300)
    part = tl.load(mass + place, mask=inside, other=0.0)
    flag, high, part = tl.associative_scan((flag, high, part), 0, _merge)
    former = row * blocks + block - 1
    before_top = tl.load(total_top + former, mask=block > 0, other=-1e300)
    before_mass = tl.load(total_mass + former, mask=block > 0, other=0.0)
    none = tl.zeros_like(flag)
    _, high, part = _merge(none, before_top + tl.zeros_like(high), before_mass + tl.zeros_like(part), flag, high, part)
    tl.store(top + place, high, mask=inside)
    tl.store(mass + place, part, mask=inside)


@triton.jit
def _prepare(eta, order, dies, weight, top, mass, n, m, WEIGHTED: tl.constexpr, BLOCK: tl.constexpr):
    """Lay out each row as a pair at risk (channel 0) and, if it fails, one dying (channel 1); grid (blocks, batch)."""
    block, batch = tl.program_id(0), tl.program_id(1).to(tl.int64)
    k = block * BLOCK + tl.arange(0, BLOCK)
    inside = k < m
    row = tl.load(order + k, mask=inside, other=0)
    x = tl.load(eta + batch * n + row, mask=inside, other=0.0).to(tl.float64)
    dying = tl.load(dies + k, mask=inside, other=0) != 0
    heavy = tl.full((BLOCK,), 1.0, tl.float64)
    if WEIGHTED:
        heavy = tl.load(weight + k, mask=inside, other=0.0)
    place = batch * 2 * m + k
    tl.store(top + place, x, mask=inside)
    tl.store(mass + place, heavy, mask=inside)
    tl.store(top + place + m, tl.where(dying, x, -1e300), mask=inside)
    tl.store(mass + place + m, tl.where(dying, heavy, 0.0), mask=inside)


@triton.jit
def _steps(
    eta, order, dies, weight, group, first_death, group_start, opens_stratum, group_weight,
    top, mass, back_top, back_mass, loss, n, m,
    EFRON: tl.constexpr, WEIGHTED: tl.constexpr, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Give each death its denominator: its part of the loss, and 1 / phi and its square at mirrored positions."""
    block, batch = tl.program_id(0), tl.program_id(1).to(tl.int64)
    k = block * BLOCK + tl.arange(0, BLOCK)
    inside = k < m
    g = tl.load(group + k, mask=inside, other=0)
    first = tl.load(first_death + g, mask=inside, other=0)
    start, stop = tl.load(group_start + g, mask=inside, other=0), tl.load(group_start + g + 1, mask=inside, other=1)
    dying = inside & (tl.load(dies + k, mask=inside, other=0) != 0)
    # others: everybody at risk just before the deaths; nobody if the stratum opens with them
    alone = (first == start) & (tl.load(opens_stratum + g, mask=inside, other=0) != 0)
    known = dying & (alone == 0)
    pairs = batch * 2 * m
    others_top = tl.load(top + pairs + first - 1, mask=known, other=-1e300)
    others = tl.load(mass + pairs + first - 1, mask=known, other=0.0)
    all_top = tl.load(top + pairs + m + stop - 1, mask=dying, other=0.0)
    failing = tl.load(mass + pairs + m + stop - 1, mask=dying, other=1.0)
    shift = tl.maximum(others_top, all_top)
    others, failing = others * tl.exp(others_top - shift), failing * tl.exp(all_top - shift)
    deaths = (stop - first).to(tl.float64)
    kept = tl.full((BLOCK,), 1.0, tl.float64)
    if EFRON:
        kept = (deaths - (k - first).to(tl.float64)) / deaths
    phi = tl.where(dying, others + kept * failing, 1.0)
    share = tl.load(group_weight + g, mask=dying, other=0.0) / deaths
    x = tl.load(eta + batch * n + tl.load(order + k, mask=inside, other=0), mask=inside, other=0.0).to(tl.float64)
    heavy = tl.full((BLOCK,), 1.0, tl.float64)
    if WEIGHTED:
        heavy = tl.load(weight + k, mask=inside, other=0.0)
    part = tl.where(dying, share * tl.log(phi) + share * shift - heavy * x, 0.0)
    tl.store(loss + batch * tl.num_programs(0) + block, tl.sum(part, 0))
    if CHANNELS > 0:
        mirrored = batch * CHANNELS * m + m - 1 - k
        low, inverse = tl.where(dying, -shift, -1e300), tl.where(dying, share / phi, 0.0)
        tl.store(back_top + mirrored, low, mask=inside)
        tl.store(back_mass + mirrored, inverse, mask=inside)
        tl.store(back_top + mirrored + m, low, mask=inside)
        tl.store(back_mass + mirrored + m, kept * inverse, mask=inside)
        if CHANNELS > 2:
            low, square = tl.where(dying, -2 * shift, -1e300), tl.where(dying, share / phi / phi, 0.0)
            tl.store(back_top + mirrored + 2 * m, low, mask=inside)
            tl.store(back_mass + mirrored + 2 * m, square, mask=inside)
            tl.store(back_top + mirrored + 3 * m, low, mask=inside)
            tl.store(back_mass + mirrored + 3 * m, kept * kept * square, mask=inside)


@triton.jit
def _exposure(back_top, back_mass, opened, closed, x, m, here, later, dying, TIMES: tl.constexpr):
    """Return exp(TIMES x) times the running sum at ``here``, and for deaths that at ``later`` plus their own."""
    place = tl.where(dying, later, here)
    passed_top = tl.load(back_top + opened + place, mask=place >= 0, other=-1e300)
    passed = tl.load(back_mass + opened + place, mask=place >= 0, other=0.0)
    own_top = tl.load(back_top + closed + here, mask=dying, other=-1e300)
    own = tl.load(back_mass + closed + here, mask=dying, other=0.0)
    return passed * tl.exp(tl.minimum(TIMES * x + passed_top, 700.0)) + own * tl.exp(
        tl.minimum(TIMES * x + own_top, 700.0)
    )


@triton.jit
def _spread(
    eta, order, dies, weight, group, first_death, group_start, closes_stratum, back_top, back_mass,
    gradient, hessian, n, m,
    WEIGHTED: tl.constexpr, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Write each row's gradient and curvature from the running sums of 1 / phi."""
    block, batch = tl.program_id(0), tl.program_id(1).to(tl.int64)
    k = block * BLOCK + tl.arange(0, BLOCK)
    inside = k < m
    g = tl.load(group + k, mask=inside, other=0)
    first, stop = tl.load(first_death + g, mask=inside, other=0), tl.load(group_start + g + 1, mask=inside, other=0)
    closes = tl.load(closes_stratum + g, mask=inside, other=1) != 0
    dying = inside & (tl.load(dies + k, mask=inside, other=0) != 0)
    row = tl.load(order + k, mask=inside, other=0)
    x = tl.load(eta + batch * n + row, mask=inside, other=0.0).to(tl.float64)
    heavy = tl.full((BLOCK,), 1.0, tl.float64)
    if WEIGHTED:
        heavy = tl.load(weight + k, mask=inside, other=0.0)
    here = tl.where(inside, m - 1 - first, -1)  # the group's deaths have all passed there
    later = tl.where(inside & (closes == 0), m - 1 - stop, -1)  # and only earlier groups' here
    base = batch * CHANNELS * m
    slope = heavy * _exposure(back_top, back_mass, base, base + m, x, m, here, later, dying, 1)
    tl.store(gradient + batch * n + row, slope - tl.where(dying, heavy, 0.0), mask=inside)
    if CHANNELS > 2:
        curve = heavy * heavy * _exposure(back_top, back_mass, base + 2 * m, base + 3 * m, x, m, here, later, dying, 2)
        tl.store(hessian + batch * n + row, tl.maximum(slope - curve, 0.0), mask=inside)


def _scan(opens: Tensor, top: Tensor, mass: Tensor) -> None:
    """Replace the pairs [b, channels, m] by running sums that start anew where ``opens`` [channels, m] is set."""
    b, channels, m = top.shape
    blocks = triton.cdiv(m, BLOCK)
    total_opens = torch.empty((b * channels, blocks), dtype=torch.int32, device=top.device)
    total_top, total_mass = (torch.empty((b * channels, blocks), dtype=top.dtype, device=top.device) for _ in range(2))
    grid = (blocks, b * channels)
    _block_totals[grid](opens, top, mass, total_opens, total_top, total_mass, m, blocks, channels, BLOCK)
    _carries[(b * channels,)](total_opens, total_top, total_mass, blocks, BLOCK)
    _prefixes[grid](opens, top, mass, total_top, total_mass, m, blocks, channels, BLOCK)


def evaluate(
    log_hazard: Tensor,
    layout: tuple[Tensor, Tensor, Tensor, Tensor, Tensor],
    derivatives: int,
    *,
    efron: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return loss [b], gradient [b, n] and Hessian's diagonal [b, n] in the dtype given; sums are float64."""
    order, group_start, first_death, opens_stratum, weight = layout
    (b, n), m, device = log_hazard.shape, order.numel(), log_hazard.device
    # inside a CUDA graph nothing can be asked of the device: there NaN comes out as NaN
    recording = log_hazard.is_cuda and torch.cuda.is_current_stream_capturing()
    if not recording and not bool(torch.isfinite(log_hazard).all()):
        raise DataError("log_hazard holds NaN or infinity; expected finite numbers. Has training diverged?")
    gradient = log_hazard.new_zeros((b, n if derivatives >= GRADIENT else 0))
    hessian = log_hazard.new_zeros((b, n if derivatives >= HESSIAN else 0))
    if m == 0:
        return log_hazard.new_zeros(b), gradient, hessian
    eta = log_hazard.contiguous()
    position = torch.arange(m, device=device)
    group = torch.searchsorted(group_start, position, right=True) - 1
    dies = position >= first_death[group]
    closes = torch.ones_like(opens_stratum)
    closes[:-1] = opens_stratum[1:]
    group_begins, group_ends = torch.zeros((2, m), dtype=torch.bool, device=device)
    group_begins[group_start[:-1]], group_ends[group_start[1:] - 1] = True, True
    forward = torch.stack([group_begins & opens_stratum[group], group_begins])
    deaths = group_start[1:] - first_death
    group_weight = deaths.to(torch.float64)
    if weight.numel():
        group_weight = torch.zeros_like(group_weight).index_add_(0, group, weight * dies)
    like = torch.empty(0, dtype=torch.float64, device=device)
    top, mass = like.new_empty((b, 2, m)), like.new_empty((b, 2, m))
    channels, weighted = (0, 2, 4)[derivatives], bool(weight.numel())
    back_top, back_mass = like.new_empty((b, channels, m)), like.new_empty((b, channels, m))
    blocks = triton.cdiv(m, BLOCK)
    parts = like.new_empty((b, blocks))
    _prepare[(blocks, b)](eta, order, dies, weight, top, mass, n, m, weighted, BLOCK)
    _scan(forward, top, mass)
    _steps[(blocks, b)](
        eta, order, dies, weight, group, first_death, group_start, opens_stratum, group_weight,
        top, mass, back_top, back_mass, parts, n, m, efron, weighted, channels, BLOCK,
    )  # fmt: skip
    if channels:
        backward = torch.stack([group_ends & closes[group], group_ends] * (channels // 2)).flip(1).contiguous()
        _scan(backward, back_top, back_mass)
        _spread[(blocks, b)](
            eta, order, dies, weight, group, first_death, group_start, closes, back_top, back_mass,
            gradient, hessian, n, m, weighted, channels, BLOCK,
        )  # fmt: skip
    return parts.sum(1).to(log_hazard.dtype), gradient, hessian
