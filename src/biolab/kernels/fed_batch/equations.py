"""The plants' equations, compiled: rates of reaction and transfer, their balances, and slopes for the fast states.

Every change of state is a balance of rates, so that whatever the rates, and whatever slopes the integrator uses, carbon
that leaves one state arrives in another. `reference` says the same in plain numbers.
"""

import math

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float

from . import layout as at

_COMPILE = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "_nrt": False}
# called from one place: compiled once, where it is called
_PART = _COMPILE | {"inline": "always"}


@njit(**_PART)
def prepare(plant: int, p: Float[ndarray, " p"]) -> None:
    """Compute what follows from the parameters: constants at pH, carbon and electrons that close each reaction."""
    p[at.K1] = 10.0 ** (7.0 - p[at.PK_CO2])
    p[at.KA] = 10.0 ** (7.0 - p[at.PK_BUFFER])
    p[at.H_ACID] = 10.0 ** (7.0 - p[at.PK_ACID])
    p[at.H_BASIC] = 10.0 ** (7.0 - p[at.PK_BASIC])
    p[at.PH_NORM] = 1.0 + 2.0 * p[at.H_BASIC] / p[at.H_ACID]
    p[at.LOG_Q10] = math.log(p[at.Q10]) / 10.0
    cell, reduced, amino = p[at.CELL_CARBON], p[at.CELL_REDUCTION], p[at.AMINO_REDUCTION]
    if plant == at.CHO:
        carbon = 6.0 * p[at.CELL_GLUCOSE] + 5.0 * p[at.CELL_GLUTAMINE] + p[at.CELL_AMINO]
        electrons = 24.0 * p[at.CELL_GLUCOSE] + 18.0 * p[at.CELL_GLUTAMINE] + amino * p[at.CELL_AMINO]
        p[at.CELL_CO2] = carbon - cell
        p[at.CELL_O2] = (electrons - reduced * cell) / 4.0
        p[at.CATABOLIC_CO2] = 1.0 - p[at.BYPRODUCT_SHARE]
        p[at.CATABOLIC_O2] = (amino - 3.6 * p[at.BYPRODUCT_SHARE]) / 4.0
    else:
        # cells from a mmol of glucose or acetate, and what is left as CO2
        grown = p[at.Y_EM] * at.GLUCOSE_MASS
        p[at.GROWTH_CELLS] = grown
        p[at.GROWTH_CO2] = 6.0 - grown * cell
        p[at.GROWTH_O2] = (24.0 - grown * cell * reduced) / 4.0
        grown = p[at.Y_OF] * at.GLUCOSE_MASS
        acid = p[at.Y_AS] * at.GLUCOSE_MASS / at.ACETATE_MASS
        p[at.FLOW_CELLS] = grown
        p[at.FLOW_ACID] = acid
        p[at.FLOW_CO2] = 6.0 - grown * cell - 2.0 * acid
        p[at.FLOW_O2] = (24.0 - grown * cell * reduced - 8.0 * acid) / 4.0
        grown = p[at.Y_XA] * at.ACETATE_MASS
        p[at.ACID_CELLS] = grown
        p[at.ACID_CO2] = 2.0 - grown * cell
        p[at.ACID_O2] = (8.0 - grown * cell * reduced) / 4.0
        made = 1.0 / (p[at.Y_PRODUCT] * at.GLUCOSE_MASS)
        p[at.MADE_GLUCOSE] = made
        p[at.MADE_CO2] = 6.0 * made - p[at.PRODUCT_CARBON]
        p[at.MADE_O2] = (24.0 * made - p[at.PRODUCT_CARBON] * amino) / 4.0


@njit(**_COMPILE)
def protons(carbonate: float, alkali: float, p: Float[ndarray, " p"]) -> float:
    """Return the protons, in 1e-7 mol/L, at which bicarbonate and buffer balance the alkalinity: a quadratic's root."""
    k1, ka, buffer = p[at.K1], p[at.KA], p[at.BUFFER]
    acids = carbonate + buffer
    base = min(max(alkali, 1e-3 * acids), 0.999 * acids)
    b = base * (k1 + ka) - carbonate * k1 - buffer * ka
    c = k1 * ka * (acids - base)
    root = math.sqrt(b * b + 4.0 * base * c)
    return 2.0 * c / (b + root) if b > 0.0 else (root - b) / (2.0 * base)


@njit(**_COMPILE)
def osmolality(y: Float[ndarray, " s"]) -> float:
    """Return mOsm/kg as the sum of what is dissolved."""
    small = y[at.GLUCOSE] + y[at.SECOND] + y[at.LACTATE] + y[at.AMMONIUM] + y[at.AMINO] / at.AMINO_CARBONS
    return (y[at.SALT] + small) / y[at.VOLUME]


@njit(**_PART)
def growth_at(temperature: float, p: Float[ndarray, " p"]) -> float:
    """Return the share of the best growth at a temperature: the cardinal temperature model of Rosso et al."""
    low, best, high = p[at.T_MIN], p[at.T_BEST], p[at.T_MAX]
    warm = min(max(temperature, low), high)
    above, span = warm - low, best - low
    below = span * (warm - best) - (best - high) * (best + low - 2.0 * warm)
    return (warm - high) * above * above / (span * below)


@njit(**_PART)
def _surroundings(
    y: Float[ndarray, " s"], p: Float[ndarray, " p"], h: float, co2: float, place: Float[ndarray, " 4"]
) -> None:
    """Put what the surroundings leave of growth, the metabolic factor of temperature, stress and heat into place."""
    temperature = y[at.TEMPERATURE]
    acid, basic = h / p[at.H_ACID], p[at.H_BASIC] / h
    good_ph = p[at.PH_NORM] / (1.0 + acid * acid + basic * basic)
    good_ph = min(good_ph, 1.0)
    strong = osmolality(y) / p[at.K_OSMOLALITY]
    strong *= strong
    strong *= strong
    good_salt = 1.0 / (1.0 + strong * strong)
    gas = co2 / (p[at.CO2_SOLUBILITY] * p[at.K_CO2])
    theta = math.exp(p[at.LOG_Q10] * (temperature - 37.0))
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
    per_l = 1.0 / y[at.VOLUME]
    cells, theta = y[at.VIABLE], env[1]
    glucose, glutamine = max(y[at.GLUCOSE], 0.0) * per_l, max(y[at.SECOND], 0.0) * per_l
    oxygen, amino = max(y[at.OXYGEN], 0.0) * per_l, max(y[at.AMINO], 0.0) * per_l
    lactate, ammonium = max(y[at.LACTATE], 0.0) * per_l, max(y[at.AMMONIUM], 0.0) * per_l
    waste = max(y[at.BYPRODUCT], 0.0) * per_l
    by_glucose, by_glutamine = 1.0 / (p[at.K_GLUCOSE] + glucose), 1.0 / (p[at.K_GLUTAMINE] + glutamine)
    by_oxygen = 1.0 / (p[at.K_OXYGEN] + oxygen)
    sugar, nitrogen, air = glucose * by_glucose, glutamine * by_glutamine, oxygen * by_oxygen
    acids = amino / (p[at.K_AMINO] + amino)
    hampered = (waste / p[at.KI_BYPRODUCT]) ** 2
    free = 1.0 / ((1.0 + lactate / p[at.KI_LACTATE]) * (1.0 + ammonium / p[at.KI_AMMONIUM]))
    most = p[at.MU_MAX] * env[0] * free * acids / (1.0 + hampered * hampered)
    mu = most * sugar * nitrogen * air
    fourth = (mu * mu) ** 2
    switch = fourth / (fourth + p[at.SWITCH] ** 4)
    poison = (waste / p[at.KD_BYPRODUCT]) ** 2
    death = theta * theta * (p[at.DEATH_BASAL] + p[at.DEATH_BYPRODUCT] * poison / (1.0 + poison))
    death += p[at.DEATH_STRESS] * (env[2] + (1.0 - air) ** 4) + p[at.DEATH_HEAT] * env[3]
    death += p[at.DEATH_STARVED] * (1.0 - sugar) ** 4
    cold = max(1.0 + p[at.Q_PRODUCT_COLD] * (37.0 - y[at.TEMPERATURE]), 0.0)
    product = p[at.Q_PRODUCT] * cold * acids * sugar * cells
    flow = p[at.OVERFLOW_MAX] * theta * (1.0 - (1.0 - switch) * air) * cells
    keep = p[at.M_GLUCOSE] * theta * cells
    reuse = p[at.LACTATE_MAX] * theta * lactate / (p[at.K_LACTATE] + lactate) * (1.0 - switch) * cells
    r[at.GROWTH] = mu * cells
    r[at.MAINTENANCE] = keep * sugar * air
    r[at.OVERFLOW] = flow * sugar
    r[at.ACID_USE] = reuse * air
    r[at.DECAY] = p[at.GLUTAMINE_DECAY] * theta * max(y[at.SECOND], 0.0)
    r[at.CATABOLISM] = p[at.M_AMINO] * theta * acids * air * cells
    r[at.PRODUCTION] = product * air
    r[at.DEATH] = death * cells
    if slopes:
        d_sugar, d_nitrogen = p[at.K_GLUCOSE] * by_glucose**2 * per_l, p[at.K_GLUTAMINE] * by_glutamine**2 * per_l
        d_air = p[at.K_OXYGEN] * by_oxygen**2 * per_l
        slope[at.GLUCOSE, at.GROWTH] = most * d_sugar * nitrogen * air * cells
        slope[at.GLUCOSE, at.MAINTENANCE] = keep * d_sugar * air
        slope[at.GLUCOSE, at.OVERFLOW] = flow * d_sugar
        slope[at.SECOND, at.GROWTH] = most * sugar * d_nitrogen * air * cells
        slope[at.SECOND, at.DECAY] = p[at.GLUTAMINE_DECAY] * theta
        slope[at.OXYGEN, at.GROWTH] = most * sugar * nitrogen * d_air * cells
        slope[at.OXYGEN, at.MAINTENANCE] = keep * sugar * d_air
        slope[at.OXYGEN, at.ACID_USE] = reuse * d_air


@njit(**_PART)
def _ecoli_rates(
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    env: Float[ndarray, " 4"],
    r: Float[ndarray, " r"],
    slope: Float[ndarray, "f r"],
    slopes: int,
) -> None:
    per_l = 1.0 / y[at.VOLUME]
    cells, theta, good = y[at.VIABLE], env[1], env[0]
    glucose, acetate = max(y[at.GLUCOSE], 0.0) * per_l, max(y[at.SECOND], 0.0) * per_l * at.ACETATE_MASS
    oxygen, ammonium = max(y[at.OXYGEN], 0.0) * per_l, max(y[at.AMMONIUM], 0.0) * per_l
    by_glucose, by_acetate = 1.0 / (p[at.K_SUGAR] + glucose), 1.0 / (p[at.K_ACETATE] + acetate)
    by_oxygen = 1.0 / (p[at.K_OXYGEN] + oxygen)
    sugar, air = glucose * by_glucose, oxygen * by_oxygen
    nitrogen = ammonium / (p[at.K_NITROGEN] + ammonium)
    most = p[at.QS_MAX] * good * nitrogen / (1.0 + acetate / p[at.KI_ACETATE_UPTAKE])
    uptake = most * sugar
    over = p[at.PA_MAX] / p[at.Y_AS] / (uptake + p[at.K_AP])
    flow = uptake * over  # glucose towards acetate, g/g/h
    burnt = max(uptake - flow, 0.0)
    block = 1.0 / (1.0 + glucose * at.GLUCOSE_MASS / p[at.KI_GLUCOSE_ACETATE])
    eat = p[at.QA_MAX] * good * nitrogen * block
    to_glucose, to_acetate = cells / at.GLUCOSE_MASS, cells / at.ACETATE_MASS
    r[at.GROWTH] = burnt * air * to_glucose
    r[at.OVERFLOW] = flow * to_glucose
    r[at.ACID_USE] = eat * acetate * by_acetate * air * to_acetate
    r[at.MAINTENANCE] = p[at.Q_MAINTENANCE] * p[at.Y_EM] * theta * air * cells
    grown = r[at.GROWTH] * p[at.GROWTH_CELLS] + r[at.OVERFLOW] * p[at.FLOW_CELLS] + r[at.ACID_USE] * p[at.ACID_CELLS]
    basal = p[at.Q_PRODUCT_BASAL] * good * air * cells
    r[at.PRODUCTION] = p[at.Q_PRODUCT_GROWTH] * grown + basal * sugar
    death = p[at.DEATH_BASAL] + p[at.DEATH_STRESS] * (env[2] + (1.0 - air) ** 4) + p[at.DEATH_HEAT] * env[3]
    r[at.DEATH] = (death + p[at.DEATH_STARVED] * (1.0 - sugar) ** 4) * cells
    r[at.DECAY] = 0.0
    r[at.CATABOLISM] = 0.0
    if slopes:
        d_uptake = most * p[at.K_SUGAR] * by_glucose * by_glucose * per_l
        d_flow = over * d_uptake * (1.0 - uptake / (uptake + p[at.K_AP]))
        d_air = p[at.K_OXYGEN] * by_oxygen * by_oxygen * per_l
        d_eat = eat * p[at.K_ACETATE] * by_acetate * by_acetate * per_l
        slope[at.GLUCOSE, at.GROWTH] = (d_uptake - d_flow) * air * to_glucose
        slope[at.GLUCOSE, at.OVERFLOW] = d_flow * to_glucose
        slope[at.SECOND, at.ACID_USE] = d_eat * air * cells
        slope[at.OXYGEN, at.GROWTH] = burnt * d_air * to_glucose
        slope[at.OXYGEN, at.ACID_USE] = eat * acetate * by_acetate * d_air * to_acetate
        slope[at.OXYGEN, at.MAINTENANCE] = p[at.Q_MAINTENANCE] * p[at.Y_EM] * theta * d_air * cells
        for j in (at.GLUCOSE, at.SECOND, at.OXYGEN):
            grown = slope[j, at.GROWTH] * p[at.GROWTH_CELLS] + slope[j, at.OVERFLOW] * p[at.FLOW_CELLS]
            slope[j, at.PRODUCTION] = p[at.Q_PRODUCT_GROWTH] * (grown + slope[j, at.ACID_USE] * p[at.ACID_CELLS])
        slope[at.GLUCOSE, at.PRODUCTION] += basal * p[at.K_SUGAR] * by_glucose * by_glucose * per_l


@njit(**_PART)
def balance(plant: int, r: Float[ndarray, " r"], p: Float[ndarray, " p"], f: Float[ndarray, " s"]) -> None:
    """Put the change of every state by these rates into ``f``; linear in the rates."""
    foreign = r[at.CONTAMINATION]
    made = r[at.PRODUCTION]
    f[at.TEMPERATURE], f[at.VOLUME], f[at.SALT] = 0.0, 0.0, 0.0
    if plant == at.CHO:
        grown, reuse, waste = r[at.GROWTH], r[at.ACID_USE], r[at.CATABOLISM]
        f[at.GLUCOSE] = -p[at.CELL_GLUCOSE] * grown - r[at.MAINTENANCE] - r[at.OVERFLOW]
        f[at.SECOND] = -p[at.CELL_GLUTAMINE] * grown - r[at.DECAY]
        f[at.VIABLE] = grown - r[at.DEATH]
        f[at.LACTATE] = 2.0 * r[at.OVERFLOW] - reuse
        freed = p[at.AMMONIUM_AMINO] * p[at.CATABOLIC_CO2] * waste
        f[at.AMMONIUM] = p[at.AMMONIUM_YIELD] * p[at.CELL_GLUTAMINE] * grown + r[at.DECAY] + freed
        f[at.AMINO] = -p[at.CELL_AMINO] * grown - waste - p[at.PRODUCT_CARBON] * made
        f[at.ALKALI] = freed - 2.0 * r[at.OVERFLOW] + reuse
        f[at.BYPRODUCT] = 5.0 * r[at.DECAY] + p[at.BYPRODUCT_SHARE] * waste
        burnt = 6.0 * r[at.MAINTENANCE] + 3.0 * reuse
        co2 = p[at.CELL_CO2] * grown + burnt + p[at.CATABOLIC_CO2] * waste
        oxygen = p[at.CELL_O2] * grown + burnt + p[at.CATABOLIC_O2] * waste
    else:
        burnt, flow, reuse, lost = r[at.GROWTH], r[at.OVERFLOW], r[at.ACID_USE], r[at.MAINTENANCE]
        grown = p[at.GROWTH_CELLS] * burnt + p[at.FLOW_CELLS] * flow + p[at.ACID_CELLS] * reuse
        nitrogen = p[at.BIOMASS_NITROGEN] * (grown - lost)
        f[at.GLUCOSE] = -burnt - flow - p[at.MADE_GLUCOSE] * made
        f[at.SECOND] = p[at.FLOW_ACID] * flow - reuse
        f[at.VIABLE] = grown - lost - r[at.DEATH]
        f[at.LACTATE], f[at.AMINO], f[at.BYPRODUCT] = 0.0, 0.0, 0.0
        f[at.AMMONIUM] = -nitrogen
        f[at.ALKALI] = -nitrogen - p[at.FLOW_ACID] * flow + reuse
        co2 = p[at.GROWTH_CO2] * burnt + p[at.FLOW_CO2] * flow + p[at.ACID_CO2] * reuse
        co2 += p[at.CELL_CARBON] * lost + p[at.MADE_CO2] * made
        oxygen = p[at.GROWTH_O2] * burnt + p[at.FLOW_O2] * flow + p[at.ACID_O2] * reuse
        oxygen += p[at.CELL_CARBON] * p[at.CELL_REDUCTION] / 4.0 * lost + p[at.MADE_O2] * made
    f[at.DEAD] = r[at.DEATH] - r[at.LYSIS]
    f[at.LYSED] = r[at.LYSIS]
    f[at.PRODUCT] = made
    f[at.CONTAMINANT] = foreign
    f[at.GLUCOSE] -= at.FOREIGN_SUGAR * foreign
    f[at.LACTATE] += at.FOREIGN_LACTATE * foreign
    f[at.ALKALI] -= at.FOREIGN_LACTATE * foreign
    f[at.OXYGEN] = r[at.OXYGEN_TRANSFER] - oxygen - at.FOREIGN_O2 * foreign
    f[at.CARBONATE] = co2 + at.FOREIGN_CO2 * foreign - r[at.CO2_TRANSFER]
    f[at.CO2_OUT] = r[at.CO2_TRANSFER]
    f[at.O2_IN] = r[at.OXYGEN_TRANSFER]


@njit(**_COMPILE)
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
    r, env, slope = room[0], room[1 + at.FAST], room[1:]
    volume = y[at.VOLUME]
    per_l = 1.0 / volume
    temperature = y[at.TEMPERATURE]
    carbonate, alkali = max(y[at.CARBONATE], 0.0) * per_l, y[at.ALKALI] * per_l
    h = protons(carbonate, alkali, p)
    co2 = carbonate * h / (h + p[at.K1])
    _surroundings(y, p, h, co2, env)
    if slopes:
        for j in range(at.FAST):
            for k in range(at.RATES):
                slope[j, k] = 0.0
    if plant == at.CHO:
        _cho_rates(y, p, env, r, slope, slopes)
    else:
        _ecoli_rates(y, p, env, r, slope, slopes)
    r[at.LYSIS] = p[at.LYSIS_RATE] * y[at.DEAD]
    foreign = y[at.CONTAMINANT]
    sugar = max(y[at.GLUCOSE], 0.0) * per_l
    by_sugar = 1.0 / (p[at.FOREIGN_GLUCOSE] + sugar)
    air = max(y[at.OXYGEN], 0.0) * per_l
    by_air = 1.0 / (p[at.K_OXYGEN] + air)
    speed = p[at.FOREIGN_GROWTH] * foreign
    r[at.CONTAMINATION] = speed * sugar * by_sugar * air * by_air
    # gas leaves the broth richer in CO2 and poorer in oxygen: transfer lowers its own driving force
    air_saturated = p[at.O2_SOLUBILITY] * (1.0 - p[at.O2_SLOPE] * (temperature - 37.0))
    solubility = air_saturated / at.AIR_OXYGEN
    k_oxygen = held[at.KO] / (1.0 + held[at.KO] * volume * solubility / held[at.GAS])
    r[at.OXYGEN_TRANSFER] = k_oxygen * (solubility * held[at.O2_SHARE] * volume - y[at.OXYGEN])
    henry = 760.0 * p[at.CO2_SOLUBILITY] * (1.0 - p[at.CO2_SLOPE] * (temperature - 37.0))
    k_co2 = held[at.KC] / (1.0 + held[at.KC] * volume * henry / held[at.GAS])
    r[at.CO2_TRANSFER] = k_co2 * volume * (co2 - henry * held[at.CO2_IN])
    if slopes:
        slope[at.GLUCOSE, at.CONTAMINATION] = speed * p[at.FOREIGN_GLUCOSE] * by_sugar**2 * per_l * air * by_air
        slope[at.OXYGEN, at.CONTAMINATION] = speed * sugar * by_sugar * p[at.K_OXYGEN] * by_air**2 * per_l
        slope[at.OXYGEN, at.OXYGEN_TRANSFER] = -k_oxygen
        acid = carbonate * p[at.K1] / (h + p[at.K1]) ** 2
        other = p[at.BUFFER] * p[at.KA] / (h + p[at.KA]) ** 2
        moved = p[at.K1] / (h + p[at.K1]) * acid / (acid + other + 1e-300)
        slope[at.CARBONATE, at.CO2_TRANSFER] = k_co2 * (h / (h + p[at.K1]) + moved)
    for j in range(1 + at.FAST if slopes else 1):
        balance(plant, room[j], p, out[j])
    _flows(y, p, held, r, out[0])
    return held[at.JACKET_K] + p[at.AMBIENT_EXCHANGE]


@njit(**_PART)
def _flows(
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    held: Float[ndarray, " u"],
    r: Float[ndarray, " r"],
    f: Float[ndarray, " s"],
) -> None:
    """Add feed, base and evaporation, and the heat balance."""
    feed, base = held[at.FEED], held[at.BASE]
    uptake = r[at.OXYGEN_TRANSFER] - f[at.OXYGEN]
    f[at.VOLUME] = feed + base - held[at.VAPOUR]
    f[at.GLUCOSE] += feed * p[at.FEED_GLUCOSE]
    f[at.SECOND] += feed * p[at.FEED_SECOND]
    f[at.AMINO] += feed * p[at.FEED_AMINO]
    f[at.AMMONIUM] += feed * p[at.FEED_AMMONIUM] + base * p[at.BASE_AMMONIUM]
    f[at.ALKALI] += feed * p[at.FEED_ALKALI] + base * p[at.BASE_ALKALI]
    f[at.CARBONATE] += base * p[at.BASE_CARBON]
    known = p[at.FEED_GLUCOSE] + p[at.FEED_SECOND] + p[at.FEED_AMINO] / at.AMINO_CARBONS + p[at.FEED_AMMONIUM]
    f[at.SALT] += feed * (p[at.FEED_OSMOLALITY] - known) + base * (p[at.BASE_SALT] - p[at.BASE_AMMONIUM])
    temperature = y[at.TEMPERATURE]
    f[at.TEMPERATURE] = (
        held[at.JACKET_K] * (held[at.JACKET] - temperature)
        - p[at.AMBIENT_EXCHANGE] * (temperature - p[at.AMBIENT])
        + p[at.HEAT] * 1e-3 * uptake / (at.HEAT_CAPACITY * y[at.VOLUME])
    )


@njit(**_PART)
def start(plant: int, p: Float[ndarray, " p"], y: Float[ndarray, " s"], memory: Float[ndarray, " m"]) -> None:
    """Fill the vessel: medium in equilibrium at its pH, air-saturated, and the inoculum."""
    volume, h = p[at.START_VOLUME], 10.0 ** (7.0 - p[at.MEDIUM_PH])
    viable, bicarbonate = p[at.START_VIABLE], p[at.MEDIUM_BICARBONATE]
    for j in range(at.STATES):
        y[j] = 0.0
    for j in range(at.MEMORY):
        memory[j] = 0.0
    y[at.VOLUME], y[at.TEMPERATURE] = 1.0, p[at.START_TEMPERATURE]
    y[at.GLUCOSE], y[at.SECOND] = p[at.START_GLUCOSE], p[at.START_SECOND]
    y[at.OXYGEN] = p[at.O2_SOLUBILITY] * (1.0 - p[at.O2_SLOPE] * (p[at.START_TEMPERATURE] - 37.0))
    y[at.CARBONATE] = bicarbonate * (1.0 + h / p[at.K1])
    y[at.VIABLE] = viable
    y[at.DEAD] = viable * (1.0 / p[at.START_VIABILITY] - 1.0)
    y[at.LACTATE], y[at.AMMONIUM] = p[at.START_LACTATE], p[at.START_AMMONIUM]
    y[at.AMINO] = p[at.MEDIUM_AMINO]
    y[at.ALKALI] = bicarbonate + p[at.BUFFER] * p[at.KA] / (p[at.KA] + h)
    y[at.SALT] = p[at.START_OSMOLALITY] - osmolality(y)
    for j in range(at.CONTENT):
        if j != at.TEMPERATURE:
            y[j] *= volume
    memory[at.M_STEP] = 0.01
    memory[at.M_DO], memory[at.M_PH], memory[at.M_TEMPERATURE] = 100.0, p[at.MEDIUM_PH], p[at.START_TEMPERATURE]
    memory[at.M_DO_LAST], memory[at.M_PH_LAST] = 100.0, p[at.MEDIUM_PH]
    memory[at.M_TEMPERATURE_LAST] = p[at.START_TEMPERATURE]
    memory[at.M_GLUCOSE_LAST] = -1.0
