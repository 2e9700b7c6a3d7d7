# ruff: noqa: PLR0913, PLR0917 - the arguments of a Triton function are flat
"""Fed-batch runs in Triton: one run a lane, its coupled states in registers while a control interval is integrated.

The same controllers, equations and two-stage method as `cpu`, in double or single precision. Lanes of a program take
steps of their own size, and wait for the slowest at the end of each control interval.
"""

import numpy as np
import torch
import triton
import triton.language as tl
from numpy import ndarray
from torch import Tensor

from biolab.core import DataError
from biolab.core.arrays import Int

from . import FedBatchProblem, FedBatchRuns, cpu, method
from . import layout as at
from .begin import filled, prepared
from .gpu_control import act
from .gpu_equations import change, get

LANES = 64
# Runs that are held on the device at a time
CHUNK = 1 << 16
_METHOD = method.ROS2.packed
GAMMA = tl.constexpr(float(_METHOD[method.FACTS, 0]))
A10, C10 = tl.constexpr(float(_METHOD[method.A + 1, 0])), tl.constexpr(float(_METHOD[method.C + 1, 0]))
M0, M1 = tl.constexpr(float(_METHOD[method.M, 0])), tl.constexpr(float(_METHOD[method.M, 1]))
E0, E1 = tl.constexpr(float(_METHOD[method.E, 0])), tl.constexpr(float(_METHOD[method.E, 1]))
SMALLEST_STEP = tl.constexpr(cpu.SMALLEST_STEP)
_FIRST, _CHANNEL = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03


@triton.jit
def _factor(w, slopes):
    """Factor I - w J of the sloped states, without pivots; the diagonal is inverted."""
    g, s, o = slopes[0], slopes[1], slopes[2]
    d0 = 1.0 / (1.0 - w * g[0])
    a10, a20 = -w * g[1] * d0, -w * g[2] * d0
    a01, a02 = -w * s[0], -w * o[0]
    d1 = 1.0 / (1.0 - w * s[1] - a10 * a01)
    a21 = (-w * s[2] - a20 * a01) * d1
    a12 = -w * o[1] - a10 * a02
    d2 = 1.0 / (1.0 - w * o[2] - a20 * a02 - a21 * a12)
    return d0, d1, d2, a10, a20, a21, a01, a02, a12


@triton.jit
def _solve(w, lu, slopes, washing, cooling, x):
    """Return the solution of (I - w J) u = x."""
    g, s, o = slopes[0], slopes[1], slopes[2]
    x1 = x[1] - lu[3] * x[0]
    x2 = (x[2] - lu[4] * x[0] - lu[5] * x1) * lu[2]
    x1 = (x1 - lu[8] * x2) * lu[1]
    x0 = (x[0] - lu[6] * x1 - lu[7] * x2) * lu[0]
    w0, w1, w2 = w * x0, w * x1, w * x2
    u = [x[k] + g[k] * w0 + s[k] * w1 + o[k] * w2 for k in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)]
    x3 = u[0] / (1.0 + w * washing)
    return (
        x0, x1, x2, x3, x[4] / (1.0 + w * cooling), u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
        u[13], u[14] + w * washing * x3, u[15],
    )  # fmt: skip


@triton.jit
def _plus(y, a, u):
    return [y[k] + a * u[k] for k in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)]


@triton.jit
def _times(w, f):
    return [w * f[k] for k in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)]


@triton.jit
def _chosen(good, new, y):
    return [tl.where(good, new[k], y[k]) for k in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)]


@triton.jit
def _step(h, y, p, runs, held, facts, PLANT: tl.constexpr):
    """Return the state after ``h`` hours and its error over what is allowed."""
    w = h * GAMMA
    cooling = held[at.JACKET_K] + get(p, runs, at.AMBIENT_EXCHANGE)
    f, slopes, washing, _death = change(y, p, runs, held, PLANT)
    lu = _factor(w, slopes)
    u0 = _solve(w, lu, slopes, washing, cooling, _times(w, f))
    f, _slopes, _washing, _death = change(_plus(y, A10, u0), p, runs, held, PLANT)
    u1 = _solve(w, lu, slopes, washing, cooling, _plus(_times(w, f), C10, u0))
    new = _plus(_plus(y, M0, u0), M1, u1)
    volume = y[at.VOLUME]
    total = volume * 0.0
    for k in tl.static_range(19):
        share = (E0 * u0[k] + E1 * u1[k]) / (tl.abs(new[k]) + tl.load(facts + 2 + k) * volume)
        total += share * share
    total = tl.sqrt(total / at.STATES) / tl.load(facts + 1)
    for k in tl.static_range(3):
        beyond = (y[k] >= 0.0) & (new[k] < -1e-3 * tl.load(facts + 2 + k) * volume)
        total = tl.where(beyond, tl.maximum(total, 8.0), total)
    return new, total


@triton.jit
def _integrate(alive, hours, y_at, p, memory, held_at, facts, runs, PLANT: tl.constexpr):
    """Advance each lane by one control interval, and return the hours that could be done."""
    y = [get(y_at, runs, k) for k in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)]
    held = [get(held_at, runs, k) for k in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)]
    h, taken, thrown = get(memory, runs, at.M_STEP), get(memory, runs, at.M_STEPS), get(memory, runs, at.M_REJECTED)
    done, going = h * 0.0, alive
    while tl.max(going, 0) > 0:
        left = hours - done
        last = h >= 0.999 * left
        step = tl.where(last, left, tl.minimum(h, 0.5 * left))
        new, error = _step(step, y, p, runs, held, facts, PLANT)
        error = tl.where(error < 1e6, error, 1e6)
        factor = tl.minimum(tl.maximum(0.9 / tl.sqrt(tl.maximum(error, 1e-12)), 0.2), 5.0)
        factor = tl.where(error < 0.005, 5.0, factor)
        good = (error <= 1.0) & (going != 0)
        y = _chosen(good, new, y)
        done = tl.where(good, tl.where(last, hours, done + step), done)
        # a step cut short by the interval's end says little about a longer one
        h = tl.where((going != 0) & ~(good & last), step * factor, h)
        taken, thrown = tl.where(good, taken + 1.0, taken), tl.where((going != 0) & (error > 1.0), thrown + 1.0, thrown)
        going = tl.where((done < hours) & (h >= SMALLEST_STEP), going, 0)
    for k in tl.static_range(19):
        tl.store(y_at + k * runs, y[k])
    tl.store(memory + at.M_STEP * runs, tl.maximum(h, SMALLEST_STEP))
    tl.store(memory + at.M_STEPS * runs, taken)
    tl.store(memory + at.M_REJECTED * runs, thrown)
    for k in tl.static_range(3):
        fed = get(memory, runs, at.M_FED + k) + held[k] * done
        tl.store(memory + (at.M_FED + k) * runs, fed)
    return done


@triton.jit
def _record(alive, y_at, p, memory, seen, held_at, out, runs, PLANT: tl.constexpr):
    y = [get(y_at, runs, k) for k in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)]
    held = [get(held_at, runs, k) for k in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)]
    f, _slopes, _washing, death = change(y, p, runs, held, PLANT)
    there = alive != 0
    for k in tl.static_range(19):
        tl.store(out + k * runs, y[k], mask=there)
    for k in tl.static_range(24):
        tl.store(out + (at.STATES + k) * runs, get(seen, runs, k), mask=there)
    volume, base = y[at.VOLUME], held[at.BASE] * get(p, runs, at.BASE_CARBON)
    tl.store(out + at.R_GROWTH * runs, (f[at.VIABLE] + death) / tl.maximum(y[at.VIABLE], 1e-12), mask=there)
    tl.store(out + at.R_OUR * runs, (f[at.O2_IN] - f[at.OXYGEN]) / volume, mask=there)
    tl.store(out + at.R_CER * runs, (f[at.CARBONATE] + f[at.CO2_OUT] - base) / volume, mask=there)
    for k in tl.static_range(17):
        tl.store(out + (at.R_REMOVED + k) * runs, get(memory, runs, at.M_REMOVED + k), mask=there)


@triton.jit
def _advance(
    parameters, seeds, counters, schedule, facts, state, memory, work, records, when, ends, kept, runs, intervals,
    columns, PLANT: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    """Advance lanes from the first interval to the last; ``ends`` says when a run failed, ``kept`` its state then."""
    lane = tl.program_id(0) * LANES + tl.arange(0, LANES)
    p, y, memory, seen, held = (
        parameters + lane,
        state + lane,
        memory + lane,
        work + lane,
        work + at.COLUMNS * runs + lane,
    )
    seed, hours = tl.load(seeds + lane).to(tl.uint64, bitcast=True), tl.load(facts)
    alive, k = lane * 0 + 1, 0
    for i in range(intervals + 1):
        act(i, hours, schedule + i * columns, counters, seed, y, p, memory, seen, held, runs)
        tl.debug_barrier()
        if tl.load(when + k) == i:
            out = records + (k * at.COLUMNS + lane * 0).to(tl.int64) * runs + lane
            _record(alive, y, p, memory, seen, held, out, runs, PLANT)
            k += 1
        if i < intervals:
            done = _integrate(alive, hours, y, p, memory, held, facts, runs, PLANT)
            failed = (alive != 0) & (done < hours)
            tl.store(ends + lane, i * hours + done, mask=failed)
            tl.debug_barrier()
            for s in tl.static_range(19):
                tl.store(kept + s * runs + lane, get(y, runs, s), mask=failed)
            alive = tl.where(failed, 0, alive)
        tl.debug_barrier()


def fed_batch(
    problem: FedBatchProblem, when: Int[ndarray, " k"], *, device: torch.device | str = "cuda", single: bool = False
) -> FedBatchRuns:
    """Run a problem from its first interval to its last on a device, as `fed_batch` does on the processor.

    Parameters
    ----------
    problem
        What is run, by the method of order 2 with error control.
    when
        The intervals to record, ascending.
    device
        Where; Triton's interpreter takes tensors of the processor.
    single
        In single precision: states keep 7 digits.

    Raises
    ------
    DataError
        If the problem asks for another method or for fixed steps.
    """
    if problem.order != 2 or problem.fixed_steps:
        raise DataError(
            f"order is {problem.order} and fixed_steps {problem.fixed_steps}; the Triton path has "
            "the method of order 2, with error control."
        )
    kind = torch.float32 if single else torch.float64
    n = problem.seeds.size
    parts = [_chunk(problem, when, slice(k, min(k + CHUNK, n)), torch.device(device), kind) for k in range(0, n, CHUNK)]
    names = ("state", "memory", "records", "outcome", "failed_h")
    if not parts:
        shapes = {"state": (0, at.STATES), "memory": (0, at.MEMORY), "records": (0, when.size, at.COLUMNS)}
        return FedBatchRuns(
            **{name: np.zeros(shape) for name, shape in shapes.items()},
            outcome=np.zeros(0, dtype=np.int64),
            failed_h=np.zeros(0),
        )
    return FedBatchRuns(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _chunk(
    problem: FedBatchProblem, when: Int[ndarray, " k"], rows: slice, device: torch.device, kind: torch.dtype
) -> FedBatchRuns:
    count = rows.stop - rows.start
    # lanes to spare run the last run again
    rows_of_lanes = np.minimum(np.arange(triton.cdiv(count, LANES) * LANES), count - 1) + rows.start
    lanes, intervals = rows_of_lanes.size, problem.schedule.shape[0] - 1
    parameters = np.tile(problem.parameters, (lanes, 1))
    parameters[:, problem.varied] = problem.values[rows_of_lanes]
    parameters = prepared(problem.plant, parameters, problem.interval_h)
    state, memory = filled(parameters)

    def there(array: ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device=device, dtype=kind)

    facts = there(np.array([problem.interval_h, problem.tolerance, *cpu.SCALE]))
    seeds = torch.from_numpy(problem.seeds[rows_of_lanes].view(np.int64)).to(device)
    counters = torch.from_numpy(_counters(intervals)).to(device)
    states, memories = there(state.T), there(memory.T)
    records = torch.full((when.size, at.COLUMNS, lanes), torch.nan, device=device, dtype=kind)
    work = torch.zeros((at.COLUMNS + at.HELD, lanes), device=device, dtype=kind)
    ends, kept = torch.full((lanes,), torch.nan, device=device, dtype=kind), torch.zeros_like(states)
    marks = torch.tensor([*when.tolist(), -1], dtype=torch.int32, device=device)
    _advance[(lanes // LANES,)](
        there(parameters.T), seeds, counters, there(problem.schedule), facts, states, memories, work, records, marks,
        ends, kept, lanes, intervals, problem.schedule.shape[1], problem.plant, LANES, num_warps=max(LANES // 32, 1),
    )  # fmt: skip
    failed = torch.isfinite(ends)

    def back(tensor: Tensor) -> ndarray:
        return tensor[..., :count].double().cpu().numpy()

    return FedBatchRuns(
        state=back(torch.where(failed, kept, states)).T.copy(),
        memory=back(memories).T.copy(),
        records=back(records).transpose(2, 0, 1).copy(),
        outcome=np.where(back(failed) > 0, at.STEP_TOO_SMALL, at.OK).astype(np.int64),
        failed_h=back(ends),
    )


def _counters(intervals: int) -> Int[ndarray, "i 4"]:
    """Return what names each interval and channel to the noise, 64 bits each."""
    with np.errstate(over="ignore"):
        time = np.arange(intervals + 1, dtype=np.uint64)[:, None] * np.uint64(_FIRST)
        return (time + np.arange(4, dtype=np.uint64) * np.uint64(_CHANNEL)).view(np.int64)
