import numpy as np
import pytest

from biolab.bioprocess import CHOFedBatch, EcoliFedBatch, Instruments, Reactor
from biolab.core import ConfigError
from biolab.kernels.fed_batch import PARAMETERS


@pytest.mark.parametrize("plant", [CHOFedBatch(), EcoliFedBatch()], ids=lambda plant: plant.name)
def test_every_parameter_has_unit_meaning_and_source(plant):
    table = plant.parameter_table()
    assert table["name"].is_unique().all()
    for column in ("unit", "meaning", "source"):
        assert (table[column].str.len_chars() > 0).all()
    assert table["value"].is_finite().all()
    # what the kernel takes is what the plant declares, and what recipes say
    assert not set(PARAMETERS[plant.code][:42]) - set(table["name"])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: CHOFedBatch(mu_max_per_h=-0.01), "mu_max_per_h is -0.01 1/h; expected a number, at least"),
        (lambda: CHOFedBatch(byproduct_share=1.5), "byproduct_share is 1.5 1; expected a number, 0 to 1"),
        (lambda: CHOFedBatch(lysis_per_h=float("nan")), "lysis_per_h is nan"),
        (lambda: CHOFedBatch(cell_carbon_mmol=40.0), "cells cannot hold more carbon than they take up"),
        (lambda: CHOFedBatch(growth_temperature_min_c=38.0), "expected growth_temperature_min_c below"),
        (lambda: EcoliFedBatch(biomass_per_glucose_oxidised=0.95), "keep more carbon than there is"),
        (lambda: EcoliFedBatch(glucose_uptake_max_per_h=0.0, maintenance_per_h=-1.0), "glucose_uptake_max_per_h"),
        (lambda: Reactor(jacket_min_c=70.0), "expected jacket_min_c below ambient_temperature_c"),
        (lambda: Instruments(ph_noise=float("inf")), "ph_noise is inf"),
    ],
)
def test_wrong_parameters_are_refused_by_name(make, said):
    with pytest.raises(ConfigError, match=said):
        make()


def test_carbon_of_every_reaction_is_closed():
    """CO2 is what is left of carbon, so that it cannot be negative for the standard plants."""
    plant = CHOFedBatch()
    taken = 6 * plant.growth_glucose_mmol_per_1e9 + 5 * plant.growth_glutamine_mmol_per_1e9
    assert taken + plant.growth_amino_acids_mmol_c_per_1e9 > plant.cell_carbon_mmol
    assert np.isclose(plant.reactor.base_alkalinity_mmol_per_l, 2 * plant.reactor.base_carbon_mmol_per_l)
