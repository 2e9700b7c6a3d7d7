"""Recipes: what the file says is what is followed, and what cannot be followed is refused with a remedy."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.bioprocess import Recipe, check_setpoint, recipe_names
from biolab.bioprocess.feeding import Bolus, ConstantFeed, ExponentialFeed, greatest_rate_l_per_h, planned_feed_l
from biolab.core import ConfigError

STANDARD = Path(__file__).parents[2] / "src" / "biolab" / "bioprocess" / "recipes" / "cho-standard.toml"


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_load_and_survive_writing(name, tmp_path):
    recipe = Recipe.load(name)
    assert recipe.name == name
    (tmp_path / "again.toml").write_text(recipe.to_toml(), encoding="utf-8")
    again = Recipe.load(tmp_path / "again.toml")
    assert again == recipe
    assert again.sha256 == recipe.sha256
    assert recipe.title.ko != recipe.title.en


def test_the_digest_is_of_what_is_said_not_of_how(tmp_path):
    text = STANDARD.read_text(encoding="utf-8")
    (tmp_path / "a.toml").write_text(
        "# another comment\n" + text.replace("hours = 72.0", "hours = 72"), encoding="utf-8"
    )
    assert Recipe.load(tmp_path / "a.toml").sha256 == Recipe.load("cho-standard").sha256
    assert (
        Recipe.load("cho-standard").changed({"feed.glucose_g_per_l": 71.0}).sha256 != Recipe.load("cho-standard").sha256
    )


def test_setpoints_carry_over_and_the_last_phase_goes_on():
    recipe = Recipe.load("cho-temperature-shift")
    table = recipe.setpoint_table()
    assert table["temperature_c"].to_list() == [37.0, 37.0, 33.0, 33.0]
    assert table["ph"].to_list() == [7.05] * 4
    assert (recipe.at(0).phase, recipe.at(71.99).phase, recipe.at(72.0).phase) == ("growth", "growth", "feeding")
    assert recipe.at(1e6).phase == "final"
    assert recipe.hours == 336
    with pytest.raises(ConfigError, match="begins at time 0"):
        recipe.at(-1.0)


FAULTS = {
    "unknown key": ("hours = 72.0", "hour = 72.0", "phases[1] (growth).hour is not a known key. Did you mean 'hours'?"),
    "unknown set-point": (
        "{ ph = 7.05",
        "{ pH = 7.05",
        "phases[1] (growth).setpoints.pH is not a known key. Did you mean 'ph'?",
    ),
    "unknown feeding": (
        'mode = "bolus"',
        'mode = "bollus"',
        "phases[2] (feeding).feeding.mode is 'bollus', which is not known. Did you mean 'bolus'?",
    ),
    "two doses": (
        "volume_l = 0.12",
        "volume_l = 0.12, glucose_to_g_per_l = 4.0",
        "phases[2] (feeding).feeding: a bolus has either",
    ),
    "too hot": (
        "temperature_c = 37.0",
        "temperature_c = 57.0",
        "phase 'growth': setpoints.temperature_c is 57; the equipment holds 20 to 40 "
        "(vessel.min_temperature_c and vessel.max_temperature_c)",
    ),
    "too much gas": (
        "gas_flow_l_per_min = 0.1",
        "gas_flow_l_per_min = 3",
        "phase 'growth': setpoints.gas_flow_l_per_min is 3; the equipment holds 0 to 1 (vessel.max_gas_flow_l_per_min)",
    ),
    "too much feed": (
        "volume_l = 0.12",
        "volume_l = 0.3",
        "phase 'feeding': feeding brings the volume to 5.87 L by 312 h (3 L at the start + 3 L fed - "
        "0.13 L of samples); the vessel holds vessel.max_volume_l = 5",
    ),
    "too fast": (
        "volume_l = 0.12",
        "volume_l = 6.0",
        "phase 'feeding': feeding asks for 0.25 L/h; the pump gives at most vessel.max_feed_l_per_h = 0.2",
    ),
    "no set-point to inherit": (
        "ph = 7.05, ",
        "",
        "phase 'growth': setpoints lacks ph; the first phase has none before it",
    ),
    "clocks": (
        "deadband = 0.03 }",
        "sample_h = 0.15 }",
        "controllers.ph.sample_h is 0.15, not a multiple of the shortest",
    ),
    "phase twice": ('name = "final"', 'name = "growth"', "two phases are called 'growth'"),
    "negative": ("hours = 72.0", "hours = -1.0", "phases[1] (growth).hours is -1.0; expected greater than 0."),
    "not a number": ("hours = 72.0", "hours = nan", "phases[1] (growth).hours is nan; expected"),
    "bacteria": (
        "viability = 0.97",
        "biomass_g_per_l = 1.0",
        "inoculum.biomass_g_per_l does not belong to a cho-fed-batch",
    ),
    "no cells": (
        "viable_cells_1e6_per_ml = 0.5",
        "viable_cells_1e6_per_ml = 0",
        "inoculum.viable_cells_1e6_per_ml is missing or 0",
    ),
    "unknown quantity": (
        'variable = "viability"',
        'variable = "viabilty"',
        "'viabilty' is not a quantity of a batch. Did you mean 'viability'?",
    ),
    "no limit": ("high = 12.0\n", "", "alarms[5]: an alarm needs low, high or deviation"),
    "vessel upside down": (
        "max_volume_l = 5.0",
        "max_volume_l = 2.0",
        "vessel: working_volume_l 3 must be below max_volume_l 2",
    ),
    "plant": (
        'plant = "cho-fed-batch"',
        'plant = "cho"',
        "plant is 'cho'; expected 'cho-fed-batch' or 'ecoli-fed-batch'.",
    ),
    "not TOML": ("hours = 72.0", "hours 72.0", "is not TOML"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_recipe_that_cannot_be_followed_is_refused(name, tmp_path):
    old, new, said = FAULTS[name]
    text = STANDARD.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "mine.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Recipe.load(file)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(file))


def test_every_fault_of_the_equipment_is_listed(tmp_path):
    text = STANDARD.read_text(encoding="utf-8").replace("temperature_c = 37.0", "temperature_c = 57.0")
    file = tmp_path / "mine.toml"
    file.write_text(text.replace("ph = 7.05", "ph = 9.5"), encoding="utf-8")
    with pytest.raises(ConfigError, match="has 2 faults") as caught:
        Recipe.load(file)
    assert "setpoints.ph is 9.5" in str(caught.value)


def test_names_that_are_nowhere():
    with pytest.raises(ConfigError, match="Did you mean 'cho-standard'"):
        Recipe.load("cho-standart")
    with pytest.raises(ConfigError, match=r"nothing\.toml does not exist. Start from a shipped recipe: cho-standard"):
        Recipe.load("nothing.toml")


def test_changes_are_named_as_in_the_file_and_checked():
    recipe = Recipe.load("cho-standard")
    changed = recipe.changed(
        {
            "phases.feeding.feeding": {"mode": "glucose-setpoint", "glucose_g_per_l": 3.0},
            "phases.final.setpoints.temperature_c": 34.0,
            "alarms.viability.low": 0.8,
        }
    )
    assert changed.at(100.0).feeding.mode == "glucose-setpoint"
    assert changed.at(330.0).setpoints["temperature_c"] == 34.0
    assert recipe.at(330.0).setpoints["temperature_c"] == 37.0
    with pytest.raises(ConfigError, match=r"phases has no 'growht'. Did you mean 'growth'\?"):
        recipe.changed({"phases.growht.hours": 10})
    with pytest.raises(ConfigError, match="Did you mean 'temperature_c'"):
        recipe.changed({"phases.growth.setpoints.temperature": 36})
    with pytest.raises(ConfigError, match="the equipment holds 20 to 40"):
        recipe.changed({"phases.growth.setpoints.temperature_c": 80})
    with pytest.raises(ConfigError, match="is no table"):
        recipe.changed({"name.first": "x"})


def test_operators_meet_the_same_limits():
    vessel = Recipe.load("cho-standard").vessel
    assert check_setpoint(vessel, "ph", 7.2) == 7.2
    with pytest.raises(ConfigError, match="Did you mean 'temperature_c'"):
        check_setpoint(vessel, "temperature", 36.0)
    with pytest.raises(ConfigError, match=r"setpoints\.agitation_rpm is 900; the equipment holds 60 to 300"):
        check_setpoint(vessel, "agitation_rpm", 900.0)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.floats(0.001, 0.05), st.floats(0.001, 0.3), st.floats(1.0, 60.0))
def test_exponential_feed_adds_up(start, rate, hours):
    feeding = ExponentialFeed(mode="exponential", start_l_per_h=start, rate_per_h=rate)
    time = np.linspace(0.0, hours, 4001)
    total = np.trapezoid(start * np.exp(rate * time), time)
    assert planned_feed_l(feeding, hours) == pytest.approx(total, rel=1e-4)
    assert greatest_rate_l_per_h(feeding, hours) == pytest.approx(start * np.exp(rate * hours))


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(0, 30), st.integers(1, 300))
def test_doses_are_counted(every, first, hours):
    dose = Bolus(mode="bolus", every_h=every, first_h=first, volume_l=0.1)
    assert dose.doses(hours) == len(range(first, hours, every))
    assert planned_feed_l(ConstantFeed(mode="constant", l_per_h=0.1), hours) == pytest.approx(0.1 * hours)


def test_a_glucose_setpoint_above_the_feed_is_refused():
    with pytest.raises(ConfigError, match="could never be reached"):
        Recipe.load("cho-standard").changed(
            {"phases.feeding.feeding": {"mode": "glucose-setpoint", "glucose_g_per_l": 80.0}}
        )


def test_shipped_files_say_every_controller():
    content = tomllib.loads(STANDARD.read_text(encoding="utf-8"))
    assert set(content["controllers"]) == {"ph", "dissolved_oxygen", "temperature"}
