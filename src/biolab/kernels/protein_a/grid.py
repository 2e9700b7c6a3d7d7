"""Polynomial elements along the bed and across a bead, as small banded matrices.

Along the bed: discontinuous Galerkin, upwind advection and local dispersion (values from the left, gradients from the
right), so that each element meets its neighbours only; errors fall with h^(degree + 1). Across a bead: continuous
elements whose nodes integrate with the weight r^2 of a sphere; the mass of a bead is a sum over its nodes. Both
conserve mass to rounding.
"""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from biolab.core import ConfigError
from biolab.core.arrays import Float

# Points that integrate any polynomial used here exactly.
_FINE = 64


@dataclass(frozen=True, kw_only=True)
class Grid:
    """How finely a column is divided: elements and polynomial degree along the bed and across a bead."""

    axial_elements: int = 12
    axial_degree: int = 4
    radial_elements: int = 9
    radial_degree: int = 4

    def __post_init__(self) -> None:
        for name, least in (("axial_elements", 2), ("axial_degree", 1), ("radial_elements", 1), ("radial_degree", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; expected {least} or more.")

    @property
    def axial_nodes(self) -> int:
        """Nodes along the bed; neighbouring elements do not share them."""
        return self.axial_elements * (self.axial_degree + 1)

    @property
    def radial_nodes(self) -> int:
        """Nodes from the centre of a bead to its surface."""
        return self.radial_elements * self.radial_degree + 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Operators:
    """What the grid makes of the derivatives: dc/dt = (advection + dispersion) c + inlet, and of the bead's Laplacian.

    Bands: entry [i, j - i + half] is row i, column j. ``axial_weights`` and ``radial_weights`` add up to 1.
    """

    advection: Float[ndarray, "z z"]
    dispersion: Float[ndarray, "z z"]
    inlet: Float[ndarray, " z"]
    axial_weights: Float[ndarray, " z"]
    axial_places: Float[ndarray, " z"]
    axial_half: int
    laplacian: Float[ndarray, "r r"]
    surface: float
    radial_weights: Float[ndarray, " r"]
    radial_half: int


def lobatto(degree: int, weight: Float[ndarray, " f"]) -> tuple[Float[ndarray, " k"], Float[ndarray, " k"]]:
    """Return nodes in [-1, 1], both ends among them, and their weights for a positive weight function.

    The weight is given at the 64 Gauss-Legendre points. Inner nodes are the Gauss points of weight (1 - x^2), found
    from its three-term recurrence; the rule is exact to degree 2 * degree - 1.
    """
    x, w = np.polynomial.legendre.leggauss(_FINE)
    inner = _gauss_points(degree - 1, x, w * weight * (1.0 - x * x))
    nodes = np.concatenate([[-1.0], inner, [1.0]])
    return nodes, _lagrange(nodes, x).T @ (w * weight)


def _gauss_points(count: int, x: Float[ndarray, " f"], w: Float[ndarray, " f"]) -> Float[ndarray, " k"]:
    diagonal, off, before, now = [], [], np.zeros_like(x), np.ones_like(x) / np.sqrt(w.sum())
    beta = 0.0
    for _ in range(count):
        diagonal.append(float(w @ (x * now * now)))
        after = (x - diagonal[-1]) * now - beta * before
        beta = float(np.sqrt(w @ (after * after)))
        off.append(beta)
        before, now = now, after / beta
    matrix = np.diag(diagonal) + np.diag(off[:-1], 1) + np.diag(off[:-1], -1) if count else np.zeros((0, 0))
    return np.linalg.eigvalsh(matrix)


def _lagrange(nodes: Float[ndarray, " k"], x: Float[ndarray, " f"]) -> Float[ndarray, "f k"]:
    columns = [np.delete(nodes, k) for k in range(nodes.size)]
    return np.stack([np.prod((x[:, None] - o) / (nodes[k] - o), axis=1) for k, o in enumerate(columns)], axis=1)


def differentiation(nodes: Float[ndarray, " k"]) -> Float[ndarray, "k k"]:
    """Return the matrix that differentiates a polynomial given at the nodes."""
    gaps = nodes[:, None] - nodes[None, :] + np.eye(nodes.size)
    scale = 1.0 / gaps.prod(axis=1)
    matrix = (scale[None, :] / scale[:, None]) / gaps
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return matrix


@dataclass(frozen=True, kw_only=True, eq=False)
class _Elements:
    """Equal elements on [0, 1]: how they take minus the derivative of what flows through them."""

    count: int
    nodes: Float[ndarray, " k"]
    inverse_mass: Float[ndarray, "k k"]
    stiffness: Float[ndarray, "k k"]
    weights: Float[ndarray, " k"]

    def inflow(self, flow: ndarray, at_left: ndarray, at_right: ndarray) -> ndarray:
        """Return -d(flow)/dz, where ``at_left`` and ``at_right`` are the flows through each element's two ends."""
        k = len(self.weights)
        blocks = self.stiffness @ flow.reshape(self.count, k, -1)
        blocks[:, 0] += at_left
        blocks[:, -1] -= at_right
        return (self.inverse_mass @ blocks).reshape(self.count * k, -1)


def _elements(degree: int, count: int) -> _Elements:
    fine, w = np.polynomial.legendre.leggauss(_FINE)
    nodes, weights = lobatto(degree, np.ones(_FINE))
    shape = _lagrange(nodes, fine)
    mass = shape.T @ (w[:, None] * shape)
    stiffness = (mass @ differentiation(nodes)).T
    inverse = np.linalg.inv(mass) * (2.0 * count)
    return _Elements(
        count=count, nodes=nodes, inverse_mass=inverse, stiffness=stiffness, weights=weights / (2.0 * count)
    )


def _radial(grid: Grid) -> tuple[Float[ndarray, "r r"], float, Float[ndarray, " r"]]:
    """Discretise (1/r^2) d/dr (r^2 dc/dr) on [0, 1], closed at the surface; ``surface`` lifts what flows in there."""
    degree, n = grid.radial_degree, grid.radial_elements
    fine, w = np.polynomial.legendre.leggauss(_FINE)
    mass, stiff = np.zeros(grid.radial_nodes), np.zeros((grid.radial_nodes, grid.radial_nodes))
    for e in range(n):
        weight = ((e + 0.5 * (fine + 1.0)) / n) ** 2
        nodes, weights = lobatto(degree, weight)
        slopes = _lagrange(nodes, fine) @ differentiation(nodes)
        rows = slice(e * degree, (e + 1) * degree + 1)
        mass[rows] += weights * (0.5 / n)
        stiff[rows, rows] += slopes.T @ ((w * weight)[:, None] * slopes) * (2.0 * n)
    return -stiff / mass[:, None], float(1.0 / mass[-1]), 3.0 * mass


def _half_band(matrix: Float[ndarray, "n n"]) -> int:
    rows, columns = np.nonzero(np.abs(matrix) > 1e-13 * np.abs(matrix).max())
    return int(np.abs(rows - columns).max())


def banded(matrix: Float[ndarray, "n n"], half: int) -> Float[ndarray, "n b"]:
    """Store the diagonals of a matrix: entry [i, j - i + half] is row i, column j."""
    n = len(matrix)
    bands = np.zeros((n, 2 * half + 1))
    for shift in range(-half, half + 1):
        rows = np.arange(max(0, -shift), min(n, n - shift))
        bands[rows, shift + half] = matrix[rows, rows + shift]
    return bands


def operators(grid: Grid) -> Operators:
    """Build the matrices of a grid: no gradient at the outlet, and what flows in at the inlet is given whole."""
    elements, k = _elements(grid.axial_degree, grid.axial_elements), grid.axial_degree + 1
    unit, none = np.eye(grid.axial_nodes), np.zeros((1, grid.axial_nodes))
    first, last = unit[::k], unit[k - 1 :: k]
    advection = elements.inflow(unit, np.vstack([none, last[:-1]]), last)
    gradient = -elements.inflow(unit, np.vstack([first[:1], last[:-1]]), last)
    from_right = gradient[::k][1:]
    dispersion = -elements.inflow(gradient, np.vstack([none, from_right]), np.vstack([from_right, none]))
    inlet = np.zeros(grid.axial_nodes)
    inlet[:k] = elements.inverse_mass[:, 0]
    places = (np.arange(grid.axial_elements)[:, None] + 0.5 * (elements.nodes + 1.0)) / grid.axial_elements
    laplacian, surface, radial_weights = _radial(grid)
    return Operators(
        advection=advection,
        dispersion=dispersion,
        inlet=inlet,
        axial_weights=np.tile(elements.weights, grid.axial_elements),
        axial_places=places.ravel(),
        axial_half=max(_half_band(advection), _half_band(dispersion)),
        laplacian=laplacian,
        surface=surface,
        radial_weights=radial_weights,
        radial_half=_half_band(laplacian),
    )
