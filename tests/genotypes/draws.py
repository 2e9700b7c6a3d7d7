"""Dosages drawn at random, some missing."""

import numpy as np


def drawn(m, n, seed, missing=0.05):
    generator = np.random.default_rng(seed)
    dosage = generator.binomial(2, generator.uniform(0.1, 0.9, size=(m, 1)), size=(m, n)).astype(float)
    dosage[generator.random((m, n)) < missing] = np.nan
    return dosage
