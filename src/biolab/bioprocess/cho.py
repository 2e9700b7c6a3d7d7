"""Chinese hamster ovary cells that make a monoclonal antibody in fed-batch."""

from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl

from biolab.core import ConfigError

from .parameters import check_ordered, check_ranges, parameter, parameter_table
from .reactor import Instruments, Reactor

MONOD = "macroscopic CHO model, Kornecki and Strube (2018), doi:10.3390/bioengineering5010025, table 2"
ROSSO = "form: Rosso et al. (1993), doi:10.1006/jtbi.1993.1099; value chosen for CHO"
OXYGEN = "q_O2 of 4 to 6 pmol/cell/day: Goudar et al. (2011), doi:10.1002/btpr.646"
PROTEIN = "elemental composition of an average protein"
TYPICAL = "chosen for published ranges of fed-batch CHO (docs/bioprocess.md)"


@dataclass(frozen=True, kw_only=True)
class CHOFedBatch:
    """A CHO mAb fed-batch: viable, dead and lysed cells, nutrients, waste, antibody, gases, pH, heat and volume.

    Growth is Monod's in glucose, glutamine, other amino acids and oxygen, held back by lactate, ammonium, by-products
    of amino acids, pH, osmolality, CO2 and temperature. Glycolysis overflows into lactate while cells grow fast and
    takes lactate up again when they do not. Amounts are a 1e9 cells, which is 1e6 cells/mL in a litre; a
    mmol/(1e9 cells) is a pmol/cell. CO2 and oxygen follow from the carbon and electron balance of each reaction.

    >>> plant = CHOFedBatch(mu_max_per_h=0.035)
    >>> plant.parameter_table().filter(name="mu_max_per_h")["value"].item()
    0.035
    """

    mu_max_per_h: float = parameter(0.039, "1/h", "greatest specific growth rate", MONOD, low=1e-6)
    glucose_constant_mmol_per_l: float = parameter(1.0, "mmol/L", "Monod constant of glucose", MONOD, low=1e-6)
    glutamine_constant_mmol_per_l: float = parameter(0.047, "mmol/L", "Monod constant of glutamine", MONOD, low=1e-6)
    amino_acid_constant_mmol_c_per_l: float = parameter(
        5.0, "mmol C/L", "Monod constant of amino acids", TYPICAL, low=1e-6
    )
    lactate_inhibition_mmol_per_l: float = parameter(43.0, "mmol/L", "lactate that halves growth", MONOD, low=1e-6)
    ammonium_inhibition_mmol_per_l: float = parameter(
        12.0, "mmol/L", "ammonium that halves growth; 6.5 in doi:10.3390/bioengineering5010025", TYPICAL, low=1e-6
    )
    byproduct_inhibition_mmol_c_per_l: float = parameter(
        20.0,
        "mmol C/L",
        "by-products of amino acids that halve growth; the peak then falls on day 8 to 11",
        TYPICAL,
        low=1e-6,
    )
    growth_glucose_mmol_per_1e9: float = parameter(1.0, "mmol/1e9", "glucose burnt and built in a cell grown", TYPICAL)
    growth_glutamine_mmol_per_1e9: float = parameter(
        0.45, "mmol/1e9", "glutamine a cell grown; 1.03 in doi:10.3390/bioengineering5010025", TYPICAL
    )
    growth_amino_acids_mmol_c_per_1e9: float = parameter(8.0, "mmol C/1e9", "other amino acids a cell grown", TYPICAL)
    ammonium_per_glutamine: float = parameter(
        0.5, "mol/mol", "ammonium freed a glutamine used; 0.67 there", TYPICAL, high=2.0
    )
    maintenance_glucose_mmol_per_1e9_h: float = parameter(
        0.022, "mmol/1e9/h", "glucose burnt to stay alive; .069 in doi:10.3390/bioengineering5010025", OXYGEN
    )
    overflow_glucose_mmol_per_1e9_h: float = parameter(
        0.075, "mmol/1e9/h", "glucose to lactate at full overflow; lactate then peaks on day 3 to 6", TYPICAL
    )
    overflow_glucose_constant_mmol_per_l: float = parameter(
        1.0,
        "mmol/L",
        "glucose at half of it; 15 makes a line whose lactate follows glucose",
        "as for growth; lines that differ: Gagnon et al. (2011), Biotechnol. Bioeng. 108:1328",
        low=1e-6,
    )
    lactate_switch_growth_per_h: float = parameter(
        0.026, "1/h", "growth at which overflow is half on", TYPICAL, low=1e-6
    )
    lactate_use_mmol_per_1e9_h: float = parameter(0.02, "mmol/1e9/h", "greatest uptake of lactate", TYPICAL)
    lactate_use_constant_mmol_per_l: float = parameter(
        5.0, "mmol/L", "lactate at which uptake is half", TYPICAL, low=1e-6
    )
    glutamine_decay_per_h: float = parameter(
        0.001, "1/h", "chemical decay at 37 °C to pyrrolidone carboxylate and ammonium",
        "order of Ozturk and Palsson (1990), doi:10.1021/bp00002a005",
    )  # fmt: skip
    amino_acid_catabolism_mmol_c_per_1e9_h: float = parameter(0.03, "mmol C/1e9/h", "amino acids degraded", TYPICAL)
    byproduct_share: float = parameter(0.4, "1", "of that carbon, what stays as by-products", TYPICAL, high=1.0)
    ammonium_per_amino_acid_carbon: float = parameter(
        0.04, "mol/mol C", "net ammonium a carbon of amino acid burnt", TYPICAL
    )
    product_g_per_1e9_h: float = parameter(1.51e-3, "g/1e9/h", "antibody made: 36 pg/cell/day", MONOD)
    product_cold_gain_per_k: float = parameter(0.05, "1/K", "more antibody a cell for each degree below 37 °C", TYPICAL)
    death_byproduct_per_h: float = parameter(0.008, "1/h", "death at plenty of by-products", TYPICAL)
    death_byproduct_constant_mmol_c_per_l: float = parameter(
        55.0, "mmol C/L", "by-products at half of it", TYPICAL, low=1e-6
    )

    growth_temperature_min_c: float = parameter(29.5, "°C", "no growth below", ROSSO)
    growth_temperature_optimum_c: float = parameter(37.0, "°C", "best growth", ROSSO)
    growth_temperature_max_c: float = parameter(42.0, "°C", "no growth above", ROSSO)
    metabolic_q10: float = parameter(2.0, "1", "rates of metabolism for 10 °C", "common for enzymes", low=1.0, high=5.0)
    ph_inhibition_acid_pk: float = parameter(6.5, "1", "pH below which growth fails", TYPICAL, low=4.0, high=8.0)
    ph_inhibition_basic_pk: float = parameter(7.8, "1", "pH above which growth fails", TYPICAL, low=6.0, high=10.0)
    oxygen_constant_mmol_per_l: float = parameter(
        0.004, "mmol/L", "Monod constant of oxygen: 2 % air", TYPICAL, low=1e-9
    )
    osmolality_inhibition_mosm_per_kg: float = parameter(
        480.0, "mOsm/kg", "osmolality that halves growth", TYPICAL, low=1.0
    )
    co2_inhibition_mmhg: float = parameter(250.0, "mmHg", "pCO2 that halves growth", TYPICAL, low=1.0)
    death_basal_per_h: float = parameter(0.0004, "1/h", "death in good surroundings at 37 °C", TYPICAL)
    death_heat_per_h: float = parameter(1e-5, "1/h", "death by heat at 37 °C; 16 times the exponent of Q10", TYPICAL)
    death_starvation_per_h: float = parameter(0.03, "1/h", "death without glucose", TYPICAL)
    death_stress_per_h: float = parameter(
        0.006, "1/h", "death by pH, osmolality or no oxygen, each at its worst", TYPICAL
    )
    lysis_per_h: float = parameter(0.006, "1/h", "lysis of dead cells", TYPICAL)
    cell_carbon_mmol: float = parameter(
        12.0, "mmol C/1e9", "carbon of a cell: 300 pg dry weight, 48 % carbon", TYPICAL, low=1e-6
    )
    cell_reduction_degree: float = parameter(
        4.3, "1", "degree of reduction of a cell's carbon", PROTEIN, low=1.0, high=6.0
    )
    product_carbon_mmol_per_g: float = parameter(44.5, "mmol C/g", "carbon of antibody: 53.5 %", PROTEIN, low=1e-6)
    amino_acid_reduction_degree: float = parameter(
        4.1, "1", "degree of reduction of amino acid carbon", PROTEIN, low=3.6, high=6.0
    )

    medium_amino_acids_mmol_c_per_l: float = parameter(
        250.0, "mmol C/L", "amino acids of the medium, 55 mmol/L", TYPICAL
    )
    medium_bicarbonate_mmol_per_l: float = parameter(20.0, "mmol/L", "bicarbonate of the medium", TYPICAL, low=0.1)
    medium_ph: float = parameter(7.15, "1", "pH of the medium as filled", TYPICAL, low=5.0, high=8.5)
    feed_amino_acids_mmol_c_per_l: float = parameter(1500.0, "mmol C/L", "amino acids of the feed", TYPICAL)
    feed_ammonium_mmol_per_l: float = parameter(0.0, "mmol/L", "ammonium of the feed", TYPICAL)
    feed_alkalinity_mmol_per_l: float = parameter(15.0, "mmol/L", "alkalinity of the feed", TYPICAL)
    contaminant_growth_per_h: float = parameter(0.6, "1/h", "greatest growth of a foreign bacterium", TYPICAL)
    contaminant_glucose_constant_mmol_per_l: float = parameter(0.1, "mmol/L", "its Monod constant", TYPICAL, low=1e-6)

    reactor: Reactor = field(default_factory=Reactor)
    instruments: Instruments = field(default_factory=Instruments)

    name: ClassVar[str] = "cho-fed-batch"
    code: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check_ranges(self)
        check_ordered(self, "growth_temperature_min_c", "growth_temperature_optimum_c", "growth_temperature_max_c")
        check_ordered(self, "ph_inhibition_acid_pk", "ph_inhibition_basic_pk")
        carbon = 6 * self.growth_glucose_mmol_per_1e9 + 5 * self.growth_glutamine_mmol_per_1e9
        carbon += self.growth_amino_acids_mmol_c_per_1e9
        if carbon < self.cell_carbon_mmol:
            raise ConfigError(
                f"CHOFedBatch: growth_glucose_mmol_per_1e9, growth_glutamine_mmol_per_1e9 and "
                f"growth_amino_acids_mmol_c_per_1e9 bring {carbon:g} mmol C a 1e9 cells, but cell_carbon_mmol is "
                f"{self.cell_carbon_mmol:g}; cells cannot hold more carbon than they take up."
            )

    def parameter_table(self) -> pl.DataFrame:
        """Return one row a parameter: name, value, unit, meaning, source."""
        return parameter_table(self)
