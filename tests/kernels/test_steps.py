"""Efron's sums over a tie: those of many deaths, taken as an integral, equal the sums in extended precision."""

import numpy as np
import pytest

from biolab.kernels.cox_loss.smooth_steps import FEW
from biolab.kernels.cox_loss.steps import step_sums


def exact(others, dying, deaths):
    kept = np.arange(1, deaths + 1, dtype=np.longdouble) / np.longdouble(deaths)
    phi = np.longdouble(others) + kept * np.longdouble(dying)
    return np.array([part.sum() for part in (np.log(phi), 1 / phi, kept / phi, phi**-2, (kept / phi) ** 2)])


@pytest.mark.parametrize("deaths", [2, 31, FEW, FEW + 1, 64, 255, 256, 310, 1000, 4096, 77_777])
@pytest.mark.parametrize("ratio", [0.0, 1e-200, 1e-9, 1e-3, 0.1, 1.0, 4.0, 300.0, 1e6, 1e15, 1e200])
def test_sums_are_exact_for_any_number_of_deaths(deaths, ratio):
    for size in (1.0, 1e-90, 1e90):
        others, dying = (ratio * size, size) if ratio < 1 else (size, size / ratio)
        found, truth = np.array(step_sums(others, dying, deaths)), exact(others, dying, deaths)
        np.testing.assert_allclose(found[1:], truth[1:].astype(np.float64), rtol=2e-14)
        # the sum of logarithms may be near 0: what counts is its error a death
        assert abs(found[0] - float(truth[0])) / deaths < 4e-16 * (10 + abs(np.log(size)))


def test_a_large_tie_costs_no_more_than_a_few_hundred_steps():
    """Counted, not timed: what is summed one by one does not grow with the tie."""
    from biolab.kernels.cox_loss.smooth_steps import smooth_from

    for deaths in (1000, 10**6, 10**9):
        assert smooth_from(0.0, 1.0 / deaths, deaths) <= 256
        assert smooth_from(0.9, 0.1 / deaths, deaths) <= 256
    assert smooth_from(0.5, 0.5 / 100, 100) == 100
