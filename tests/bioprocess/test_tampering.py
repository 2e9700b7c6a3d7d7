"""Tampering on purpose: it always changes something, is found and located, and refuses what it does not know."""

from dataclasses import replace

import polars as pl
import pytest

from biolab.bioprocess import TamperedRecord, batch_record
from biolab.core import ConfigError

from .made_up_batch import made_up_batch

RECORD = batch_record(made_up_batch(hours=96), author="kim")


def with_column(name, values):
    frame = RECORD.measurements.with_columns(pl.Series(name, values))
    return replace(RECORD, measurements=frame)


def test_a_reading_that_was_the_same_a_day_before_is_still_changed():
    flat = [7.05] * RECORD.measurements.height
    flat[3] = 7.06
    edited = TamperedRecord(time_h=60.0).apply(with_column("ph_measured", flat)).measurements["ph_measured"]
    assert edited[60] == 7.06
    assert (edited[:60] == flat[:60]).all()


def test_the_nearest_reading_of_a_sparse_column_is_edited():
    edited = TamperedRecord(time_h=50.0, column="viable_cells_1e6_per_ml_measured").apply(RECORD).measurements
    rows = [
        row
        for row, (old, new) in enumerate(
            zip(
                RECORD.measurements["viable_cells_1e6_per_ml_measured"],
                edited["viable_cells_1e6_per_ml_measured"],
                strict=True,
            )
        )
        if old != new
    ]
    assert rows == [48]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"target": "readng"}, "target is 'readng'. Did you mean 'reading'"),
        ({"time_h": -2.0}, "time_h is -2"),
    ],
)
def test_what_it_does_not_know_is_refused(settings, said):
    with pytest.raises(ConfigError, match=said):
        TamperedRecord(**settings)


def test_what_would_change_nothing_is_refused():
    steady = with_column("ph_measured", [7.05] * RECORD.measurements.height)
    with pytest.raises(ConfigError, match=r"ph_measured reads 7.05 at 60 h already; give another value"):
        TamperedRecord(time_h=60.0).apply(steady)
    none = with_column("ph_measured", pl.Series([None] * RECORD.measurements.height, dtype=pl.Float64))
    with pytest.raises(ConfigError, match="no reading of ph_measured"):
        TamperedRecord(time_h=60.0).apply(none)
    with pytest.raises(ConfigError, match="Did you mean 'ph_measured'"):
        TamperedRecord(column="ph_mesured").apply(RECORD)
