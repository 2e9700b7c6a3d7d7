"""Concordance counted pair by pair in float64, as defined in the README."""

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Bool, Float


def count_pairs(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    score: Float[ndarray, " n"],
    weight: Float[ndarray, " n"],
    event_weight: Float[ndarray, " n"],
    tau: float,
) -> tuple[Float[ndarray, " 5"], float]:
    """Return (concordant, discordant, tied_score, tied_time, tied_both) and the index's standard error."""
    counts = np.zeros(5)
    signed, comparable = np.zeros(time.size), np.zeros(time.size)
    for i in np.flatnonzero(event & (time <= tau)):
        later = (time > time[i]) | ((time == time[i]) & ~event)
        pair = weight[i] * weight * event_weight[i] * later
        side = np.sign(score[i] - score)
        counts[:3] += pair[side > 0].sum(), pair[side < 0].sum(), pair[side == 0].sum()
        signed += pair * side
        signed[i] += (pair * side).sum()
        comparable += pair
        comparable[i] += pair.sum()
        together = (time == time[i]) & event & (np.arange(time.size) > i)
        pair = weight[i] * weight * (event_weight[i] + event_weight) / 2 * together
        counts[3:] += pair[side != 0].sum(), pair[side == 0].sum()
    pairs = counts[:3].sum()
    if pairs == 0:
        return counts, np.nan
    somers = (counts[0] - counts[1]) / pairs
    return counts, float(np.sqrt(np.sum(((signed - somers * comparable) / pairs) ** 2)) / 2)
