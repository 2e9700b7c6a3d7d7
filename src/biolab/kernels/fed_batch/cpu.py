# ruff: noqa: PLR0913, PLR0917 - the arguments of compiled functions and their twins are flat
"""Fed-batch runs, compiled: a linearly implicit (Rosenbrock-W) integrator between the sampled controllers' actions.

The method is ROS34PW2 of Rang and Angermann: 4 stages, order 3, L-stable, and of that order whatever matrix stands for
the Jacobian. Here it holds derivatives by the four fast states and the temperature only, so that a stage costs a 4 x 4
substitution.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float, Int, UInt

from .control import act
from .equations import change
from .layout import (
    BASE,
    BASE_CARBON,
    CARBONATE,
    CO2_TRANSFER,
    CONTENT,
    DEATH,
    FAST,
    FEED,
    M_BASE,
    M_FED,
    M_REJECTED,
    M_REMOVED,
    M_STEP,
    M_STEPS,
    M_VAPOUR,
    OK,
    OXYGEN,
    OXYGEN_TRANSFER,
    R_CER,
    R_GROWTH,
    R_OUR,
    R_REMOVED,
    STATES,
    STEP_TOO_SMALL,
    TEMPERATURE,
    VAPOUR,
    VIABLE,
    VOLUME,
)  # fmt: skip
from .method import GAMMA, A, C, E, M
from .options import COMPILED, INNER

SMALLEST_STEP = 1e-10
# rows of work memory: what is held, what is seen, and 21 for a step
WORK = 2 + 15 + 2 + FAST
# Amounts per litre below which errors are absolute, in the order of the states
SCALE = np.array(
    [0.5, 0.1, 0.2, 10.0, 10.0, 0.05, 0.1, 0.1, 0.1, 0.5, 0.2, 5.0, 0.05, 2.0, 20.0, 0.5, 0.1, 5.0, 5.0]
)  # fmt: skip


class Plan(NamedTuple):
    """What all runs of a block share: the schedule, its intervals, and which of them are recorded."""

    schedule: Float[ndarray, "i c"]
    hours: float
    first: int
    last: int
    closing: int
    when: Int[ndarray, " k"]
    tolerance: float
    fixed: int


class Runs(NamedTuple):
    """What each run has of its own, and where its records go."""

    parameters: Float[ndarray, "n p"]
    seeds: UInt[ndarray, " n"]
    state: Float[ndarray, "n s"]
    memory: Float[ndarray, "n m"]
    records: Float[ndarray, "n k r"]
    outcome: Int[ndarray, " n"]
    failed_h: Float[ndarray, " n"]
    work: Float[ndarray, "w p"]


@njit(**INNER)
def _factor(lu: Float[ndarray, "f f"], jacobian: Float[ndarray, "f s"], weight: float) -> None:
    """Factor I - weight * J of the fast states, without pivots: its diagonal is 1 plus the rates of decay."""
    for i in range(FAST):
        for j in range(FAST):
            lu[i, j] = -weight * jacobian[j, i]
        lu[i, i] += 1.0
    for k in range(FAST):
        lu[k, k] = 1.0 / lu[k, k]
        for i in range(k + 1, FAST):
            lu[i, k] *= lu[k, k]
            for j in range(k + 1, FAST):
                lu[i, j] -= lu[i, k] * lu[k, j]


@njit(**INNER)
def _solve(
    lu: Float[ndarray, "f f"],
    jacobian: Float[ndarray, "f s"],
    weight: float,
    cooling: float,
    x: Float[ndarray, " s"],
) -> None:
    """Solve (I - weight * J) x = x in place."""
    x0 = x[0]
    x1 = x[1] - lu[1, 0] * x0
    x2 = x[2] - lu[2, 0] * x0 - lu[2, 1] * x1
    x3 = (x[3] - lu[3, 0] * x0 - lu[3, 1] * x1 - lu[3, 2] * x2) * lu[3, 3]
    x2 = (x2 - lu[2, 3] * x3) * lu[2, 2]
    x1 = (x1 - lu[1, 2] * x2 - lu[1, 3] * x3) * lu[1, 1]
    x0 = (x0 - lu[0, 1] * x1 - lu[0, 2] * x2 - lu[0, 3] * x3) * lu[0, 0]
    x[0], x[1], x[2], x[3] = x0, x1, x2, x3
    x[TEMPERATURE] /= 1.0 + weight * cooling
    x0, x1, x2, x3 = weight * x0, weight * x1, weight * x2, weight * x3
    for s in range(VOLUME, STATES):
        x[s] += jacobian[0, s] * x0 + jacobian[1, s] * x1 + jacobian[2, s] * x2 + jacobian[3, s] * x3


@njit(**INNER)
def _step(
    plant: int,
    h: float,
    tolerance: float,
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    held: Float[ndarray, " u"],
    room: Float[ndarray, "w s"],
) -> float:
    """Put the state after ``h`` hours into row 0 of ``room`` and return its error over what is allowed."""
    new, stage, f, u0, u1, u2 = room[0], room[1], room[2], room[7], room[8], room[9]
    jacobian, lu, rates = room[3:7], room[11:15], room[15:]
    weight, cooling = h * GAMMA, 0.0
    for s in range(STATES):
        u0[s], u1[s], u2[s] = 0.0, 0.0, 0.0
    for i in range(4):
        a, b, c, u = A[i, 0], A[i, 1], A[i, 2], room[7 + i]
        for s in range(STATES):
            stage[s] = y[s] + a * u0[s] + b * u1[s] + c * u2[s]
        cooling = change(plant, stage, p, held, rates, room[2:7], 1 if i == 0 else 0)
        if i == 0:
            _factor(lu, jacobian, weight)
        a, b, c = GAMMA * C[i, 0], GAMMA * C[i, 1], GAMMA * C[i, 2]
        for s in range(STATES):
            u[s] = weight * f[s] + a * u0[s] + b * u1[s] + c * u2[s]
        _solve(lu, jacobian, weight, cooling, u)
    u3 = room[10]
    total, volume = 0.0, y[VOLUME]
    for s in range(STATES):
        new[s] = y[s] + M[0] * u0[s] + M[1] * u1[s] + M[2] * u2[s] + M[3] * u3[s]
        error = E[0] * u0[s] + E[1] * u1[s] + E[2] * u2[s] + E[3] * u3[s]
        error /= abs(new[s]) + SCALE[s] * volume
        total += error * error
    total = np.sqrt(total / STATES) / tolerance
    # what is used up does not become less than nothing: a smaller step then
    for s in range(CARBONATE):
        if y[s] >= 0.0 and new[s] < -1e-3 * SCALE[s] * volume:
            total = max(total, 8.0)
    return total


@njit(**INNER)
def _integrate(
    plant: int,
    hours: float,
    tolerance: float,
    fixed: int,
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    held: Float[ndarray, " u"],
    memory: Float[ndarray, " m"],
    room: Float[ndarray, "w s"],
) -> float:
    """Advance by one control interval in steps of the size the error allows; return the hours that could be done."""
    done, h = 0.0, memory[M_STEP]
    new = room[0]
    while done < hours:
        left = hours - done
        last = h >= 0.999 * left
        step = left if last else min(h, 0.5 * left)
        if fixed > 0:
            step = hours / fixed
            last = left < 1.5 * step
        error = _step(plant, step, tolerance, y, p, held, room)
        if fixed > 0:
            error = 0.0
        if not error < 1e6:
            error = 1e6
        factor = 5.0 if error < 0.005 else min(max(0.9 * error ** (-1.0 / 3.0), 0.2), 5.0)
        if error <= 1.0:
            for s in range(STATES):
                y[s] = new[s]
            done = hours if last else done + step
            memory[M_STEPS] += 1.0
            # a step cut short by the interval's end says little about a longer one
            h = max(h, step * factor) if last else step * factor
            h = min(h, 10.0 * hours)
        else:
            memory[M_REJECTED] += 1.0
            h = step * factor
            if h < SMALLEST_STEP:
                return done
    memory[M_STEP] = h
    return hours


@njit(**INNER)
def _record(
    plant: int,
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    held: Float[ndarray, " u"],
    memory: Float[ndarray, " m"],
    seen: Float[ndarray, " r"],
    room: Float[ndarray, "w s"],
    out: Float[ndarray, " c"],
) -> None:
    f, rates = room[2], room[15:]
    change(plant, y, p, held, rates, room[2:7], np.int64(0))  # a plain 0 would be compiled as a type of its own
    for s in range(STATES):
        out[s] = y[s]
    for s in range(STATES, R_REMOVED):
        out[s] = seen[s - STATES]
    out[R_GROWTH] = (f[VIABLE] + rates[0, DEATH]) / max(y[VIABLE], 1e-12)
    transfer, stripped = rates[0, OXYGEN_TRANSFER], rates[0, CO2_TRANSFER]
    out[R_OUR] = (transfer - f[OXYGEN]) / y[VOLUME]
    out[R_CER] = (f[CARBONATE] + stripped - held[BASE] * p[BASE_CARBON]) / y[VOLUME]
    for s in range(CONTENT):
        out[R_REMOVED + s] = memory[M_REMOVED + s]


@njit(**COMPILED)
def advance(plant: int, plan: Plan, runs: Runs) -> None:
    """Advance every run of a block from the plan's first interval to its last."""
    held, seen, room = runs.work[0], runs.work[1], runs.work[2:]
    for n in range(runs.state.shape[0]):
        y, memory = runs.state[n], runs.memory[n]
        p = runs.parameters[n]
        k = 0
        runs.outcome[n], runs.failed_h[n] = OK, np.nan
        for i in range(plan.first, plan.last + 1):
            if i == plan.last and not plan.closing:
                break
            act(i, plan.hours, p, plan.schedule[i], runs.seeds[n], y, memory, seen, held)
            if k < plan.when.size and plan.when[k] == i:
                _record(plant, y, p, held, memory, seen, room, runs.records[n, k])
                k += 1
            if i == plan.last:
                break
            done = _integrate(plant, plan.hours, plan.tolerance, plan.fixed, y, p, held, memory, room)
            memory[M_FED] += held[FEED] * done
            memory[M_BASE] += held[BASE] * done
            memory[M_VAPOUR] += held[VAPOUR] * done
            if done < plan.hours:
                runs.outcome[n], runs.failed_h[n] = STEP_TOO_SMALL, i * plan.hours + done
                break
