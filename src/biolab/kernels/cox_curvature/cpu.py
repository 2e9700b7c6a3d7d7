"""Curvature of Cox's loss in given directions: a walk over sorted rows and one back, O(n) a direction."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float
from biolab.kernels.risk_set import Rows

_LANES = 64  # directions side by side: their sums at every group stay in cache


class Curvature(NamedTuple):
    """The second derivative at some log-hazards, in the order of sorted rows.

    ``hazard`` is relative to the largest of the rows at risk at its group's time, ``decay`` moves a sum from the scale
    of the group before to the group's own, ``expected`` is the expected events of a row, and ``square`` holds a
    group's sums of squared reciprocal denominators, times 1, kept and kept^2 (kept: the share of those who fail).
    """

    hazard: Float[ndarray, " m"]
    decay: Float[ndarray, " g"]
    expected: Float[ndarray, " m"]
    square: Float[ndarray, "g 3"]


@njit(cache=True, nogil=True)
def prepare(eta: Float[ndarray, " m"], rows: Rows) -> Curvature:
    """Gather what is shared by all directions; ``eta`` stands in sorted order."""
    group_start, first_death, weight = rows.group_start, rows.first_death, rows.weight
    groups = first_death.size
    hazard, expected = np.empty(eta.size), np.empty(eta.size)
    decay, square, slope = np.zeros(groups), np.zeros((groups, 3)), np.zeros((groups, 2))
    shift, at_risk = -np.inf, 0.0
    for g in range(groups):
        before = -np.inf if rows.opens[g] else shift
        shift = before
        for k in range(group_start[g], group_start[g + 1]):
            shift = max(shift, eta[k])
        decay[g] = np.exp(before - shift)
        others, dying, heavy = at_risk * decay[g], 0.0, 0.0
        for k in range(group_start[g], group_start[g + 1]):
            mass = weight[k] if weight.size else 1.0
            hazard[k] = mass * np.exp(eta[k] - shift)
            if k < first_death[g]:
                others += hazard[k]
            else:
                dying += hazard[k]
                heavy += mass
        at_risk = others + dying
        deaths = group_start[g + 1] - first_death[g]
        steps = deaths if rows.efron else 1
        for step in range(steps):
            kept = (deaths - step) / deaths
            inverse = 1.0 / (others + kept * dying)
            share = heavy / steps * inverse
            slope[g, 0] += share
            slope[g, 1] += share * kept
            square[g, 0] += share * inverse
            square[g, 1] += share * inverse * kept
            square[g, 2] += share * inverse * kept * kept
    later = 0.0
    for g in range(groups - 1, -1, -1):
        for k in range(group_start[g], group_start[g + 1]):
            expected[k] = hazard[k] * (later + slope[g, 0 if k < first_death[g] else 1])
        later = (later + slope[g, 0]) * decay[g]
    return Curvature(hazard, decay, expected, square)


@njit(cache=True, nogil=True, fastmath={"contract"})
def accumulate(total: Float[ndarray, " k"], factor: float, values: Float[ndarray, " k"]) -> None:
    """Add a multiple of a row to a running sum."""
    for j in range(total.size):
        total[j] += factor * values[j]


@njit(cache=True, nogil=True, fastmath={"contract"})
def pulls(
    square: Float[ndarray, " 3"], others: Float[ndarray, " k"], dying: Float[ndarray, " k"], pull: Float[ndarray, "2 k"]
) -> None:
    """Fill in what a group takes off the rows that outlive it and off those that fail; ``others`` gain ``dying``."""
    for j in range(others.size):
        stays, fails = others[j], dying[j]
        pull[0, j] = square[0] * stays + square[1] * fails
        pull[1, j] = square[1] * stays + square[2] * fails
        others[j] = stays + fails


@njit(cache=True, nogil=True, fastmath={"contract"})
def image(
    image: Float[ndarray, " k"],
    direction: Float[ndarray, " k"],
    scale: tuple[float, float],
    later: Float[ndarray, " k"],
    own: Float[ndarray, " k"],
) -> None:
    """Fill in a row's part of all images; ``scale`` holds its expected events and its hazard."""
    expected, hazard = scale
    for j in range(image.size):
        image[j] = expected * direction[j] - hazard * (later[j] + own[j])


@njit(cache=True, nogil=True)
def images(curvature: Curvature, rows: Rows, directions: Float[ndarray, "m k"], out: Float[ndarray, "m k"]) -> None:
    """Fill ``out`` with the second derivative times each direction, a column each; all in sorted order.

    Columns go side by side through one walk, which fills the processor's lanes.
    """
    group_start, first_death = rows.group_start, rows.first_death
    hazard, decay, expected, square = curvature.hazard, curvature.decay, curvature.expected, curvature.square
    groups = first_death.size
    for start in range(0, directions.shape[1], _LANES):
        here = slice(start, min(start + _LANES, directions.shape[1]))
        width = here.stop - here.start
        pull, total, dying = np.empty((groups, 2, width)), np.zeros(width), np.empty(width)
        for g in range(groups):
            total *= decay[g]
            for k in range(group_start[g], first_death[g]):
                accumulate(total, hazard[k], directions[k, here])
            dying[:] = 0.0
            for k in range(first_death[g], group_start[g + 1]):
                accumulate(dying, hazard[k], directions[k, here])
            pulls(square[g], total, dying, pull[g])
        later = np.zeros(width)
        for g in range(groups - 1, -1, -1):
            for k in range(group_start[g], group_start[g + 1]):
                own = pull[g, 0 if k < first_death[g] else 1]
                image(out[k, here], directions[k, here], (expected[k], hazard[k]), later, own)
            later = (later + pull[g, 0]) * decay[g]
