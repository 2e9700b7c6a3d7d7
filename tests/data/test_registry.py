import dataclasses

import polars as pl
import pytest

from biolab.core import ConfigError, DataError
from biolab.data import datasets, load, registry


def test_every_data_set_says_where_it_comes_from():
    table = datasets()
    assert table.null_count().sum_horizontal().sum() == 0
    assert set(table["sha256"].str.len_chars()) == {64}
    assert table["doi"].str.starts_with("10.").all()


@pytest.mark.parametrize("name", datasets()["name"].to_list())
def test_each_loads_with_the_patients_it_says(name):
    frame = load(name)
    assert isinstance(frame, pl.LazyFrame)
    assert frame.collect().height == datasets().filter(name=name)["patients"].item()


def test_other_content_than_expected_is_refused(monkeypatch):
    changed = dataclasses.replace(registry._DATASETS["gbsg"], sha256="0" * 64)
    monkeypatch.setitem(registry._DATASETS, "gbsg", changed)
    with pytest.raises(DataError, match="'gbsg' is not the one biolab knows: its content has SHA-256 15c70ff8"):
        load("gbsg")


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ConfigError, match=r"called 'roterdam'\. Did you mean 'rotterdam'"):
        load("roterdam")
