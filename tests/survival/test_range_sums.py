import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.survival.range_sums import RangeSums

CPU = torch.device("cpu")


def _slow(first, last, length):
    cover = np.zeros((len(first), length))
    for row, (start, end) in enumerate(zip(first, last, strict=True)):
        cover[row, start : end + 1] = 1 if start <= end else 0
    return cover


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(0, 30), st.integers(0, 2**31), st.booleans())
def test_both_sums_equal_the_cover_matrix(length, rows, seed, from_start):
    rng = np.random.default_rng(seed)
    first, last = rng.integers(0, length, rows), rng.integers(0, length, rows)
    first = first * (not from_start)
    cover = _slow(first, last, length)
    sums = RangeSums(first, last, length, CPU)
    values, weights = rng.normal(size=(3, rows)), rng.normal(size=length)
    np.testing.assert_allclose(sums.over_rows(torch.tensor(values)).numpy(), values @ cover, atol=1e-12)
    np.testing.assert_allclose(sums.over_positions(torch.tensor(weights)).numpy(), cover @ weights, atol=1e-12)


@pytest.mark.parametrize("length", [1, 2, 3, 1000])
def test_small_sums_beside_large_ones_keep_their_digits(length):
    first = np.concatenate([[0], np.arange(length)])
    last = np.concatenate([[0], np.full(length, length - 1)])
    values = np.concatenate([[1e200], 10.0 ** -np.linspace(0, 200, length)])
    total = RangeSums(first, last, length, CPU).over_rows(torch.tensor(values)[None]).numpy()[0]
    expected = np.cumsum(values[1:]) + np.where(np.arange(length) == 0, 1e200, 0)
    np.testing.assert_allclose(total, expected, rtol=1e-12)
