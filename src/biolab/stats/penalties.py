"""Penalties on coefficients: objects that know their strength and nothing of the model they are put on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biolab.core.arrays import Float
from biolab.core.errors import ConfigError
from biolab.core.suggestions import did_you_mean


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
        _check_strength(self.strength, "ridge")


@dataclass(frozen=True)
class Lasso:
    """Penalise the sizes of the coefficients, which sets small ones to exactly 0.

    objective = -log_likelihood(beta) + strength * sum_j factors_j * abs(beta_j)

    Scales are those of `Ridge`. ``factors`` weigh the columns (adaptive lasso); a column of factor 0 is unpenalised,
    and so are those named (or counted from 0) in ``unpenalised``.

    >>> Lasso(2.0, factors=(1, 0)).value(np.array([-3.0, 5.0]))
    6.0

    Raises
    ------
    ConfigError
        If the strength or a factor is not a finite number >= 0.

    References
    ----------
    Tibshirani (1997), Statistics in Medicine 16:385-395,
    doi:10.1002/(SICI)1097-0258(19970228)16:4<385::AID-SIM380>3.0.CO;2-3

    Zou (2006), Journal of the American Statistical Association 101:1418-1429, doi:10.1198/016214506000000735
    """

    strength: float
    factors: tuple[float, ...] | None = None
    unpenalised: tuple[str | int, ...] = ()

    def __post_init__(self) -> None:
        _check_strength(self.strength, "lasso")
        _check_factors(self.factors)

    def value(self, coef: Float[np.ndarray, " p"], names: Sequence[str] | None = None) -> float:
        """Return the penalty on some coefficients; ``names`` where ``unpenalised`` holds names."""
        return self.elastic_net.value(coef, names)

    @property
    def elastic_net(self) -> "ElasticNet":
        """The same penalty as an elastic net."""
        return ElasticNet(self.strength, 1.0, self.factors, self.unpenalised)


@dataclass(frozen=True)
class ElasticNet:
    """Mix `Lasso` and `Ridge`: small coefficients become 0 and correlated columns share one effect.

    objective = -log_likelihood(beta)
                + strength * sum_j factors_j * (l1_ratio * abs(beta_j) + (1 - l1_ratio) / 2 * beta_j**2)

    Factors and unpenalised columns are those of `Lasso`.

    >>> ElasticNet(2.0, l1_ratio=0.5).value(np.array([-3.0]))
    7.5

    Raises
    ------
    ConfigError
        If the strength or a factor is not a finite number >= 0, or ``l1_ratio`` is not in [0, 1].

    References
    ----------
    Zou and Hastie (2005), Journal of the Royal Statistical Society B 67:301-320,
    doi:10.1111/j.1467-9868.2005.00503.x
    """

    strength: float
    l1_ratio: float
    factors: tuple[float, ...] | None = None
    unpenalised: tuple[str | int, ...] = ()

    def __post_init__(self) -> None:
        _check_strength(self.strength, "elastic-net")
        if not 0 <= self.l1_ratio <= 1:
            raise ConfigError(f"l1_ratio is {self.l1_ratio}; it must lie between 0 (ridge) and 1 (lasso).")
        _check_factors(self.factors)

    def value(self, coef: Float[np.ndarray, " p"], names: Sequence[str] | None = None) -> float:
        """Return the penalty on some coefficients; ``names`` where ``unpenalised`` holds names.

        Raises
        ------
        ConfigError
            If there are factors, but not one a coefficient.
        """
        coef = np.asarray(coef, dtype=np.float64)
        factors = self.column_factors([] if names is None else names, coef.size)
        sizes = self.l1_ratio * np.abs(coef) + (1 - self.l1_ratio) / 2 * coef**2
        return float(self.strength * (factors @ sizes))

    def column_factors(self, names: Sequence[str], columns: int) -> Float[np.ndarray, " p"]:
        """Return each column's factor, 0 for those without a penalty.

        Raises
        ------
        ConfigError
            If there are factors, but not one a column, or an unpenalised column is not there.
        """
        factors = np.ones(columns) if self.factors is None else np.asarray(self.factors, dtype=np.float64).copy()
        if len(factors) != columns:
            raise ConfigError(f"There are {factors.size} factors for {columns} coefficients; give one each.")
        factors[column_places(self.unpenalised, names, columns)] = 0.0
        return factors


def column_places(chosen: Sequence[str | int], names: Sequence[str], columns: int) -> list[int]:
    """Find columns by name or by position, counted from 0.

    >>> column_places(("age", 2), ["age", "nodes", "grade"], 3)
    [0, 2]

    Raises
    ------
    ConfigError
        If one is not there.
    """
    places = []
    for one in chosen:
        if isinstance(one, str):
            if one not in names:
                raise ConfigError(f"There is no column {one!r} to leave unpenalised. {did_you_mean(one, names)}")
            places.append(list(names).index(one))
        elif 0 <= one < columns:
            places.append(int(one))
        else:
            raise ConfigError(f"There is no column {one} to leave unpenalised: {columns} are counted from 0.")
    return places


def _check_strength(strength: float, name: str) -> None:
    if not (math.isfinite(strength) and strength >= 0):
        article = "An" if name[0] == "e" else "A"
        raise ConfigError(f"{article} {name} penalty's strength is {strength}; it must be a finite number >= 0.")


def _check_factors(factors: tuple[float, ...] | None) -> None:
    for at, factor in enumerate(factors or ()):
        if not (math.isfinite(factor) and factor >= 0):
            raise ConfigError(f"Penalty factor {at} (counted from 0) is {factor}; factors must be finite numbers >= 0.")
