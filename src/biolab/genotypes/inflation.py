"""Genomic inflation: how far the middle of a scan's statistics is above that of chance."""

import numpy as np
import polars as pl
from scipy.special import chdtri

from biolab.core import DataError
from biolab.core.arrays import Float


def genomic_inflation(p_value: pl.Series | pl.DataFrame | Float[np.ndarray, " m"]) -> float:
    """Return lambda GC: the median chi-squared statistic of p-values over the median of chance (0.4549).

    Takes p-values or a table with a column p_value; nulls and NaN are left out. Polygenic traits inflate it without
    stratification; it grows with the number of samples.

    Raises
    ------
    DataError
        If there is no p-value.

    References
    ----------
    Devlin and Roeder (1999), Biometrics 55:997-1004, doi:10.1111/j.0006-341X.1999.00997.x

    Examples
    --------
    >>> round(genomic_inflation(np.linspace(0.0005, 0.9995, 1000)), 3)
    1.0
    """
    values = p_value["p_value"] if isinstance(p_value, pl.DataFrame) else p_value
    found = (values.drop_nulls().to_numpy() if isinstance(values, pl.Series) else np.asarray(values)).astype(np.float64)
    known = found[~np.isnan(found)]
    if not known.size:
        raise DataError("There is no p-value; inflation needs a scan of one variant or more.")
    return float(np.median(chdtri(1, known)) / chdtri(1, 0.5))
