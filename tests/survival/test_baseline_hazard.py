import numpy as np
import pytest

from biolab.core.errors import DataError
from biolab.survival import StepFunction


def test_it_is_right_continuous_with_left_limits():
    step = StepFunction(times=np.array([1.0, 3.0]), values=np.array([0.2, 0.5]), initial=-1.0)
    np.testing.assert_array_equal(step([0, 1, 2, 3, 4]), [-1, 0.2, 0.2, 0.5, 0.5])
    np.testing.assert_array_equal(step([1, 2, 3, 4], left_limit=True), [-1, 0.2, 0.2, 0.5])
    np.testing.assert_array_equal(step(3), [0.5])
    assert step.table().rows() == [(1.0, 0.2), (3.0, 0.5)]


def test_no_step_is_constant():
    np.testing.assert_array_equal(StepFunction(times=np.empty(0), values=np.empty(0))([0, 1]), [0, 0])


def test_bad_steps_are_refused():
    with pytest.raises(DataError, match="increase strictly"):
        StepFunction(times=np.array([1.0, 1.0]), values=np.array([0.1, 0.2]))
    with pytest.raises(DataError, match="one value a time"):
        StepFunction(times=np.array([1.0, 2.0]), values=np.array([0.1]))
    with pytest.raises(DataError, match="not NaN"):
        StepFunction(times=np.array([1.0]), values=np.array([0.1]))([np.nan])
