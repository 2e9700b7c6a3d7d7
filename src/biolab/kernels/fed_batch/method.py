"""The coefficients of ROS34PW2, as published and in the form that spares products with the Jacobian.

References
----------
Rang and Angermann (2005), BIT Numerical Mathematics 45:761-787, doi:10.1007/s10543-005-0035-y
Hairer and Wanner (1996), Solving Ordinary Differential Equations II, section IV.7, doi:10.1007/978-3-642-05221-7
"""

import numpy as np

GAMMA = 0.43586652150845900
ALPHA = np.array(
    [
        [0.0, 0.0, 0.0, 0.0],
        [0.87173304301691801, 0.0, 0.0, 0.0],
        [0.84457060015369423, -0.11299064236484185, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
    ]
)
GAMMAS = np.array(
    [
        [GAMMA, 0.0, 0.0, 0.0],
        [-0.87173304301691801, GAMMA, 0.0, 0.0],
        [-0.90338057013044082, 0.054180672388095326, GAMMA, 0.0],
        [0.24212380706095346, -1.2232505839045147, 0.54526025533510214, GAMMA],
    ]
)
WEIGHTS = np.array([0.24212380706095346, -1.2232505839045147, 1.5452602553351021, 0.43586652150845900])
EMBEDDED = np.array([0.37810903145819369, -0.096042292212423178, 0.5, 0.21793326075422950])

_INVERSE = np.linalg.inv(GAMMAS)
A = ALPHA @ _INVERSE
C = np.eye(4) / GAMMA - _INVERSE
M = WEIGHTS @ _INVERSE
E = (WEIGHTS - EMBEDDED) @ _INVERSE
