import numpy as np
import polars as pl
import pytest

from biolab.bioprocess import CHOFedBatch, ensemble, simulate
from biolab.core import ConfigError, DataError


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
