"""Intervals and tests for repeated cross-validation, whose folds share patients."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean over folds with its corrected interval and the two-sided p-value of a mean of 0."""

    mean: float
    standard_error: float
    lower: float
    upper: float
    p_value: float
    folds: int


def corrected_mean(values: np.ndarray, test_share: float, *, confidence: float = 0.95) -> Mean:
    """Estimate a mean over the folds of repeated cross-validation.

    standard error^2 = (1 / J + test_share) * sample variance of the J values, with J - 1 degrees of freedom

    ``test_share`` is the ratio of test to training patients (1/4 for five folds). Without the second term the interval
    would take overlapping training sets for independent ones, and be far too narrow.

    References
    ----------
    Nadeau and Bengio (2003), Machine Learning 52:239-281, doi:10.1023/A:1024068626366
    """
    count = len(values)
    mean = float(np.mean(values))
    if count < 2:
        return Mean(mean=mean, standard_error=np.nan, lower=np.nan, upper=np.nan, p_value=np.nan, folds=count)
    error = float(np.sqrt((1 / count + test_share) * np.var(values, ddof=1)))
    reach = float(student.ppf(0.5 + confidence / 2, count - 1)) * error
    p_value = float(2 * student.sf(abs(mean) / error, count - 1)) if error > 0 else float(mean == 0)
    return Mean(mean=mean, standard_error=error, lower=mean - reach, upper=mean + reach, p_value=p_value, folds=count)
