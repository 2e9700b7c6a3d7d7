"""The sums that a linear scan needs, of a block of imputed dosages."""

from typing import Literal

import numpy as np

from biolab.core.arrays import Float

from .known_dosages import KnownDosages

MissingDosage = Literal["complete", "mean"]


def dosage_statistics(
    dosage: Float[np.ndarray, "m n"],
    design: Float[np.ndarray, "n c"],
    outcome: Float[np.ndarray, " n"],
    missing: MissingDosage,
) -> dict[str, np.ndarray]:
    """Add up n, xx, xy, yy, xg, gg and gy of `LinearStatistics` over samples with a dosage, or all at the mean."""
    samples, c = design.shape
    known = KnownDosages.of(dosage)
    absent, filled = known.missing, known.filled
    low = np.tril_indices(c)
    xx, xy = (design.T @ design)[low][None], (design.T @ outcome)[None]
    yy, n = np.array([outcome @ outcome]), np.full(len(dosage), samples)
    if known.rows.size and missing == "complete":
        columns = np.column_stack([design[:, low[0]] * design[:, low[1]], design * outcome[:, None], outcome**2])
        gone, t = known.sums_of_gaps(columns), xx.shape[1]
        xx, xy, yy, n = xx - gone[:, :t], xy - gone[:, t : t + c], yy - gone[:, -1], samples - absent
    elif known.rows.size:
        some, called = filled[known.rows], (samples - absent)[known.rows]
        mean = np.divide(some.sum(axis=1), called, out=np.zeros(called.size), where=called > 0)
        filled[known.rows] = np.where(known.gaps, mean[:, None], some)
    return {
        "n": n, "xx": xx, "xy": xy, "yy": yy, "xg": filled @ design, "gg": np.einsum("ij,ij->i", filled, filled),
        "gy": filled @ outcome,
    }  # fmt: skip
