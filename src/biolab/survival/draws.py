"""From a statistic's bootstrap draws to its estimate and interval."""

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float
from biolab.stats import percentile_interval


def draws_interval(draws: Float[ndarray, " b"], confidence: float) -> dict[str, float | int | None]:
    """Return standard_error, lower, upper and how many draws are finite; null where fewer than half are."""
    known = draws[np.isfinite(draws)]
    if known.size < max(2, draws.size / 2):
        return {"standard_error": None, "lower": None, "upper": None, "replicates": known.size}
    lower, upper = percentile_interval(known, confidence=confidence)
    return {"standard_error": float(known.std(ddof=1)), "lower": lower, "upper": upper, "replicates": known.size}


def estimate_of_draws(draws: Float[ndarray, " b+1"], confidence: float) -> dict[str, float | int | None]:
    """Return estimate, standard_error, lower, upper and replicates; all null where the cohort leaves it undefined."""
    if not np.isfinite(draws[0]):
        return dict.fromkeys(("estimate", "standard_error", "lower", "upper", "replicates"))
    return {"estimate": float(draws[0])} | draws_interval(draws[1:], confidence)
