"""What modules 02, 03 and 05 call right, on many trainees' plants: solutions pass every test, named mistakes do not.

A mistake is code that runs after the module's own solution of an exercise and spoils its answer; beside it stand the
tests that it must fail on every plant.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from biolab.course import Module, Score, Trainee

COURSE = Path(__file__).parents[2] / "notebooks" / "course"
FEEDING, GAS, DEVIATIONS = "02-fed-batch-feeding", "03-gas-transfer-and-do-control", "05-deviations"
SLUGS = (FEEDING, GAS, DEVIATIONS)
PLANTS = {FEEDING: 60, GAS: 60, DEVIATIONS: 30}
Names = dict[str, object]


class Mistake(NamedTuple):
    """What somebody got wrong, in which exercise, by what code, and the tests that say so."""

    name: str
    exercise: str
    code: str
    fails: tuple[str, ...] = ("hidden-1",)


ALL_THREE = ("hidden-1", "hidden-2", "hidden-3")
BOTH = "; recipe = plan.changed({{f'phases.{{n}}.feeding': d for n in ('early', 'late')}})"
DAILY = "d = {{**daily, 'volume_l': {}}}" + BOTH
LEVEL = "d = {{**lean, 'glucose_g_per_l': {}}}" + BOTH
CONCENTRATIONS = """
level, density = (window[name].to_numpy() for name in ("glucose_g_per_l", "viable_cells_1e6_per_ml"))
eaten = level[0] - level[-1] + 70.0 * (fed_l[-1] - fed_l[0]) / {}
uptake_pg_per_cell_day = 24_000 * eaten / np.trapezoid(density, hours)
"""
RISE = """
rising = (hours > 0.95) & (hours < 1.2) & (plateau - oxygen > 2)
kla_per_h = -np.polyfit(hours[rising], np.log({} - oxygen[rising]), 1)[0]
"""
SETPOINTS = "recipe = plan.changed({{f'phases.{{n}}.setpoints.{}': {} for n in {}}})"
EVERY, LATE = ("growth", "early", "late", "final"), ("late", "final")
MISTAKES: Mapping[str, tuple[Mistake, ...]] = {
    FEEDING: (
        Mistake("the feed forgotten", "uptake", "uptake_pg_per_cell_day *= (glucose_g[0] - glucose_g[-1]) / eaten_g"),
        Mistake("concentrations, mean volume", "uptake", CONCENTRATIONS.format("volume.mean()")),
        Mistake("concentrations, volume at the start", "uptake", CONCENTRATIONS.format("3.0")),
        Mistake("an hour, not a day", "uptake", "uptake_pg_per_cell_day /= 24"),
        Mistake("one bolus too many", "uptake", "uptake_pg_per_cell_day *= (eaten_g + 8.4) / eaten_g"),
        Mistake("one bolus too few", "uptake", "uptake_pg_per_cell_day *= (eaten_g - 8.4) / eaten_g"),
        Mistake("dilution by the dose forgotten", "dose", "dose_l *= 55 / 70"),
        Mistake("volume at the start", "dose", "dose_l *= 3.0 / volume"),
        Mistake(
            *("salt not diluted", "dose"),
            "osmolality_after_mosm_per_kg = before['osmolality_mosm_per_kg'] + 1100 * dose_l / volume",
            ("hidden-2",),
        ),
        Mistake(
            *("only glucose counted as salt", "dose"),
            "osmolality_after_mosm_per_kg = before['osmolality_mosm_per_kg'] + 5.6 * (15 - before['glucose_g_per_l'])",
            ("hidden-2",),
        ),
        Mistake("greatest growth rate", "exponential", "rate_per_h = plant.mu_max_per_h"),
        Mistake("cells of the end", "exponential", "start_l_per_h *= cells[-1] / cells[0]"),
        Mistake("no increase", "exponential", "rate_per_h = 1e-6"),
        Mistake("cells of a litre", "exponential", "start_l_per_h /= 3"),
        Mistake(
            "samples forgotten",
            "budget",
            "feed_budget_l = 1.5; least_feed_glucose_g_per_l *= 1.63 / 1.5",
            ALL_THREE[:2],
        ),
        Mistake(
            "to the brim", "budget", "feed_budget_l = 2.13; least_feed_glucose_g_per_l *= 1.63 / 2.13", ALL_THREE[:2]
        ),
        Mistake(
            *("glucose in the vessel forgotten", "budget"),
            "least_feed_glucose_g_per_l = (eaten_g + 9.0) / feed_budget_l",
            ("hidden-2",),
        ),
        Mistake(
            *("glucose at the end forgotten", "budget"),
            "least_feed_glucose_g_per_l = (eaten_g - at_first) / feed_budget_l",
            ("hidden-2",),
        ),
        Mistake("the feed as it is", "budget", "least_feed_glucose_g_per_l = 70.0", ("hidden-2",)),
        Mistake("last batch again", "recipe", "recipe = plan", ("hidden-2", "hidden-3")),
        Mistake("a little less a day", "recipe", DAILY.format(0.11), ("hidden-2", "hidden-3")),
        Mistake("less a day", "recipe", DAILY.format(0.10), ("hidden-2", "hidden-3")),
        Mistake("more a day", "recipe", DAILY.format(0.13), ALL_THREE),
        Mistake("much more a day", "recipe", DAILY.format(0.17), ALL_THREE),
        Mistake("starving", "recipe", LEVEL.format(1.5), ALL_THREE),
        Mistake(
            *("something else than the feeding", "recipe"),
            "recipe = recipe.changed({'phases.growth.setpoints.temperature_c': 36.0})",
            ("test-1", *ALL_THREE),
        ),
    ),
    GAS: (
        Mistake(
            *("the emptying bubble forgotten", "kla"),
            "kla_per_h = our_mmol_per_l_h / (SATURATED * (1 - plateau / 100))",
            ("hidden-3",),
        ),
        Mistake("the rise as it is", "kla", RISE.format("plateau"), ("hidden-3",)),
        Mistake("rising to 100 %", "kla", RISE.format("100"), ("hidden-2", "hidden-3")),
        Mistake("kLa proportional to speed", "stirring", "agitation_rpm = 120 * needed / found[0]"),
        Mistake("kLa to the cube of speed", "stirring", "agitation_rpm = 120 * (needed / found[0]) ** (1 / 3)"),
        Mistake(
            *("all oxygen used up", "stirring"),
            "agitation_rpm = 280 * (1 / (SATURATED / demand - supply) / found[1]) ** (1 / exponent)",
        ),
        Mistake(
            *("40 % as the driving force", "stirring"),
            "agitation_rpm = 280 * (1 / (SATURATED * 0.4 / demand - supply) / found[1]) ** (1 / exponent)",
        ),
        Mistake("as shipped", "tuning", "gain, integral_h = 0.1, 0.25", ("hidden-1", "hidden-2")),
        Mistake("gentle", "tuning", "gain, integral_h = 0.5, 0.3", ("hidden-1", "hidden-2")),
        Mistake("too lively", "tuning", "gain, integral_h = 4.0, 0.3", ("hidden-1", "hidden-2")),
        Mistake("tuned for the stirrer alone", "tuning", "gain, integral_h = 0.2 / (2.4 * 0.04), 0.16"),
        Mistake("integral too slow", "tuning", "integral_h = 1.0", ("hidden-1", "hidden-2")),
        Mistake("the other sign", "drift", "drift_percent_per_h *= -1"),
        Mistake("the reading believed", "drift", "true_do_percent = 40.0", ("hidden-2",)),
        Mistake(
            "drift added instead of taken away", "drift", "true_do_percent = 80.0 - true_do_percent", ("hidden-2",)
        ),
        Mistake(
            "one line through all",
            "drift",
            "drift_start_h, drift_percent_per_h = 48.0, np.polyfit(hours, residual, 1)[0]",
        ),
        Mistake("the plan", "gas", "recipe = plan", ALL_THREE),
        Mistake("more gas late", "gas", SETPOINTS.format("gas_flow_l_per_min", 0.3, LATE), ALL_THREE),
        Mistake("twice the gas", "gas", SETPOINTS.format("gas_flow_l_per_min", 0.1, EVERY), ("hidden-1", "hidden-3")),
        Mistake("three times the gas", "gas", SETPOINTS.format("gas_flow_l_per_min", 0.15, EVERY), ALL_THREE),
        Mistake("pH alone", "gas", SETPOINTS.format("ph", 7.2, LATE), ALL_THREE),
        Mistake(
            *("something else than gas", "gas"),
            "recipe = recipe.changed({'phases.growth.setpoints.temperature_c': 36.0})",
            ("test-1", *ALL_THREE),
        ),
    ),
    DEVIATIONS: (
        Mistake("the broth's sign", "drift", "drift_per_h *= -1", ("hidden-2",)),
        Mistake("a day, not an hour", "drift", "drift_per_h *= 24", ("test-1", "hidden-2")),
        Mistake("one line through all", "drift", "drift_per_h = np.polyfit(time, gap, 1)[0]", ("hidden-2",)),
        Mistake("the reading believed", "drift", "true_ph_300h = shown", ("hidden-3",)),
        Mistake("drift added", "drift", "true_ph_300h = 2 * shown - true_ph_300h", ("hidden-3",)),
        Mistake("where the gap passes 0.1", "drift", "drift_start_h = time[np.abs(gap) > 0.1][0]"),
        Mistake("a limit within the noise", "drift", "action_limit_ph = 0.02", ("hidden-4",)),
        Mistake("one standard deviation", "drift", "action_limit_ph /= 3.5", ("hidden-4",)),
        Mistake("twice the alarm's limit", "drift", "action_limit_ph = 0.3", ("hidden-4",)),
        Mistake("the set-point moved", "drift", "response = 'setpoint'", ("hidden-5",)),
        Mistake("the last whole bolus", "blockage", "first_short_bolus_h -= 24"),
        Mistake(
            *("whole boluses counted in", "blockage"),
            "delivered_share = sum(arrived.values()) / (0.12 * len(arrived))",
            ("hidden-2",),
        ),
        Mistake("nothing arrived", "blockage", "missing_feed_l = 0.12 * len(short)", ("hidden-3",)),
        Mistake("the sample after", "dilution", "first_wrong_sample_h += 12"),
        Mistake("true over reading", "dilution", "factor = 1 / factor", ("hidden-2",)),
        Mistake("the last titre as read", "dilution", "true_titre_g_per_l *= factor", ("hidden-3",)),
        Mistake(
            *("the good batch's titre", "dilution"),
            "true_titre_g_per_l = good['titre_g_per_l_measured'][-1]",
            ("hidden-3",),
        ),
        Mistake("multiplied instead of divided", "dilution", "true_titre_g_per_l *= factor**2", ("hidden-3",)),
        Mistake(
            *("letters shifted", "mixed"),
            "diagnosis = {a: diagnosis[b] for a, b in zip(LETTERS, (*LETTERS[1:], 'A'), strict=True)}",
            tuple(f"hidden-{number}" for number in range(1, 7)),
        ),
        Mistake("nothing done", "response", "actions = []", ("hidden-1", "hidden-2", "hidden-3")),
        Mistake("all the gas there is", "response", "actions = [(at, 'gas_flow_l_per_min', 1.0)]", ("hidden-3",)),
        Mistake("half a day late", "response", "actions = [(hour + 12, *what) for hour, *what in actions]"),
        Mistake("more oxygen asked for", "response", "actions = [(at, 'dissolved_oxygen_percent', 60.0)]", ALL_THREE),
        Mistake(
            *("no digest asked for", "papers"),
            "verdict = {k: 'reading' if v == 'reading' else 'untouched' for k, v in verdict.items()}",
            ("test-1", "hidden-1"),
        ),
        Mistake("the edited value", "papers", "original *= 0.8", ("hidden-3",)),
        Mistake("the first entry", "papers", "rewritten_entry = 1", ("hidden-4",)),
    ),
}


ANOTHER_LEVEL = "recipe = recipe.changed({{'phases.late.feeding.glucose_g_per_l': {}}})"
SECOND_TRIES: Mapping[tuple[str, str], tuple[str, ...]] = {
    (FEEDING, "recipe"): tuple(ANOTHER_LEVEL.format(level) for level in (6.0, 5.0)),
}
"""What a trainee does whose plant does not quite take the solution, which is so on 3 plants of 300."""


def plants(slug: str, count: int) -> Iterator[tuple[str, Module, Names]]:
    """Run a module's set-up cells for one trainee after the other, in the folder that is the current one."""
    module = Module.load(COURSE / slug)
    for number in range(count):
        who = Trainee(pseudonym=f"trainee-{number}", cohort="thresholds", module=slug)
        Path("trainee.toml").write_text(who.card(), encoding="utf-8")
        known: Names = {}
        for cell in module.cells:
            if cell.kind == "setup":
                exec(compile(cell.source, cell.name, "exec"), known)
        yield who.pseudonym, module, known


def passed(module: Module, exercise: str, names: Names, only: tuple[str, ...] = ()) -> dict[str, bool]:
    """Say of tests of an exercise whether they hold."""
    found = {}
    for check in module.checks:
        name = check.name.removeprefix(f"{exercise}-")
        if check.key == exercise and name in (only or (name,)):
            try:
                exec(compile(check.source, check.name, "exec"), dict(names))
                found[name] = True
            except Exception:  # noqa: BLE001 - as when graded: any fault of a test means that it did not hold
                found[name] = False
    return found


def after(code: str, names: Names) -> Names:
    """Return what there is after some more code; what there was stays as it is."""
    more = dict(names)
    exec(compile(code, "answer", "exec"), more)
    return more


class Judged(NamedTuple):
    """Which tests of an exercise hold: for the solution (no mistake), or for a mistake those that must fail."""

    trainee: str
    exercise: str
    mistake: str
    holds: dict[str, bool]


def judged(slug: str, count: int) -> Iterator[Judged]:
    """Judge the solutions, and all mistakes, on so many trainees' plants."""
    for who, module, known in plants(slug, count):
        for exercise in module.exercises:
            right = after(exercise.source, known)
            tries = ("", *SECOND_TRIES.get((slug, exercise.key), ()))
            found = (passed(module, exercise.key, after(more, right)) for more in tries)
            yield Judged(who, exercise.key, "", next((each for each in found if all(each.values())), {"any": False}))
            for mistake in MISTAKES[slug]:
                if mistake.exercise == exercise.key:
                    holds = passed(module, exercise.key, after(mistake.code, right), mistake.fails)
                    yield Judged(who, exercise.key, mistake.name, holds)


def faults(slug: str, count: int) -> list[Judged]:
    """Return the solutions that miss a test and the mistakes that pass one."""
    return [
        each
        for each in judged(slug, count)
        if (any if each.mistake else lambda holds: not all(holds))(each.holds.values())
    ]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of its own: whose notebook it is stands there."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_solutions_pass_and_mistakes_do_not_on_three_plants(slug: str):
    assert faults(slug, 3) == []


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_solutions_pass_and_mistakes_do_not_on_every_plant(slug: str):
    assert faults(slug, PLANTS[slug]) == []


@pytest.mark.slow
@pytest.mark.parametrize("slug", [FEEDING, GAS])
def test_solutions_have_scores(slug: str):
    for _, module, known in plants(slug, 5):
        for exercise in module.exercises:
            exec(exercise.source, known)
        for cell in module.cells:
            if isinstance(cell, Score):
                exec(cell.source, known)
                assert float(known["score"]) > 0  # ty: ignore[invalid-argument-type]
