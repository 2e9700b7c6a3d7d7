import sqlite3
from contextlib import closing

import pytest

from biolab.core import DataError
from biolab.data import scan_sql


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "registry.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table patients (pid integer, grade text)")
        connection.executemany("insert into patients values (?, ?)", [(1, "2"), (2, None)])
    return f"sqlite:///{path}"


def test_a_query_becomes_a_lazy_frame(database):
    frame = scan_sql("select * from patients order by pid", database)
    assert frame.collect().to_dict(as_series=False) == {"pid": [1, 2], "grade": ["2", None]}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * from patient", "the query failed: no such table: patient"),
        ("select pid, grade as pid from patients", "two columns of the query have one name"),
    ],
)
def test_a_faulty_query_says_what_the_database_said(database, query, said):
    with pytest.raises(DataError, match=said):
        scan_sql(query, database)


def test_an_address_is_told_without_its_password(tmp_path):
    with pytest.raises(DataError, match="address cannot be understood"):
        scan_sql("select 1", "registry")
    with pytest.raises(DataError, match="no driver for 'oracel'") as caught:
        scan_sql("select 1", "oracel://me:secret@host/db")
    assert "secret" not in str(caught.value)
    with pytest.raises(DataError, match="unable to open database file"):
        scan_sql("select 1", f"sqlite:///{tmp_path}/no/such.db")
