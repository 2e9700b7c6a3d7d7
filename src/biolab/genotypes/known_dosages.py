"""Dosages parted into numbers and gaps: imputed ones rarely have gaps, and whole rows need no looking after."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from biolab.core.arrays import Bool, Float, Int


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownDosages:
    """Dosages with 0 where none is known, the rows that have such gaps, and the gaps of these rows."""

    filled: Float[np.ndarray, "m n"]
    rows: Int[np.ndarray, " r"]
    gaps: Bool[np.ndarray, "r n"]

    @classmethod
    def of(cls, dosage: Float[np.ndarray, "m n"]) -> Self:
        """Part a block of dosages in which NaN is a gap; sums are made in float64."""
        filled = dosage.astype(np.float64)
        rows = np.flatnonzero(np.isnan(filled.sum(axis=1)))
        some = filled[rows]
        gaps = np.isnan(some)
        some[gaps] = 0.0
        filled[rows] = some
        return cls(filled=filled, rows=rows, gaps=gaps)

    @property
    def missing(self) -> Int[np.ndarray, " m"]:
        """How many samples each row does not know."""
        found = np.zeros(len(self.filled), dtype=np.int64)
        found[self.rows] = self.gaps.sum(axis=1)
        return found

    def sums_of_gaps(self, columns: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "m k"]:
        """Return for each row the sum of the columns over the samples that it does not know."""
        found = np.zeros((len(self.filled), columns.shape[1]))
        found[self.rows] = self.gaps.astype(np.float64) @ columns
        return found
