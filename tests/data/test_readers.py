import gzip

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from biolab.core import ConfigError, DataError
from biolab.data import scan

FRAME = pl.DataFrame(
    {"pid": [1, 2, 3], "name": ["가", None, "x,y"], "age": [50.5, None, 61.25], "dead": [True, False, True]}
)


def write(frame, path):
    name = path.name
    if name.endswith(".gz"):
        separator = "\t" if ".tsv" in name else ","
        path.write_bytes(gzip.compress(frame.write_csv(separator=separator).encode()))
    elif name.endswith((".csv", ".tsv")):
        frame.write_csv(path, separator="\t" if name.endswith("tsv") else ",")
    elif name.endswith(".parquet"):
        frame.write_parquet(path)
    else:
        frame.write_ipc(path)
    return path


@pytest.mark.parametrize(
    "name", ["t.csv", "t.CSV", "t.tsv", "t.csv.gz", "t.tsv.gz", "t.parquet", "t.arrow", "t.ipc", "t.feather", "a.b.csv"]
)
def test_each_format_reads_back_equal(tmp_path, name):
    frame = scan(write(FRAME, tmp_path / name.lower()).rename(tmp_path / name))
    assert isinstance(frame, pl.LazyFrame)
    assert_frame_equal(frame.collect(), FRAME)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.ipc"])
def test_columns_and_rows_are_chosen_while_reading(tmp_path, name):
    plan = scan(write(FRAME, tmp_path / name)).filter(pl.col("age") > 60).select("pid").explain()
    assert "PROJECT 2/4 COLUMNS" in plan
    assert "SELECTION" in plan


def test_excel_reads_back_equal(tmp_path, write_xlsx):
    rows = [list(FRAME.columns), *FRAME.with_columns(pl.col("dead").cast(pl.Int64)).rows()]
    path = write_xlsx(tmp_path / "t.xlsx", {"Patients": rows, "Notes": [["a"], [1]]})
    assert_frame_equal(scan(path).collect(), FRAME.with_columns(pl.col("dead").cast(pl.Int64)))
    assert scan(path, table="Notes").collect().rows() == [(1,)]


def test_excel_keeps_row_numbers(tmp_path, write_xlsx):
    path = write_xlsx(tmp_path / "t.xlsx", {"S": [["a", "b"], [1, 2], [None, None], [3, 4]]})
    with pytest.raises(DataError, match="sheet 'S': row 3 is empty"):
        scan(path)
    path = write_xlsx(tmp_path / "u.xlsx", {"S": [["a", "b"], [1, 2], [None, 3], [None, None]]})
    assert scan(path).collect().rows() == [(1, 2), (None, 3)]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("Patient", "has no sheet 'Patient'. Did you mean 'Patients'"),
        ("Twice", "two columns are called 'a'"),
        ("Empty", "sheet 'Empty' is empty"),
        ("Unnamed", "sheet 'Unnamed': column 2 has no name in row 1"),
    ],
)
def test_a_faulty_sheet_is_named(tmp_path, write_xlsx, table, said):
    sheets = {"Patients": [["a"], [1]], "Twice": [["a", "a"], [1, 2]], "Empty": [], "Unnamed": [["a", None], [1, 2]]}
    with pytest.raises(DataError) as caught:
        scan(write_xlsx(tmp_path / "t.xlsx", sheets), table=table)
    assert said in str(caught.value)


def test_a_late_word_makes_a_text_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("age\n" + "50\n" * 5000 + "fifty\n", encoding="utf-8")
    assert scan(path).collect_schema()["age"] == pl.String


def test_byte_order_mark_windows_lines_and_blank_end(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfpid,age\r\n1,NA\r\n2,50\r\n\r\n\r\n")
    assert scan(path).collect().to_dict(as_series=False) == {"pid": [1, 2], "age": [None, 50]}
    assert scan(path).filter(pl.col("pid") > 1).collect().height == 1


def test_a_header_alone_is_an_empty_frame(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n", encoding="utf-8")
    assert scan(path).collect().shape == (0, 2)


def test_a_missing_file_suggests_its_neighbour(tmp_path):
    write(FRAME, tmp_path / "patients.csv")
    with pytest.raises(DataError, match=r"patient\.csv does not exist\. Did you mean 'patients\.csv'"):
        scan(tmp_path / "patient.csv")
    with pytest.raises(DataError, match="nor does its folder"):
        scan(tmp_path / "no" / "x.csv")
    with pytest.raises(DataError, match="holds no file of a similar name"):
        scan(tmp_path / "zzzzzz.parquet")


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.xlsx", "t.csv.gz"])
def test_an_empty_file_says_so(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"is empty \(0 bytes\)"):
        scan(tmp_path / name)


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.xlsx", "t.csv.gz"])
def test_a_file_that_is_not_what_its_name_says(tmp_path, name):
    (tmp_path / name).write_bytes(b"this is something else entirely, and long enough")
    with pytest.raises(DataError, match="cannot be read"):
        scan(tmp_path / name)


def test_other_extensions_folders_and_tables_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"extension '\.sav' is not one biolab reads; expected \.csv"):
        scan(tmp_path / "t.sav")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        scan(tmp_path / "d.csv")
    with pytest.raises(ConfigError, match="only Excel files have several tables"):
        scan(write(FRAME, tmp_path / "t.csv"), table="x")
