"""Wald intervals on the scale where the estimate is nearly normal."""

import math
from typing import Literal

from scipy import stats

from biolab.core import ConfigError, Estimate

Scale = Literal["identity", "log", "logit", "log-log"]


def normal_quantile(confidence: float) -> float:
    """Return z with P(-z < Z < z) = confidence.

    >>> round(normal_quantile(0.95), 3)
    1.96

    Raises
    ------
    ConfigError
        If ``confidence`` is not strictly between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence is {confidence}; expected a number between 0 and 1 such as 0.95.")
    return float(stats.norm.ppf((1 + confidence) / 2))


def wald_estimate(
    estimate: float, standard_error: float, *, scale: Scale = "identity", confidence: float = 0.95
) -> Estimate:
    """Put a Wald interval round an estimate: symmetric on ``scale``, by the delta method.

    lower, upper = g^-1( g(estimate) -+ z * standard_error * |g'(estimate)| ),  g = identity, log, logit or log(-log)

    ``standard_error`` is on the estimate's own scale. At the boundary of the scale (0 for log; 0 or 1 for logit and
    log-log) g is infinite and both limits are the estimate itself.

    Raises
    ------
    ConfigError
        If ``confidence`` is not strictly between 0 and 1.

    Examples
    --------
    >>> wald_estimate(0.9, 0.06, scale="logit")
    0.900 (95 % CI 0.709 to 0.971)
    """
    reach = normal_quantile(confidence) * standard_error
    if scale == "identity":
        lower, upper = estimate - reach, estimate + reach
    elif estimate <= 0 or (scale != "log" and estimate >= 1):
        lower = upper = estimate
    elif scale == "log":
        factor = math.exp(reach / estimate)
        lower, upper = estimate / factor, estimate * factor
    elif scale == "logit":
        odds, factor = estimate / (1 - estimate), math.exp(reach / (estimate * (1 - estimate)))
        lower, upper = 1 / (1 + factor / odds), 1 / (1 + 1 / (odds * factor))
    else:
        factor = math.exp(reach / abs(estimate * math.log(estimate)))
        lower, upper = estimate**factor, estimate ** (1 / factor)
    return Estimate(estimate=estimate, standard_error=standard_error, lower=lower, upper=upper, confidence=confidence)
