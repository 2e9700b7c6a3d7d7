"""A small source of batches: three hidden causes move five variables; faults on demand; pace may vary."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

VARIABLES = ("cells_measured", "ph_measured", "lactate_measured", "oxygen_measured", "heat_measured")
HOURS = np.arange(0.0, 100.0, 2.0)


def batch(rng, *, fault=None, start_h=40.0, size=1.0, pace=1.0, noise=0.15):
    """Return a frame; ``fault`` is "step" (one variable off) or "big" (one hidden cause far out)."""
    share = np.clip(HOURS * pace / 100.0, 0, None)
    shapes = np.stack([share, np.sin(3 * share), np.cos(5 * share), share**2, np.exp(-3 * share)])
    weights = np.array([[1.0, 0.3, 0.0], [0.0, 0.8, 0.3], [0.5, 0.0, 0.9], [0.7, 0.4, 0.1], [0.2, 0.6, 0.5]])
    causes = rng.normal(size=3) * (1.0 if fault != "big" else 0.0)
    if fault == "big":
        causes[0] = size
    values = 5 * shapes + 0.4 * (weights @ causes)[:, None] * shapes + noise * rng.normal(size=(5, HOURS.size))
    if fault == "step":
        values[1, start_h <= HOURS] += size
    return pl.DataFrame({"time_h": HOURS, **dict(zip(VARIABLES, values, strict=True))})


def normal(seed, count, **settings):
    """Return so many normal batches."""
    rng = np.random.default_rng(seed)
    return [batch(rng, **settings) for _ in range(count)]


@pytest.fixture(scope="session")
def source():
    """Batches to draw."""
    return SimpleNamespace(batch=batch, normal=normal, VARIABLES=VARIABLES)
