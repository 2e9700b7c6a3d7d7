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

from .layout import (
    CARBONATE, BASE, BASE_CARBON, CARBONATE, CO2_TRANSFER, CONTENT, DEATH, FAST, FEED, M_BASE, M_FED, M_REJECTED, M_REMOVED,
    M_STEP, M_STEPS, M_VAPOUR, OK, OXYGEN, OXYGEN_TRANSFER, R_CER, R_GROWTH, R_OUR, R_REMOVED, STATES,
    STEP_TOO_SMALL, TEMPERATURE, VAPOUR, VIABLE, VOLUME,
)  # fmt: skip
from .control import act
from .equations import change, prepare, start
from .method import GAMMA, A, C, E, M

_COMPILE = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "_nrt": False}

SMALLEST_STEP = 1e-10
# rows of work memory: parameters, what is held, what is seen, and 21 for a step
WORK = 3 + 15 + 2 + FAST
# Amounts per litre below which errors are absolute, in the order of the states
SCALE = np.array(
    [0.5, 0.1, 0.02, 1.0, 3.0, 0.05, 0.1, 0.1, 0.1, 0.5, 0.2, 5.0, 0.05, 2.0, 20.0, 0.5, 0.1, 5.0, 5.0]
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

    values: Float[ndarray, "n v"]
    seeds: UInt[ndarray, " n"]
    state: Float[ndarray, "n s"]
    memory: Float[ndarray, "n m"]
    records: Float[ndarray, "n k r"]
    outcome: Int[ndarray, " n"]
    failed_h: Float[ndarray, " n"]
    work: Float[ndarray, "w p"]


@njit(**_COMPILE)
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


@njit(**_COMPILE)
def _solve(
    lu: Float[ndarray, "f f"],
    jacobian: Float[ndarray, "f s"],
    weight: float,
    cooling: float,
    x: Float[ndarray, " s"],
) -> None:
    """Solve (I - weight * J) x = x in place."""
    for i in range(1, FAST):
        for j in range(i):
            x[i] -= lu[i, j] * x[j]
    for i in range(FAST - 1, -1, -1):
        for j in range(i + 1, FAST):
            x[i] -= lu[i, j] * x[j]
        x[i] *= lu[i, i]
    x[TEMPERATURE] /= 1.0 + weight * cooling
    for s in range(VOLUME, STATES):
        x[s] += weight * (
            jacobian[0, s] * x[0] + jacobian[1, s] * x[1] + jacobian[2, s] * x[2] + jacobian[3, s] * x[3]
        )


@njit(**_COMPILE)
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
    new, stage, f, u = room[0], room[1], room[2], room[7:11]
    jacobian, lu, rates = room[3:7], room[11:15], room[15:]
    weight, cooling = h * GAMMA, 0.0
    for s in range(STATES):
        u[0, s], u[1, s], u[2, s] = 0.0, 0.0, 0.0
    for i in range(4):
        for s in range(STATES):
            stage[s] = y[s] + A[i, 0] * u[0, s] + A[i, 1] * u[1, s] + A[i, 2] * u[2, s]
        cooling = change(plant, stage, p, held, rates, room[2:7], 1 if i == 0 else 0)
        if i == 0:
            _factor(lu, jacobian, weight)
        for s in range(STATES):
            u[i, s] = weight * f[s] + GAMMA * (C[i, 0] * u[0, s] + C[i, 1] * u[1, s] + C[i, 2] * u[2, s])
        _solve(lu, jacobian, weight, cooling, u[i])
    total, volume = 0.0, y[VOLUME]
    for s in range(STATES):
        new[s] = y[s] + M[0] * u[0, s] + M[1] * u[1, s] + M[2] * u[2, s] + M[3] * u[3, s]
        error = E[0] * u[0, s] + E[1] * u[1, s] + E[2] * u[2, s] + E[3] * u[3, s]
        error /= abs(new[s]) + SCALE[s] * volume
        total += error * error
    total = np.sqrt(total / STATES) / tolerance
    # what is used up does not become less than nothing: a smaller step then
    for s in range(CARBONATE):
        if y[s] >= 0.0 and new[s] < -1e-3 * SCALE[s] * volume:
            total = max(total, 8.0)
    return total


@njit(**_COMPILE)
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


@njit(**_COMPILE)
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
    change(plant, y, p, held, rates, room[2:7], 0)
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


@njit(**_COMPILE)
def advance(plant: int, base: Float[ndarray, " p"], varied: Int[ndarray, " v"], fresh: int, plan: Plan, runs: Runs) -> None:
    """Advance every run of a block from the plan's first interval to its last; ``fresh`` runs are filled first."""
    p, held, seen = runs.work[0], runs.work[1], runs.work[2]
    room = runs.work[3:]
    for n in range(runs.state.shape[0]):
        y, memory = runs.state[n], runs.memory[n]
        for v in range(base.size):
            p[v] = base[v]
        for v in range(varied.size):
            p[varied[v]] = runs.values[n, v]
        prepare(plant, plan.hours, p)
        if fresh:
            start(plant, p, y, memory)
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
