"""Fed-batch runs, compiled: a linearly implicit (Rosenbrock-W) integrator between the sampled controllers' actions.

Methods are those of `method`, of their order whatever matrix stands for the Jacobian. Here it holds derivatives by the
four fast states and the temperature only, so that a stage costs a 3 x 3 substitution.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int, UInt

from .control import act
from .equations import change
from .layout import (
    ALL_PLACES,
    BASE,
    BASE_CARBON,
    CARBONATE,
    CO2_OUT,
    CO2_TRANSFER,
    CONTENT,
    COOLING,
    DEATH,
    FEED,
    M_BASE,
    M_FED,
    M_REJECTED,
    M_REMOVED,
    M_STEP,
    M_STEPS,
    M_VAPOUR,
    MEMORY,
    OK,
    OXYGEN,
    OXYGEN_TRANSFER,
    R_CER,
    R_GROWTH,
    R_OUR,
    R_REMOVED,
    SLOWEST,
    STATES,
    STEP_TOO_SMALL,
    TEMPERATURE,
    VAPOUR,
    VIABLE,
    VOLUME,
    W_CHANGE,
    W_ENV,
    W_FACTORED,
    W_HELD,
    W_MEMORY,
    W_METHOD,
    W_NEW,
    W_P,
    W_RATES,
    W_SEEN,
    W_STAGE,
    W_STAGES,
    W_Y,
    WASHING,
)  # fmt: skip
from .method import FACTS, SCALE, SMALLEST_STEP, STAGES, A, C, E, M
from .options import COMPILED, INNER
from .work_rows import row_of


class Plan(NamedTuple):
    """What all runs of a block share: the schedule, its intervals, which of them are recorded, and the method."""

    schedule: Float[ndarray, "i c"]
    hours: float
    first: int
    last: int
    closing: int
    when: Int[ndarray, " k"]
    tolerance: float
    fixed: int
    method: Float[ndarray, " c"]


class Runs(NamedTuple):
    """What each run has of its own, and where its records go."""

    parameters: Float[ndarray, "n p"]
    seeds: UInt[ndarray, " n"]
    state: Float[ndarray, "n s"]
    memory: Float[ndarray, "n m"]
    records: Float[ndarray, "n k r"]
    outcome: Int[ndarray, " n"]
    failed_h: Float[ndarray, " n"]
    work: Float[ndarray, " w"]


@njit(**INNER)
def _factor(w: Float[ndarray, " w"], weight: float) -> None:
    """Factor I - weight * J of the sloped states, without pivots: its diagonal is 1 plus the rates of decay."""
    one, two, three = row_of(w, W_FACTORED), row_of(w, W_FACTORED + 1), row_of(w, W_FACTORED + 2)
    by0, by1, by2 = row_of(w, W_CHANGE + 1), row_of(w, W_CHANGE + 2), row_of(w, W_CHANGE + 3)
    one[0] = 1.0 / (1.0 - weight * by0[0])
    one[1], one[2] = -weight * by1[0], -weight * by2[0]
    two[0], three[0] = -weight * by0[1] * one[0], -weight * by0[2] * one[0]
    two[1] = 1.0 / (1.0 - weight * by1[1] - two[0] * one[1])
    two[2] = -weight * by2[1] - two[0] * one[2]
    three[1] = (-weight * by1[2] - three[0] * one[1]) * two[1]
    three[2] = 1.0 / (1.0 - weight * by2[2] - three[0] * one[2] - three[1] * two[2])


@njit(**INNER)
def _solve(w: Float[ndarray, " w"], weight: float, number: int) -> None:
    """Solve (I - weight * J) x = x in place, in a row; what is stripped and what cools hangs on one state each."""
    x, place = row_of(w, number), row_of(w, W_ENV)
    one, two, three = row_of(w, W_FACTORED), row_of(w, W_FACTORED + 1), row_of(w, W_FACTORED + 2)
    by0, by1, by2 = row_of(w, W_CHANGE + 1), row_of(w, W_CHANGE + 2), row_of(w, W_CHANGE + 3)
    x0 = x[0]
    x1 = x[1] - two[0] * x0
    x2 = (x[2] - three[0] * x0 - three[1] * x1) * three[2]
    x1 = (x1 - two[2] * x2) * two[1]
    x0 = (x0 - one[1] * x1 - one[2] * x2) * one[0]
    x[0], x[1], x[2] = x0, x1, x2
    x[TEMPERATURE] /= 1.0 + weight * place[COOLING]
    x0, x1, x2 = weight * x0, weight * x1, weight * x2
    x3 = x[CARBONATE] + by0[CARBONATE] * x0 + by1[CARBONATE] * x1 + by2[CARBONATE] * x2
    x3 /= 1.0 + weight * place[WASHING]
    x[CARBONATE] = x3
    for s in range(VOLUME, STATES):
        x[s] += by0[s] * x0 + by1[s] * x1 + by2[s] * x2
    x[CO2_OUT] += weight * place[WASHING] * x3


@njit(**INNER)
def _step(plant: int, h: float, tolerance: float, w: Float[ndarray, " w"]) -> float:
    """Put the state after ``h`` hours into its row and return its error over what is allowed."""
    y, stage, f, method = row_of(w, W_Y), row_of(w, W_STAGE), row_of(w, W_CHANGE), row_of(w, W_METHOD)
    u0 = row_of(w, W_STAGES)
    weight = h * method[STAGES * FACTS]
    for i in range(int(method[STAGES * FACTS + 2])):
        u = row_of(w, W_STAGES + i)
        if i == 0:
            change(plant, w, np.int64(W_Y), np.int64(1))
            _factor(w, weight)
            for s in range(STATES):
                u[s] = weight * f[s]
        else:
            a, c = method[STAGES * (A + i)], method[STAGES * (C + i)]
            for s in range(STATES):
                stage[s] = y[s] + a * u0[s]
            for j in range(1, i):
                a, known = method[STAGES * (A + i) + j], row_of(w, W_STAGES + j)
                for s in range(STATES):
                    stage[s] += a * known[s]
            change(plant, w, np.int64(W_STAGE), np.int64(0))
            for s in range(STATES):
                u[s] = weight * f[s] + c * u0[s]
            for j in range(1, i):
                c, known = method[STAGES * (C + i) + j], row_of(w, W_STAGES + j)
                for s in range(STATES):
                    u[s] += c * known[s]
        _solve(w, weight, W_STAGES + i)
    return _result(tolerance, w)


@njit(**INNER)
def _result(tolerance: float, w: Float[ndarray, " w"]) -> float:
    """Put the sum of the stages into its row and return its error over what is allowed."""
    y, new, method = row_of(w, W_Y), row_of(w, W_NEW), row_of(w, W_METHOD)
    u0, u1, u2, u3 = row_of(w, W_STAGES), row_of(w, W_STAGES + 1), row_of(w, W_STAGES + 2), row_of(w, W_STAGES + 3)
    m0, m1, m2, m3 = method[STAGES * M], method[STAGES * M + 1], method[STAGES * M + 2], method[STAGES * M + 3]
    e0, e1, e2, e3 = method[STAGES * E], method[STAGES * E + 1], method[STAGES * E + 2], method[STAGES * E + 3]
    total, volume = 0.0, y[VOLUME]
    for s in range(STATES):
        new[s] = y[s] + m0 * u0[s] + m1 * u1[s] + m2 * u2[s] + m3 * u3[s]
        error = e0 * u0[s] + e1 * u1[s] + e2 * u2[s] + e3 * u3[s]
        error /= abs(new[s]) + SCALE[s] * volume
        total += error * error
    total = np.sqrt(total / STATES) / tolerance
    # what is used up does not become less than nothing: a smaller step then
    for s in range(CARBONATE):
        if y[s] >= 0.0 and new[s] < -1e-3 * SCALE[s] * volume:
            total = max(total, 8.0)
    return total


@njit(**INNER)
def _integrate(plant: int, hours: float, tolerance: float, fixed: int, w: Float[ndarray, " w"]) -> float:
    """Advance by one control interval in steps of the size the error allows; return the hours that could be done."""
    y, new, memory = row_of(w, W_Y), row_of(w, W_NEW), row_of(w, W_MEMORY)
    power = row_of(w, W_METHOD)[STAGES * FACTS + 1]
    done, h = 0.0, memory[M_STEP]
    while True:
        left = hours - done
        last = h >= 0.999 * left
        step = left if last else min(h, 0.5 * left)
        if fixed > 0:
            step = hours / fixed
            last = left < 1.5 * step
        error = _step(plant, step, tolerance, w)
        if fixed > 0:
            error = 0.0
        if not error < 1e6:
            error = 1e6
        if error <= 1.0:
            for s in range(STATES):
                y[s] = new[s]
            memory[M_STEPS] += 1.0
            if last:  # a step cut short by the interval's end says little about a longer one
                break
            done += step
        else:
            memory[M_REJECTED] += 1.0
        h = step * (5.0 if error < 0.005 else min(max(0.9 * error ** (-power), 0.2), 5.0))
        if h < SMALLEST_STEP:
            return done
    memory[M_STEP] = h
    return hours


@njit(**INNER)
def _record(plant: int, w: Float[ndarray, " w"], out: Float[ndarray, " c"]) -> None:
    change(plant, w, np.int64(W_Y), np.int64(0))
    y, p, held, memory = row_of(w, W_Y), row_of(w, W_P), row_of(w, W_HELD), row_of(w, W_MEMORY)
    seen, f, rates = row_of(w, W_SEEN), row_of(w, W_CHANGE), row_of(w, W_RATES)
    for s in range(STATES):
        out[s] = y[s]
    for s in range(STATES, R_REMOVED):
        out[s] = seen[s - STATES]
    out[R_GROWTH] = (f[VIABLE] + rates[DEATH]) / max(y[VIABLE], 1e-12)
    out[R_OUR] = (rates[OXYGEN_TRANSFER] - f[OXYGEN]) / y[VOLUME]
    out[R_CER] = (f[CARBONATE] + rates[CO2_TRANSFER] - held[BASE] * p[BASE_CARBON]) / y[VOLUME]
    for s in range(CONTENT):
        out[R_REMOVED + s] = memory[M_REMOVED + s]


@njit(**INNER)
def _copy(source: Float[ndarray, " k"], target: Float[ndarray, " k"], count: int) -> None:
    for k in range(count):
        target[k] = source[k]


@njit(**COMPILED)
def advance(plant: int, plan: Plan, runs: Runs) -> None:
    """Advance every run of a block from the plan's first interval to its last."""
    w = runs.work
    memory, held = row_of(w, W_MEMORY), row_of(w, W_HELD)
    _copy(plan.method, row_of(w, W_METHOD), plan.method.size)
    for n in range(runs.state.shape[0]):
        _copy(runs.parameters[n], row_of(w, W_P), ALL_PLACES)
        _copy(runs.state[n], row_of(w, W_Y), STATES)
        _copy(runs.memory[n], memory, MEMORY)
        row_of(w, W_ENV)[SLOWEST] = 0.0  # what is kept for a run is not the next one's
        k = 0
        runs.outcome[n], runs.failed_h[n] = OK, np.nan
        for i in range(plan.first, plan.last + plan.closing):
            act(i, plan.hours, plan.schedule[i], runs.seeds[n], w)
            if k < plan.when.size and plan.when[k] == i:
                _record(plant, w, runs.records[n, k])
                k += 1
            if i == plan.last:
                break
            done = _integrate(plant, plan.hours, plan.tolerance, plan.fixed, w)
            memory[M_FED] += held[FEED] * done
            memory[M_BASE] += held[BASE] * done
            memory[M_VAPOUR] += held[VAPOUR] * done
            if done < plan.hours:
                runs.outcome[n], runs.failed_h[n] = STEP_TOO_SMALL, i * plan.hours + done
                break
        _copy(row_of(w, W_Y), runs.state[n], STATES)
        _copy(memory, runs.memory[n], MEMORY)
