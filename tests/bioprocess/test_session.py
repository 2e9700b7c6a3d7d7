import numpy as np
import polars as pl
import pytest

from biolab.bioprocess import CHOFedBatch, EcoliFedBatch, Recipe, begin, ensemble, faults, simulate
from biolab.core import ConfigError, DataError


def test_without_actions_a_session_is_simulate():
    fault = faults.FeedBlockage(start_h=80, end_h=90)
    whole = simulate(CHOFedBatch(), hours=120, seed=3, faults=[fault])
    session = begin(CHOFedBatch(), hours=120, seed=3, faults=[fault])
    for hours in (0.1, 7.9, 30.0, 0.5, 200.0):
        session.advance(hours)
        session.result()  # looking changes nothing
    assert session.over
    assert session.result().trajectories.equals(whole.trajectories)
    assert session.result().events.equals(whole.events)


def test_change_equals_a_recipe_that_has_it():
    recipe = Recipe.load("cho-standard")
    changed = recipe.changed({"phases.feeding.setpoints": {"temperature_c": 35.0, "ph": 6.95}})
    session = begin(CHOFedBatch(), recipe, hours=120, seed=3)
    session.advance(72)
    session.change(temperature_c=35.0, ph=6.95, why="slower growth wanted")
    session.advance(48)
    assert session.result().trajectories.equals(simulate(CHOFedBatch(), changed, hours=120, seed=3).trajectories)
    said = session.result().events.filter(kind="operator")
    assert said["message"].to_list() == ["slower growth wanted"] * 2
    assert said["time_h"].to_list() == [72.0, 72.0]
    assert session.result().record.trail.only("change")


def test_feed_and_hands_on_the_cascade():
    session = begin(EcoliFedBatch(), hours=12, seed=1)
    session.advance(4)
    before = session.result().trajectories["volume_l"][-1]
    session.feed(0.1)
    session.change(agitation_held_rpm=700.0, oxygen_held_fraction=0.5)
    session.advance(2)
    frame = session.result().trajectories
    assert frame["volume_l"][-1] == pytest.approx(before + 0.1, abs=0.02)
    assert frame["agitation_rpm"][-1] == 700.0
    assert frame["oxygen_fraction"][-1] == 0.5
    session.change(agitation_held_rpm=0.0, oxygen_held_fraction=0.0, feed_l_per_h=0.05)
    session.advance(2)
    frame = session.result().trajectories
    assert frame["agitation_rpm"][-1] < 650
    assert frame["feed_l_per_h"][-1] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda s: s.change(ph=12.0), "setpoints.ph is 12"),
        (lambda s: s.change(temprature_c=36.0), "Did you mean 'temperature_c'"),
        (lambda s: s.change(feed_l_per_h=9.0), "feed_l_per_h is 9"),
        (lambda s: s.feed(-1.0), "litres is -1"),
        (lambda s: s.advance(0.0), "hours is 0"),
    ],
)
def test_wrong_actions_are_refused_and_change_nothing(act, said):
    session = begin(CHOFedBatch(), hours=24)
    with pytest.raises(ConfigError, match=said):
        act(session)
    assert session.time_h == 0.0
    assert session.result().events.filter(kind="operator").height == 0


def test_ensemble_rows_are_the_batches_of_simulate_and_do_not_depend_on_threads():
    plant, mu = CHOFedBatch(), np.linspace(0.03, 0.042, 40)
    found = ensemble(
        plant, {"mu_max_per_h": mu}, hours=96, seed=9, at_h=(48, 96), columns=("titre_g_per_l", "ph_measured")
    )
    alone = ensemble(
        plant,
        {"mu_max_per_h": mu},
        hours=96,
        seed=9,
        at_h=(48, 96),
        columns=("titre_g_per_l", "ph_measured"),
        threads=1,
    )
    assert found.equals(alone)
    one = simulate(CHOFedBatch(mu_max_per_h=mu[0]), hours=96, seed=9).trajectories
    assert (
        found.filter(run=0)["titre_g_per_l"].to_list()
        == one.filter(pl.col("time_h").is_in([48.0, 96.0]))["titre_g_per_l"].to_list()
    )
    ends = found.filter(time_h=96.0)["titre_g_per_l"]
    assert ends.is_sorted()
    assert found["failed_h"].null_count() == found.height


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"parameters": {"mu_max": np.ones(2)}}, ConfigError, "no parameter 'mu_max'. Did you mean 'mu_max_per_h'"),
        ({"parameters": {"mu_max_per_h": np.array([0.03, -1.0])}}, DataError, "row 1: mu_max_per_h is -1"),
        ({"parameters": {}}, ConfigError, "parameters is empty"),
        ({"columns": ("titre_g_l",)}, ConfigError, "no column 'titre_g_l'. Did you mean 'titre_g_per_l'"),
        ({"at_h": (400.0,)}, ConfigError, "expected times from 0 to 24 h"),
    ],
)
def test_wrong_ensembles_are_refused(wrong, error, said):
    arguments = {"parameters": {"mu_max_per_h": np.array([0.03])}, "hours": 24} | wrong
    with pytest.raises(error, match=said):
        ensemble(CHOFedBatch(), arguments.pop("parameters"), **arguments)
