"""Adaptive steps through sections of constant inflow."""

from dataclasses import dataclass, field

import numpy as np
from numpy import ndarray

from biolab.core import FitError
from biolab.core.arrays import Float

from . import cpu
from .method import GAMMA, STAGES, A, C

# A step shorter than this share of the run cannot be told from none.
_SHORTEST = 1e-13


@dataclass(kw_only=True, eq=False)
class Run:
    """A column on its way: state (bed, modulator, pores, bound of each place), rows of what left, steps not kept."""

    system: cpu.System
    state: Float[ndarray, "z w"]
    rows: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    rejected: int = 0

    def __post_init__(self) -> None:
        nz, width = self.state.shape
        nr = (width - 2) // 2
        self._stages, self._line = np.zeros((STAGES, nz, width)), np.empty((3, nz))
        self._at, self._gone = np.empty_like(self.state), np.zeros(STAGES)
        self._lu = cpu.Factors(
            np.empty_like(self.system.bed), np.empty_like(self.system.acid), np.empty((nz, nr,
            self.system.pore.shape[1])),
            *(np.empty((nz, nr)) for _ in range(4)),
        )  # fmt: skip

    def integrate(
        self, sections: Float[ndarray, "s 3"], scales: Float[ndarray, " w"], tolerance: float, first_min: float
    ) -> None:
        """Go through all sections; ``scales`` are the absolute tolerances of a row of the state.

        Raises
        ------
        FitError
            If no step can be kept any more.
        """
        time, left = 0.0, 0.0
        self._note(time, left, sections[0, 1:])
        for minutes, *inlet in sections:
            inflow, end, h = np.array(inlet), time + minutes, min(first_min, minutes)
            while time < end:
                last = time + h * 1.0000001 >= end
                h = end - time if last else h
                error = self._error(self._step(h, inflow), scales, tolerance)
                grow = min(5.0, max(0.2, 0.9 * max(error, 1e-10) ** -0.25)) if np.isfinite(error) else 0.1
                if not error <= 1.0:
                    self.rejected += 1
                    h *= min(grow, 0.8)
                    if h < _SHORTEST * end:
                        raise FitError(
                            f"The column could not be integrated past {time:.6g} min ({len(self.rows)} steps kept, "
                            f"{self.rejected} not). Look for rates that differ by more than 1e12."
                        )
                    continue
                self.state, self._at = self._at, self.state
                time, left = end if last else time + h, left + float(A[-1] @ self._gone[:-1] + self._gone[-1])
                self._note(time, left, inflow)
                h *= grow

    def _step(self, h: float, inflow: Float[ndarray, " 2"]) -> Float[ndarray, "z w"]:
        """Put the state after a step into ``_at`` and return its last stage, which estimates the error."""
        g = 1.0 / (h * GAMMA)
        cpu.factorise(self.system, self.state, g, self._lu)
        for k, stage in enumerate(self._stages):
            cpu.gather(self.system.ratio, self.state, self._stages, k, h, self._at)
            cpu.solve_stage(self.system, inflow, self._at, g, self._lu, stage, self._line)
            known = float(C[k, :k] @ self._gone[:k]) / h
            self._gone[k] = (known + self.system.flow * (self._at[-1, 0] + stage[-1, 0])) / g
        self._at += self._stages[-1]
        return self._stages[-1]

    def _error(self, stage: Float[ndarray, "z w"], scales: Float[ndarray, " w"], tolerance: float) -> float:
        """Return the root mean square of what is wrong over what is allowed; a bead counts as much as its bed node."""
        nr = (stage.shape[1] - 2) // 2
        squares = (stage / (scales + tolerance * np.abs(self._at))) ** 2
        return float(np.sqrt((squares[:, :2].sum() + squares[:, 2:].sum() / nr) / (4 * len(stage))))

    def _note(self, time: float, left: float, inflow: Float[ndarray, " 2"]) -> None:
        """Keep time, outlet, its slope, modulator and what has left."""
        system, c, half = self.system, self.state[:, 0], (self.system.bed.shape[1] - 1) // 2
        nz, nr = len(c), (self.state.shape[1] - 2) // 2
        slope = system.bed[-1, : half + 1] @ c[nz - half - 1 :] + system.protein_inlet[-1] * inflow[0]
        slope -= system.out * (c[-1] - self.state[-1, 1 + nr])
        self.rows.append((time, float(c[-1]), float(slope), float(self.state[-1, 1]), left))
