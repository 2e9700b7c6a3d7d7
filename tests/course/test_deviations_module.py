"""Module 05: its own solution gets every point on any plant, empty and plausible wrong answers do not."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from biolab.core import ConfigError
from biolab.course import Exercise, Module, Trainee, check_module, sandbox_fault, trainee_seed
from biolab.course.casebook import LETTERS, NOTHING, PAPERS, Casebook

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "course" / "05-deviations"
GIVEN = {"np": np, "pl": pl, "LETTERS": LETTERS, "PAPERS": PAPERS, "NOTHING": NOTHING}
SEEDS = [trainee_seed("songdo", name, "05-deviations") for name in ("heron", "crane", "egret", "ibis", "stork")]


@pytest.fixture(scope="module")
def module() -> Module:
    return Module.load(FOLDER)


def solved(module: Module, book: Casebook) -> dict[str, Any]:
    names: dict[str, Any] = GIVEN | {"cases": book}
    for cell in module.cells:
        if isinstance(cell, Exercise):
            exec(cell.source, names)
    return names


def missed(module: Module, names: dict[str, Any]) -> set[str]:
    """Return the exercises of which a test does not hold."""
    found = set()
    for check in module.checks:
        try:
            exec(check.source, dict(names))
        except Exception:  # noqa: BLE001 - as when graded: any fault of a test means that it did not hold
            found.add(check.key)
    return found


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


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_solution_gets_every_point_and_wrong_answers_lose_some(module: Module, seed: int):
    book = Casebook(seed)
    right = solved(module, book)
    assert missed(module, right) == set()
    gas = [(int(book.first_alarm_h) + 1, "gas_flow_l_per_min", 1.0)]
    swapped = dict(zip(LETTERS, [*list(right["diagnosis"].values())[1:], right["diagnosis"]["A"]], strict=True))
    for wrong, key in (
        ({"drift_per_h": -right["drift_per_h"]}, "drift"),
        ({"drift_per_h": 24 * right["drift_per_h"]}, "drift"),
        ({"true_ph_300h": 7.05}, "drift"),
        ({"response": "setpoint"}, "drift"),
        ({"action_limit_ph": 0.005}, "drift"),
        ({"action_limit_ph": 0.3}, "drift"),
        ({"first_short_bolus_h": right["first_short_bolus_h"] - 24}, "blockage"),
        ({"missing_feed_l": 1.2}, "blockage"),
        ({"factor": 1 / right["factor"]}, "dilution"),
        ({"true_titre_g_per_l": right["odd"]["titre_g_per_l_measured"][-1]}, "dilution"),
        ({"diagnosis": swapped}, "mixed"),
        ({"actions": []}, "response"),
        ({"actions": gas}, "response"),
        ({"original": 0.8 * right["original"]}, "papers"),
        ({"rewritten_entry": 1}, "papers"),
    ):
        assert missed(module, right | wrong) == {key}, wrong


@pytest.mark.slow
@pytest.mark.skipif(sandbox_fault() is not None, reason="no sandbox on this computer")
def test_it_grades_rightly_in_the_sandbox(module: Module):
    found = check_module(module, trainee=Trainee(pseudonym="crane", cohort="songdo", module=module.slug))
    assert found.is_sound, found.wrong
    assert found.scores["product_share"] == pytest.approx(1.1, abs=0.1)
