"""Module 05: what its casebook tells and keeps to itself, and that it grades rightly (answers: test_thresholds)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from biolab.bioprocess import BatchRecord, CHOFedBatch, Recipe
from biolab.core import ConfigError
from biolab.course import Module, Trainee, check_module, sandbox_fault, trainee_seed
from biolab.course.case_truth import probe_truth, truth
from biolab.course.casebook import Casebook, offgas_log

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "course" / "05-deviations"
NAMES = tuple(f"trainee-{number}" for number in range(20))


@pytest.fixture(scope="module")
def module() -> Module:
    return Module.load(FOLDER)


def test_actions_before_the_alarm_are_refused_and_cases_are_known_by_name():
    book = Casebook(1)
    assert book.outcome([])["short_h"] > 24
    with pytest.raises(ConfigError, match="comes before the first alarm"):
        book.replay([(100, "temperature_c", 35.0)])
    with pytest.raises(ConfigError, match="expected \\(time_h, set-point, value\\)"):
        book.replay([("colder",)])
    with pytest.raises(ConfigError, match="There is no case 'drfit'"):
        book.record("drfit")


def test_records_hold_neither_truth_nor_faults():
    record = Casebook(2).record("drift")
    assert "ph" not in record.measurements.columns
    assert not [entry for entry in record.trail.entries if "Drift" in str(entry)]


def test_no_variable_of_a_notebook_holds_what_is_graded():
    book = Casebook(2)
    book.outcome([])
    assert (book.first_call_h("drift", 0.05), len(book.mixed), len(book.papers), len(book.kept_heads)) != (
        None,
        0,
        0,
        0,
    )
    assert book.first_alarm_h > 0
    assert book.good.batch == "good"
    kinds = {type(each) for each in held(vars(book))}
    assert kinds <= {int, float, str, BatchRecord, Recipe, CHOFedBatch}, "records, and no result with its true state"
    assert not [name for name in dir(book) if "truth" in name or "fault" in name]
    for seed in range(12):
        wanted = truth(seed, "dilution")["titre_g_per_l"]
        read = Casebook(seed).good.measurements["titre_g_per_l_measured"][-1]
        assert abs(read / wanted - 1) > 0.15, "the titre of another batch is no answer"


def test_the_log_of_a_drifting_oxygen_probe_holds_no_truth():
    log = offgas_log(CHOFedBatch(), 5)
    known = probe_truth(CHOFedBatch(), 5)
    assert "dissolved_oxygen_percent" not in log.columns
    assert abs(log["do_reading_percent"].tail(50).mean() - 40) < 2, "the loop holds the reading"
    assert abs(known["do_at_240_h"] - 40) > 8
    assert log["time_h"][0] == 48


def held(value: object) -> Iterator[object]:
    """Yield what a value holds, through mappings and sequences."""
    if isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from held(each)
    else:
        yield value


@pytest.mark.slow
def test_the_drift_rings_no_alarm_for_five_days_and_mostly_none_at_all():
    silent = 0
    for name in NAMES:
        book = Casebook(trainee_seed("thresholds", name, FOLDER.name))
        rang = [entry.time_h for entry in book.record("drift").trail.only("alarm") if entry.what == "ph"]
        assert all(time_h - truth(book.seed, "drift")["start_h"] > 120 for time_h in rang)
        silent += not rang
    assert silent > len(NAMES) / 2


@pytest.mark.slow
@pytest.mark.skipif(sandbox_fault() is not None, reason="no sandbox on this computer")
def test_it_grades_rightly_in_the_sandbox(module: Module):
    found = check_module(module, trainee=Trainee(pseudonym="crane", cohort="songdo", module=module.slug))
    assert found.is_sound, found.wrong
    assert found.scores["product_share"] == pytest.approx(1.1, abs=0.1)
