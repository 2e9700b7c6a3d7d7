"""Curvature of Cox's loss with late entry: rows span intervals of event times, summed by trees, O(log g) each."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float
from biolab.kernels.cox_loss.truncated import _leaf_level, _raise_tops
from biolab.kernels.risk_set import Rows

from .cpu import accumulate, image, pulls

_LANES = 64


class Curvature(NamedTuple):
    """The second derivative at some log-hazards, in the order of sorted rows.

    ``shift`` is the largest log-hazard at risk at a group's time; ``own`` and ``top`` are those of a tree's node,
    before and after its parents', ``lowest`` the smallest shift below it. The others are as in `cpu.Curvature`.
    """

    eta: Float[ndarray, " m"]
    shift: Float[ndarray, " g"]
    own: Float[ndarray, " v"]
    top: Float[ndarray, " v"]
    lowest: Float[ndarray, " v"]
    expected: Float[ndarray, " m"]
    square: Float[ndarray, "g 3"]


@njit(cache=True, nogil=True)
def _sums(point: Curvature, rows: Rows, directions: Float[ndarray, "m k"]) -> tuple[ndarray, ndarray]:
    """Sum hazard times direction over who is at risk and outlives a group's time, and over who fails then."""
    group_start, first_death, weight, leaves = rows.group_start, rows.first_death, rows.weight, rows.leaves
    groups, width, level = first_death.size, directions.shape[1], point.top.size // 2
    total, dying = np.zeros((2 * level, width)), np.zeros((groups, width))
    for g in range(groups):
        for k in range(group_start[g], group_start[g + 1]):
            dies, heavy = k >= first_death[g], weight[k] if weight.size else 1.0
            left, right = level + (g + 1 if dies else g), leaves[k] + level + 1
            while left < right:
                if left & 1:
                    accumulate(total[left], heavy * np.exp(point.eta[k] - point.own[left]), directions[k])
                    left += 1
                if right & 1:
                    right -= 1
                    accumulate(total[right], heavy * np.exp(point.eta[k] - point.own[right]), directions[k])
                left, right = left // 2, right // 2
            if dies:
                accumulate(dying[g], heavy * np.exp(point.eta[k] - point.shift[g]), directions[k])
    for node in range(1, 2 * level):  # what a parent holds belongs to both children
        if point.own[node] == -np.inf:
            total[node] = 0.0
        elif point.top[node] > point.own[node]:
            total[node] *= np.exp(point.own[node] - point.top[node])
        if node > 1 and point.top[node // 2] > -np.inf:
            accumulate(total[node], np.exp(point.top[node // 2] - point.top[node]), total[node // 2])
    others = total[level : level + groups].copy()
    for g in range(groups):
        top = point.top[level + g]
        others[g] *= np.exp(top - point.shift[g]) if top > -np.inf else 0.0
    return others, dying


@njit(cache=True, nogil=True)
def risk_sums(
    eta: Float[ndarray, " m"], rows: Rows, directions: Float[ndarray, "m k"]
) -> tuple[Float[ndarray, "g k"], Float[ndarray, "g k"], Float[ndarray, " g"]]:
    """Sum hazard times direction over who outlives each group's time and over who fails then, relative to its shift."""
    shift, own, top, lowest = _scales(eta, rows)
    point = Curvature(eta, shift, own, top, lowest, np.empty(0), np.empty((0, 3)))
    others, dying = _sums(point, rows, directions)
    return others, dying, shift


@njit(cache=True, nogil=True)
def _tree(point: Curvature, values: Float[ndarray, "g k"]) -> Float[ndarray, "v k"]:
    """Sum a group's values over the groups below each node, relative to the lowest shift there."""
    level = point.lowest.size // 2
    tree = np.zeros((2 * level, values.shape[1]))
    tree[level : level + len(values)] = values
    for node in range(level - 1, 0, -1):
        for child in (2 * node, 2 * node + 1):
            if point.lowest[child] < np.inf:
                accumulate(tree[node], np.exp(point.lowest[node] - point.lowest[child]), tree[child])
    return tree


@njit(cache=True, nogil=True)
def _gather(
    tree: Float[ndarray, "v k"], point: Curvature, place: tuple[int, int, int], weight: float, out: Float[ndarray, " k"]
) -> None:
    """Sum hazard times a tree's values over the groups at which a row is at risk: (row, first, last)."""
    k, first, last = place
    level = point.lowest.size // 2
    out[:] = 0.0
    left, right = first + level, last + level + 1
    while left < right:
        if left & 1:
            accumulate(out, weight * np.exp(point.eta[k] - point.lowest[left]), tree[left])
            left += 1
        if right & 1:
            right -= 1
            accumulate(out, weight * np.exp(point.eta[k] - point.lowest[right]), tree[right])
        left, right = left // 2, right // 2


@njit(cache=True, nogil=True)
def _scales(eta: Float[ndarray, " m"], rows: Rows) -> tuple[ndarray, ndarray, ndarray, ndarray]:
    group_start, first_death, leaves = rows.group_start, rows.first_death, rows.leaves
    groups = first_death.size
    level = _leaf_level(groups)
    own, shift = np.full(2 * level, -np.inf), np.full(groups, -np.inf)
    for g in range(groups):
        for k in range(group_start[g], group_start[g + 1]):
            dies = k >= first_death[g]
            _raise_tops(own, g + 1 if dies else g, leaves[k], eta[k])
            if dies:
                shift[g] = max(shift[g], eta[k])
    top, lowest = own.copy(), np.full(2 * level, np.inf)
    for node in range(2, 2 * level):
        top[node] = max(top[node], top[node // 2])
    for g in range(groups):
        shift[g] = max(shift[g], top[level + g])
        lowest[level + g] = shift[g]
    for node in range(level - 1, 0, -1):
        lowest[node] = min(lowest[2 * node], lowest[2 * node + 1])
    return shift, own, top, lowest


@njit(cache=True, nogil=True)
def prepare(eta: Float[ndarray, " m"], rows: Rows) -> Curvature:
    """Gather what is shared by all directions; ``eta`` stands in sorted order."""
    group_start, first_death, weight, leaves = rows.group_start, rows.first_death, rows.weight, rows.leaves
    groups = first_death.size
    shift, own, top, lowest = _scales(eta, rows)
    square, slope, expected = np.zeros((groups, 3)), np.zeros((groups, 2)), np.empty(eta.size)
    point = Curvature(eta, shift, own, top, lowest, expected, square)
    others, dying = _sums(point, rows, np.ones((eta.size, 1)))
    for g in range(groups):
        deaths, heavy = group_start[g + 1] - first_death[g], 0.0
        for k in range(first_death[g], group_start[g + 1]):
            heavy += weight[k] if weight.size else 1.0
        steps = deaths if rows.efron else 1
        for step in range(steps):
            kept = (deaths - step) / deaths
            inverse = 1.0 / (others[g, 0] + kept * dying[g, 0])
            share = heavy / steps * inverse
            slope[g, 0] += share
            slope[g, 1] += share * kept
            square[g, 0] += share * inverse
            square[g, 1] += share * inverse * kept
            square[g, 2] += share * inverse * kept * kept
    tree, found = _tree(point, slope[:, :1].copy()), np.empty(1)
    for g in range(groups):
        for k in range(group_start[g], group_start[g + 1]):
            dies, heavy = k >= first_death[g], weight[k] if weight.size else 1.0
            _gather(tree, point, (k, g + 1 if dies else g, leaves[k]), heavy, found)
            expected[k] = found[0]
            if dies:
                expected[k] += heavy * np.exp(eta[k] - shift[g]) * slope[g, 1]
    return point


@njit(cache=True, nogil=True)
def images(point: Curvature, rows: Rows, directions: Float[ndarray, "m k"], out: Float[ndarray, "m k"]) -> None:
    """Fill ``out`` with the second derivative times each direction, a column each; all in sorted order."""
    group_start, first_death, weight, leaves = rows.group_start, rows.first_death, rows.weight, rows.leaves
    groups = first_death.size
    for start in range(0, directions.shape[1], _LANES):
        here = slice(start, min(start + _LANES, directions.shape[1]))
        part = directions[:, here].copy()
        width = part.shape[1]
        others, dying = _sums(point, rows, part)
        pull, passed, nothing = np.empty((groups, 2, width)), np.empty(width), np.zeros(width)
        for g in range(groups):
            pulls(point.square[g], others[g], dying[g], pull[g])
        tree = _tree(point, pull[:, 0].copy())
        for g in range(groups):
            for k in range(group_start[g], group_start[g + 1]):
                dies, heavy = k >= first_death[g], weight[k] if weight.size else 1.0
                _gather(tree, point, (k, g + 1 if dies else g, leaves[k]), heavy, passed)
                if dies:
                    accumulate(passed, heavy * np.exp(point.eta[k] - point.shift[g]), pull[g, 1])
                image(out[k, here], part[k], (point.expected[k], 1.0), passed, nothing)
