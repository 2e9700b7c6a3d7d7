"""Answers cross between processes as data: what goes in comes out, and nothing else gets through."""

import json
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.bioprocess import Recipe
from biolab.core import DataError
from biolab.course.answers import decode, encode, is_unanswered

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text('aé한😀 "\\\n\0', max_size=8)
nested = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc_", max_size=3), inner, max_size=3)
)


@given(nested)
@settings(max_examples=25, derandomize=True, deadline=None)
def test_plain_answers_come_back(value: object):
    assert decode(json.loads(json.dumps(encode(value)))) == value


@pytest.mark.parametrize(
    "value",
    [np.arange(6.0).reshape(2, 3), np.array([1, 2], dtype=np.int32), np.array([], dtype=bool)],
    ids=["matrix", "int32", "empty"],
)
def test_arrays_come_back(value: np.ndarray):
    back = decode(json.loads(json.dumps(encode(value))))
    assert back.dtype == value.dtype
    np.testing.assert_array_equal(back, value)


def test_frames_and_recipes_come_back():
    frame = pl.DataFrame({"time_h": [0.0, 1.0], "who": ["a", None]})
    assert decode(encode(frame)).equals(frame)
    assert decode(encode(frame["time_h"])).equals(frame["time_h"])
    recipe = Recipe.load("cho-standard").changed({"phases.feeding.feeding.volume_l": 0.07})
    assert decode(json.loads(json.dumps(encode(recipe)))) == recipe
    assert decode(encode(np.float64(2.5))) == 2.5
    assert math.isnan(decode(encode(float("nan"))))
    assert decode(encode(...)) is ...
    assert is_unanswered(encode({"a": [1, ...]}))


@pytest.mark.parametrize("value", [print, object(), np.array(["a"]), {(1, 2): 3}, b"bytes", 1 + 2j])
def test_what_is_no_answer_is_named(value: object):
    with pytest.raises(DataError, match=r"graded"):
        encode(value)


@pytest.mark.parametrize(
    "content",
    [
        {"$": "pickle", "data": "gASVAA=="},
        {"$": "array", "dtype": "O", "shape": [1], "data": "AAAAAAAAAAA="},
        {"$": "array", "dtype": "f8", "shape": [1000000000000], "data": ""},
        {"$": "array", "dtype": "f8", "shape": [1], "data": 3},
        {"$": "frame", "columns": {"a": [1], "b": [1, 2]}},
        {"$": "frame", "columns": 3},
        {"$": "recipe", "toml": "[["},
        {"$": "float", "value": "much"},
    ],
)
def test_forged_answers_are_refused(content: dict):
    with pytest.raises(DataError):
        decode(content)


def test_a_forged_recipe_is_checked_as_any_recipe():
    with pytest.raises(DataError, match="the recipe in the answer has 7 faults"):
        decode({"$": "recipe", "toml": 'name = "a"'})


def test_depth_and_length_are_limited():
    deep: object = 1
    for _ in range(40):
        deep = [deep]
    with pytest.raises(DataError, match="levels deep"):
        decode(deep)
    with pytest.raises(DataError, match="levels deep"):
        encode(deep)
    with pytest.raises(DataError, match="items"):
        decode([0] * 200_001)
