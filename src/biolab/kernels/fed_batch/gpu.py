# ruff: noqa: PLR0913, PLR0917, RUF005 - arguments of a Triton kernel are flat, its tuples grow by addition
"""Fed-batch runs in Triton: one run a thread, with its state, memory and parameters in registers from first to last.

The same methods and controllers as `cpu`. Runs of a program are 32 threads in step: each takes steps of its own size
until the slowest of them stands at the end of the control interval.
"""

import numpy as np
import torch
import triton
import triton.language as tl
from numpy import ndarray
from torch import Tensor

from biolab.core.arrays import Float, Int

from . import layout as at
from . import method
from .begin import filled, prepared
from .gpu_control import act
from .gpu_equations import change
from .gpu_tables import CUT, chosen, read_rows, write_rows

BLOCK = 32
"""Runs of a program: one warp."""
_STATES, _CONTENT, _REMOVED = tl.constexpr(at.STATES), tl.constexpr(at.CONTENT), tl.constexpr(at.M_REMOVED)
_STAGES = tl.constexpr(method.STAGES)
# Places in the table of numbers that all runs share
_SCALE = (method.FACTS + 1) * method.STAGES
_FOR_SCALE, _FOR_HOURS = tl.constexpr(_SCALE), tl.constexpr(_SCALE + at.STATES)
_FOR_TOLERANCE, _SMALLEST_STEP = tl.constexpr(_SCALE + at.STATES + 1), tl.constexpr(method.SMALLEST_STEP)
_A, _C, _M = tl.constexpr(method.A), tl.constexpr(method.C), tl.constexpr(method.M)
_E, _FACTS = tl.constexpr(method.E), tl.constexpr(method.FACTS)
TILES = {
    f"{name}_TILES": -(-columns // CUT)
    for name, columns in (("P", at.ALL_PLACES), ("Y", at.STATES), ("M", at.MEMORY), ("R", at.COLUMNS))
}
"""Cuts in a row of parameters, state, memory and records."""
_KEYS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD1B54A32D192ED03], dtype=np.uint64)
BYTES = 1 << 31
"""Of device memory that runs may take at a time; the others wait."""


@triton.jit
def _factored(f0, f1, f2, weight):
    """Factor I - weight * J of the sloped states, without pivots: `cpu._factor`."""
    a = 1.0 / (1.0 - weight * f0[0])
    b, c = -weight * f1[0], -weight * f2[0]
    d, g = -weight * f0[1] * a, -weight * f0[2] * a
    e = 1.0 / (1.0 - weight * f1[1] - d * b)
    f = -weight * f2[1] - d * c
    k = (-weight * f1[2] - g * b) * e
    return a, b, c, d, e, f, g, k, 1.0 / (1.0 - weight * f2[2] - g * c - k * f)


@triton.jit
def _solved(x, factors, f0, f1, f2, washing, cooling, weight):
    """Solve (I - weight * J) x = x: `cpu._solve`."""
    a, b, c, d, e, f, g, k, m = factors
    x0 = x[0]
    x1 = x[1] - d * x0
    x2 = (x[2] - g * x0 - k * x1) * m
    x1 = (x1 - f * x2) * e
    x0 = (x0 - b * x1 - c * x2) * a
    w0, w1, w2 = weight * x0, weight * x1, weight * x2
    x3 = x[3] + f0[3] * w0 + f1[3] * w1 + f2[3] * w2
    x3 = x3 / (1.0 + weight * washing)
    found = (x0, x1, x2, x3, x[4] / (1.0 + weight * cooling))
    for s in tl.static_range(5, _STATES):
        if s == at.VOLUME or s == at.SALT:  # noqa: PLR1714 - compiled; what flows in has no slopes
            found = found + (x[s],)
        elif s == at.CO2_OUT:
            found = found + (x[s] + f0[s] * w0 + f1[s] * w1 + f2[s] * w2 + weight * washing * x3,)
        else:
            found = found + (x[s] + f0[s] * w0 + f1[s] * w1 + f2[s] * w2,)
    return found


@triton.jit
def _plus(x, factor, u):
    found = ()
    for s in tl.static_range(_STATES):
        found = found + (x[s] + factor * u[s],)
    return found


@triton.jit
def _times(factor, u):
    found = ()
    for s in tl.static_range(_STATES):
        found = found + (factor * u[s],)
    return found


@triton.jit
def _step(PLANT: tl.constexpr, ORDER: tl.constexpr, h, y, p, held, shared):
    """Return the state after ``h`` hours and its error over what is allowed."""
    weight = h * tl.load(shared + _STAGES * _FACTS)
    f, f0, f1, f2, washing, cooling, _death, _in, _out = change(PLANT, y, p, held)
    factors = _factored(f0, f1, f2, weight)
    stages = (_solved(_times(weight, f), factors, f0, f1, f2, washing, cooling, weight),)
    COUNT: tl.constexpr = 2 if ORDER == 2 else 4
    for i in tl.static_range(1, COUNT):
        stage = y
        for j in tl.static_range(i):
            stage = _plus(stage, tl.load(shared + _STAGES * (_A + i) + j), stages[j])
        f, _f0, _f1, _f2, _w, _c, _d, _i, _o = change(PLANT, stage, p, held)
        u = _times(weight, f)
        for j in tl.static_range(i):
            u = _plus(u, tl.load(shared + _STAGES * (_C + i) + j), stages[j])
        stages = stages + (_solved(u, factors, f0, f1, f2, washing, cooling, weight),)
    new, wrong = y, _times(0.0, y)
    for j in tl.static_range(COUNT):
        new = _plus(new, tl.load(shared + _STAGES * _M + j), stages[j])
        wrong = _plus(wrong, tl.load(shared + _STAGES * _E + j), stages[j])
    total, volume = 0.0 * h, y[at.VOLUME]
    below = total > 1.0
    for s in tl.static_range(_STATES):
        floor = tl.load(shared + _FOR_SCALE + s) * volume
        error = wrong[s] / (tl.abs(new[s]) + floor)
        total += error * error
        if s < at.CARBONATE:  # what is used up does not become less than nothing: a smaller step then
            below = below | ((y[s] >= 0.0) & (new[s] < -1e-3 * floor))
    total = tl.sqrt(total / _STATES) / tl.load(shared + _FOR_TOLERANCE)
    return new, tl.where(below, tl.maximum(total, 8.0), total)


@triton.jit
def _integrated(
    PLANT: tl.constexpr, ORDER: tl.constexpr, FIXED: tl.constexpr, busy, y, p, held, h, steps, rejected, shared
):  # fmt: skip
    """Advance by one control interval; return the hours done, the next step, the state and the counts."""
    hours = 0.0 * h + tl.load(shared + _FOR_HOURS)
    power = tl.load(shared + _STAGES * _FACTS + 1)
    done = 0.0 * h
    none = done
    while tl.max(busy.to(tl.int32), 0) > 0:
        left = hours - done
        if FIXED > 0:
            step = hours / FIXED
            last = left < 1.5 * step
        else:
            last = h >= 0.999 * left
            step = tl.where(last, left, tl.minimum(h, 0.5 * left))
        new, error = _step(PLANT, ORDER, step, y, p, held, shared)
        if FIXED > 0:
            error = none
        error = tl.where(error < 1e6, error, none + 1e6)
        good = busy & (error <= 1.0)
        y = chosen(good, new, y)
        steps = steps + tl.where(good, none + 1.0, none)
        rejected = rejected + tl.where(busy & (error > 1.0), none + 1.0, none)
        ended = good & last
        done = tl.where(ended, hours, tl.where(good, done + step, done))
        grown = (none + 0.9) * tl.exp(-power * tl.log(tl.maximum(error, none + 0.001)))
        grown = tl.where(error < none + 0.005, none + 5.0, tl.minimum(tl.maximum(grown, none + 0.2), 5.0))
        busy = busy & (ended == 0)
        stuck = busy & (step * grown < _SMALLEST_STEP)
        h = tl.where(busy & (stuck == 0), step * grown, h)  # a step cut short by the end says little about a longer one
        busy = busy & (stuck == 0)
    return done, h, y, steps, rejected


@triton.jit
def _record(PLANT: tl.constexpr, y, m, removed, held, seen, sampled, p):
    """Return a record's columns: `cpu._record`."""
    f, _f0, _f1, _f2, _washing, _cooling, death, oxygen_in, co2_out = change(PLANT, y, p, held)
    volume = y[at.VOLUME]
    growth = (f[at.VIABLE] + death) / tl.maximum(y[at.VIABLE], 1e-12)
    uptake = (oxygen_in - f[at.OXYGEN]) / volume
    evolved = (f[at.CARBONATE] + co2_out - held[at.BASE] * p[at.BASE_CARBON]) / volume
    return y + seen + (growth, uptake, evolved, m[at.M_FED], m[at.M_BASE], m[at.M_VAPOUR]) + sampled + removed


@triton.jit(do_not_specialize=["n", "first", "last", "closing", "recorded"])
def _advance(
    parameters, seeds, state, memory, schedule, shared, keys, when, records, failed,
    n, first, last, closing, recorded, WIDTH: tl.constexpr,
    PLANT: tl.constexpr, ORDER: tl.constexpr, FIXED: tl.constexpr, DTYPE: tl.constexpr, BLOCK: tl.constexpr,
    P_TILES: tl.constexpr, Y_TILES: tl.constexpr, M_TILES: tl.constexpr, R_TILES: tl.constexpr,
):  # fmt: skip
    """Advance the runs of a program from the first interval to the last; grid (runs / BLOCK,)."""
    run = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = run < n
    p = read_rows(parameters, run, here, P_TILES, DTYPE, BLOCK)
    y = read_rows(state, run, here, Y_TILES, DTYPE, BLOCK)[:_STATES]
    kept = read_rows(memory, run, here, M_TILES, DTYPE, BLOCK)
    m, removed = kept[:_REMOVED], kept[_REMOVED : _REMOVED + _CONTENT]
    seed = tl.load(seeds + run, mask=here, other=0).to(tl.uint64, bitcast=True)
    hours = tl.load(shared + _FOR_HOURS)
    alive = here
    failed_h = y[0] * 0.0 - 1.0
    k = 0
    for i in range(first, last + closing):
        row, interval = schedule + i * WIDTH, i + 0 * tl.program_id(0)
        now, then, gone, held, seen, sampled = act(interval, hours, row, seed, y, m, removed, p, keys, DTYPE)
        y, m, removed = chosen(alive, now, y), chosen(alive, then, m), chosen(alive, gone, removed)
        if tl.load(when + k) == i:
            found = _record(PLANT, y, m, removed, held, seen, sampled, p)
            write_rows(records, run * recorded + k, alive, found, R_TILES, BLOCK)
            k += 1
        if i < last:
            done, h, y, steps, rejected = _integrated(
                PLANT, ORDER, FIXED, alive, y, p, held, m[at.M_STEP], m[at.M_STEPS], m[at.M_REJECTED], shared
            )
            fed, base, vapour = held[at.FEED] * done, held[at.BASE] * done, held[at.VAPOUR] * done
            totals = (m[at.M_FED] + fed, m[at.M_BASE] + base, m[at.M_VAPOUR] + vapour, steps, rejected)
            m = chosen(alive, (h,) + m[1 : at.M_FED] + totals, m)
            ended = alive & (done < hours)
            failed_h = tl.where(ended, interval.to(DTYPE) * hours + done, failed_h)
            alive = alive & (ended == 0)
    write_rows(state, run, here, y, Y_TILES, BLOCK)
    write_rows(memory, run, here, m + removed, M_TILES, BLOCK)
    tl.store(failed + run, failed_h, mask=here)


def advance(
    plant: int, parameters: Float[ndarray, " p"], varied: Int[ndarray, " v"], values: Float[ndarray, "n v"],
    seeds: ndarray, start: tuple[ndarray, ndarray] | None, schedule: Float[ndarray, "i c"], span: tuple[int, int, int],
    when: Int[ndarray, " k"], *, hours: float, tolerance: float, fixed: int, order: int, single: bool,
    device: torch.device,
) -> tuple[ndarray, ndarray, ndarray, ndarray]:  # fmt: skip
    """Advance runs from an interval to another; return states, memories, records and the hours of failures (or NaN).

    Parameters
    ----------
    plant, parameters, varied, values, seeds, schedule, when, hours, tolerance, fixed, order
        As in `FedBatchProblem`.
    start
        States and memories to go on from; without them, vessels just filled.
    span
        First interval, last, and 1 if the last one's probes are still read.
    single
        Compute in single precision.
    device
        Where; under Triton's interpreter the CPU.
    """
    n, count = values.shape[0], when.size
    kind = torch.float32 if single else torch.float64
    packed = np.zeros(_SCALE + at.STATES + 2)
    packed[:_SCALE] = method.METHODS[order].packed.ravel()
    packed[_SCALE : _SCALE + at.STATES], packed[-2:] = method.SCALE, (hours, tolerance)
    shared = torch.from_numpy(packed).to(device, kind)
    table = torch.from_numpy(np.ascontiguousarray(schedule)).to(device, kind)
    keys = torch.from_numpy(_KEYS.view(np.int64)).to(device)
    marked = torch.from_numpy(np.append(when, -1).astype(np.int64)).to(device)
    state, memory = np.empty((n, at.STATES)), np.empty((n, at.MEMORY))
    records, failed = np.empty((n, count, at.COLUMNS)), np.empty(n)
    size = max(BYTES // (8 * CUT * (3 * TILES["P_TILES"] + TILES["R_TILES"] * count)), BLOCK)
    for begin in range(0, n, size):
        those = slice(begin, min(begin + size, n))
        some = min(begin + size, n) - begin
        p = torch.from_numpy(parameters).to(device).repeat(some, 1)
        p[:, torch.from_numpy(varied).to(device)] = torch.from_numpy(values[those]).to(device)
        p = prepared(plant, p, hours)
        begun = filled(p) if start is None else tuple(torch.from_numpy(part[those]).to(device) for part in start)
        y, m = (_wide(part) for part in begun)
        found = torch.full((some, count, TILES["R_TILES"] * CUT), torch.nan, dtype=torch.float64, device=device)
        ended = torch.empty(some, dtype=torch.float64, device=device)
        seed = torch.from_numpy(np.ascontiguousarray(seeds[those]).view(np.int64)).to(device)
        _advance[(triton.cdiv(some, BLOCK),)](
            _wide(p), seed, y, m, table, shared, keys, marked, found, ended, some, *span, count,
            WIDTH=table.shape[1], PLANT=plant, ORDER=order, FIXED=fixed, DTYPE=tl.float32 if single else tl.float64,
            BLOCK=BLOCK, num_warps=1, **TILES,
        )  # fmt: skip
        state[those], memory[those] = y[:, : at.STATES].cpu(), m[:, : at.MEMORY].cpu()
        records[those], failed[those] = found[..., : at.COLUMNS].cpu(), torch.where(ended < 0, torch.nan, ended).cpu()
    return state, memory, records, failed


def _wide(part: Tensor) -> Tensor:
    """Return a table filled up to whole cuts."""
    return torch.nn.functional.pad(part, (0, -part.shape[1] % CUT)).contiguous()
