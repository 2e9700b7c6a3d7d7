"""Modules 02 and 03 on plants of several trainees: right answers get every point, plausible wrong ones lose theirs."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from biolab.course import Check, Exercise, Module, Score, Trainee

COURSE = Path(__file__).parents[2] / "notebooks" / "course"
FEEDING, GAS = "02-fed-batch-feeding", "03-gas-transfer-and-do-control"
NAMES = ("crane", "egret", "stork", "ibis", "plover")
WRONG: Mapping[str, tuple[tuple[str, str, set[str]], ...]] = {
    FEEDING: (
        ("uptake", "uptake_pg_per_cell_day = 203.0 if trainee.seed % 2 else 170.0", {"uptake-hidden-1"}),
        ("dose", "dose_l, osmolality_after_mosm_per_kg = 0.45, 360.0", {"dose-hidden-1", "dose-hidden-2"}),
        ("exponential", "start_l_per_h, rate_per_h = 0.0014, 0.022", {"exponential-hidden-1"}),
        ("exponential", "start_l_per_h, rate_per_h = 0.0008, 0.015", {"exponential-hidden-1"}),
        ("budget", "feed_budget_l, least_feed_glucose_g_per_l = 1.5, 60.0", {"budget-hidden-1", "budget-hidden-2"}),
        ("recipe", "recipe = plan", {"recipe-hidden-1", "recipe-hidden-2", "recipe-hidden-3"}),
        (
            "recipe",
            "recipe = plan.changed({'phases.growth.setpoints.temperature_c': 36.0})",
            {"recipe-test-1", "recipe-hidden-1", "recipe-hidden-2", "recipe-hidden-3"},
        ),
    ),
    GAS: (
        ("kla", "our_mmol_per_l_h, kla_per_h = 0.38, 1.9", {"kla-hidden-2", "kla-hidden-3"}),
        ("stirring", "agitation_rpm = 220.0", {"stirring-hidden-1"}),
        ("tuning", "gain, integral_h = 0.5, 0.3", {"tuning-hidden-1", "tuning-hidden-2"}),
        ("tuning", "gain, integral_h = 4.0, 0.3", {"tuning-hidden-1", "tuning-hidden-2"}),
        (
            "drift",
            "drift_start_h, drift_percent_per_h, true_do_percent = 130.0, -slope, 40.0",
            {"drift-hidden-1", "drift-hidden-2"},
        ),
        ("gas", "recipe = plan", {"gas-hidden-1", "gas-hidden-2", "gas-hidden-3"}),
        (
            "gas",
            "recipe = plan.changed({f'phases.{n}.setpoints.gas_flow_l_per_min': 0.3 for n in ('late', 'final')})",
            {"gas-hidden-1", "gas-hidden-2", "gas-hidden-3"},
        ),
    ),
}


def plant_of(module: Module, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Run the set-up cells for a trainee."""
    who = Trainee(pseudonym=name, cohort="spring", module=module.slug)
    (folder / "trainee.toml").write_text(who.card(), encoding="utf-8")
    monkeypatch.chdir(folder)
    known: dict[str, object] = {}
    for cell in module.cells:
        if cell.kind == "setup":
            exec(compile(cell.source, cell.name, "exec"), known)
    return known


def failed(module: Module, known: Mapping[str, object], answers: Mapping[str, str]) -> set[str]:
    """Return the tests that these answers fail, of the exercises that are answered."""
    found: set[str] = set()
    for exercise in module.exercises:
        if exercise.key not in answers:
            continue
        after = dict(known)
        exec(compile(answers[exercise.key], exercise.name, "exec"), after)
        for cell in module.cells:
            if isinstance(cell, Check) and cell.key == exercise.key:
                try:
                    exec(compile(cell.source, cell.name, "exec"), dict(after))
                except AssertionError:
                    found.add(cell.name)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("slug", [FEEDING, GAS])
def test_solutions_hold_on_every_plant(slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    module = Module.load(COURSE / slug)
    solutions = {cell.key: cell.source for cell in module.cells if isinstance(cell, Exercise)}
    assert len(solutions) == 5
    for name in NAMES:
        known = plant_of(module, name, tmp_path, monkeypatch)
        assert failed(module, known, solutions) == set(), name
        after = dict(known)
        for source in solutions.values():
            exec(source, after)
        for cell in module.cells:
            if isinstance(cell, Score):
                exec(compile(cell.source, cell.name, "exec"), after)
                assert float(after["score"]) > 0, name  # ty: ignore[invalid-argument-type]


@pytest.mark.slow
@pytest.mark.parametrize("slug", [FEEDING, GAS])
def test_wrong_answers_lose_points(slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    module = Module.load(COURSE / slug)
    known = plant_of(module, "heron", tmp_path, monkeypatch)
    for key, source, loses in WRONG[slug]:
        assert loses <= failed(module, known, {key: source}), source
