"""The exact test of Hardy-Weinberg proportions, for many variants."""

import numpy as np
from numpy import ndarray

from biolab.core import DataError
from biolab.core.arrays import Float, Int

from . import cpu


def hardy_weinberg_exact(counts: Int[ndarray, "m 3"], *, mid_p: bool = False) -> Float[ndarray, " m"]:
    """Return the exact p-value for counts (homozygous, heterozygous, homozygous for the other allele) of each variant.

    Given the allele counts, P(h heterozygotes) is proportional to 2^h / (a! h! b!); the p-value adds up all h that are
    no more probable than the one seen (``mid_p``: half of those as probable). Without calls, or with one allele, it is
    1 (``mid_p``: 0.5 where only one outcome is possible).

    Raises
    ------
    DataError
        If counts are not three a variant, or one is negative.

    References
    ----------
    Wigginton, Cutler and Abecasis (2005), Am. J. Hum. Genet. 76:887-893, doi:10.1086/429864

    Graffelman and Moreno (2013), Stat. Appl. Genet. Mol. Biol. 12:433-448, doi:10.1515/sagmb-2012-0039 (mid-p)

    Examples
    --------
    >>> hardy_weinberg_exact(np.array([[3, 57, 1400], [0, 0, 9]])).round(4).tolist()
    [0.0272, 1.0]
    """
    table = np.ascontiguousarray(counts, dtype=np.int64)
    if table.ndim != 2 or table.shape[1] != 3:
        raise DataError(f"counts has shape {table.shape}; expected three a variant, (m, 3).")
    if table.size and table.min() < 0:
        raise DataError(f"counts holds {table.min()}; expected numbers of samples, 0 or more.")
    found = np.empty(len(table))
    cpu.p_values(table, mid_p, found)
    return found
