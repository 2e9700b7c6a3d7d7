"""Escherichia coli with overflow to acetate, in fed-batch."""

from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl

from biolab.core import ConfigError

from .parameters import check_ordered, check_ranges, parameter, parameter_table
from .reactor import Instruments, Reactor

ANANE = "Anane et al. (2017), Biochem. Eng. J. 125:23-30"
ROSSO = "Rosso et al. (1993), doi:10.1006/jtbi.1993.1099"
ELEMENTS = "elemental composition CH1.8O0.5N0.2 with 8 % ash"
TYPICAL = "chosen for published ranges of fed-batch E. coli (docs/bioprocess.md)"
FERMENTER = Reactor(
    kla_per_h=250.0,
    kla_reference_agitation_rpm=800.0,
    kla_reference_gas_per_min=1.0,
    jacket_exchange_per_h=2.0,
    jacket_span_k=15.0,
    evaporation_l_per_l_gas=5e-6,
    buffer_mmol_per_l=60.0,
    pk_buffer=6.9,
    co2_max_fraction=0.0,
    base_alkalinity_mmol_per_l=7000.0,
    base_carbon_mmol_per_l=0.0,
    base_ammonium_mmol_per_l=7000.0,
    base_osmolality_mosm_per_kg=7000.0,
)


@dataclass(frozen=True, kw_only=True)
class EcoliFedBatch:
    """An E. coli fed-batch: glucose is burnt, and beyond what respiration takes becomes acetate that is eaten again.

    The metabolism is Anane's acetate cycling, g a g of dry weight and hour; carbon, electrons, nitrogen and the acid
    set free by ammonium uptake close the balances. Ammonia is the base, so that pH control feeds nitrogen.

    >>> EcoliFedBatch().parameter_table().filter(name="maintenance_per_h")["unit"].item()
    'g/g/h'
    """

    glucose_uptake_max_per_h: float = parameter(
        1.0, "g/g/h", "greatest uptake of glucose; .64 in Anane et al.", TYPICAL, low=1e-6
    )
    glucose_constant_mmol_per_l: float = parameter(0.205, "mmol/L", "Monod constant: 0.037 g/L", ANANE, low=1e-6)
    acetate_inhibition_uptake_g_per_l: float = parameter(
        4.0, "g/L", "acetate that halves glucose uptake; 1.24 in Anane et al.", TYPICAL, low=1e-6
    )
    acetate_production_max_per_h: float = parameter(0.2268, "g/g/h", "greatest acetate production", ANANE)
    acetate_production_constant_per_h: float = parameter(
        0.5052, "g/g/h", "glucose uptake at half of it", ANANE, low=1e-6
    )
    acetate_uptake_max_per_h: float = parameter(0.1148, "g/g/h", "greatest acetate uptake", ANANE)
    acetate_constant_g_per_l: float = parameter(0.0134, "g/L", "acetate at half of it", ANANE, low=1e-6)
    glucose_inhibition_acetate_uptake_g_per_l: float = parameter(
        2.1231, "g/L", "glucose that halves it", ANANE, low=1e-6
    )
    maintenance_per_h: float = parameter(0.0129, "g/g/h", "glucose for maintenance", ANANE)
    biomass_per_glucose_oxidised: float = parameter(0.5333, "g/g", "yield by respiration", ANANE, low=1e-6)
    biomass_per_glucose_overflow: float = parameter(0.2268, "g/g", "yield of the overflow", ANANE)
    acetate_per_glucose_overflow: float = parameter(
        0.66,
        "g/g",
        "acetate a glucose in overflow; .91 in Anane et al. leaves no carbon for cells and CO2",
        TYPICAL,
        low=1e-6,
    )
    biomass_per_acetate: float = parameter(0.40, "g/g", "yield on acetate; .57 in Anane et al.", TYPICAL)
    biomass_nitrogen_mmol_per_g: float = parameter(7.5, "mmol/g", "nitrogen of biomass", ELEMENTS)
    ammonium_constant_mmol_per_l: float = parameter(0.5, "mmol/L", "Monod constant of ammonium", TYPICAL, low=1e-6)
    product_per_biomass_grown: float = parameter(
        0.08, "g/g", "recombinant protein a biomass grown on plenty of glucose", TYPICAL
    )
    product_per_biomass_h: float = parameter(0.004, "g/g/h", "recombinant protein besides growth", TYPICAL)
    product_per_glucose: float = parameter(0.4, "g/g", "yield of protein on glucose", TYPICAL, low=1e-6)

    growth_temperature_min_c: float = parameter(4.9, "°C", "no growth below", ROSSO)
    growth_temperature_optimum_c: float = parameter(
        37.0, "°C", "where the rates hold as given; best growth is at 41 in Rosso et al.", TYPICAL
    )
    growth_temperature_max_c: float = parameter(47.5, "°C", "no growth above", ROSSO)
    metabolic_q10: float = parameter(2.0, "1", "rates of metabolism for 10 °C", "common for enzymes", low=1.0, high=5.0)
    ph_inhibition_acid_pk: float = parameter(5.0, "1", "pH below which growth fails", TYPICAL, low=3.0, high=8.0)
    ph_inhibition_basic_pk: float = parameter(8.7, "1", "pH above which growth fails", TYPICAL, low=6.0, high=11.0)
    oxygen_constant_mmol_per_l: float = parameter(
        0.002, "mmol/L", "Monod constant of oxygen: 1 % air", TYPICAL, low=1e-9
    )
    osmolality_inhibition_mosm_per_kg: float = parameter(
        1100.0, "mOsm/kg", "osmolality that halves uptake", TYPICAL, low=1.0
    )
    co2_inhibition_mmhg: float = parameter(400.0, "mmHg", "pCO2 that halves uptake", TYPICAL, low=1.0)
    death_basal_per_h: float = parameter(0.0005, "1/h", "death in good surroundings", TYPICAL)
    death_heat_per_h: float = parameter(1e-5, "1/h", "death by heat at 37 °C; 16 times the exponent of Q10", TYPICAL)
    death_starvation_per_h: float = parameter(0.002, "1/h", "death without glucose", TYPICAL)
    death_stress_per_h: float = parameter(
        0.01, "1/h", "death by pH, osmolality or no oxygen, each at its worst", TYPICAL
    )
    lysis_per_h: float = parameter(0.01, "1/h", "lysis of dead cells", TYPICAL)
    cell_carbon_mmol: float = parameter(37.4, "mmol C/g", "carbon of dry weight", ELEMENTS, low=1e-6)
    cell_reduction_degree: float = parameter(4.2, "1", "degree of reduction of biomass", ELEMENTS, low=1.0, high=6.0)
    product_carbon_mmol_per_g: float = parameter(44.5, "mmol C/g", "carbon of protein", "average protein", low=1e-6)
    amino_acid_reduction_degree: float = parameter(
        4.1, "1", "degree of reduction of protein", "average protein", low=3.6, high=6.0
    )

    medium_amino_acids_mmol_c_per_l: float = parameter(0.0, "mmol C/L", "amino acids of the medium", TYPICAL)
    medium_ammonium_mmol_per_l: float = parameter(60.0, "mmol/L", "ammonium of the medium", TYPICAL)
    medium_bicarbonate_mmol_per_l: float = parameter(0.5, "mmol/L", "bicarbonate of the medium", TYPICAL, low=0.01)
    medium_ph: float = parameter(6.9, "1", "pH of the medium as filled", TYPICAL, low=5.0, high=8.5)
    feed_amino_acids_mmol_c_per_l: float = parameter(0.0, "mmol C/L", "amino acids of the feed", TYPICAL)
    feed_ammonium_mmol_per_l: float = parameter(0.0, "mmol/L", "ammonium of the feed", TYPICAL)
    feed_alkalinity_mmol_per_l: float = parameter(0.0, "mmol/L", "alkalinity of the feed", TYPICAL)
    contaminant_growth_per_h: float = parameter(0.6, "1/h", "greatest growth of a foreign bacterium", TYPICAL)
    contaminant_glucose_constant_mmol_per_l: float = parameter(0.1, "mmol/L", "its Monod constant", TYPICAL, low=1e-6)

    reactor: Reactor = field(default=FERMENTER)
    instruments: Instruments = field(default_factory=Instruments)

    name: ClassVar[str] = "ecoli-fed-batch"
    code: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_ranges(self)
        check_ordered(self, "growth_temperature_min_c", "growth_temperature_optimum_c", "growth_temperature_max_c")
        check_ordered(self, "ph_inhibition_acid_pk", "ph_inhibition_basic_pk")
        carbon = self.cell_carbon_mmol
        sugar, acid = 1000 * 6 / 180.156, 1000 * 2 / 60.052
        for name, taken, kept in (
            ("biomass_per_glucose_oxidised", sugar, self.biomass_per_glucose_oxidised * carbon),
            (
                "biomass_per_glucose_overflow with acetate_per_glucose_overflow",
                sugar,
                self.biomass_per_glucose_overflow * carbon + self.acetate_per_glucose_overflow * acid,
            ),
            ("biomass_per_acetate", acid, self.biomass_per_acetate * carbon),
            ("product_per_glucose", sugar, self.product_per_glucose * self.product_carbon_mmol_per_g),
        ):
            if kept > taken:
                raise ConfigError(
                    f"EcoliFedBatch: {name} would keep {kept:.3g} of {taken:.3g} mmol C a gram eaten; "
                    "a yield cannot keep more carbon than there is."
                )

    def parameter_table(self) -> pl.DataFrame:
        """Return one row a parameter: name, value, unit, meaning, source."""
        return parameter_table(self)
