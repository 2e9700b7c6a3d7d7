import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import ConfigError, DataError
from biolab.data import Codebook, SiteMapping, harmonise, load


def run(raw, mapping, codebook, file="site.csv"):
    return harmonise(pl.LazyFrame(raw, strict=False), mapping, codebook, file=file)


def test_units_codes_and_types_are_those_of_the_codebook(raw, mapping, codebook):
    frame = run(raw, mapping, codebook)
    assert frame.schema == codebook.frame_schema
    assert frame["months"].to_list() == [12.0, 1.0, 800.0 / 30.4375, 1 / 30.4375]
    assert frame["death"].to_list() == [False, True, True, False]
    assert frame["size"].to_list() == ["<=20", "20-50", "20-50", ">50"]
    assert frame["grade"].to_list() == ["1-2", "1-2", "3", "3"]
    assert frame["patient"].to_list() == ["11", "12", "13", "14"]


@settings(derandomize=True, max_examples=10)
@given(seed=st.integers(0, 1000))
def test_rows_keep_their_order(seed):
    codebook = Codebook.model_validate({"age": {"type": "number", "unit": "year"}, "g": {"type": "boolean"}})
    mapping = SiteMapping.model_validate({"columns": {"age": {"column": "a", "unit": "day"}, "g": {"column": "g"}}})
    raw = pl.DataFrame({"a": range(50), "g": [i % 2 for i in range(50)]})
    order = random.Random(seed).sample(range(50), 50)
    straight = harmonise(raw.lazy(), mapping, codebook, file="f")
    assert harmonise(raw[order].lazy(), mapping, codebook, file="f").equals(straight[order])


def test_a_harmonised_frame_harmonises_to_itself(raw, mapping, codebook):
    frame = run(raw, mapping, codebook)
    units = {name: {"unit": codebook[name].unit} for name in ("months", "age")}
    same = {"columns": {name: {"column": name, **units.get(name, {})} for name in codebook.root}}
    assert harmonise(frame.lazy(), SiteMapping.model_validate(same), codebook, file="f").equals(frame)


def test_a_size_on_the_cut_point_stays_below_it_in_every_unit():
    codes = [str(limit) for limit in range(200)]
    cut = [limit / 10 for limit in range(1, 200)]
    table = {"size": {"type": "category", "unit": "cm", "codes": codes}}
    mapping = SiteMapping.model_validate({"columns": {"size": {"column": "mm", "unit": "mm", "cut": cut}}})
    frame = run({"mm": [float(limit) for limit in range(1, 200)]}, mapping, Codebook.model_validate(table))
    assert frame["size"].to_list() == codes[:-1]


def test_text_integers_and_floats_say_the_same_code(raw, mapping, codebook):
    expected = run(raw, mapping, codebook)
    text = {name: [f" {value} " for value in values] for name, values in raw.items()}
    floats = {name: [float(value) for value in values] for name, values in raw.items()}
    assert run(text, mapping, codebook).equals(expected)
    assert run(floats, mapping, codebook).equals(expected)


def test_categorical_and_decimal_columns_are_read_by_what_they_say(raw, mapping, codebook):
    frame = pl.DataFrame(raw).with_columns(
        pl.col("age").cast(pl.String).cast(pl.Categorical),
        pl.col("grade").cast(pl.String).cast(pl.Enum(["3", "2", "1"])),
        pl.col("size_cm").cast(pl.Decimal(10, 3)),
    )
    assert harmonise(frame.lazy(), mapping, codebook, file="f").equals(run(raw, mapping, codebook))


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_nan_counts_as_null(raw, mapping, codebook, missing):
    raw["age"] = [50.0, missing, 44.0, 39.0]
    assert run(raw, mapping, codebook)["age"].to_list() == [50.0, None, 44.0, 39.0]


def test_words_for_missing_are_null(raw, mapping, codebook):
    raw["age"] = ["50", "NA", "", "NaN"]
    raw["grade"] = ["1", "NA", "", "3"]
    frame = run(raw, mapping, codebook)
    assert frame["age"].to_list() == [50.0, None, None, None]
    assert frame["grade"].to_list() == ["1-2", None, None, "3"]


BAD_CELLS = [
    ("age", "fifty", r"row 3, column 'age': 'fifty'; expected a finite number\. Write digits"),
    ("age", "51,5", r"row 3, column 'age': '51,5'; expected a finite number"),
    ("age", 17, r"row 3, column 'age': 17; expected at least 18 year for 'age'\. Correct"),
    ("age", 111, r"row 3, column 'age': 111; expected at most 110 year"),
    ("age", float("inf"), r"row 3, column 'age': inf; expected a finite number"),
    ("grade", 4, r"row 3, column 'grade': 4; expected one of 1, 2, 3 for 'grade'\. Correct the cell, or say"),
    ("status", 2, r"row 3, column 'status': 2; expected 0 or 1\. Correct the cell, or name"),
    ("status", "yes", r"row 3, column 'status': 'yes'; expected 0 or 1"),
    ("status", None, r"row 3, column 'status': missing; expected a value for 'death'"),
    ("days", 0, r"row 3, column 'days': 0\.0; expected a time above 0 \(the column is in day\)"),
    ("days", -5, r"row 3, column 'days': -5\.0; expected a time above 0"),
    ("days", None, r"row 3, column 'days': missing; expected a value for 'months'"),
    ("nodes", 1.5, r"row 3, column 'nodes': 1\.5; expected a whole number"),
    ("nodes", -1, r"row 3, column 'nodes': -1; expected at least 0 for 'nodes'"),
    ("size_cm", "big", r"row 3, column 'size_cm': 'big'; expected a finite number"),
    ("pid", None, r"row 3, column 'pid': missing; expected a value for 'patient'"),
]


@pytest.mark.parametrize(("column", "value", "said"), BAD_CELLS)
def test_a_bad_cell_is_said_with_row_column_value_and_remedy(raw, mapping, codebook, column, value, said):
    values = raw[column]
    values[2] = value
    raw[column] = [str(v) for v in values] if isinstance(value, str) else values
    with pytest.raises(DataError, match=r"^site\.csv, " + said) as caught:
        run(raw, mapping, codebook)
    assert "data rows are counted from 1, the header excluded" in str(caught.value)
    assert caught.value.exit_code == 3


def test_a_patient_twice_is_told_by_rows_never_by_identifier(raw, mapping, codebook):
    raw["pid"] = [90210, 12, 90210, 14]
    with pytest.raises(DataError) as caught:
        run(raw, mapping, codebook)
    assert "row 1, column 'pid': the same patient again in row 3" in str(caught.value)
    assert "90210" not in str(caught.value)


def test_the_first_five_faults_are_shown_and_all_counted(raw, mapping, codebook):
    raw = {name: values * 3 for name, values in raw.items()}
    raw["pid"] = list(range(12))
    raw["grade"] = [9] * 12
    raw["days"][11] = -1.0
    with pytest.raises(DataError) as caught:
        run(raw, mapping, codebook)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("site.csv has 13 faulty cells")
    assert [line.split(",")[0] for line in lines[1:6]] == [f"- row {row}" for row in range(1, 6)]
    assert lines[6] == "- and 8 more"


def test_a_missing_column_names_the_nearest(raw, mapping, codebook):
    raw["grades"] = raw.pop("grade")
    with pytest.raises(DataError, match=r"site\.csv: Column 'grade' is missing\. Did you mean 'grades'"):
        run(raw, mapping, codebook)


def test_a_column_of_another_kind_is_refused(raw, mapping, codebook):
    with pytest.raises(DataError, match="column 'age' holds true/false; expected numbers for 'age'"):
        run({**raw, "age": [True, False, True, True]}, mapping, codebook)
    frame = pl.DataFrame(raw).with_columns(days=pl.date(2020, 1, 1))
    with pytest.raises(DataError, match="column 'days' holds Date; expected numbers"):
        harmonise(frame.lazy(), mapping, codebook, file="site.csv")


def test_a_mapping_that_does_not_fit_is_a_fault_of_the_protocol(raw, mapping, codebook):
    table = mapping.model_dump(exclude_none=True)
    table["columns"]["age"].pop("unit")
    with pytest.raises(ConfigError, match=r"The mapping of site.csv .* columns.age names no unit"):
        run(raw, SiteMapping.model_validate(table), codebook)


def test_booleans_can_be_recoded(raw, mapping, codebook):
    table = mapping.model_dump(exclude_none=True)
    table["columns"]["death"] = {"column": "status", "codes": {"1": False, "2": True}}
    raw["status"] = [1, 2, 2, 1]
    frame = run(raw, SiteMapping.model_validate(table), codebook)
    assert frame["death"].to_list() == [False, True, True, False]


def test_an_empty_frame_stays_one(raw, mapping, codebook):
    frame = harmonise(pl.LazyFrame(pl.DataFrame(raw).head(0)), mapping, codebook, file="f")
    assert frame.schema == codebook.frame_schema
    assert frame.height == 0


COMPOSITE = [
    # rtime, recur, dtime, death; months and event when late deaths are censored; the same when they count
    ((10, 1, 20, 1), (10, True), (10, True)),
    ((10, 1, 20, 0), (10, True), (10, True)),
    ((10, 0, 10, 1), (10, True), (10, True)),
    ((10, 0, 20, 1), (10, False), (20, True)),
    ((10, 0, 20, 0), (10, False), (20, False)),
    ((20, 0, 10, 1), (10, True), (10, True)),
]


@pytest.mark.parametrize(("cells", "censor", "count"), COMPOSITE)
@pytest.mark.parametrize("late", ["censor", "count"])
def test_the_first_event_ends_follow_up(cells, censor, count, late):
    codebook = Codebook.model_validate(
        {"t": {"type": "number", "unit": "day", "role": "time"}, "e": {"type": "boolean", "role": "event"}}
    )
    first_of = [{"time": "rtime", "event": "recur"}, {"time": "dtime", "event": "death"}]
    mapping = SiteMapping.model_validate(
        {"columns": {}, "endpoint": {"first_of": first_of, "unit": "day", "late": late}}
    )
    raw = dict(zip(("rtime", "recur", "dtime", "death"), ([cell] for cell in cells), strict=True))
    frame = run(raw, mapping, codebook)
    assert frame.row(0) == (censor if late == "censor" else count)


def test_late_deaths_of_rotterdam_follow_the_two_published_rules(breast_codebook, site_mapping):
    """Recomputed from the raw columns by the case distinction of R's help page."""
    mapping = site_mapping("rotterdam")
    raw = load("rotterdam").collect()
    late = (raw["recur"] == 0) & (raw["death"] == 1) & (raw["rtime"] < raw["dtime"])
    assert late.sum() == 43
    for rule, by_recurrence in (("censor", (raw["recur"] == 1) | late), ("count", raw["recur"] == 1)):
        table = mapping.model_dump(exclude_none=True)
        table["endpoint"]["late"] = rule
        frame = harmonise(raw.lazy(), SiteMapping.model_validate(table), breast_codebook, file="rotterdam")
        expected = raw.select(
            time=pl.when(by_recurrence).then("rtime").otherwise("dtime") / 30.4375,
            event=pl.when(by_recurrence).then("recur").otherwise("death") == 1,
        )
        assert (frame["rfs_months"] - expected["time"]).abs().max() < 1e-12
        assert frame["rfs_event"].equals(expected["event"], check_names=False)


def test_both_institutions_reach_the_codebook(breast_codebook, site_mapping):
    counts = {}
    for site in ("rotterdam", "gbsg"):
        frame = harmonise(load(site), site_mapping(site), breast_codebook, file=site)
        assert frame.schema == breast_codebook.frame_schema
        counts[site] = (frame.height, frame.filter(pl.col("nodes") >= 1).height, int(frame["rfs_event"].sum()))
    assert counts == {"rotterdam": (2982, 1546, 1670), "gbsg": (686, 686, 299)}
