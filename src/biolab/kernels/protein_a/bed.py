"""The numbers of a packed bed of porous beads that binds one protein."""

from dataclasses import dataclass, fields

import numpy as np

from biolab.core import ConfigError


@dataclass(frozen=True, kw_only=True)
class Bed:
    """What the equations of a column need, per minute; every number is > 0, but ``acid_slope``, which may be 0.

    porosity * dc/dt + (1 - porosity) * d(bead mean)/dt = -d(c)/dz / residence + d2c/dz2 / (residence * peclet)

    Residence is that of a column volume; c of a bead's pores and q of its solid (g per L of solid) follow
    e_p dp/dt + (1 - e_p) dq/dt = e_p pore (1/r^2) d/dr(r^2 dp/dr), e_p pore dp/dr = film (c - p) at r = 1,
    dq/dt = on p (capacity - q) - off exp(acid_slope m) q. The modulator m (share of acid buffer) fills pores at once.
    """

    residence_min: float
    porosity: float
    bead_porosity: float
    peclet: float
    film_per_min: float
    pore_per_min: float
    on_l_per_g_min: float
    off_per_min: float
    capacity_g_per_l: float
    acid_slope: float = 0.0

    def __post_init__(self) -> None:
        for name, value in ((f.name, getattr(self, f.name)) for f in fields(self)):
            least = 0.0 if name == "acid_slope" else np.finfo(float).tiny
            if not least <= value < np.inf:
                raise ConfigError(f"{name} is {value}; expected a finite number {'>= 0' if least == 0.0 else '> 0'}.")
        for name in ("porosity", "bead_porosity"):
            if getattr(self, name) >= 1.0:
                raise ConfigError(f"{name} is {getattr(self, name)}; expected a share below 1.")
