import dataclasses
import sys
from pathlib import Path

import polars as pl
import pytest

from biolab.core import ConfigError, DataError, MissingExtraError
from biolab.data import datasets, load, survset


def test_the_table_needs_no_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "SurvSet.data", None)
    survset.survset_cohorts.cache_clear()
    table = datasets("survset")
    assert table.height == 77
    assert table.null_count().sum_horizontal().sum() == 0
    assert set(table["sha256"].str.len_chars()) == {64}
    assert table.filter("time_dependent").height == 8


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "SurvSet.data", None)
    with pytest.raises(MissingExtraError, match=r"'survset/veteran' needs .* pip install 'biolab\[datasets\]'"):
        load("survset/veteran")


@pytest.mark.parametrize("name", ["veteran", "cancer", "Rossi", "MCLcleaned", "gse1992"])
def test_a_cohort_has_the_documented_columns(name):
    known, frame = survset.survset_cohorts()[name], load(f"survset/{name}").collect()
    keys = ["pid", *(["entry"] if known.time_dependent else []), "time", "event"]
    assert frame.columns[: len(keys)] == keys
    assert frame.select(keys).null_count().sum_horizontal().item() == 0
    assert (frame.height, frame["pid"].n_unique()) == (known.rows, known.patients)
    numbers, factors = frame.select(pl.col("^num_.*$")), frame.select(pl.col("^fac_.*$"))
    assert (numbers.width, factors.width) == (known.numbers, known.factors)
    assert all(dtype == pl.Float64 for dtype in numbers.dtypes)
    assert all(isinstance(dtype, pl.Enum) for dtype in factors.dtypes)
    assert (frame["event"] > 0).sum() == known.events


def test_time_dependent_rows_are_at_risk_between_entry_and_time():
    frame = load("survset/heart").collect()
    assert (frame["entry"] < frame["time"]).all()
    assert frame.group_by("pid").agg(pl.col("event").sum())["event"].max() == 1


def test_the_level_missing_is_null():
    performance = load("survset/cancer").collect()["fac_ph_ecog"]
    assert performance.null_count() == 1
    assert performance.dtype == pl.Enum(["0", "1", "2", "3"])


def test_cancer_is_lung_ncctg():
    assert survset.survset_cohorts()["cancer"].note == "The same patients as lung-ncctg"
    assert load("survset/cancer").collect()["time"].to_list() == load("lung-ncctg").collect()["time"].to_list()


def test_a_misspelt_cohort_gets_the_nearest():
    with pytest.raises(ConfigError, match=r"called 'veterans'\. Did you mean 'veteran'"):
        load("survset/veterans")
    with pytest.raises(ConfigError, match="family of data sets is called 'surv'"):
        datasets("surv")


def test_other_content_than_expected_is_refused(monkeypatch):
    changed = dataclasses.replace(survset.survset_cohorts()["veteran"], sha256="0" * 64)
    monkeypatch.setitem(survset.survset_cohorts(), "veteran", changed)
    with pytest.raises(DataError, match="'survset/veteran' is not the one biolab knows"):
        load("survset/veteran")


def test_a_column_of_unknown_kind_is_refused():
    import pandas

    shipped = pandas.DataFrame({"pid": [1], "time": [2.0], "event": [1], "age": [60.0]})
    with pytest.raises(DataError, match="column 'age' starts neither with num_ nor with fac_"):
        survset.survset_frame(shipped)


def test_one_module_imports_the_package():
    sources = Path(survset.__file__).parents[1].rglob("*.py")
    assert [path.name for path in sources if "SurvSet.data" in path.read_text(encoding="utf-8")] == ["survset.py"]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(survset.survset_cohorts()))
def test_every_cohort_is_the_one_known(name):
    assert load(f"survset/{name}").collect().height == survset.survset_cohorts()[name].rows
