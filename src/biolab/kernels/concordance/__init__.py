"""Concordant, discordant and tied pairs of right-censored data, for one weighting or many replicates of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Bool, Float
from biolab.kernels.checks import Weights, checked_weights, finite_vector, same_length
from biolab.kernels.torch_if_loaded import is_tensor

from . import cpu

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class PairCounts:
    """Weighted numbers of pairs, one value a replicate, and the index they give.

    ``standard_error`` is the infinitesimal-jackknife error of the index with event weights held fixed; it is
    None for replicates, whose spread is the error.
    """

    concordant: Float[ndarray, "*b"]
    discordant: Float[ndarray, "*b"]
    tied_score: Float[ndarray, "*b"]
    tied_time: Float[ndarray, "*b"]
    tied_both: Float[ndarray, "*b"]
    standard_error: float | None

    @property
    def comparable(self) -> Float[ndarray, "*b"]:
        """Pairs whose order in time is known."""
        return self.concordant + self.discordant + self.tied_score

    @property
    def index(self) -> Float[ndarray, "*b"]:
        """(concordant + tied_score / 2) / comparable; NaN where no pair is comparable."""
        with np.errstate(invalid="ignore"):
            return np.divide(self.concordant + self.tied_score / 2, self.comparable)


def concordance(
    time: "Float[ndarray, ' n'] | Tensor",
    event: "Bool[ndarray, ' n'] | Tensor",
    score: "Float[ndarray, ' n'] | Tensor",
    *,
    weights: "Weights | Tensor | None" = None,
    event_weight: "Weights | Tensor | None" = None,
    tau: float = np.inf,
) -> PairCounts:
    """Count how often the subject who failed first had the higher score, over all pairs ordered in time.

    A pair (i fails, j outlives i) weighs ``weights_i * weights_j * event_weight_i``; a subject censored at the time
    of an event outlives it; events later than ``tau`` are not counted. ``weights`` of shape [b, n] (bootstrap
    multiplicities) give b counts from one sort; ``event_weight`` may then be [n] or [b, n]. Times and scores are
    compared exactly: 1e-9 apart is not a tie. n = 0 gives zero pairs.

    If one of them is a tensor on a CUDA device, all is counted there (the others are moved to it, replicates a few at
    a time) and the counts come back as arrays.

    Raises
    ------
    DataError
        If shapes differ, a time or score is NaN or infinite, or a weight is negative or not finite.

    References
    ----------
    Harrell et al. (1982), JAMA 247:2543-2546, doi:10.1001/jama.1982.03320430047030

    Examples
    --------
    >>> time, event = np.array([1.0, 2.0, 3.0]), np.array([True, False, True])
    >>> float(concordance(time, event, np.array([0.9, 0.5, 0.1])).index)
    1.0
    """
    device = _cuda_device(time, event, score, weights, event_weight)
    if device is not None:
        from . import gpu

        counts, error = gpu.count(
            time, event, score, weights=weights, event_weight=event_weight, tau=tau, device=device
        )
        return PairCounts(**_named(counts), standard_error=error)
    return _count_on_host(time, event, score, weights, event_weight, tau)


def _cuda_device(*inputs: Any) -> "torch.device | None":
    return next((values.device for values in inputs if is_tensor(values) and values.is_cuda), None)


def _count_on_host(time: Any, event: Any, score: Any, weights: Any, event_weight: Any, tau: float) -> PairCounts:
    time = finite_vector(time, "time")
    n = time.size
    event = np.ascontiguousarray(event, dtype=bool)
    score = finite_vector(score, "score")
    same_length(time=time, event=event, score=score)
    case = checked_weights(weights, "weights", n)
    pair = checked_weights(event_weight, "event_weight", n)
    if np.isfinite(tau):
        pair = np.where(time <= tau, pair, 0.0)
    if pair.ndim > case.ndim or (pair.ndim == 2 and pair.shape[0] not in (1, case.shape[0])):
        raise DataError(
            f"event_weight has shape {pair.shape} but weights {case.shape}; expected [n] or the same [b, n]."
        )
    rank = cpu.dense_rank(score, np.argsort(score))
    time_rank = cpu.dense_rank(time, np.argsort(time))
    # latest first; at one time the censored first, then events by score
    order = np.argsort(((time_rank.max(initial=0) - time_rank) * 2 + event) * (rank.max(initial=0) + 1) + rank)
    sorted_rows = (time_rank[order], event[order], rank[order])
    if case.ndim == 1:
        counts, error = cpu.count_with_influence(*sorted_rows, case[order], pair[order])
        return PairCounts(**_named(counts), standard_error=float(error))
    return PairCounts(
        **_named(cpu.count_replicates(order, *sorted_rows, case, np.atleast_2d(pair))), standard_error=None
    )


def _named(counts: Float[ndarray, "*b 5"]) -> dict[str, ndarray]:
    names = ("concordant", "discordant", "tied_score", "tied_time", "tied_both")
    return {name: counts[..., k] for k, name in enumerate(names)}
