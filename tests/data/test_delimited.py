import csv
import gzip
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biolab.core import DataError
from biolab.data import delimited
from biolab.data.delimited import check_delimited

FIELDS = st.text(st.sampled_from(["a", "한", '"', ",", "\n", "\r", " ", "1"]), max_size=4)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(FIELDS, min_size=width, max_size=width), min_size=0, max_size=6)
)


@settings(derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=TABLES, chunk=st.sampled_from([1, 2, 3, 7, 64]), end=st.sampled_from(["\n", "\r\n"]))
def test_what_python_writes_is_well_formed_in_chunks_of_any_size(tmp_path, monkeypatch, rows, chunk, end):
    monkeypatch.setattr(delimited, "_CHUNK", chunk)
    width = len(rows[0]) if rows else 2
    names = [f"c{number}" for number in range(width)]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([names, *rows])
    path = tmp_path / "t.csv"
    path.write_bytes(text.getvalue().encode())
    shape = _check(path)
    assert shape.names == tuple(names)
    assert shape.records == len(rows)


def _check(path):
    return check_delimited(path, ",")


@pytest.mark.parametrize("chunk", [1, 2, 5, 1 << 22])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n3\n", "line 3 has 1 field(s); the header has 2"),
        (b"a,b\n1,2\n3,4,5\n6\n", "line 3 has 3 field(s); the header has 2"),
        (b'a,b\n"x\ny",2\n3,4,5\n', "line 4 has 3 field(s)"),
        (b"a,b\n1,2\n\n3,4\n", "line 3 is empty. Remove the line"),
        (b"a,b\r\n1,2\r\n\r\n3,4\r\n", "line 3 is empty"),
        (b"\na,b\n1,2\n", "line 1"),
        (b'a,b\n1,5" tall\n2,3\n', "line 2: a quotation mark stands inside a field"),
        (b'a,b\n1,2\n3,"x\n4,5\n', "the record that begins in line 3 opens a quotation mark that is never closed"),
        ("a,b\n1,2\n나,é\n".encode().replace(b"\xc3\xa9", b"\xe9"), "line 3, byte 5 of the line: 0xe9 is not UTF-8"),
        ("a,b\n1,환자\n".encode("cp949"), "line 2, byte 5 of the line: 0xc0 is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "not UTF-8"),
        (b"a,b\n1,\x00\n", "not text"),
        (b"a,a\n1,2\n", "line 1: columns 1 and 2 are both called 'a'"),
        (b"a,\n1,2\n", "line 1: column 2 has no name"),
        (b"a,b\r1,2\r", "line 1 ends in a bare carriage return"),
        (b"  \n", "line 1 is empty"),
        (b"a,b\n1,\xed", "line 2, byte 3 of the line: 0xed is not UTF-8"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path, monkeypatch, chunk, content, said):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    monkeypatch.setattr(delimited, "_CHUNK", chunk)
    with pytest.raises(DataError) as caught:
        _check(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_empty_lines_at_the_end_are_no_records(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n1,2\n\n\n")
    shape = _check(path)
    assert shape.records == 1
    assert shape.trailing_blanks


def test_an_empty_line_in_one_column_is_a_missing_value(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a\n1\n\n2\n")
    assert _check(path).records == 3


def test_a_truncated_gzip_file_is_said_so(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:30])
    with pytest.raises(DataError, match=r"t\.csv\.gz cannot be read"):
        _check(path)
