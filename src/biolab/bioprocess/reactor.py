"""The vessel, its gas and its instruments: what every plant stands in."""

from dataclasses import dataclass

from .parameters import check_ordered, check_ranges, parameter

VANT_RIET = "form: van 't Riet (1979), doi:10.1021/i260071a001; value chosen"
WEAK_ACIDS = "physical chemistry of carbonic acid at 37 °C"


@dataclass(frozen=True, kw_only=True)
class Reactor:
    """A stirred, sparged, jacketed vessel.

    kLa = kla_per_h (N / N_ref)^a (Q / V / q_ref)^b; CO2 is stripped with the same bubbles, and both gases change the
    bubbles they pass into. pH follows from bicarbonate, one buffer and the charge that base and acids leave behind.
    """

    kla_per_h: float = parameter(6.0, "1/h", "kLa of oxygen at reference stirring and gassing", VANT_RIET)
    kla_agitation_exponent: float = parameter(1.8, "1", "exponent of stirring: power ~ N^3, kLa ~ power^0.6", VANT_RIET)
    kla_gas_exponent: float = parameter(0.5, "1", "exponent of gas flow", VANT_RIET)
    kla_reference_agitation_rpm: float = parameter(150.0, "1/min", "stirring at which kla_per_h holds", low=1.0)
    kla_reference_gas_per_min: float = parameter(0.033, "L/L/min", "gassing at which kla_per_h holds", low=1e-6)
    kla_co2_ratio: float = parameter(
        0.89, "1", "kLa of CO2 over that of oxygen", "square root of the ratio of diffusivities in water"
    )
    oxygen_air_saturation_mmol_per_l: float = parameter(
        0.20, "mmol/L", "dissolved oxygen in medium saturated with air at 37 °C", "water 0.21, less for salts", low=1e-3
    )
    oxygen_solubility_slope_per_k: float = parameter(
        0.012, "1/K", "loss of solubility a degree above 37 °C", "tables of water, 30 to 40 °C", high=0.03
    )
    co2_solubility_mmol_per_l_per_mmhg: float = parameter(
        0.0307, "mmol/L/mmHg", "Henry constant of CO2 at 37 °C", "blood-gas practice", low=1e-4
    )
    co2_solubility_slope_per_k: float = parameter(
        0.02, "1/K", "loss of solubility a degree above 37 °C", "tables of water, 30 to 40 °C", high=0.03
    )
    pk_bicarbonate: float = parameter(6.1, "1", "apparent pK of CO2 / bicarbonate", WEAK_ACIDS, low=5.0, high=7.5)
    buffer_mmol_per_l: float = parameter(8.0, "mmol/L", "phosphate, histidine and proteins as one buffer")
    pk_buffer: float = parameter(6.9, "1", "its pK", low=5.0, high=9.0)
    evaporation_l_per_l_gas: float = parameter(
        1.0e-5,
        "L/L",
        "water lost a litre of dry gas behind the condenser",
        "saturation at 37 °C is 4.4e-5; rest chosen",
    )
    jacket_exchange_per_h: float = parameter(1.0, "1/h", "heat exchange with the jacket over heat capacity")
    ambient_exchange_per_h: float = parameter(0.08, "1/h", "heat loss to the room over heat capacity")
    ambient_temperature_c: float = parameter(22.0, "°C", "temperature of the room", low=-20.0, high=60.0)
    heat_kj_per_mol_oxygen: float = parameter(
        460.0, "kJ/mol", "metabolic heat a mole of oxygen", "Cooney et al. (1969), doi:10.1002/bit.260110302"
    )
    jacket_span_k: float = parameter(20.0, "K", "jacket above its set-point at full heating, below it at full cooling")
    jacket_min_c: float = parameter(5.0, "°C", "coldest jacket", low=-20.0, high=90.0)
    jacket_max_c: float = parameter(60.0, "°C", "warmest jacket", low=-20.0, high=120.0)
    co2_max_fraction: float = parameter(0.20, "1", "CO2 in the gas when the pH controller wants most acid", high=0.5)
    base_alkalinity_mmol_per_l: float = parameter(2000.0, "mmol/L", "alkalinity of the base: 1 mol/L Na2CO3")
    base_carbon_mmol_per_l: float = parameter(1000.0, "mmol/L", "carbonate in the base")
    base_ammonium_mmol_per_l: float = parameter(0.0, "mmol/L", "ammonia in the base")
    base_osmolality_mosm_per_kg: float = parameter(3000.0, "mOsm/kg", "osmolality of the base")

    def __post_init__(self) -> None:
        check_ranges(self)
        check_ordered(self, "jacket_min_c", "ambient_temperature_c", "jacket_max_c")


@dataclass(frozen=True, kw_only=True)
class Instruments:
    """Probes and at-line analysers: first-order lag, normal noise, and steps of the display."""

    dissolved_oxygen_lag_h: float = parameter(
        0.0125, "h", "lag of the DO probe: 45 s, a polarographic membrane", low=1e-6
    )
    ph_lag_h: float = parameter(0.003, "h", "lag of the pH probe: 11 s", low=1e-6)
    temperature_lag_h: float = parameter(0.005, "h", "lag of the resistance thermometer in its well", low=1e-6)
    dissolved_oxygen_noise_percent: float = parameter(0.3, "% air", "standard deviation of a DO reading")
    ph_noise: float = parameter(0.005, "pH", "standard deviation of a pH reading")
    temperature_noise_c: float = parameter(0.02, "°C", "standard deviation of a temperature reading")
    dissolved_oxygen_resolution_percent: float = parameter(0.1, "% air", "step of the display")
    ph_resolution: float = parameter(0.01, "pH", "step of the display")
    temperature_resolution_c: float = parameter(0.1, "°C", "step of the display")
    glucose_noise_fraction: float = parameter(0.02, "1", "coefficient of variation of at-line glucose")
    cell_count_noise_fraction: float = parameter(0.05, "1", "coefficient of variation of a cell count")
    titre_noise_fraction: float = parameter(0.03, "1", "coefficient of variation of a titre")
    metabolite_noise_fraction: float = parameter(0.03, "1", "coefficient of variation of other at-line analytes")
    osmolality_noise_mosm_per_kg: float = parameter(3.0, "mOsm/kg", "standard deviation of an osmometer")
    offline_ph_noise: float = parameter(0.015, "pH", "standard deviation of pH in a sample, at a blood-gas analyser")
    pco2_noise_mmhg: float = parameter(1.5, "mmHg", "standard deviation of a blood-gas analyser")

    def __post_init__(self) -> None:
        check_ranges(self)
