"""Boosted trees of a discrete-time hazard as plain numbers: splits and leaf values, no counts and no rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

from biolab.core import FitError
from biolab.core.arrays import Float, Int

LEAF = -1


@dataclass(frozen=True, kw_only=True)
class Tree:
    """One tree in arrays over its nodes; ``feature`` is -1 at a leaf, and rows go left where x <= threshold."""

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]

    def leaves(self, matrix: Float[np.ndarray, "n p"]) -> Int[np.ndarray, " n"]:
        """Return the node at which each row ends."""
        feature, threshold = np.asarray(self.feature), np.asarray(self.threshold)
        left, right = np.asarray(self.left), np.asarray(self.right)
        node = np.zeros(len(matrix), dtype=np.int64)
        walking = np.flatnonzero(feature[node] != LEAF)
        while walking.size:
            at = node[walking]
            goes_left = matrix[walking, feature[at]] <= threshold[at]
            node[walking] = np.where(goes_left, left[at], right[at])
            walking = walking[feature[node[walking]] != LEAF]
        return node


@dataclass(frozen=True, kw_only=True)
class ReleasedTrees:
    """A boosted hazard per interval; the interval's number is the design matrix's last column.

    h_j(x) = expit(intercept + sum of trees(x, j)); H(t | x) = -sum over intervals before t of log(1 - h_j(x)), with a
    constant hazard inside an interval.
    """

    trees: tuple[Tree, ...]
    intercept: float
    edges: tuple[float, ...]
    grid: tuple[float, ...]

    def cumulative_hazard(self, matrix: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n t"]:
        """Return the cumulative hazard of each row at each grid time."""
        n, intervals = len(matrix), len(self.edges) - 1
        rows = np.column_stack([np.repeat(matrix, intervals, axis=0), np.tile(np.arange(intervals), n)])
        raw = np.full(len(rows), self.intercept)
        for tree in self.trees:
            raw += np.asarray(tree.value)[tree.leaves(rows)]
        steps = -np.log1p(-expit(raw)).reshape(n, intervals)
        at_edges = np.concatenate([np.zeros((n, 1)), np.cumsum(steps, axis=1)], axis=1)
        return _interpolated(at_edges, np.asarray(self.edges), np.asarray(self.grid))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Rebuild from the content of ``dataclasses.asdict``."""
        return cls(
            trees=tuple(Tree(**{name: tuple(values) for name, values in tree.items()}) for tree in content["trees"]),
            intercept=content["intercept"],
            edges=tuple(content["edges"]),
            grid=tuple(content["grid"]),
        )


def _interpolated(
    at_edges: Float[np.ndarray, "n k"], edges: Float[np.ndarray, " k"], times: Float[np.ndarray, " t"]
) -> Float[np.ndarray, "n t"]:
    right = np.clip(np.searchsorted(edges, times), 1, len(edges) - 1)
    share = (times - edges[right - 1]) / (edges[right] - edges[right - 1])
    return at_edges[:, right - 1] * (1 - share) + at_edges[:, right] * share


def trees_of(classifier: HistGradientBoostingClassifier) -> tuple[tuple[Tree, ...], float]:
    """Return the trees of a fitted binary classifier and its intercept, both on the logit scale.

    Raises
    ------
    FitError
        If the classifier is not binary or splits on categories, which these trees cannot say.
    """
    stages = classifier._predictors
    if any(len(stage) != 1 for stage in stages):
        raise FitError(f"A hazard needs a binary classifier; this one has {len(stages[0])} trees a stage.")
    return tuple(_tree(stage[0].nodes) for stage in stages), float(np.ravel(classifier._baseline_prediction)[0])


def _tree(nodes: np.ndarray) -> Tree:
    if nodes["is_categorical"].any():
        raise FitError("The trees split on categories; encode categories as 0/1 columns before fitting.")
    leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        feature=tuple(np.where(leaf, LEAF, nodes["feature_idx"]).tolist()),
        threshold=tuple(np.where(leaf, 0.0, nodes["num_threshold"]).tolist()),
        left=tuple(nodes["left"].tolist()),
        right=tuple(nodes["right"].tolist()),
        value=tuple(np.where(leaf, nodes["value"], 0.0).tolist()),
    )
