from importlib import import_module

import numpy as np
import polars as pl
import pytest
import torch

from biolab.bioprocess import CHOFedBatch, Recipe, ensemble, simulate
from biolab.core import ConfigError, DataError, MissingExtraError
from biolab.kernels.fed_batch import fed_batch


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
        ({"parameters": {"phases.feeding.feeding.volume": np.ones(1)}}, ConfigError, "parameters, row 0: .*volume"),
        (
            {"parameters": {"phases.feed.hours": np.ones(1)}},
            ConfigError,
            "row 0: phases.feed.hours: phases has no .feed.",
        ),
        ({"columns": ("titre_g_l",)}, ConfigError, "no column 'titre_g_l'. Did you mean 'titre_g_per_l'"),
        ({"at_h": (400.0,)}, ConfigError, "expected times from 0 to 24 h"),
    ],
)
def test_wrong_ensembles_are_refused(wrong, error, said):
    arguments = {"parameters": {"mu_max_per_h": np.array([0.03])}, "hours": 24} | wrong
    with pytest.raises(error, match=said):
        ensemble(CHOFedBatch(), arguments.pop("parameters"), **arguments)


def test_what_the_recipe_says_can_differ_from_batch_to_batch():
    plant, recipe = CHOFedBatch(), Recipe.load("cho-temperature-shift")
    shift = np.array([36.0, 48.0, 36.0])
    varied = {
        "mu_max_per_h": np.array([0.035, 0.039, 0.039]),
        "phases.feeding.hours": shift,
        "phases.feeding.feeding.volume_l": np.array([0.12, 0.16, 0.12]),
    }
    found = ensemble(
        plant, varied, recipe=recipe, hours=144, seed=3, at_h=(120, 144), columns=("temperature_c", "volume_l")
    )
    assert found["run"].to_list() == [0, 0, 1, 1, 2, 2]
    for run, hours in enumerate(shift):
        each = recipe.changed({name: column[run] for name, column in varied.items() if "." in name})
        one = simulate(CHOFedBatch(mu_max_per_h=varied["mu_max_per_h"][run]), each, hours=144, seed=3).trajectories
        wanted = one.filter(pl.col("time_h").is_in([120.0, 144.0]))
        if run == 0:  # its seed is that of a batch alone
            assert found.filter(run=0)["volume_l"].to_list() == wanted["volume_l"].to_list()
        np.testing.assert_allclose(found.filter(run=run)["volume_l"], wanted["volume_l"], rtol=1e-3)
        assert each.at(72.0 + hours).phase == "production"
    assert (found.filter(time_h=120.0)["temperature_c"] < 35).to_list() == [True, False, True]


def test_a_device_gets_all_batches_of_a_recipe_at_once(monkeypatch):
    asked = []

    def on_device(problem, when, *, device):
        asked.append((problem.seeds.size, device))
        return fed_batch(problem, when)

    monkeypatch.setattr(import_module("biolab.bioprocess.ensemble"), "fed_batch", on_device)
    mu = np.linspace(0.03, 0.042, 100)
    found = ensemble(CHOFedBatch(), {"mu_max_per_h": mu}, hours=2, device="cuda")
    assert asked == [(100, "cuda")]
    assert found["run"].to_list() == list(range(100))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize(
    ("device", "error", "said"),
    [("cuda", MissingExtraError, "no device 'cuda' here"), ("gpu", DataError, "device is 'gpu'; expected 'cpu', or")],
)
def test_a_device_that_is_not_there_is_said(device, error, said):
    with pytest.raises(error, match=said):
        ensemble(CHOFedBatch(), {"mu_max_per_h": np.ones(2) * 0.03}, hours=2, device=device)
