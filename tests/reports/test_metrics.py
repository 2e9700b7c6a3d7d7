import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.reports.language import prose
from biolab.reports.metrics import MetricKey, goodness, largest, last_key, metric_keys, metric_label, reading

UNIT = st.floats(0.01, 0.99)


@settings(derandomize=True, max_examples=50)
@given(UNIT, UNIT)
def test_better_values_are_never_paler(first, second):
    low, high = sorted((first, second))
    assert goodness("harrell_c", low) <= goodness("harrell_c", high)
    assert goodness("integrated_brier_score", low) >= goodness("integrated_brier_score", high)


def test_a_ratio_and_its_inverse_are_equally_far_from_one():
    assert goodness("observed_expected", 1.0) == 0
    assert goodness("observed_expected", 1.25) == pytest.approx(-goodness("observed_expected", 0.8))
    assert goodness("calibration_slope", 0.0) == -1


def test_an_error_in_units_is_read_by_what_is_shown():
    frame = pl.DataFrame({"metric": ["rmse", "rmse", "r2"], "difference": [-259.13, 136.8, 0.2]})
    most = largest(frame, "rmse", "difference")
    assert (most, largest(frame, "mae", "difference")) == (259.13, None)
    assert (reading("rmse", most).digits, reading("rmse", 13.3).digits, reading("mae", 0.0123).digits) == (0, 1, 4)
    assert 0 == goodness("rmse", 259.13, most) < goodness("rmse", 136.8, most) < goodness("rmse", 12.0, most) < 1
    assert reading("auc", 0.7) == reading("auc")


def test_measures_come_in_reading_order_and_unknown_ones_last():
    rows = [("zeta", None), ("observed_expected", 60.0), ("observed_expected", 36.0), ("uno_c", None)]
    frame = pl.DataFrame(rows, schema={"metric": pl.String, "horizon": pl.Float64}, orient="row")
    names = [(key.metric, key.horizon) for key in metric_keys(frame)]
    assert names == [("uno_c", None), ("observed_expected", 36.0), ("observed_expected", 60.0), ("zeta", None)]
    assert last_key(frame, "observed_expected").horizon == 60.0
    assert last_key(frame, "brier_score") == MetricKey("brier_score")


def test_labels_name_the_horizon_and_unknown_measures_by_name():
    say = prose("en")
    assert metric_label(MetricKey("observed_expected", 60.0), say, "month", short=True) == "O/E at 60 months"
    assert metric_label(MetricKey("net_benefit"), say, "month") == "net benefit"
    assert metric_label(MetricKey("time_dependent_auc", 1.0), prose("ko"), "year") == "시간 의존 AUC (1년)"
