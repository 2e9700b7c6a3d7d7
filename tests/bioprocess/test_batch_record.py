"""Batch records: what was written is found again, what was changed is found and located, and two people sign."""

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.bioprocess import BatchRecord, Recipe, TamperedRecord, batch_record
from biolab.core import ConfigError, DataError

from .made_up_batch import made_up_batch

DRIFTING = made_up_batch(ph_drift_per_h=0.003)
RECORD = batch_record(DRIFTING, author="kim")
QUIET = batch_record(made_up_batch(hours=48), author="kim")
NUMBERS = [name for name in RECORD.measurements.columns if name != "time_h"]
ANSWERS = {
    "impact": "none on glycosylation, by the released lot's assay",
    "root_cause": "reference electrode poisoned",
    "corrective_action": "offline pH every 8 h",
    "preventive_action": "change electrodes every third batch",
}


def assessed(record: BatchRecord) -> BatchRecord:
    for each in record.deviations:
        record = record.assess(each.id, who="kim", **ANSWERS)
    return record


def test_a_record_is_whole_and_the_same_each_time():
    assert RECORD.findings() == ()
    assert batch_record(DRIFTING, author="kim").trail.head == RECORD.trail.head
    assert RECORD.author == "kim"
    assert RECORD.trail.only("end")[0].who == "kim"
    assert {entry.role for entry in RECORD.trail.only("alarm", "seal", "phase")} == {"system"}


def test_it_holds_what_a_plant_could_know():
    assert "ph" not in RECORD.measurements.columns
    assert "viable_cells_1e6_per_ml" not in RECORD.measurements.columns
    text = str(RECORD.trail.entries)
    assert "ProbeDrift" not in text
    change = RECORD.trail.only("change")[0]
    assert (change.what, change.old, change.new, change.why) == ("temperature_c", 37.0, 36.5, "colder to hold lactate")
    dose = RECORD.trail.only("operate")[0]
    assert (dose.what, dose.old, dose.new, dose.why) == ("feed", None, 0.05, "glucose is low")
    assert len(RECORD.trail.only("sample")) == 15
    assert [entry.what for entry in RECORD.trail.only("phase")] == ["growth", "feeding", "final"]


def test_a_deviation_says_what_when_where():
    (drift,) = RECORD.deviations
    assert (drift.id, drift.what, drift.where, drift.phase) == ("DEV-001", "ph", "ph_measured", "feeding")
    assert 165 < drift.start_h < 175
    assert drift.end_h is None
    assert drift.limit == pytest.approx(7.2)
    assert drift.extreme == pytest.approx(7.05 + 0.003 * 216, abs=0.02)
    assert not drift.assessed
    assert assessed(RECORD).deviations[0].root_cause == ANSWERS["root_cause"]
    assert RECORD.deviation_table()["start_h"].to_list() == [drift.start_h]


@settings(derandomize=True, max_examples=10, deadline=None)
@given(st.integers(0, RECORD.measurements.height - 1), st.sampled_from(NUMBERS), st.floats(0.5, 2.0))
def test_a_changed_reading_is_found_in_its_row_and_column(row, column, factor):
    readings = RECORD.measurements[column].to_list()
    before = readings[row]
    readings[row] = 1.0 if before is None else before * factor + 1e-9
    edited = replace(RECORD, measurements=RECORD.measurements.with_columns(pl.Series(column, readings)))
    (finding,) = edited.findings()
    assert finding.where == f"measurements at {row:g} h (row {row + 1})"
    assert finding.what == f"changed in {column}"


@settings(derandomize=True, max_examples=6, deadline=None)
@given(st.integers(1, RECORD.measurements.height - 2))
def test_rows_taken_away_or_added_are_found(row):
    frame = RECORD.measurements
    fewer = replace(RECORD, measurements=pl.concat([frame[:row], frame[row + 1 :]]))
    assert f"measurements at {row - 1:g} h" in fewer.findings()[0].where
    more = replace(RECORD, measurements=pl.concat([frame[:row], frame[row : row + 1], frame[row:]]))
    assert more.findings()[0].what == "this row was never sealed"


@settings(derandomize=True, max_examples=8, deadline=None)
@given(st.integers(0, len(RECORD.trail.entries) - 1), st.sampled_from(["who", "why", "time", "what"]))
def test_a_changed_entry_is_found_and_named(place, field):
    entries = list(RECORD.trail.entries)
    entries[place] = replace(entries[place], **{field: "2031-01-01T00:00:00.000+00:00"})
    found = replace(RECORD, trail=replace(RECORD.trail, entries=tuple(entries))).findings()
    assert found[0].where.startswith(f"entry {place + 1} ")
    assert found[0].what == "its content was changed"


@pytest.mark.parametrize("target", ["reading", "entry", "removal", "backdating"])
@pytest.mark.parametrize("seed", [0, 5])
def test_the_tampering_fault_is_found(target, seed):
    tampered = TamperedRecord(target=target).apply(RECORD, seed=seed)
    with pytest.raises(DataError, match="was changed after it was written"):
        tampered.verify()
    assert RECORD.findings() == ()


def test_a_record_written_anew_is_found_by_a_kept_digest_only():
    forged = TamperedRecord(target="rewriting", time_h=170.0).apply(RECORD)
    assert forged.findings() == ()
    assert forged.deviations != RECORD.deviations
    with pytest.raises(DataError, match="cut or rewritten"):
        forged.verify(head=RECORD.trail.head)


def test_a_cut_end_and_another_recipe_are_found():
    cut = replace(RECORD, trail=replace(RECORD.trail, entries=RECORD.trail.entries[:-1]))
    assert "has no end" in cut.findings()[0].what
    other = replace(RECORD, recipe=Recipe.load("cho-temperature-shift"))
    assert other.findings()[0].where == "recipe.toml"


def test_a_record_survives_the_disk_with_units(tmp_path):
    folder = assessed(RECORD).save(tmp_path / "record")
    schema = pq.read_schema(folder / "measurements.parquet")
    assert schema.field("ph_measured").metadata[b"unit"] == b"pH"
    assert schema.field("glucose_g_per_l_measured").metadata[b"unit"] == b"g/L"
    assert all(field.metadata[b"unit"] for field in schema)
    assert schema.metadata[b"recipe_sha256"].decode() == RECORD.recipe.sha256
    again = BatchRecord.load(folder)
    again.verify(head=RECORD.trail.head)
    assert again.batch == RECORD.batch
    assert again.measurements.equals(RECORD.measurements)
    assert again.deviations[0].assessed


def test_an_edited_file_is_found_and_a_broken_one_named(tmp_path):
    folder = RECORD.save(tmp_path / "record")
    trail = folder / "trail.jsonl"
    lines = trail.read_text(encoding="utf-8").splitlines(keepends=True)
    trail.write_text("".join(line.replace("colder", "warmer") for line in lines), encoding="utf-8")
    place = next(number for number, line in enumerate(lines, start=1) if "colder" in line)
    with pytest.raises(
        DataError, match=rf"entry {place} \(change temperature_c, 100.5 h, kim\): its content was changed"
    ):
        BatchRecord.load(folder).verify()
    trail.write_text("".join(lines[:3]) + "{}\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 4 is no entry"):
        BatchRecord.load(folder)
    (folder / "measurements.parquet").write_bytes(b"no")
    trail.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match="is not a Parquet file"):
        BatchRecord.load(folder)
    with pytest.raises(DataError, match="does not exist; a batch record has one"):
        BatchRecord.load(tmp_path)


def test_review_takes_a_second_person():
    with pytest.raises(ConfigError, match="Kim made entries"):
        RECORD.review(who=" Kim ", decision="approve", why="fine")
    with pytest.raises(ConfigError, match="DEV-001 not assessed"):
        RECORD.review(who="lee", decision="approve", why="fine")
    with pytest.raises(ConfigError, match="why is empty"):
        RECORD.review(who="lee", decision="reject", why=" ")
    rejected = RECORD.review(who="lee", decision="reject", why="the drift was not assessed")
    assert rejected.status == "rejected"
    approved = assessed(rejected).review(who="lee", decision="approve", why="assessed, no impact")
    assert approved.status == "approved"
    approved.verify(head=RECORD.trail.head)
    with pytest.raises(ConfigError, match="is approved; nothing is added"):
        approved.deviate(time_h=1.0, what="late thought", who="kim", why="forgot")


def test_a_tampered_record_cannot_be_approved():
    tampered = TamperedRecord(target="reading", time_h=24.0).apply(QUIET)
    with pytest.raises(DataError, match=r"measurements at 24 h \(row 25\): changed in ph_measured"):
        tampered.review(who="lee", decision="approve", why="looks good")
    assert tampered.review(who="lee", decision="reject", why="edited").status == "rejected"


def test_a_right_correction_keeps_the_original():
    corrected = QUIET.correct(time_h=24.0, column="viability_measured", value=0.9, who="kim", why="typing error")
    entry = corrected.trail.entries[-1]
    assert (entry.old, entry.new) == (QUIET.measurements["viability_measured"][24], 0.9)
    assert corrected.measurements.equals(QUIET.measurements)
    assert corrected.findings() == ()
    with pytest.raises(ConfigError, match="Did you mean 'viability_measured'"):
        QUIET.correct(time_h=24.0, column="viability", value=0.9, who="kim", why="x")
    with pytest.raises(ConfigError, match=r"no reading at 24\.5 h"):
        QUIET.correct(time_h=24.5, column="viability_measured", value=0.9, who="kim", why="x")
    with pytest.raises(ConfigError, match="why is empty"):
        QUIET.correct(time_h=24.0, column="viability_measured", value=0.9, who="kim", why="")


def test_entries_have_a_name_and_clocks_do_not_run_back():
    with pytest.raises(ConfigError, match="nobody is named"):
        QUIET.deviate(time_h=3.0, what="spill", who="  ", why="seen")
    early = assessed(RECORD).assess("DEV-001", who="park", now=datetime(2020, 1, 1, tzinfo=UTC), **ANSWERS)
    assert early.findings() == ()
    with pytest.raises(ConfigError, match="Did you mean 'DEV-001'"):
        RECORD.assess("DEV-01", who="kim", **ANSWERS)
    seen = QUIET.deviate(time_h=30.0, what="foam at the exhaust filter", who="kim", why="seen on the round")
    assert seen.deviations[0].what == "foam at the exhaust filter"
