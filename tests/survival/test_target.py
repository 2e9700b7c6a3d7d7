import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from biolab.core.errors import DataError
from biolab.survival import SurvivalTarget, survival_target

TIME = np.array([5.0, 7.5, 2.0, 1.0])
EVENT = np.array([True, False, True, False])
STRUCTURED = np.array(list(zip(EVENT, TIME, strict=True)), dtype=[("cens", "?"), ("months", "<f8")])


@pytest.mark.parametrize(
    "y",
    [
        STRUCTURED,
        STRUCTURED[["months", "cens"]],
        (TIME, EVENT),
        (list(TIME), [1, 0, 1, 0]),
        (pl.Series(TIME), pl.Series(EVENT)),
        (pd.Series(TIME), pd.Series(EVENT.astype(int))),
        (torch.tensor(TIME), torch.tensor(EVENT)),
        pl.DataFrame({"event": EVENT.astype(int), "time": TIME}),
        pl.DataFrame({"Time": TIME, "died": EVENT}),
        pl.DataFrame({"recurred": EVENT, "months": TIME}),
        pd.DataFrame({"months": TIME, "recurred": EVENT.astype(int)}),
        np.column_stack([TIME, EVENT]),
        torch.tensor(np.column_stack([TIME, EVENT])),
        SurvivalTarget(time=TIME, event=EVENT),
    ],
)
def test_every_form_gives_the_same_target(y):
    target = survival_target(y)
    assert target.time.dtype == np.float64
    assert target.event.dtype == np.bool_
    np.testing.assert_array_equal(target.time, TIME)
    np.testing.assert_array_equal(target.event, EVENT)


def test_structured_and_take_round_trip():
    target = survival_target((TIME, EVENT))
    again = survival_target(target.structured())
    np.testing.assert_array_equal(again.time, TIME)
    np.testing.assert_array_equal(target.take(np.array([2, 0])).time, [2.0, 5.0])
    assert len(target.take(EVENT)) == 2


def test_the_target_does_not_follow_its_source():
    time = TIME.copy()
    target = survival_target((time, EVENT))
    time[0] = -1
    assert target.time[0] == 5.0


@pytest.mark.parametrize(
    ("time", "event", "message"),
    [
        ([1.0, 0.0], [1, 0], r"time, row 1 .*: 0 is not a finite time > 0"),
        ([1.0, -3.5], [1, 0], r"row 1 .*-3.5"),
        ([np.nan, 1.0], [1, 0], r"row 0 .*nan"),
        ([1.0, np.inf], [1, 0], r"row 1 .*inf"),
        ([1.0, 2.0], [1, 2], r"event, row 1 .*: 2 is neither 0 nor 1"),
        ([1.0, 2.0], [1, 0.5], r"0.5 is neither"),
        ([1.0, 2.0], [1, np.nan], r"row 1 .*nan"),
        ([1.0, 2.0], ["yes", "no"], r"event, row 0 .*'yes' is not a number"),
        (["a", "b"], [1, 0], r"time, row 0 .*'a' is not a number"),
        (pl.Series([1.0, 2.0]), pl.Series([True, None]), r"event, row 1 .*None"),
        ([1.0, 2.0, 3.0], [1, 0], r"time has 3 rows and event 2"),
        ([[1.0], [2.0]], [1, 0], r"shape \(2, 1\)"),
    ],
)
def test_bad_values_name_the_row(time, event, message):
    with pytest.raises(DataError, match=message):
        survival_target((time, event))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.arange(5.0), "cannot be read from ndarray of shape"),
        (None, "requires y to be passed, but the target y is None"),
        (pl.DataFrame({"a": [1.0, 0.0], "b": [0.0, 1.0]}), "'a' and 'b' is the event cannot be told"),
        (pl.DataFrame({"a": [3.0], "b": [4.0]}), "cannot be told"),
        (pl.DataFrame({"a": [1.0], "b": [0], "c": [1]}), "two columns"),
    ],
)
def test_bad_forms_say_what_is_expected(y, message):
    with pytest.raises(DataError, match=message):
        survival_target(y)


def test_nobody_is_a_target_too():
    assert len(survival_target((np.empty(0), np.empty(0)))) == 0
