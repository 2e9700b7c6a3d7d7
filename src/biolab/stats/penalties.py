"""Penalties on coefficients: objects that know their strength and nothing of the model they are put on."""

import math
from dataclasses import dataclass

from biolab.core.errors import ConfigError


@dataclass(frozen=True)
class Ridge:
    """Penalise the squared length of the coefficients.

    objective = -log_likelihood(beta) + strength / 2 * sum_j beta_j**2

    The log-likelihood is the sum over patients, not their mean (glmnet's lambda is ``strength / n``, R's
    ``ridge(theta=)`` without scaling is ``strength``), and beta is on the scale of the columns as they are given.

    >>> Ridge(2.0)
    Ridge(strength=2.0)

    Raises
    ------
    ConfigError
        If the strength is not a finite number >= 0.

    References
    ----------
    Verweij and van Houwelingen (1994), Statistics in Medicine 13:2427-2436, doi:10.1002/sim.4780132307
    """

    strength: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.strength) and self.strength >= 0):
            raise ConfigError(f"A ridge penalty's strength is {self.strength}; it must be a finite number >= 0.")
