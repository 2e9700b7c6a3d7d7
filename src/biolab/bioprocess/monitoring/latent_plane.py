"""A few directions in which normal batches differ, and where a batch that is still running stands in them.

Unfolded batch-wise, a batch is one row x of all variables at all points, scaled column by column. Normal batches follow
x = P t + e with t ~ N(0, L) and e ~ N(0, s2): of the rows known so far, the scores expected are
t = (P'P + s2 L^-1)^-1 P'x with the known rows of P, which is the usual projection once the batch is complete and
next to zero before anything is known.
"""

from dataclasses import dataclass

import numpy as np

from biolab.core.arrays import Float

# A column that hardly varies between normal batches is scaled by no less than this share of its variable's median.
_LEAST_SPREAD = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    """Mean and spread of each variable at each point among normal batches."""

    mean: Float[np.ndarray, "k v"]
    spread: Float[np.ndarray, "k v"]

    @staticmethod
    def of(batches: Float[np.ndarray, "n k v"]) -> "Scaling":
        """Learn the scales; a variable that never varies gets 1."""
        spread = batches.std(axis=0, ddof=1)
        usual = np.median(spread, axis=0)
        floor = np.where(usual > 0, _LEAST_SPREAD * usual, spread.max(axis=0))
        return Scaling(mean=batches.mean(axis=0), spread=np.maximum(spread, np.where(floor > 0, floor, 1.0)))

    def scaled(self, values: Float[np.ndarray, "... k v"]) -> Float[np.ndarray, "... k v"]:
        """Return values as deviations in units of the spread."""
        return (values - self.mean) / self.spread

    def scaled_rows(self, values: Float[np.ndarray, "k v"], known: int) -> Float[np.ndarray, "r v"]:
        """Return the first rows of a batch as deviations in units of the spread."""
        return (values[:known] - self.mean[:known]) / self.spread[:known]


@dataclass(frozen=True, kw_only=True, eq=False)
class LatentPlane:
    """Loadings and the variances of scores and of what the plane leaves unexplained."""

    loadings: Float[np.ndarray, "k v a"]
    score_variance: Float[np.ndarray, " a"]
    noise: float
    online_covariance: Float[np.ndarray, "k a a"]

    @staticmethod
    def of(scaled: Float[np.ndarray, "n k v"], loadings: Float[np.ndarray, "f a"]) -> "LatentPlane":
        """Learn the variances from the batches that gave the loadings."""
        n, k, v = scaled.shape
        rows = scaled.reshape(n, k * v)
        scores = np.linalg.lstsq(loadings, rows.T, rcond=None)[0].T
        noise = float(((rows - scores @ loadings.T) ** 2).sum() / max(1, (n - 1 - loadings.shape[1]) * k * v))
        variance = np.maximum(scores.var(axis=0, ddof=1), 1e-12)
        begun = LatentPlane(
            loadings=loadings.reshape(k, v, -1),
            score_variance=variance,
            noise=max(noise, 1e-9),
            online_covariance=np.zeros((k, variance.size, variance.size)),
        )
        online = np.stack([begun.scores_so_far(x) for x in scaled])
        covariance = np.einsum("nka,nkb->kab", online, online) / (n - 1)
        least = 1e-6 * variance.mean() * np.eye(variance.size)
        return LatentPlane(
            loadings=begun.loadings,
            score_variance=variance,
            noise=begun.noise,
            online_covariance=covariance + least,
        )

    def scores_so_far(self, scaled: Float[np.ndarray, "r v"]) -> Float[np.ndarray, "r a"]:
        """Return the scores expected at each point from what is known until then."""
        known = self.loadings[: len(scaled)]
        products = np.cumsum(np.einsum("kva,kvb->kab", known, known), axis=0)
        seen = np.cumsum(np.einsum("kva,kv->ka", known, scaled), axis=0)
        prior = np.diag(self.noise / self.score_variance)
        return np.linalg.solve(products + prior, seen[..., None])[..., 0]

    def t_squared(self, scores: Float[np.ndarray, "r a"]) -> Float[np.ndarray, " r"]:
        """Return Hotelling's T2 of the scores at each point, against their spread among normal batches there."""
        solved = np.linalg.solve(self.online_covariance[: len(scores)], scores[..., None])[..., 0]
        return np.einsum("ka,ka->k", scores, solved)

    def residuals(self, scaled: Float[np.ndarray, "r v"], scores: Float[np.ndarray, "r a"]) -> Float[np.ndarray, "r v"]:
        """Return what the plane does not explain at each point."""
        return scaled - np.einsum("kva,ka->kv", self.loadings[: len(scaled)], scores)

    def t_squared_parts(
        self, scaled: Float[np.ndarray, "r v"], scores: Float[np.ndarray, "r a"]
    ) -> Float[np.ndarray, "r v"]:
        """Return what each point and variable adds to the T2 of the last known point; the parts add up to it."""
        last = len(scaled) - 1
        known = self.loadings[: last + 1]
        products = np.einsum("kva,kvb->ab", known, known) + np.diag(self.noise / self.score_variance)
        weight = np.linalg.solve(products, np.linalg.solve(self.online_covariance[last], scores[last]))
        return scaled * np.einsum("kva,a->kv", known, weight)
