"""Where everything stands in the flat arrays of a fed-batch run: states, parameters, schedule, memory and records.

All paths (reference, compiled, GPU) read these places; names outside the kernel are in `PARAMETERS` and `RECORD`.
"""

from typing import Final

CHO, ECOLI = 0, 1
"""The plants' codes."""

# Amounts in the vessel (mmol, L, g, 1e9 cells = 1e6 cells/mL * L), the temperature, and what crossed the gas bubbles.
# The first four are those whose own dynamics may be far quicker than a step.
(
    GLUCOSE,  # mmol
    SECOND,  # mmol: glutamine (CHO), acetate (E. coli)
    OXYGEN,  # mmol, dissolved
    CARBONATE,  # mmol, CO2 and bicarbonate
    TEMPERATURE,  # degrees C
    VOLUME,  # L
    VIABLE,  # 1e9 cells, or g dry weight
    DEAD,
    LYSED,
    LACTATE,  # mmol
    AMMONIUM,  # mmol
    AMINO,  # mmol C in amino acids other than glutamine
    PRODUCT,  # g
    ALKALI,  # mmol of positive charge not balanced by strong acids
    SALT,  # mOsmol of everything else
    BYPRODUCT,  # mmol C
    CONTAMINANT,  # mmol C of foreign cells
    CO2_OUT,  # mmol, total stripped
    O2_IN,  # mmol, total taken up from the gas
) = range(19)
STATES: Final = 19
LANES: Final = 20
"""As many as are computed at a time: the last is nothing, and stays it."""
SLOPED: Final = 3
"""Of them, those whose derivatives reach many states; carbonate's reaches the gas alone."""
CONTENT: Final = 17  # states before the totals; all but the temperature leave with a sample

# Rates of reaction and transfer, all in amounts per hour
(
    GROWTH,
    MAINTENANCE,
    OVERFLOW,
    ACID_USE,
    DECAY,
    CATABOLISM,
    PRODUCTION,
    DEATH,
    LYSIS,
    CONTAMINATION,
    OXYGEN_TRANSFER,
    CO2_TRANSFER,
) = range(12)
RATES: Final = 12

_names: list[str] = []


def _next(name: str) -> int:
    _names.append(name)
    return len(_names) - 1


# --- the reactor
KLA = _next("kla_per_h")
KLA_AGITATION = _next("kla_agitation_exponent")
KLA_GAS = _next("kla_gas_exponent")
REFERENCE_AGITATION = _next("kla_reference_agitation_rpm")
REFERENCE_GAS = _next("kla_reference_gas_per_min")
KLA_CO2 = _next("kla_co2_ratio")
O2_SOLUBILITY = _next("oxygen_air_saturation_mmol_per_l")
O2_SLOPE = _next("oxygen_solubility_slope_per_k")
CO2_SOLUBILITY = _next("co2_solubility_mmol_per_l_per_mmhg")
CO2_SLOPE = _next("co2_solubility_slope_per_k")
PK_CO2 = _next("pk_bicarbonate")
BUFFER = _next("buffer_mmol_per_l")
PK_BUFFER = _next("pk_buffer")
EVAPORATION = _next("evaporation_l_per_l_gas")
JACKET_EXCHANGE = _next("jacket_exchange_per_h")
AMBIENT_EXCHANGE = _next("ambient_exchange_per_h")
AMBIENT = _next("ambient_temperature_c")
HEAT = _next("heat_kj_per_mol_oxygen")
JACKET_SPAN = _next("jacket_span_k")
JACKET_LOW = _next("jacket_min_c")
JACKET_HIGH = _next("jacket_max_c")
CO2_SHARE = _next("co2_max_fraction")
BASE_ALKALI = _next("base_alkalinity_mmol_per_l")
BASE_CARBON = _next("base_carbon_mmol_per_l")
BASE_AMMONIUM = _next("base_ammonium_mmol_per_l")
BASE_SALT = _next("base_osmolality_mosm_per_kg")
FEED_AMINO = _next("feed_amino_acids_mmol_c_per_l")
FEED_AMMONIUM = _next("feed_ammonium_mmol_per_l")
FEED_ALKALI = _next("feed_alkalinity_mmol_per_l")
MEDIUM_AMINO = _next("medium_amino_acids_mmol_c_per_l")
MEDIUM_BICARBONATE = _next("medium_bicarbonate_mmol_per_l")
MEDIUM_PH = _next("medium_ph")
DO_LAG = _next("dissolved_oxygen_lag_h")
PH_LAG = _next("ph_lag_h")
TEMPERATURE_LAG = _next("temperature_lag_h")
DO_NOISE = _next("dissolved_oxygen_noise_percent")
PH_NOISE = _next("ph_noise")
TEMPERATURE_NOISE = _next("temperature_noise_c")
DO_STEP = _next("dissolved_oxygen_resolution_percent")
PH_STEP = _next("ph_resolution")
TEMPERATURE_STEP = _next("temperature_resolution_c")
GLUCOSE_NOISE = _next("glucose_noise_fraction")
# --- contamination, the same foreign bacterium in every plant
FOREIGN_GROWTH = _next("contaminant_growth_per_h")
FOREIGN_GLUCOSE = _next("contaminant_glucose_constant_mmol_per_l")
# --- the recipe
START_VOLUME = _next("start_volume_l")
START_VIABLE = _next("start_viable")
START_VIABILITY = _next("start_viability")
START_GLUCOSE = _next("start_glucose_mmol_per_l")
START_SECOND = _next("start_second_mmol_per_l")
START_LACTATE = _next("start_lactate_mmol_per_l")
START_AMMONIUM = _next("start_ammonium_mmol_per_l")
START_OSMOLALITY = _next("start_osmolality_mosm_per_kg")
START_TEMPERATURE = _next("start_temperature_c")
FEED_GLUCOSE = _next("feed_glucose_mmol_per_l")
FEED_SECOND = _next("feed_second_mmol_per_l")
FEED_OSMOLALITY = _next("feed_osmolality_mosm_per_kg")
MAX_VOLUME = _next("max_volume_l")
MAX_AGITATION = _next("max_agitation_rpm")
MAX_OXYGEN = _next("max_oxygen_fraction")
MAX_FEED = _next("max_feed_l_per_h")
MAX_BASE = _next("max_base_l_per_h")
# seven places a controller: gain, integral, derivative, control intervals, deadband, low, high
PH_CONTROL = _next("ph_gain")
for _name in ("integral_h", "derivative_h", "every", "deadband", "low_percent", "high_percent"):
    _next(f"ph_{_name}")
DO_CONTROL = _next("dissolved_oxygen_gain")
for _name in ("integral_h", "derivative_h", "every", "deadband", "low_percent", "high_percent"):
    _next(f"dissolved_oxygen_{_name}")
TEMPERATURE_CONTROL = _next("temperature_gain")
for _name in ("integral_h", "derivative_h", "every", "deadband", "low_percent", "high_percent"):
    _next(f"temperature_{_name}")
# --- environment of the cells (both plants)
T_MIN = _next("growth_temperature_min_c")
T_BEST = _next("growth_temperature_optimum_c")
T_MAX = _next("growth_temperature_max_c")
Q10 = _next("metabolic_q10")
PK_ACID = _next("ph_inhibition_acid_pk")
PK_BASIC = _next("ph_inhibition_basic_pk")
K_OXYGEN = _next("oxygen_constant_mmol_per_l")
K_OSMOLALITY = _next("osmolality_inhibition_mosm_per_kg")
K_CO2 = _next("co2_inhibition_mmhg")
DEATH_BASAL = _next("death_basal_per_h")
DEATH_HEAT = _next("death_heat_per_h")
DEATH_STARVED = _next("death_starvation_per_h")
DEATH_STRESS = _next("death_stress_per_h")
LYSIS_RATE = _next("lysis_per_h")
CELL_CARBON = _next("cell_carbon_mmol")
CELL_REDUCTION = _next("cell_reduction_degree")
PRODUCT_CARBON = _next("product_carbon_mmol_per_g")
AMINO_REDUCTION = _next("amino_acid_reduction_degree")
SHARED: Final = len(_names)
"""So many parameters every plant has; those of its own metabolism follow."""
_shared = tuple(_names)

# --- CHO cells; amounts per 1e9 cells
MU_MAX = _next("mu_max_per_h")
K_GLUCOSE = _next("glucose_constant_mmol_per_l")
K_GLUTAMINE = _next("glutamine_constant_mmol_per_l")
K_AMINO = _next("amino_acid_constant_mmol_c_per_l")
KI_LACTATE = _next("lactate_inhibition_mmol_per_l")
KI_AMMONIUM = _next("ammonium_inhibition_mmol_per_l")
KI_BYPRODUCT = _next("byproduct_inhibition_mmol_c_per_l")
CELL_GLUCOSE = _next("growth_glucose_mmol_per_1e9")
CELL_GLUTAMINE = _next("growth_glutamine_mmol_per_1e9")
CELL_AMINO = _next("growth_amino_acids_mmol_c_per_1e9")
AMMONIUM_YIELD = _next("ammonium_per_glutamine")
M_GLUCOSE = _next("maintenance_glucose_mmol_per_1e9_h")
OVERFLOW_MAX = _next("overflow_glucose_mmol_per_1e9_h")
K_OVERFLOW = _next("overflow_glucose_constant_mmol_per_l")
SWITCH = _next("lactate_switch_growth_per_h")
LACTATE_MAX = _next("lactate_use_mmol_per_1e9_h")
K_LACTATE = _next("lactate_use_constant_mmol_per_l")
GLUTAMINE_DECAY = _next("glutamine_decay_per_h")
M_AMINO = _next("amino_acid_catabolism_mmol_c_per_1e9_h")
BYPRODUCT_SHARE = _next("byproduct_share")
AMMONIUM_AMINO = _next("ammonium_per_amino_acid_carbon")
Q_PRODUCT = _next("product_g_per_1e9_h")
Q_PRODUCT_COLD = _next("product_cold_gain_per_k")
DEATH_BYPRODUCT = _next("death_byproduct_per_h")
KD_BYPRODUCT = _next("death_byproduct_constant_mmol_c_per_l")
CHO_PARAMETERS: Final = tuple(_names)

# --- E. coli, after Anane et al.; g per g dry weight unless the name says otherwise
del _names[SHARED:]
QS_MAX = _next("glucose_uptake_max_per_h")
K_SUGAR = _next("glucose_constant_mmol_per_l")
KI_ACETATE_UPTAKE = _next("acetate_inhibition_uptake_g_per_l")
PA_MAX = _next("acetate_production_max_per_h")
K_AP = _next("acetate_production_constant_per_h")
QA_MAX = _next("acetate_uptake_max_per_h")
K_ACETATE = _next("acetate_constant_g_per_l")
KI_GLUCOSE_ACETATE = _next("glucose_inhibition_acetate_uptake_g_per_l")
Q_MAINTENANCE = _next("maintenance_per_h")
Y_EM = _next("biomass_per_glucose_oxidised")
Y_OF = _next("biomass_per_glucose_overflow")
Y_AS = _next("acetate_per_glucose_overflow")
Y_XA = _next("biomass_per_acetate")
BIOMASS_NITROGEN = _next("biomass_nitrogen_mmol_per_g")
K_NITROGEN = _next("ammonium_constant_mmol_per_l")
Q_PRODUCT_GROWTH = _next("product_per_biomass_grown")
Q_PRODUCT_BASAL = _next("product_per_biomass_h")
Y_PRODUCT = _next("product_per_glucose")
ECOLI_PARAMETERS: Final = tuple(_names)
PARAMETERS: Final = (CHO_PARAMETERS, ECOLI_PARAMETERS)
"""The names of every parameter, in order, of each plant."""
PLACES: Final = max(len(CHO_PARAMETERS), len(ECOLI_PARAMETERS))

# What the surroundings do, in a row of work memory: to growth, metabolism, stress, death by heat; the slopes of the
# carbonate's and the temperature's own decay; and what takes a logarithm or an exponential, kept until it changes: the
# stirrer's lowest speed and its range, and metabolism at the nearest quarter of a degree
(
    ENV_GROWTH,
    ENV_METABOLISM,
    ENV_STRESS,
    ENV_HEAT,
    WASHING,
    COOLING,
    SLOWEST,
    LOG_SPAN,
    LOG_SLOWEST,
    KEPT_TEMPERATURE,
    KEPT_METABOLISM,
) = range(11)

# Constants of a run that follow from its parameters, kept behind them
(
    K1,  # dissociation constants and their limits in units of 1e-7 mol/L
    KA,
    PER_ACID_2,
    BASIC_2,
    PH_NORM,
    PER_OSMOLALITY,  # one over constants that are divided by
    PER_CO2,
    PER_LACTATE,
    PER_AMMONIUM,
    PER_BYPRODUCT,
    LOG_Q10,
    CELL_CO2,
    CELL_O2,
    CATABOLIC_CO2,
    CATABOLIC_O2,
    GROWTH_CO2,
    GROWTH_O2,
    GROWTH_CELLS,
    FLOW_CO2,
    FLOW_O2,
    FLOW_CELLS,
    FLOW_ACID,
    ACID_CO2,
    ACID_O2,
    ACID_CELLS,
    MADE_GLUCOSE,
    MADE_CO2,
    MADE_O2,
    SWITCH_4,
    KD_BYPRODUCT_2,
    DO_FOLLOWS,  # what a probe closes of its gap in an interval
    PH_FOLLOWS,
    TEMPERATURE_FOLLOWS,
) = range(PLACES, PLACES + 33)
ALL_PLACES: Final = PLACES + 33

# What is held from one control interval to the next while the equations are integrated
(
    FEED,  # L/h delivered
    BASE,
    VAPOUR,
    KO,  # kLa of oxygen and CO2, per h
    KC,
    GAS,  # mmol/h
    O2_SHARE,
    CO2_IN,
    JACKET,  # degrees C
    JACKET_K,  # per h
) = range(10)
HELD: Final = 10

SCHEDULE: Final = (
    "ph", "dissolved_oxygen_percent", "temperature_c", "agitation_rpm", "gas_flow_l_per_min", "feed_l_per_h",
    "bolus_l", "glucose_action", "glucose_g_per_l", "glucose_interval_h", "sample_l", "feed_factor", "ph_drift",
    "dissolved_oxygen_drift", "agitation_ceiling", "oxygen_ceiling", "jacket_factor", "contamination_mmol_c",
    "foam_fraction", "kla_factor", "glucose_factor", "agitation_held_rpm", "oxygen_held_fraction",
)  # fmt: skip
"""A row a control interval: set-points, feeding, samples, and what is broken (factor 1 and drift 0 are none)."""
(
    S_PH, S_DO, S_TEMPERATURE, S_AGITATION, S_GAS, S_FEED, S_BOLUS, S_GLUCOSE_ACTION, S_GLUCOSE,
    S_GLUCOSE_INTERVAL, S_SAMPLE, S_FEED_FACTOR, S_PH_DRIFT, S_DO_DRIFT, S_AGITATION_CEILING, S_OXYGEN_CEILING,
    S_JACKET_FACTOR, S_CONTAMINATION, S_FOAM, S_KLA_FACTOR, S_GLUCOSE_FACTOR, S_AGITATION_HELD, S_OXYGEN_HELD,
) = range(len(SCHEDULE))  # fmt: skip
NO_ACTION, BOLUS_TO_GLUCOSE, RATE_FOR_GLUCOSE, RATE_PLANNED = 0.0, 1.0, 2.0, 3.0
"""What feeding does at an interval: go on, dose to a glucose set-point, set the rate for one, take the plan's."""

# What a run remembers between control intervals besides its state
(
    M_STEP,  # the integrator's next step, h
    M_DO,  # probes behind their lag
    M_PH,
    M_TEMPERATURE,
    M_PH_INTEGRAL,
    M_PH_LAST,
    M_PH_OUTPUT,
    M_DO_INTEGRAL,
    M_DO_LAST,
    M_DO_OUTPUT,
    M_TEMPERATURE_INTEGRAL,
    M_TEMPERATURE_LAST,
    M_TEMPERATURE_OUTPUT,
    M_FEED_RATE,
    M_PENDING,  # L of a dose still to be pumped
    M_FED_SINCE,  # L pumped since the last at-line glucose
    M_GLUCOSE_LAST,  # mmol in the vessel by that sample; -1 before the first
    M_TIME_LAST,
    M_FED,  # totals, L
    M_BASE,
    M_VAPOUR,
    M_STEPS,
    M_REJECTED,
) = range(23)
M_REMOVED: Final = 23
"""From here on the totals of each state that left with samples and foam."""
MEMORY: Final = M_REMOVED + CONTENT

RECORD: Final = (
    "ph", "co2_mmol_per_l", "dissolved_oxygen_percent", "osmolality_mosm_per_kg", "agitation_rpm",
    "oxygen_fraction", "co2_fraction", "gas_flow_l_per_min", "feed_l_per_h", "feed_l_per_h_measured",
    "base_l_per_h", "jacket_temperature_c", "kla_per_h", "ph_measured", "dissolved_oxygen_percent_measured",
    "temperature_c_measured", "growth_per_h", "oxygen_uptake_mmol_per_l_h", "co2_evolution_mmol_per_l_h",
    "feed_total_l", "base_total_l", "evaporated_total_l", "glucose_mmol_per_l_measured", "feed_limited",
)  # fmt: skip
"""What a record holds after the state; then come the totals that left with samples and foam."""
(
    R_PH, R_CO2, R_DO, R_OSMOLALITY, R_AGITATION, R_OXYGEN, R_CO2_SHARE, R_GAS, R_FEED, R_FEED_COMMAND, R_BASE,
    R_JACKET, R_KLA, R_PH_MEASURED, R_DO_MEASURED, R_TEMPERATURE_MEASURED, R_GROWTH, R_OUR, R_CER, R_FED,
    R_BASE_TOTAL, R_VAPOUR, R_GLUCOSE_MEASURED, R_LIMITED,
) = range(STATES, STATES + len(RECORD))  # fmt: skip
R_REMOVED: Final = STATES + len(RECORD)
COLUMNS: Final = R_REMOVED + CONTENT

# Rows of the memory a run works in: one array, because every array that is passed on costs more than an addition
(W_P, W_HELD, W_SEEN, W_Y, W_MEMORY, W_METHOD, W_NEW, W_STAGE, W_CHANGE) = range(9)
W_STAGES: Final = W_CHANGE + 1 + SLOPED  # dy/dt is followed by its slopes
W_INVERSE: Final = W_STAGES + 4
W_RATES: Final = W_INVERSE + SLOPED
W_ENV: Final = W_RATES + 1 + SLOPED  # rates by theirs
WORK: Final = W_ENV + 1
WIDTH: Final = -(-ALL_PLACES // 8) * 8
"""Numbers in a row."""

AIR_OXYGEN: Final = 0.2095
GLUCOSE_MASS: Final = 0.180156  # g/mmol
ACETATE_MASS: Final = 0.060052
LACTATE_MASS: Final = 0.090078
GAS_MMOL: Final = 60e3 / 24.055  # mmol/h in a flow of 1 L/min at 20 C and 1 atm
HEAT_CAPACITY: Final = 4.18  # kJ/L/K, water
AMINO_CARBONS: Final = 4.5  # carbons of an average amino acid, for osmolality
# Of one carbon of foreign cells made from two of glucose: lactic acid .2 mmol, CO2 .4 mmol
FOREIGN_SUGAR, FOREIGN_LACTATE, FOREIGN_CO2, FOREIGN_O2 = 1 / 3, 0.2, 0.4, (8.0 - 4.2 - 2.4) / 4

# Channels of the noise
NOISE_DO, NOISE_PH, NOISE_TEMPERATURE, NOISE_GLUCOSE = range(4)
OK, STEP_TOO_SMALL, NOT_FINITE = 0, 1, 2
"""How a run ended."""
