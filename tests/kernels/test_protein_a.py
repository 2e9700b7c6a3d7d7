"""The column against its Laplace transform, its own finer grids, and what must hold for any column."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import ConfigError, DataError
from biolab.kernels import protein_a
from biolab.kernels.protein_a import Bed, Grid, method
from biolab.kernels.protein_a.grid import lobatto, operators

BED = Bed(
    residence_min=4.0, porosity=0.35, bead_porosity=0.6, peclet=300.0, film_per_min=6.0, pore_per_min=0.2,
    on_l_per_g_min=60.0, off_per_min=3.0, capacity_g_per_l=250.0, acid_slope=8.0,
)  # fmt: skip
SMALL = Grid(axial_elements=3, axial_degree=3, radial_elements=2, radial_degree=3)


def laplace_outlet(bed, s, feed):
    """Transform of the outlet for a dilute feed (linear binding): closed inlet, open outlet, film, pores, kinetics."""
    rate = s * (1 + (1 - bed.bead_porosity) / bed.bead_porosity * bed.on_l_per_g_min * bed.capacity_g_per_l
                / (s + bed.off_per_min))  # fmt: skip
    phi = np.sqrt(rate / bed.pore_per_min)
    inside = bed.bead_porosity * bed.pore_per_min * (phi / np.tanh(phi) - 1)
    taken = bed.film_per_min * inside / (bed.film_per_min + inside)
    sink = s + 3 * (1 - bed.porosity) / bed.porosity * taken
    pe = bed.peclet
    a = np.sqrt(1 + 4 * sink * bed.residence_min * bed.porosity / pe)
    below = (1 + a) ** 2 - (1 - a) ** 2 * np.exp(-a * pe)
    return feed / s * 4 * a * np.exp((1 - a) * pe / 2) / below


def inverted(transform, time, terms=32):
    """Invert a Laplace transform by Talbot's contour with fixed parameters (Abate and Valko 2004)."""
    theta = np.arange(1, terms) * np.pi / terms
    r = 2.0 * terms / (5.0 * time)
    cot = 1 / np.tan(theta)
    s = r * theta * (cot + 1j)
    sigma = theta + (theta * cot - 1) * cot
    total = 0.5 * np.real(transform(np.array([r + 0j]))[0]) * np.exp(r * time)
    return r / terms * (total + np.sum(np.real(np.exp(time * s) * transform(s) * (1 + 1j * sigma))))


DILUTE = Bed(
    residence_min=1.5, porosity=0.4, bead_porosity=0.7, peclet=60.0, film_per_min=4.0, pore_per_min=0.5,
    on_l_per_g_min=0.8, off_per_min=3.0, capacity_g_per_l=30.0,
)  # fmt: skip


def test_a_dilute_breakthrough_equals_the_inverse_laplace_transform():
    feed = 1e-7
    run = protein_a(
        DILUTE, np.array([[30.0, feed, 0.0]]), grid=Grid(axial_elements=8, radial_elements=3), relative_tolerance=1e-6
    )
    for k in np.searchsorted(run.outlet_g_per_l, np.array([0.05, 0.2, 0.5, 0.8, 0.95]) * feed):
        exact = inverted(lambda s: laplace_outlet(DILUTE, s, feed), run.time_min[k])
        assert run.outlet_g_per_l[k] / feed == pytest.approx(exact / feed, abs=2e-6)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_errors_along_the_bed_fall_with_the_degree_plus_one(degree):
    feed, minutes = 1e-7, 9.0
    exact = inverted(lambda s: laplace_outlet(DILUTE, s, feed), minutes) / feed
    errors = []
    for elements in {1: (6, 12), 2: (4, 8), 3: (2, 4)}[degree]:
        grid = Grid(axial_elements=elements, axial_degree=degree, radial_elements=3)
        run = protein_a(DILUTE, np.array([[minutes, feed, 0.0]]), grid=grid, relative_tolerance=1e-8)
        errors.append(abs(run.outlet_g_per_l[-1] / feed - exact))
    assert np.log2(errors[0] / errors[1]) > degree + 0.6


def test_the_time_method_has_order_four():
    """A nonlinear equation shows the order, a stiff one that it is damped at once."""

    def step(f, jacobian, y, h):
        ks = []
        for k in range(method.STAGES):
            at = y + sum(method.A[k, a] * ks[a] for a in range(k))
            known = sum(method.C[k, a] * ks[a] for a in range(k)) / h
            ks.append((f(at) + known) / (1 / (h * method.GAMMA) - jacobian))
        return y + sum(method.A[-1, a] * ks[a] for a in range(method.STAGES - 1)) + ks[-1]

    errors = []
    for count in (8, 16, 32):
        y, h = 2.0, 1.0 / count
        for _ in range(count):
            y = step(lambda v: -v * v, -2 * y, y, h)
        errors.append(abs(y - 2.0 / 3.0))
    assert np.log2(errors[0] / errors[1]) > 3.7
    assert np.log2(errors[1] / errors[2]) > 3.8
    assert abs(step(lambda v: -1e8 * v, -1e8, 1.0, 1.0)) < 1e-6  # L-stable


def test_nodes_integrate_what_they_promise():
    x, w = np.polynomial.legendre.leggauss(64)
    nodes, weights = lobatto(4, (1 + x) ** 2)
    assert weights.min() > 0
    for power in range(8):
        assert weights @ nodes**power == pytest.approx(w @ ((1 + x) ** 2 * x**power), abs=1e-13)


def test_operators_conserve_and_differentiate():
    parts = operators(Grid(axial_elements=4, axial_degree=3, radial_elements=3, radial_degree=3))
    z = parts.axial_places
    inner = slice(4, 12)  # away from both ends, whose conditions x^3 does not meet
    np.testing.assert_allclose((parts.advection @ z**3)[inner], -3 * z[inner] ** 2, atol=1e-10)
    np.testing.assert_allclose((parts.dispersion @ z**3)[inner], 6 * z[inner], atol=1e-9)
    # what is in the bed changes by what crosses its ends
    np.testing.assert_allclose(parts.axial_weights @ parts.dispersion, 0, atol=1e-9)
    np.testing.assert_allclose(parts.axial_weights @ parts.inlet, 1, atol=1e-12)
    np.testing.assert_allclose(parts.radial_weights @ parts.laplacian, 0, atol=1e-9)
    assert parts.axial_weights.sum() == pytest.approx(1)
    assert parts.radial_weights.sum() == pytest.approx(1)


@settings(max_examples=3, derandomize=True, deadline=None)
@given(
    st.floats(1, 8), st.floats(0.5, 20), st.floats(0.02, 2), st.floats(0.1, 300), st.floats(0.5, 10), st.floats(0, 12)
)
def test_mass_is_conserved_and_nothing_exceeds_the_feed(residence, film, pore, affinity, feed, slope):
    bed = Bed(
        residence_min=residence, porosity=0.35, bead_porosity=0.6, peclet=100, film_per_min=film, pore_per_min=pore,
        on_l_per_g_min=affinity, off_per_min=1.0, capacity_g_per_l=200.0, acid_slope=slope,
    )  # fmt: skip
    sections = residence * np.array([[60 / feed, 0, 0], [3, 0, 0], [5, 0, 0]]) + [[0, feed, 0], [0, 0, 0], [0, 0, 1]]
    run = protein_a(bed, sections, grid=SMALL, relative_tolerance=1e-5)
    assert abs(run.balance_error) < 1e-9
    assert np.diff(run.left_g_per_l).min() > -1e-3 * feed
    load = run.time_min <= sections[0, 0]
    assert run.outlet_g_per_l[load].max() < 1.05 * feed
    assert run.outlet_g_per_l.min() > -0.05 * feed


def test_a_saturated_column_holds_its_equilibrium():
    run = protein_a(BED, np.array([[120.0, 5.0, 0.0]]), grid=SMALL)
    bound = BED.capacity_g_per_l * 100 / 101
    held = 0.35 * 5 + 0.65 * (0.6 * 5 + 0.4 * bound)
    np.testing.assert_allclose(run.held_g_per_l, held, rtol=1e-4)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        (np.zeros((0, 3)), "shape (0, 3)"),
        (np.array([[1.0, 2.0]]), "shape (1, 2)"),
        (np.array([[5.0, 1.0, 0.0], [0.0, 1.0, 0.0]]), "section 1 is [0.0, 1.0, 0.0]"),
        (np.array([[5.0, np.nan, 0.0]]), "section 0"),
    ],
)
def test_senseless_sections_are_named(sections, words):
    with pytest.raises(DataError, match=re.escape(words)):
        protein_a(BED, sections)


def test_senseless_columns_and_grids_are_named():
    with pytest.raises(ConfigError, match=r"porosity is 1.5"):
        Bed(**{**BED.__dict__, "porosity": 1.5})
    with pytest.raises(ConfigError, match="peclet is -1"):
        Bed(**{**BED.__dict__, "peclet": -1.0})
    with pytest.raises(ConfigError, match="radial_degree is 0"):
        Grid(radial_degree=0)
