"""The coefficients of two linearly implicit methods, as published and in the form that spares products with a Jacobian.

Both keep their order whatever matrix stands for the Jacobian, and both are L-stable with the true one. ROS2 has two
stages: the cheapest where the controllers cut time into short intervals anyway. ROS34PW2 has four: fewer steps where
many digits are wanted.

References
----------
Verwer, Spee, Blom and Hundsdorfer (1999), SIAM J. Sci. Comput. 20:1456-1480, doi:10.1137/S1064827597326651
Rang and Angermann (2005), BIT Numerical Mathematics 45:761-787, doi:10.1007/s10543-005-0035-y
Hairer and Wanner (1996), Solving Ordinary Differential Equations II, section IV.7, doi:10.1007/978-3-642-05221-7
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float

STAGES = 4
SMALLEST_STEP = 1e-10  # h
# Amounts per litre below which errors are absolute, in the order of the states
SCALE = np.array(
    [0.5, 0.1, 0.2, 10.0, 10.0, 0.05, 0.1, 0.1, 0.1, 0.5, 0.2, 5.0, 0.05, 2.0, 20.0, 0.5, 0.1, 5.0, 5.0]
)  # fmt: skip
# rows of a packed method
A, C, M, E, FACTS = 0, STAGES, 2 * STAGES, 2 * STAGES + 1, 2 * STAGES + 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Method:
    """k_i = h f(y + sum_j alpha_ij k_j) + h A sum_j gamma_ij k_j; then y + sum_i weights_i k_i."""

    alpha: Float[ndarray, "s s"]
    gammas: Float[ndarray, "s s"]
    weights: Float[ndarray, " s"]
    embedded: Float[ndarray, " s"]
    """Weights of the result, an order lower, that tells the error."""
    order: int

    @cached_property
    def packed(self) -> Float[ndarray, "11 4"]:
        """The coefficients by u = gammas k: rows A, C times gamma, M, E, and (gamma, 1 / order, stages)."""
        stages, gamma, inverse = self.weights.size, self.gammas[0, 0], np.linalg.inv(self.gammas)
        found = np.zeros((FACTS + 1, STAGES))
        found[A : A + stages, :stages] = self.alpha @ inverse
        found[C : C + stages, :stages] = gamma * (np.eye(stages) / gamma - inverse)
        found[M, :stages] = self.weights @ inverse
        found[E, :stages] = (self.weights - self.embedded) @ inverse
        found[FACTS, :3] = gamma, 1.0 / self.order, stages
        return found


_G = 1.0 - 0.5**0.5
ROS2 = Method(
    alpha=np.array([[0.0, 0.0], [1.0, 0.0]]),
    gammas=np.array([[_G, 0.0], [-2.0 * _G, _G]]),
    weights=np.array([0.5, 0.5]),
    embedded=np.array([0.75, 0.25]),  # half as far from the result as the first stage alone, whose error is far larger
    order=2,
)
_G = 0.43586652150845900
ROS34PW2 = Method(
    alpha=np.array(
        [
            [0.0, 0.0, 0.0, 0.0],
            [0.87173304301691801, 0.0, 0.0, 0.0],
            [0.84457060015369423, -0.11299064236484185, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0],
        ]
    ),
    gammas=np.array(
        [
            [_G, 0.0, 0.0, 0.0],
            [-0.87173304301691801, _G, 0.0, 0.0],
            [-0.90338057013044082, 0.054180672388095326, _G, 0.0],
            [0.24212380706095346, -1.2232505839045147, 0.54526025533510214, _G],
        ]
    ),
    weights=np.array([0.24212380706095346, -1.2232505839045147, 1.5452602553351021, 0.43586652150845900]),
    embedded=np.array([0.37810903145819369, -0.096042292212423178, 0.5, 0.21793326075422950]),
    order=3,
)
METHODS = {2: ROS2, 3: ROS34PW2}
"""By their order."""
