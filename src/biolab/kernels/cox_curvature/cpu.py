"""Curvature of Cox's loss in given directions: a walk over sorted rows and one back, O(n) a direction."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float
from biolab.kernels.risk_set import Rows


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


@njit(cache=True, nogil=True)
def images(curvature: Curvature, rows: Rows, directions: Float[ndarray, "k m"], out: Float[ndarray, "k m"]) -> None:
    """Fill ``out`` with the second derivative times each direction; all in sorted order."""
    group_start, first_death = rows.group_start, rows.first_death
    hazard, decay, expected, square = curvature.hazard, curvature.decay, curvature.expected, curvature.square
    groups = first_death.size
    pull = np.empty((groups, 2))
    for at in range(directions.shape[0]):
        direction, image = directions[at], out[at]
        total = 0.0
        for g in range(groups):
            others, dying = total * decay[g], 0.0
            for k in range(group_start[g], first_death[g]):
                others += hazard[k] * direction[k]
            for k in range(first_death[g], group_start[g + 1]):
                dying += hazard[k] * direction[k]
            total = others + dying
            pull[g, 0] = square[g, 0] * others + square[g, 1] * dying
            pull[g, 1] = square[g, 1] * others + square[g, 2] * dying
        later = 0.0
        for g in range(groups - 1, -1, -1):
            near = later + pull[g, 0]
            for k in range(group_start[g], first_death[g]):
                image[k] = expected[k] * direction[k] - hazard[k] * near
            own = later + pull[g, 1]
            for k in range(first_death[g], group_start[g + 1]):
                image[k] = expected[k] * direction[k] - hazard[k] * own
            later = near * decay[g]
