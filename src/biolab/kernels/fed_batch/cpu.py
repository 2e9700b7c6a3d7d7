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
    BYPRODUCT,
    CARBONATE,
    CO2_OUT,
    CO2_TRANSFER,
    CONTENT,
    COOLING,
    DEATH,
    FEED,
    KEPT_TEMPERATURE,
    LACTATE,
    LANES,
    M_BASE,
    M_FED,
    M_REJECTED,
    M_REMOVED,
    M_STEP,
    M_STEPS,
    M_VAPOUR,
    MEMORY,
    O2_IN,
    OK,
    OXYGEN,
    OXYGEN_TRANSFER,
    R_CER,
    R_GROWTH,
    R_OUR,
    R_REMOVED,
    SALT,
    SLOWEST,
    STATES,
    STEP_TOO_SMALL,
    TEMPERATURE,
    VAPOUR,
    VIABLE,
    VOLUME,
    W_CHANGE,
    W_ENV,
    W_HELD,
    W_INVERSE,
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
from .options import COMPILED, INNER, PART
from .work_rows import row_of

_SCALE = np.append(SCALE, np.ones(LANES - STATES))


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


@njit(**PART)
def _invert(w: Float[ndarray, " w"], weight: float) -> None:
    """Put the inverse of I - weight * J of the sloped states into its rows, and those of the two that stand alone.

    By cofactors: one division and short sums, where a factored matrix has long ones to wait for. The diagonal is 1 plus
    the rates of decay.
    """
    by0, by1, by2, place = row_of(w, W_CHANGE + 1), row_of(w, W_CHANGE + 2), row_of(w, W_CHANGE + 3), row_of(w, W_ENV)
    one, two, three = row_of(w, W_INVERSE), row_of(w, W_INVERSE + 1), row_of(w, W_INVERSE + 2)
    a, b, c = 1.0 - weight * by0[0], -weight * by1[0], -weight * by2[0]
    d, e, f = -weight * by0[1], 1.0 - weight * by1[1], -weight * by2[1]
    g, h, i = -weight * by0[2], -weight * by1[2], 1.0 - weight * by2[2]
    ei, fg, dh = e * i - f * h, f * g - d * i, d * h - e * g
    share = 1.0 / (a * ei + b * fg + c * dh)
    one[0], one[1], one[2] = ei * share, (c * h - b * i) * share, (b * f - c * e) * share
    two[0], two[1], two[2] = fg * share, (a * i - c * g) * share, (c * d - a * f) * share
    three[0], three[1], three[2] = dh * share, (b * g - a * h) * share, (a * e - b * d) * share
    one[CARBONATE] = 1.0 / (1.0 + weight * place[WASHING])
    one[TEMPERATURE] = 1.0 / (1.0 + weight * place[COOLING])


@njit(**PART)
def _solve(w: Float[ndarray, " w"], weight: float, number: int) -> None:
    """Solve (I - weight * J) x = x in place, in a row; what is stripped and what cools hangs on one state each."""
    x, place = row_of(w, number), row_of(w, W_ENV)
    one, two, three = row_of(w, W_INVERSE), row_of(w, W_INVERSE + 1), row_of(w, W_INVERSE + 2)
    by0, by1, by2 = row_of(w, W_CHANGE + 1), row_of(w, W_CHANGE + 2), row_of(w, W_CHANGE + 3)
    x0 = one[0] * x[0] + one[1] * x[1] + one[2] * x[2]
    x1 = two[0] * x[0] + two[1] * x[1] + two[2] * x[2]
    x2 = three[0] * x[0] + three[1] * x[1] + three[2] * x[2]
    x[0], x[1], x[2] = x0, x1, x2
    x0, x1, x2 = weight * x0, weight * x1, weight * x2
    x3 = (x[CARBONATE] + by0[CARBONATE] * x0 + by1[CARBONATE] * x1 + by2[CARBONATE] * x2) * one[CARBONATE]
    x[CARBONATE] = x3
    x[TEMPERATURE] *= one[TEMPERATURE]
    x[VIABLE] += by0[VIABLE] * x0 + by1[VIABLE] * x1 + by2[VIABLE] * x2
    for s in range(LACTATE, SALT):
        x[s] += by0[s] * x0 + by1[s] * x1 + by2[s] * x2
    for s in range(BYPRODUCT, CO2_OUT):
        x[s] += by0[s] * x0 + by1[s] * x1 + by2[s] * x2
    x[O2_IN] += by2[O2_IN] * x2
    x[CO2_OUT] += weight * place[WASHING] * x3


@njit(**INNER)
def _step(plant: int, h: float, tolerance: float, w: Float[ndarray, " w"]) -> float:
    """Put the state after ``h`` hours into its row and return its error over what is allowed.

    Its stages are written out, so that the compiler knows where each lies.
    """
    y, stage, f, method = row_of(w, W_Y), row_of(w, W_STAGE), row_of(w, W_CHANGE), row_of(w, W_METHOD)
    u0, u1, u2, u3 = row_of(w, W_STAGES), row_of(w, W_STAGES + 1), row_of(w, W_STAGES + 2), row_of(w, W_STAGES + 3)
    weight = h * method[STAGES * FACTS]
    change(plant, w, np.int64(W_Y), np.int64(1))
    _invert(w, weight)
    for s in range(STATES):
        u0[s] = weight * f[s]
    _solve(w, weight, W_STAGES)
    a0, c0 = method[STAGES * (A + 1)], method[STAGES * (C + 1)]
    for s in range(CONTENT):
        stage[s] = y[s] + a0 * u0[s]
    change(plant, w, np.int64(W_STAGE), np.int64(0))
    for s in range(STATES):
        u1[s] = weight * f[s] + c0 * u0[s]
    _solve(w, weight, W_STAGES + 1)
    if method[STAGES * FACTS + 2] > 2.0:
        a0, a1 = method[STAGES * (A + 2)], method[STAGES * (A + 2) + 1]
        c0, c1 = method[STAGES * (C + 2)], method[STAGES * (C + 2) + 1]
        for s in range(CONTENT):
            stage[s] = y[s] + a0 * u0[s] + a1 * u1[s]
        change(plant, w, np.int64(W_STAGE), np.int64(0))
        for s in range(STATES):
            u2[s] = weight * f[s] + c0 * u0[s] + c1 * u1[s]
        _solve(w, weight, W_STAGES + 2)
        a0, a1, a2 = method[STAGES * (A + 3)], method[STAGES * (A + 3) + 1], method[STAGES * (A + 3) + 2]
        c0, c1, c2 = method[STAGES * (C + 3)], method[STAGES * (C + 3) + 1], method[STAGES * (C + 3) + 2]
        for s in range(CONTENT):
            stage[s] = y[s] + a0 * u0[s] + a1 * u1[s] + a2 * u2[s]
        change(plant, w, np.int64(W_STAGE), np.int64(0))
        for s in range(STATES):
            u3[s] = weight * f[s] + c0 * u0[s] + c1 * u1[s] + c2 * u2[s]
        _solve(w, weight, W_STAGES + 3)
    return _result(tolerance, w)


@njit(**PART)
def _result(tolerance: float, w: Float[ndarray, " w"]) -> float:
    """Put the sum of the stages into its row and return its error over what is allowed."""
    y, new, method, squares = row_of(w, W_Y), row_of(w, W_NEW), row_of(w, W_METHOD), row_of(w, W_STAGE)
    u0, u1, u2, u3 = row_of(w, W_STAGES), row_of(w, W_STAGES + 1), row_of(w, W_STAGES + 2), row_of(w, W_STAGES + 3)
    m0, m1, m2, m3 = method[STAGES * M], method[STAGES * M + 1], method[STAGES * M + 2], method[STAGES * M + 3]
    e0, e1, e2, e3 = method[STAGES * E], method[STAGES * E + 1], method[STAGES * E + 2], method[STAGES * E + 3]
    volume = y[VOLUME]
    for s in range(LANES):
        new[s] = y[s] + m0 * u0[s] + m1 * u1[s] + m2 * u2[s] + m3 * u3[s]
        error = e0 * u0[s] + e1 * u1[s] + e2 * u2[s] + e3 * u3[s]
        error /= abs(new[s]) + _SCALE[s] * volume
        squares[s] = error * error
    even, odd = 0.0, 0.0
    for s in range(0, LANES, 2):
        even += squares[s]
        odd += squares[s + 1]
    total = np.sqrt((even + odd) * (1.0 / STATES)) / tolerance
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
    memory, held, env = row_of(w, W_MEMORY), row_of(w, W_HELD), row_of(w, W_ENV)
    _copy(plan.method, row_of(w, W_METHOD), plan.method.size)
    for n in range(runs.state.shape[0]):
        _copy(runs.parameters[n], row_of(w, W_P), ALL_PLACES)
        _copy(runs.state[n], row_of(w, W_Y), STATES)
        _copy(runs.memory[n], memory, MEMORY)
        env[SLOWEST] = env[KEPT_TEMPERATURE] = np.nan  # what is kept for a run is not the next one's
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
