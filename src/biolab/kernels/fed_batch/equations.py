"""The plants' equations, compiled: rates of reaction and transfer, their balances, and slopes for the fast states.

Every change of state is a balance of rates, so that whatever the rates, and whatever slopes the integrator uses, carbon
that leaves one state arrives in another. `reference` says the same in plain numbers.
"""

import math

from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float

from .layout import (
    ACETATE_MASS, ACID_CELLS, ACID_CO2, ACID_O2, ACID_USE, AIR_OXYGEN, ALKALI, AMBIENT, AMBIENT_EXCHANGE, AMINO,
    AMINO_CARBONS, AMMONIUM, AMMONIUM_AMINO, AMMONIUM_YIELD, BASE, BASE_ALKALI, BASE_AMMONIUM, BASE_CARBON,
    BASE_SALT, BASIC_2, BIOMASS_NITROGEN, BUFFER, BYPRODUCT, BYPRODUCT_SHARE, CARBONATE, CATABOLIC_CO2, CATABOLIC_O2,
    CATABOLISM, CELL_AMINO, CELL_CARBON, CELL_CO2, CELL_GLUCOSE, CELL_GLUTAMINE, CELL_O2, CELL_REDUCTION, CHO,
    CO2_IN, CO2_OUT, CO2_SLOPE, CO2_SOLUBILITY, CO2_TRANSFER, CONTAMINANT, CONTAMINATION, DEAD, DEATH, DEATH_BASAL,
    DEATH_BYPRODUCT, DEATH_HEAT, DEATH_STARVED, DEATH_STRESS, DECAY, FAST, FEED, FEED_ALKALI, FEED_AMINO,
    FEED_AMMONIUM, FEED_GLUCOSE, FEED_OSMOLALITY, FEED_SECOND, FLOW_ACID, FLOW_CELLS, FLOW_CO2, FLOW_O2, FOREIGN_CO2,
    FOREIGN_GLUCOSE, FOREIGN_GROWTH, FOREIGN_LACTATE, FOREIGN_O2, FOREIGN_SUGAR, GAS, GLUCOSE, GLUCOSE_MASS,
    GLUTAMINE_DECAY, GROWTH, GROWTH_CELLS, GROWTH_CO2, GROWTH_O2, HEAT, HEAT_CAPACITY, JACKET, JACKET_K, K1, KA, KC,
    KD_BYPRODUCT_2, KI_ACETATE_UPTAKE, KI_GLUCOSE_ACETATE, KO, K_ACETATE, K_AMINO, K_AP, K_GLUCOSE, K_GLUTAMINE,
    K_LACTATE, K_NITROGEN, K_OXYGEN, K_SUGAR, LACTATE, LACTATE_MAX, LOG_Q10, LYSED, LYSIS, LYSIS_RATE, MADE_CO2,
    MADE_GLUCOSE, MADE_O2, MAINTENANCE, MU_MAX, M_AMINO, M_GLUCOSE, O2_IN, O2_SHARE, O2_SLOPE, O2_SOLUBILITY,
    OVERFLOW, OVERFLOW_MAX, OXYGEN, OXYGEN_TRANSFER, PA_MAX, PER_ACID_2, PER_AMMONIUM, PER_BYPRODUCT, PER_CO2,
    PER_LACTATE, PER_OSMOLALITY, PH_NORM, PRODUCT, PRODUCTION, PRODUCT_CARBON, QA_MAX, QS_MAX, Q_MAINTENANCE,
    Q_PRODUCT, Q_PRODUCT_BASAL, Q_PRODUCT_COLD, Q_PRODUCT_GROWTH, RATES, SALT, SECOND, SWITCH_4, TEMPERATURE, T_BEST,
    T_MAX, T_MIN, VAPOUR, VIABLE, VOLUME, Y_AS, Y_EM,
)  # fmt: skip

_COMPILE = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "_nrt": False}
# what is called from compiled code alone needs no door to Python
_INNER = _COMPILE | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
# called from one place: compiled once, where it is called
_PART = _INNER | {"inline": "always"}


@njit(**_INNER)
def protons(carbonate: float, alkali: float, p: Float[ndarray, " p"]) -> float:
    """Return the protons, in 1e-7 mol/L, at which bicarbonate and buffer balance the alkalinity: a quadratic's root."""
    k1, ka, buffer = p[K1], p[KA], p[BUFFER]
    acids = carbonate + buffer
    base = min(max(alkali, 1e-3 * acids), 0.999 * acids)
    b = base * (k1 + ka) - carbonate * k1 - buffer * ka
    c = k1 * ka * (acids - base)
    root = math.sqrt(b * b + 4.0 * base * c)
    return 2.0 * c / (b + root) if b > 0.0 else (root - b) / (2.0 * base)


@njit(**_INNER)
def osmolality(y: Float[ndarray, " s"]) -> float:
    """Return mOsm/kg as the sum of what is dissolved."""
    small = y[GLUCOSE] + y[SECOND] + y[LACTATE] + y[AMMONIUM] + y[AMINO] / AMINO_CARBONS
    return (y[SALT] + small) / y[VOLUME]


@njit(**_PART)
def growth_at(temperature: float, p: Float[ndarray, " p"]) -> float:
    """Return the share of the best growth at a temperature: the cardinal temperature model of Rosso et al."""
    low, best, high = p[T_MIN], p[T_BEST], p[T_MAX]
    warm = min(max(temperature, low), high)
    above, span = warm - low, best - low
    below = span * (warm - best) - (best - high) * (best + low - 2.0 * warm)
    return (warm - high) * above * above / (span * below)


@njit(**_PART)
def _surroundings(
    y: Float[ndarray, " s"], p: Float[ndarray, " p"], h: float, co2: float, place: Float[ndarray, " 4"]
) -> None:
    """Put what the surroundings leave of growth, the metabolic factor of temperature, stress and heat into place."""
    temperature = y[TEMPERATURE]
    square = h * h
    good_ph = p[PH_NORM] * square / (square + square * square * p[PER_ACID_2] + p[BASIC_2])
    good_ph = min(good_ph, 1.0)
    strong = osmolality(y) * p[PER_OSMOLALITY]
    strong *= strong
    strong *= strong
    good_salt = 1.0 / (1.0 + strong * strong)
    gas = co2 * p[PER_CO2]
    theta = math.exp(p[LOG_Q10] * (temperature - 37.0))
    heat = theta * theta
    heat *= heat
    heat *= heat
    place[0] = growth_at(temperature, p) * good_ph * good_salt / (1.0 + gas * gas)
    place[1] = theta
    place[2] = 2.0 - good_ph - good_salt
    place[3] = heat * heat


@njit(**_PART)
def _cho_rates(
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    env: Float[ndarray, " 4"],
    r: Float[ndarray, " r"],
    slope: Float[ndarray, "f r"],
    slopes: int,
) -> None:
    per_l = 1.0 / y[VOLUME]
    cells, theta = y[VIABLE], env[1]
    glucose, glutamine = max(y[GLUCOSE], 0.0) * per_l, max(y[SECOND], 0.0) * per_l
    oxygen, amino = max(y[OXYGEN], 0.0) * per_l, max(y[AMINO], 0.0) * per_l
    lactate, ammonium = max(y[LACTATE], 0.0) * per_l, max(y[AMMONIUM], 0.0) * per_l
    waste = max(y[BYPRODUCT], 0.0) * per_l
    by_glucose, by_glutamine = 1.0 / (p[K_GLUCOSE] + glucose), 1.0 / (p[K_GLUTAMINE] + glutamine)
    by_oxygen = 1.0 / (p[K_OXYGEN] + oxygen)
    sugar, nitrogen, air = glucose * by_glucose, glutamine * by_glutamine, oxygen * by_oxygen
    acids = amino / (p[K_AMINO] + amino)
    hampered = waste * p[PER_BYPRODUCT]
    hampered *= hampered
    held_back = (1.0 + lactate * p[PER_LACTATE]) * (1.0 + ammonium * p[PER_AMMONIUM]) * (1.0 + hampered * hampered)
    most = p[MU_MAX] * env[0] * acids / held_back
    mu = most * sugar * nitrogen * air
    fourth = mu * mu
    fourth *= fourth
    switch = fourth / (fourth + p[SWITCH_4])
    poison = waste * waste
    poison /= p[KD_BYPRODUCT_2] + poison
    death = theta * theta * (p[DEATH_BASAL] + p[DEATH_BYPRODUCT] * poison)
    stifled, starved = (1.0 - air) * (1.0 - air), (1.0 - sugar) * (1.0 - sugar)
    death += p[DEATH_STRESS] * (env[2] + stifled * stifled) + p[DEATH_HEAT] * env[3]
    death += p[DEATH_STARVED] * (starved * starved)
    cold = max(1.0 + p[Q_PRODUCT_COLD] * (37.0 - y[TEMPERATURE]), 0.0)
    product = p[Q_PRODUCT] * cold * acids * sugar * cells
    flow = p[OVERFLOW_MAX] * theta * (1.0 - (1.0 - switch) * air) * cells
    keep = p[M_GLUCOSE] * theta * cells
    reuse = p[LACTATE_MAX] * theta * lactate / (p[K_LACTATE] + lactate) * (1.0 - switch) * cells
    r[GROWTH] = mu * cells
    r[MAINTENANCE] = keep * sugar * air
    r[OVERFLOW] = flow * sugar
    r[ACID_USE] = reuse * air
    r[DECAY] = p[GLUTAMINE_DECAY] * theta * max(y[SECOND], 0.0)
    r[CATABOLISM] = p[M_AMINO] * theta * acids * air * cells
    r[PRODUCTION] = product * air
    r[DEATH] = death * cells
    if slopes:
        d_sugar, d_nitrogen = p[K_GLUCOSE] * by_glucose * by_glucose * per_l, p[K_GLUTAMINE] * by_glutamine * by_glutamine * per_l
        d_air = p[K_OXYGEN] * by_oxygen * by_oxygen * per_l
        slope[GLUCOSE, GROWTH] = most * d_sugar * nitrogen * air * cells
        slope[GLUCOSE, MAINTENANCE] = keep * d_sugar * air
        slope[GLUCOSE, OVERFLOW] = flow * d_sugar
        slope[SECOND, GROWTH] = most * sugar * d_nitrogen * air * cells
        slope[SECOND, DECAY] = p[GLUTAMINE_DECAY] * theta
        slope[OXYGEN, GROWTH] = most * sugar * nitrogen * d_air * cells
        slope[OXYGEN, MAINTENANCE] = keep * sugar * d_air
        slope[OXYGEN, ACID_USE] = reuse * d_air


@njit(**_PART)
def _ecoli_rates(
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    env: Float[ndarray, " 4"],
    r: Float[ndarray, " r"],
    slope: Float[ndarray, "f r"],
    slopes: int,
) -> None:
    per_l = 1.0 / y[VOLUME]
    cells, theta, good = y[VIABLE], env[1], env[0]
    glucose, acetate = max(y[GLUCOSE], 0.0) * per_l, max(y[SECOND], 0.0) * per_l * ACETATE_MASS
    oxygen, ammonium = max(y[OXYGEN], 0.0) * per_l, max(y[AMMONIUM], 0.0) * per_l
    by_glucose, by_acetate = 1.0 / (p[K_SUGAR] + glucose), 1.0 / (p[K_ACETATE] + acetate)
    by_oxygen = 1.0 / (p[K_OXYGEN] + oxygen)
    sugar, air = glucose * by_glucose, oxygen * by_oxygen
    nitrogen = ammonium / (p[K_NITROGEN] + ammonium)
    most = p[QS_MAX] * good * nitrogen / (1.0 + acetate / p[KI_ACETATE_UPTAKE])
    uptake = most * sugar
    over = p[PA_MAX] / p[Y_AS] / (uptake + p[K_AP])
    flow = uptake * over  # glucose towards acetate, g/g/h
    burnt = max(uptake - flow, 0.0)
    block = 1.0 / (1.0 + glucose * GLUCOSE_MASS / p[KI_GLUCOSE_ACETATE])
    eat = p[QA_MAX] * good * nitrogen * block
    to_glucose, to_acetate = cells / GLUCOSE_MASS, cells / ACETATE_MASS
    r[GROWTH] = burnt * air * to_glucose
    r[OVERFLOW] = flow * to_glucose
    r[ACID_USE] = eat * acetate * by_acetate * air * to_acetate
    r[MAINTENANCE] = p[Q_MAINTENANCE] * p[Y_EM] * theta * air * cells
    grown = r[GROWTH] * p[GROWTH_CELLS] + r[OVERFLOW] * p[FLOW_CELLS] + r[ACID_USE] * p[ACID_CELLS]
    basal = p[Q_PRODUCT_BASAL] * good * air * cells
    r[PRODUCTION] = p[Q_PRODUCT_GROWTH] * grown + basal * sugar
    stifled, starved = (1.0 - air) * (1.0 - air), (1.0 - sugar) * (1.0 - sugar)
    death = p[DEATH_BASAL] + p[DEATH_STRESS] * (env[2] + stifled * stifled) + p[DEATH_HEAT] * env[3]
    r[DEATH] = (death + p[DEATH_STARVED] * (starved * starved)) * cells
    r[DECAY] = 0.0
    r[CATABOLISM] = 0.0
    if slopes:
        d_uptake = most * p[K_SUGAR] * by_glucose * by_glucose * per_l
        d_flow = over * d_uptake * (1.0 - uptake / (uptake + p[K_AP]))
        d_air = p[K_OXYGEN] * by_oxygen * by_oxygen * per_l
        d_eat = eat * p[K_ACETATE] * by_acetate * by_acetate * per_l
        slope[GLUCOSE, GROWTH] = (d_uptake - d_flow) * air * to_glucose
        slope[GLUCOSE, OVERFLOW] = d_flow * to_glucose
        slope[SECOND, ACID_USE] = d_eat * air * cells
        slope[OXYGEN, GROWTH] = burnt * d_air * to_glucose
        slope[OXYGEN, ACID_USE] = eat * acetate * by_acetate * d_air * to_acetate
        slope[OXYGEN, MAINTENANCE] = p[Q_MAINTENANCE] * p[Y_EM] * theta * d_air * cells
        for j in (GLUCOSE, SECOND, OXYGEN):
            grown = slope[j, GROWTH] * p[GROWTH_CELLS] + slope[j, OVERFLOW] * p[FLOW_CELLS]
            slope[j, PRODUCTION] = p[Q_PRODUCT_GROWTH] * (grown + slope[j, ACID_USE] * p[ACID_CELLS])
        slope[GLUCOSE, PRODUCTION] += basal * p[K_SUGAR] * by_glucose * by_glucose * per_l


@njit(**_PART)
def balance(plant: int, r: Float[ndarray, " r"], p: Float[ndarray, " p"], f: Float[ndarray, " s"]) -> None:
    """Put the change of every state by these rates into ``f``; linear in the rates."""
    foreign = r[CONTAMINATION]
    made = r[PRODUCTION]
    f[TEMPERATURE], f[VOLUME], f[SALT] = 0.0, 0.0, 0.0
    if plant == CHO:
        grown, reuse, waste = r[GROWTH], r[ACID_USE], r[CATABOLISM]
        f[GLUCOSE] = -p[CELL_GLUCOSE] * grown - r[MAINTENANCE] - r[OVERFLOW]
        f[SECOND] = -p[CELL_GLUTAMINE] * grown - r[DECAY]
        f[VIABLE] = grown - r[DEATH]
        f[LACTATE] = 2.0 * r[OVERFLOW] - reuse
        freed = p[AMMONIUM_AMINO] * p[CATABOLIC_CO2] * waste
        f[AMMONIUM] = p[AMMONIUM_YIELD] * p[CELL_GLUTAMINE] * grown + r[DECAY] + freed
        f[AMINO] = -p[CELL_AMINO] * grown - waste - p[PRODUCT_CARBON] * made
        f[ALKALI] = freed - 2.0 * r[OVERFLOW] + reuse
        f[BYPRODUCT] = 5.0 * r[DECAY] + p[BYPRODUCT_SHARE] * waste
        burnt = 6.0 * r[MAINTENANCE] + 3.0 * reuse
        co2 = p[CELL_CO2] * grown + burnt + p[CATABOLIC_CO2] * waste
        oxygen = p[CELL_O2] * grown + burnt + p[CATABOLIC_O2] * waste
    else:
        burnt, flow, reuse, lost = r[GROWTH], r[OVERFLOW], r[ACID_USE], r[MAINTENANCE]
        grown = p[GROWTH_CELLS] * burnt + p[FLOW_CELLS] * flow + p[ACID_CELLS] * reuse
        nitrogen = p[BIOMASS_NITROGEN] * (grown - lost)
        f[GLUCOSE] = -burnt - flow - p[MADE_GLUCOSE] * made
        f[SECOND] = p[FLOW_ACID] * flow - reuse
        f[VIABLE] = grown - lost - r[DEATH]
        f[LACTATE], f[AMINO], f[BYPRODUCT] = 0.0, 0.0, 0.0
        f[AMMONIUM] = -nitrogen
        f[ALKALI] = -nitrogen - p[FLOW_ACID] * flow + reuse
        co2 = p[GROWTH_CO2] * burnt + p[FLOW_CO2] * flow + p[ACID_CO2] * reuse
        co2 += p[CELL_CARBON] * lost + p[MADE_CO2] * made
        oxygen = p[GROWTH_O2] * burnt + p[FLOW_O2] * flow + p[ACID_O2] * reuse
        oxygen += p[CELL_CARBON] * p[CELL_REDUCTION] / 4.0 * lost + p[MADE_O2] * made
    f[DEAD] = r[DEATH] - r[LYSIS]
    f[LYSED] = r[LYSIS]
    f[PRODUCT] = made
    f[CONTAMINANT] = foreign
    f[GLUCOSE] -= FOREIGN_SUGAR * foreign
    f[LACTATE] += FOREIGN_LACTATE * foreign
    f[ALKALI] -= FOREIGN_LACTATE * foreign
    f[OXYGEN] = r[OXYGEN_TRANSFER] - oxygen - FOREIGN_O2 * foreign
    f[CARBONATE] = co2 + FOREIGN_CO2 * foreign - r[CO2_TRANSFER]
    f[CO2_OUT] = r[CO2_TRANSFER]
    f[O2_IN] = r[OXYGEN_TRANSFER]


@njit(**_INNER)
def change(
    plant: int,
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    held: Float[ndarray, " u"],
    room: Float[ndarray, "w s"],
    out: Float[ndarray, "g s"],
    slopes: int,
) -> float:
    """Put dy/dt into row 0 of ``out`` and, with ``slopes``, its derivatives by the fast states into the rows after it.

    Returns -d(dT/dt)/dT, the temperature's own slope. ``room`` is work memory: the rates, their slopes by the fast
    states, and what the surroundings say.
    """
    r, env, slope = room[0], room[1 + FAST], room[1:]
    volume = y[VOLUME]
    per_l = 1.0 / volume
    temperature = y[TEMPERATURE]
    carbonate, alkali = max(y[CARBONATE], 0.0) * per_l, y[ALKALI] * per_l
    h = protons(carbonate, alkali, p)
    co2 = carbonate * h / (h + p[K1])
    _surroundings(y, p, h, co2, env)
    if slopes:
        for j in range(FAST):
            for k in range(RATES):
                slope[j, k] = 0.0
    if plant == CHO:
        _cho_rates(y, p, env, r, slope, slopes)
    else:
        _ecoli_rates(y, p, env, r, slope, slopes)
    r[LYSIS] = p[LYSIS_RATE] * y[DEAD]
    foreign = y[CONTAMINANT]
    sugar = max(y[GLUCOSE], 0.0) * per_l
    by_sugar = 1.0 / (p[FOREIGN_GLUCOSE] + sugar)
    air = max(y[OXYGEN], 0.0) * per_l
    by_air = 1.0 / (p[K_OXYGEN] + air)
    speed = p[FOREIGN_GROWTH] * foreign
    r[CONTAMINATION] = speed * sugar * by_sugar * air * by_air
    # gas leaves the broth richer in CO2 and poorer in oxygen: transfer lowers its own driving force
    air_saturated = p[O2_SOLUBILITY] * (1.0 - p[O2_SLOPE] * (temperature - 37.0))
    solubility = air_saturated * (1.0 / AIR_OXYGEN)
    k_oxygen = held[KO] * held[GAS] / (held[GAS] + held[KO] * volume * solubility)
    r[OXYGEN_TRANSFER] = k_oxygen * (solubility * held[O2_SHARE] * volume - y[OXYGEN])
    henry = 760.0 * p[CO2_SOLUBILITY] * (1.0 - p[CO2_SLOPE] * (temperature - 37.0))
    k_co2 = held[KC] * held[GAS] / (held[GAS] + held[KC] * volume * henry)
    r[CO2_TRANSFER] = k_co2 * volume * (co2 - henry * held[CO2_IN])
    if slopes:
        slope[GLUCOSE, CONTAMINATION] = speed * p[FOREIGN_GLUCOSE] * by_sugar * by_sugar * per_l * air * by_air
        slope[OXYGEN, CONTAMINATION] = speed * sugar * by_sugar * p[K_OXYGEN] * by_air * by_air * per_l
        slope[OXYGEN, OXYGEN_TRANSFER] = -k_oxygen
        one, two = 1.0 / (h + p[K1]), 1.0 / (h + p[KA])
        acid = carbonate * p[K1] * one * one
        moved = p[K1] * one * acid / (acid + p[BUFFER] * p[KA] * two * two)
        slope[CARBONATE, CO2_TRANSFER] = k_co2 * (h * one + moved)
    for j in range(1 + FAST if slopes else 1):
        balance(plant, room[j], p, out[j])
    _flows(y, p, held, r, out[0])
    return held[JACKET_K] + p[AMBIENT_EXCHANGE]


@njit(**_PART)
def _flows(
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    held: Float[ndarray, " u"],
    r: Float[ndarray, " r"],
    f: Float[ndarray, " s"],
) -> None:
    """Add feed, base and evaporation, and the heat balance."""
    feed, base = held[FEED], held[BASE]
    uptake = r[OXYGEN_TRANSFER] - f[OXYGEN]
    f[VOLUME] = feed + base - held[VAPOUR]
    f[GLUCOSE] += feed * p[FEED_GLUCOSE]
    f[SECOND] += feed * p[FEED_SECOND]
    f[AMINO] += feed * p[FEED_AMINO]
    f[AMMONIUM] += feed * p[FEED_AMMONIUM] + base * p[BASE_AMMONIUM]
    f[ALKALI] += feed * p[FEED_ALKALI] + base * p[BASE_ALKALI]
    f[CARBONATE] += base * p[BASE_CARBON]
    known = p[FEED_GLUCOSE] + p[FEED_SECOND] + p[FEED_AMINO] / AMINO_CARBONS + p[FEED_AMMONIUM]
    f[SALT] += feed * (p[FEED_OSMOLALITY] - known) + base * (p[BASE_SALT] - p[BASE_AMMONIUM])
    temperature = y[TEMPERATURE]
    f[TEMPERATURE] = (
        held[JACKET_K] * (held[JACKET] - temperature)
        - p[AMBIENT_EXCHANGE] * (temperature - p[AMBIENT])
        + p[HEAT] * 1e-3 * uptake / (HEAT_CAPACITY * y[VOLUME])
    )
