"""What the two bits of a genotype stand for, and what number each call counts for."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Float

# PLINK's two bits, lowest sample in the lowest bits of a byte
HOM_FIRST: Final = 0b00
MISSING: Final = 0b01
HET: Final = 0b10
HOM_SECOND: Final = 0b11


@dataclass(frozen=True, kw_only=True, eq=False)
class Coding:
    """What a call counts for: (dosage of the first allele - centre) * scale; ``missing`` where there is no call."""

    centre: Float[ndarray, " m"]
    scale: Float[ndarray, " m"]
    missing: Float[ndarray, " m"]

    @classmethod
    def of(
        cls,
        variants: int,
        *,
        centre: Float[ndarray, " m"] | float = 0.0,
        scale: Float[ndarray, " m"] | float = 1.0,
        missing: Float[ndarray, " m"] | float = 0.0,
    ) -> Self:
        """Make a coding of so many variants from vectors or from one number for all.

        >>> Coding.of(1, centre=1.0, scale=2.0).values.tolist()
        [[2.0, 0.0, 0.0, -2.0]]

        Raises
        ------
        DataError
            If a vector has another length, or a centre or scale is not finite (``missing`` may be NaN, to be decoded).
        """
        parts = {}
        for name, given in {"centre": centre, "scale": scale, "missing": missing}.items():
            vector = np.asarray(given, dtype=np.float64)
            if vector.shape not in {(), (variants,)}:
                raise DataError(
                    f"{name} has shape {vector.shape}; expected one number, or one a variant ({variants},)."
                )
            if name != "missing" and not np.isfinite(vector).all():
                raise DataError(
                    f"{name} holds NaN or infinity; expected finite numbers (0 for a variant without calls)."
                )
            parts[name] = np.ascontiguousarray(np.broadcast_to(vector, (variants,)))
        return cls(**parts)

    @property
    def values(self) -> Float[ndarray, "m 4"]:
        """The number for each code of two bits."""
        found = np.empty((self.scale.size, 4))
        for code, dosage in ((HOM_FIRST, 2.0), (HET, 1.0), (HOM_SECOND, 0.0)):
            found[:, code] = (dosage - self.centre) * self.scale
        found[:, MISSING] = self.missing
        return found
