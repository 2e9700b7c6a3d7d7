from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from biolab.bioprocess import CHOFedBatch, EcoliFedBatch, Recipe, simulate
from biolab.bioprocess.balances import carbon_balance, volume_balance
from biolab.bioprocess.faults import Contamination
from biolab.bioprocess.schedule import build_schedule, parameter_vector
from biolab.bioprocess.simulate import problem_of
from biolab.core import ConfigError
from biolab.kernels.fed_batch import fed_batch


@pytest.fixture(scope="module")
def cho():
    return simulate(CHOFedBatch(), seed=1)


@pytest.fixture(scope="module")
def ecoli():
    return simulate(EcoliFedBatch(), seed=1)


def test_standard_cho_batch_is_within_published_ranges(cho):
    frame = cho.trajectories
    viable, time = frame["viable_cells_1e6_per_ml"].to_numpy(), frame["time_h"].to_numpy()
    assert 10 < viable.max() < 35
    assert 8 <= time[viable.argmax()] / 24 <= 11
    assert viable[-1] < 0.9 * viable.max()
    lactate = frame["lactate_g_per_l"].to_numpy()
    assert 3 <= time[lactate.argmax()] / 24 <= 6
    assert lactate[-1] < 0.6 * lactate.max()
    assert 1 < cho.metrics["titre_g_per_l"] < 6
    assert cho.metrics["viability"] > 0.7
    uptake = (frame["oxygen_uptake_mmol_per_l_h"] / frame["viable_cells_1e6_per_ml"]).to_numpy() * 24
    assert 2 < np.median(uptake) < 12  # pmol/cell/day
    late = frame.filter(pl.col("time_h") > 72)
    assert late["dissolved_oxygen_percent"].is_between(30, 55).mean() > 0.97
    assert (late["ph"] - 7.05).abs().max() < 0.12
    assert frame["pco2_mmhg"].max() < 160


def test_standard_ecoli_batch_overflows_then_is_held_by_its_feed(ecoli):
    frame = ecoli.trajectories
    assert 25 < frame["biomass_g_per_l"].to_numpy()[-1] < 100
    acetate = frame["acetate_g_per_l"].to_numpy()
    assert 0.3 < acetate.max() < 4
    assert acetate[20] < 0.2 * acetate.max()  # eaten again
    fed = frame.filter(pl.col("phase") == "exponential")["growth_per_h"].to_numpy()[5:]
    np.testing.assert_allclose(fed, 0.15, atol=0.02)


@pytest.mark.parametrize("batch", ["cho", "ecoli"])
def test_balances_close(batch, request):
    result = request.getfixturevalue(batch)
    plant, recipe = result.plant, result.recipe
    schedule = build_schedule(recipe, 336)
    end = schedule.table.shape[0] - 1
    runs = fed_batch(problem_of(plant, recipe, schedule, 1), np.array([0, end // 2, end]))
    parameters = parameter_vector(plant, recipe)
    assert np.abs(carbon_balance(plant.code, parameters, runs.records[0])).max() < 1e-9
    assert np.abs(volume_balance(runs.records[0])).max() < 1e-9


def test_nothing_is_negative_or_missing(cho, ecoli):
    for result in (cho, ecoli):
        numbers = result.trajectories.select(pl.selectors.float())
        true = numbers.select([name for name in numbers.columns if not name.endswith(("_measured", "_setpoint"))])
        assert true.null_count().sum_horizontal().item() == 0
        without = true.drop("growth_per_h", "co2_evolution_mmol_per_l_h", "oxygen_uptake_mmol_per_l_h")
        assert min(without.min().row(0)) >= 0


def test_same_seed_same_batch(cho):
    again, other = simulate(CHOFedBatch(), seed=1), simulate(CHOFedBatch(), seed=2)
    assert again.trajectories.equals(cho.trajectories)
    assert not other.trajectories["ph_measured"].equals(cho.trajectories["ph_measured"])
    assert abs(other.metrics["titre_g_per_l"] - cho.metrics["titre_g_per_l"]) < 0.02


def test_dose_and_response():
    recipe = Recipe.load("cho-standard")

    def end(changes=None, plant=None, **wanted):
        return simulate(plant or CHOFedBatch(), recipe.changed(changes or {}), hours=264, **wanted).trajectories.row(
            -1, named=True
        )

    base = end()
    more = end({"phases.feeding.feeding.volume_l": 0.16})
    assert more["volume_l"] > base["volume_l"]
    assert more["osmolality_mosm_per_kg"] > base["osmolality_mosm_per_kg"]
    cold = simulate(CHOFedBatch(), Recipe.load("cho-temperature-shift"), hours=264).trajectories
    warm = simulate(CHOFedBatch(), recipe, hours=264).trajectories
    shifted = cold["time_h"].is_between(130, 160)
    assert (cold["growth_per_h"] < 0.8 * warm["growth_per_h"]).filter(shifted).all()
    assert cold["viability"][-1] > warm["viability"][-1]
    fast = end(plant=CHOFedBatch(product_g_per_1e9_h=2e-3))
    assert fast["titre_g_per_l"] > base["titre_g_per_l"]
    poor = end(plant=replace(CHOFedBatch(), reactor=replace(CHOFedBatch().reactor, kla_per_h=2.0)))
    assert poor["oxygen_fraction"] > base["oxygen_fraction"] + 0.1


def test_measured_columns_are_noisy_and_at_line_only_in_samples(cho):
    frame = cho.trajectories
    sampled = frame.filter(pl.col("titre_g_per_l_measured").is_not_null())
    assert sampled["time_h"].to_list() == [24.0 * k for k in range(1, 15)]
    ratio = (sampled["viable_cells_1e6_per_ml_measured"] / sampled["viable_cells_1e6_per_ml"]).to_numpy()
    assert 0.005 < ratio.std() < 0.12
    online = frame.filter(pl.col("time_h") > 0)
    assert online["ph_measured"].null_count() == 0
    assert (online["ph_measured"] * 100 - (online["ph_measured"] * 100).round()).abs().max() < 1e-6


def test_result_has_record_metrics_and_settings(cho):
    assert cho.record.recipe.name == "cho-standard"
    assert cho.settings["parameters"]["mu_max_per_h"] == 0.039
    assert cho.table().height == len(cho.metrics)
    assert cho.failed_h is None
    assert cho.events.filter(kind="phase")["source"].to_list() == ["growth", "feeding", "final"]


def test_solver_failure_is_said_and_the_rest_kept(cho):
    plant = CHOFedBatch(contaminant_growth_per_h=1e300)
    result = simulate(plant, faults=[Contamination(start_h=100.0)], seed=1)
    assert 100.0 <= result.failed_h < 100.2
    assert result.trajectories["time_h"][-1] == 100.0
    assert result.trajectories.head(100).equals(cho.trajectories.head(100))
    said = result.events.filter(kind="solver")["message"].item()
    assert "could not go on at 100" in said
    assert "glucose" in said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"hours": 0}, "hours is 0; expected"),
        ({"hours": 0.01}, "shorter than one control interval"),
        ({"sample_every_h": 0.25}, "expected a multiple of the control interval, 0.1 h"),
        ({"recipe": Recipe.load("ecoli-standard")}, "is for a ecoli-fed-batch"),
    ],
)
def test_what_cannot_be_run_is_refused(wrong, said):
    with pytest.raises(ConfigError, match=said):
        simulate(CHOFedBatch(), **wrong)
