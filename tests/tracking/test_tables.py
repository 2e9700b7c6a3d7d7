import json
import math
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from biolab.core import ConfigError, TrackingError
from biolab.tracking.tables import decode_table, encode_table

columns = {
    "estimate": st.none() | st.floats(),
    "single": st.none() | st.floats(width=32),
    "events": st.none() | st.integers(-(2**63), 2**63 - 1),
    "site": st.none() | st.text('aé한😀 "\\\n\u2028\0'),
    "ok": st.none() | st.booleans(),
    "day": st.none() | st.dates(),
    "at": st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),
}
types = {
    "estimate": pl.Float64,
    "single": pl.Float32,
    "events": pl.Int64,
    "site": pl.String,
    "ok": pl.Boolean,
    "day": pl.Date,
    "at": pl.Datetime("us"),
}


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries(columns), max_size=5))
def test_a_table_reads_back_exactly(rows):
    frame = pl.DataFrame(rows, schema=types)
    assert_frame_equal(decode_table("t", *encode_table("t", frame)), frame, check_exact=True)


def test_awkward_values_read_back_exactly():
    frame = pl.DataFrame(
        {
            "x": [math.nan, math.inf, -math.inf, -0.0, 5e-324, None],
            "when": [datetime(2026, 1, 1, tzinfo=UTC)] * 6,
            "day": [date(2026, 1, 1)] * 6,
            "nothing": [None] * 6,
        }
    )
    back = decode_table("t", *encode_table("t", frame))
    assert_frame_equal(back, frame, check_exact=True)
    assert math.copysign(1, back["x"][3]) == -1


def test_the_content_is_json_a_browser_reads():
    content, _ = encode_table("t", pl.DataFrame({"x": [math.nan]}))
    assert json.loads(content, parse_constant=pytest.fail) == {"columns": ["x"], "data": [["NaN"]]}


def test_categories_come_back_as_text():
    frame = pl.DataFrame({"grade": pl.Series(["2", "3"], dtype=pl.Categorical)})
    assert decode_table("t", *encode_table("t", frame))["grade"].to_list() == ["2", "3"]


@pytest.mark.parametrize("column", [[[1]], [{"a": 1}], [b"x"]])
def test_what_json_cannot_hold_is_refused_by_name(column):
    with pytest.raises(ConfigError, match="table 't', column 'deep'"):
        encode_table("t", pl.DataFrame({"deep": column}))


@pytest.mark.parametrize(
    ("content", "schema"),
    [("{", "{}"), ('{"data":[[1,2]]}', '{"a":"Int64"}'), ('{"data":[]}', '{"a":"Complex"}'), ("[]", "[]")],
)
def test_a_damaged_table_is_named(content, schema):
    with pytest.raises(TrackingError, match="'validation' in the store is damaged"):
        decode_table("validation", content, schema)
