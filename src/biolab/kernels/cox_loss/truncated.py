"""Cox's partial likelihood with late entry: rows span intervals of event times, summed by a tree, never subtracted."""

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float
from biolab.kernels.risk_set import Rows

from .steps import REACH, group_steps
from .wide import sorted_values, unsorted


@njit(cache=True, nogil=True)
def evaluate(
    values: Float[ndarray, " n"],
    rows: Rows,
    gradient: Float[ndarray, " n_or_0"],
    hessian: Float[ndarray, " n_or_0"],
) -> float:
    """Return the loss; fill the gradient and the Hessian's diagonal where their arrays are not empty."""
    order, group_start, first_death, weight = rows.order, rows.group_start, rows.first_death, rows.weight
    groups = first_death.size
    eta = np.empty(order.size)
    low, high = sorted_values(values, order, eta)
    # within REACH one shift serves every node; beyond, each node keeps its own largest exponent
    middle = (low + high) / 2 if high - low <= 2 * REACH else np.nan
    others, dying, shift = _risk_sums(eta, rows, middle)
    loss, sums = 0.0, np.empty((groups, 4))
    for g in range(groups):
        part = 0.0
        for k in range(first_death[g], group_start[g + 1]):
            part += (weight[k] if weight.size else 1.0) * (shift[g] - eta[k])
        deaths = group_start[g + 1] - first_death[g]
        loss += part + group_steps(others[g], dying[g], deaths, rows.death_weight[g], sums[g], rows.efron)
    if gradient.size > 0:
        curvature = np.empty(order.size if hessian.size else 0)
        _spread(eta, shift, rows, sums, curvature)
        unsorted(eta, rows.order, gradient)
        if hessian.size:
            unsorted(curvature, rows.order, hessian)
    return loss


@njit(cache=True, nogil=True)
def _leaf_level(groups: int) -> int:
    level = 1
    while level < groups:
        level *= 2
    return level


@njit(cache=True, nogil=True)
def _raise_tops(top: Float[ndarray, " v"], first: int, last: int, value: float) -> None:
    """Lift the largest exponent of the nodes that make up groups first..last."""
    level = top.size // 2
    left, right = first + level, last + level + 1
    while left < right:
        if left & 1:
            top[left] = max(top[left], value)
            left += 1
        if right & 1:
            right -= 1
            top[right] = max(top[right], value)
        left, right = left // 2, right // 2


@njit(cache=True, nogil=True)
def _add(
    total: Float[ndarray, " v"], top: Float[ndarray, " v"], first: int, last: int, term: tuple[float, float, float]
) -> None:
    """Add weight * exp(eta) to the nodes of groups first..last; the third of the term is it at the common shift."""
    eta, weight, one = term
    level, common = top.size // 2, not np.isnan(one)
    left, right = first + level, last + level + 1
    while left < right:
        if left & 1:
            total[left] += one if common else weight * np.exp(eta - top[left])
            left += 1
        if right & 1:
            right -= 1
            total[right] += one if common else weight * np.exp(eta - top[right])
        left, right = left // 2, right // 2


@njit(cache=True, nogil=True)
def _risk_sums(
    eta: Float[ndarray, " m"],
    rows: Rows,
    middle: float,
) -> tuple[ndarray, ndarray, ndarray]:
    """Return the hazards at risk that do not fail, those that fail, and the shift of both, a value a group."""
    group_start, first_death, weight, leaves = rows.group_start, rows.first_death, rows.weight, rows.leaves
    groups = first_death.size
    level, narrow = _leaf_level(groups), not np.isnan(middle)
    top, total = np.full(2 * level, middle if narrow else -np.inf), np.zeros(2 * level)
    dying, shift = np.zeros(groups), np.full(groups, middle if narrow else -np.inf)
    if not narrow:
        for g in range(groups):
            for k in range(group_start[g], group_start[g + 1]):
                dies = k >= first_death[g]
                _raise_tops(top, g + 1 if dies else g, leaves[k], eta[k])
                if dies:
                    shift[g] = max(shift[g], eta[k])
    for g in range(groups):
        for k in range(group_start[g], group_start[g + 1]):
            dies, heavy = k >= first_death[g], weight[k] if weight.size else 1.0
            one = heavy * np.exp(eta[k] - middle) if narrow else np.nan
            _add(total, top, g + 1 if dies else g, leaves[k], (eta[k], heavy, one))
            if dies:
                dying[g] += one if narrow else heavy * np.exp(eta[k] - shift[g])
    for node in range(2, 2 * level):  # what a parent holds belongs to both children
        parent = node // 2
        if total[parent] > 0.0:
            higher = max(top[node], top[parent])
            total[node] = _moved(total[node], top[node], higher) + _moved(total[parent], top[parent], higher)
            top[node] = higher
    others = np.empty(groups)
    for g in range(groups):
        higher = max(shift[g], top[level + g])
        others[g] = _moved(total[level + g], top[level + g], higher)
        dying[g] = _moved(dying[g], shift[g], higher)
        shift[g] = higher
    return others, dying, shift


@njit(cache=True, nogil=True)
def _moved(total: float, top: float, higher: float) -> float:
    """Express a sum relative to another largest exponent; an empty sum stays 0."""
    return total if top == higher or total == 0.0 else total * np.exp(top - higher)


@njit(cache=True, nogil=True)
def _spread(
    eta: Float[ndarray, " m"],
    shift: Float[ndarray, " g"],
    rows: Rows,
    sums: Float[ndarray, "g 4"],
    curvature: Float[ndarray, " m_or_0"],
) -> None:
    """Replace log-hazards by the gradient: each hazard times 1 / phi summed over the groups where it is at risk."""
    group_start, first_death = rows.group_start, rows.first_death
    weight, leaves = rows.weight, rows.leaves
    groups = shift.size
    level = _leaf_level(groups)
    lowest, first, second = np.full(2 * level, np.inf), np.zeros(2 * level), np.zeros(2 * level)
    lowest[level : level + groups] = shift
    first[level : level + groups], second[level : level + groups] = sums[:, 0], sums[:, 2]
    for node in range(level - 1, 0, -1):
        for child in (2 * node, 2 * node + 1):
            lowest[node] = min(lowest[node], lowest[child])
        for child in (2 * node, 2 * node + 1):
            if first[child] > 0.0:
                scale = np.exp(lowest[node] - lowest[child])
                first[node] += first[child] * scale
                second[node] += second[child] * scale * scale
    for g in range(groups):
        for k in range(group_start[g], group_start[g + 1]):
            dies, heavy = k >= first_death[g], weight[k] if weight.size else 1.0
            slope, curve = _over((lowest, first, second), g + 1 if dies else g, leaves[k], eta[k], heavy)
            if dies:
                hazard = heavy * np.exp(eta[k] - shift[g])
                slope += hazard * sums[g, 1]
                curve += hazard * hazard * sums[g, 3]
            eta[k] = slope - (heavy if dies else 0.0)
            if curvature.size:
                curvature[k] = max(slope - curve, 0.0)


@njit(cache=True, nogil=True)
def _over(
    tree: tuple[ndarray, ndarray, ndarray], start: int, last: int, eta: float, weight: float
) -> tuple[float, float]:
    """Sum hazard / phi and its square over groups start..last."""
    lowest, first, second = tree
    level, slope, curve = lowest.size // 2, 0.0, 0.0
    left, right, shift, hazard = start + level, last + level + 1, np.nan, 0.0
    while left < right:
        for side in range(2):
            if (left if side == 0 else right) & 1:
                right -= side
                node = left if side == 0 else right
                left += 1 - side
                if lowest[node] != shift:
                    shift = lowest[node]
                    hazard = weight * np.exp(eta - shift)
                slope += hazard * first[node]
                curve += hazard * hazard * second[node]
        left, right = left // 2, right // 2
    return slope, curve
