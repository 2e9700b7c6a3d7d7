import sqlite3
from contextlib import closing

import pytest

from biolab.core import ConfigError, TrackingError
from biolab.tracking import embedded_store, find_runs, read_table, read_text, recorded_run, runs_frame


@pytest.fixture(scope="module")
def two_sites(store, make_tags):
    """Two sites, each run twice under one hash, once under another; one run failed."""
    ids = {}
    for turn in (1, 2):
        for site in ("gbsg", "rotterdam"):
            tags = make_tags(protocol="search", site=site)
            with recorded_run(store, experiment="biolab/search", name=f"{site} {turn}", tags=tags) as run:
                run.metrics({"patients": float(turn)})
                run.params({"turn": turn})
            ids[site, turn] = run.run_id
    tags = make_tags(protocol="search", site="gbsg", sha256="cd" * 32)
    with recorded_run(store, experiment="biolab/search/gbsg", name="other", tags=tags) as other:
        pass
    with (
        pytest.raises(ValueError, match="stop"),
        recorded_run(
            store, experiment="biolab/search", name="bad", tags=make_tags(protocol="search", site="gbsg")
        ) as failed,
    ):
        raise ValueError("stop")
    with recorded_run(store, experiment="biolab/search2", name="else", tags=make_tags(protocol="search2")):
        pass
    return ids | {"other": other.run_id, "failed": failed.run_id}


def test_the_newest_of_each_kind_is_found_newest_first(store, two_sites):
    found = find_runs(store, protocol="search")
    assert [run.run_id for run in found] == [two_sites["other"], two_sites["rotterdam", 2], two_sites["gbsg", 2]]


def test_filters_narrow_and_none_opens(store, two_sites):
    def ids(**wanted):
        return {run.run_id for run in find_runs(store, protocol="search", **wanted)}

    assert ids(sha256="ab" * 32) == {two_sites["gbsg", 2], two_sites["rotterdam", 2]}
    assert ids(site="rotterdam") == {two_sites["rotterdam", 2]}
    assert ids(status="FAILED") == {two_sites["failed"]}
    assert ids(role="model") == set()
    assert ids(status=None, latest=False) == set(two_sites.values())


def test_a_record_holds_what_was_logged(store, two_sites):
    record = find_runs(store, protocol="search", site="rotterdam")[0]
    assert (record.name, record.site, record.role, record.status) == ("rotterdam 2", "rotterdam", "site", "FINISHED")
    assert (record.metrics, record.params, record.parent_id) == ({"patients": 2.0}, {"turn": "2"}, None)
    assert record.experiment == "biolab/search"
    assert record.started.tzinfo is not None


def test_the_frame_has_one_row_a_run(store, two_sites):
    frame = runs_frame(find_runs(store, protocol="search"))
    assert frame["site"].to_list() == ["gbsg", "rotterdam", "gbsg"]
    assert frame["metrics.patients"].to_list() == [None, 2.0, 2.0]


def test_over_a_thousand_runs_are_all_found(store, make_tags):
    with recorded_run(store, experiment="biolab/many", name="one", tags=make_tags(protocol="many")) as run:
        pass
    with closing(sqlite3.connect(store.database)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(runs)")]
        listed = ", ".join(columns)
        copied = ", ".join("run_uuid || '-' || n" if column == "run_uuid" else column for column in columns)
        database.execute(
            "WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < 1100) "
            f"INSERT INTO runs ({listed}) SELECT {copied} FROM runs, counter WHERE run_uuid = ?",
            (run.run_id,),
        )
        database.commit()
    assert len(find_runs(store, protocol="many", latest=False)) == 1101


def test_a_store_that_is_not_there_yet_has_no_runs_and_stays_absent(tmp_path):
    store = embedded_store(tmp_path)
    assert find_runs(store, protocol="search") == []
    assert not store.database.exists()


def test_an_unknown_status_or_an_injected_filter_is_refused(store):
    with pytest.raises(ConfigError, match="Did you mean 'FINISHED'"):
        find_runs(store, protocol="search", status="FINSHED")
    with pytest.raises(ConfigError, match="cannot be used"):
        find_runs(store, protocol="search", site="x' OR tags.a = '")


def test_absent_tables_texts_and_runs_are_told(store, start):
    with start() as run:
        run.tags({"a": "b"})
        run.text("tables/flow.json", "{}")
        run.text("page.html", "")
    with pytest.raises(TrackingError, match="Did you mean 'flow'"):
        read_table(store, run.run_id, "flows")
    with pytest.raises(TrackingError, match=r"no artifact 'x\.html'"):
        read_text(store, run.run_id, "x.html")
    with pytest.raises(TrackingError):
        read_text(store, "0" * 32, "x.html")
    with pytest.raises(ConfigError):
        read_text(store, run.run_id, "../../x")


def test_a_picture_is_not_a_text(store, start, tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\xff")
    with start() as run:
        run.file(tmp_path / "a.png")
    with pytest.raises(TrackingError, match="is not a text"):
        read_text(store, run.run_id, "a.png")
