# ruff: noqa: PLR0913, PLR0917 - the arguments of a Triton function are flat
"""The plants' equations in Triton, one run a lane: the twin of `equations` and `metabolism`.

States, rates and what is held are tuples of lanes, in the order of `layout`; ``p`` points at a run's first parameter,
and the next parameter of the same run stands ``runs`` further on.
"""

import triton
import triton.language as tl

from . import layout as at


@triton.jit
def get(place, runs, number: tl.constexpr):
    """Load one number of each run."""
    return tl.load(place + number * runs)


@triton.jit
def protons(carbonate, alkali, p, runs):
    """Return protons in 1e-7 mol/L: the root of the charges' quadratic."""
    k1, ka, buffer = get(p, runs, at.K1), get(p, runs, at.KA), get(p, runs, at.BUFFER)
    acids = carbonate + buffer
    base = tl.minimum(tl.maximum(alkali, 1e-3 * acids), 0.999 * acids)
    b = base * (k1 + ka) - carbonate * k1 - buffer * ka
    c = k1 * ka * (acids - base)
    root = tl.sqrt(b * b + 4.0 * base * c)
    return tl.where(b > 0.0, 2.0 * c / (tl.abs(b) + root), (root - b) / (2.0 * base))


@triton.jit
def osmolality(y):
    """Return mOsm/kg as the sum of what is dissolved."""
    small = y[at.GLUCOSE] + y[at.SECOND] + y[at.LACTATE] + y[at.AMMONIUM] + y[at.AMINO] / at.AMINO_CARBONS
    return (y[at.SALT] + small) / y[at.VOLUME]


@triton.jit
def _surroundings(y, p, runs, h, co2):
    """Return what is left of growth, the metabolic factor of temperature, stress, and heat."""
    temperature = y[at.TEMPERATURE]
    square = h * h
    acid, basic = square * square * get(p, runs, at.PER_ACID_2), get(p, runs, at.BASIC_2)
    good_ph = tl.minimum(get(p, runs, at.PH_NORM) * square / (square + acid + basic), 1.0)
    strong = osmolality(y) * get(p, runs, at.PER_OSMOLALITY)
    strong = strong * strong
    strong = strong * strong
    good_salt = 1.0 / (1.0 + strong * strong)
    gas = co2 * get(p, runs, at.PER_CO2)
    theta = tl.exp(get(p, runs, at.LOG_Q10) * (temperature - 37.0))
    heat = theta * theta
    heat = heat * heat
    heat = heat * heat
    low, best, high = get(p, runs, at.T_MIN), get(p, runs, at.T_BEST), get(p, runs, at.T_MAX)
    warm = tl.minimum(tl.maximum(temperature, low), high)
    above, span = warm - low, best - low
    below = span * (warm - best) - (best - high) * (best + low - 2.0 * warm)
    growth = (warm - high) * above * above / (span * below) * good_ph * good_salt / (1.0 + gas * gas)
    return growth, theta, 2.0 - good_ph - good_salt, heat * heat


@triton.jit
def _cho(y, p, runs, growth, theta, stress, heat):
    """Return the first eight rates of CHO cells, and their slopes by glucose, glutamine and oxygen."""
    per_l, zero = 1.0 / y[at.VOLUME], y[at.VOLUME] * 0.0
    cells = y[at.VIABLE]
    second = tl.maximum(y[at.SECOND], 0.0)
    glucose, glutamine = tl.maximum(y[at.GLUCOSE], 0.0) * per_l, second * per_l
    oxygen, amino = tl.maximum(y[at.OXYGEN], 0.0) * per_l, tl.maximum(y[at.AMINO], 0.0) * per_l
    lactate, ammonium = tl.maximum(y[at.LACTATE], 0.0) * per_l, tl.maximum(y[at.AMMONIUM], 0.0) * per_l
    waste = tl.maximum(y[at.BYPRODUCT], 0.0) * per_l
    k_glucose, k_glutamine, k_excess = (
        get(p, runs, at.K_GLUCOSE), get(p, runs, at.K_GLUTAMINE), get(p, runs, at.K_OVERFLOW),
    )  # fmt: skip
    by_glucose, by_glutamine, by_excess = (
        1.0 / (k_glucose + glucose),
        1.0 / (k_glutamine + glutamine),
        1.0 / (k_excess + glucose),
    )
    k_oxygen = get(p, runs, at.K_OXYGEN)
    by_oxygen = 1.0 / (k_oxygen + oxygen)
    sugar, nitrogen, air = glucose * by_glucose, glutamine * by_glutamine, oxygen * by_oxygen
    acids = amino / (get(p, runs, at.K_AMINO) + amino)
    hampered = waste * get(p, runs, at.PER_BYPRODUCT)
    hampered = hampered * hampered
    held_back = (1.0 + lactate * get(p, runs, at.PER_LACTATE)) * (1.0 + ammonium * get(p, runs, at.PER_AMMONIUM))
    most = get(p, runs, at.MU_MAX) * growth * acids / (held_back * (1.0 + hampered * hampered))
    mu = most * sugar * nitrogen * air
    fourth = mu * mu
    fourth = fourth * fourth
    switch = fourth / (fourth + get(p, runs, at.SWITCH_4))
    poison = waste * waste
    poison = poison / (get(p, runs, at.KD_BYPRODUCT_2) + poison)
    death = theta * theta * (get(p, runs, at.DEATH_BASAL) + get(p, runs, at.DEATH_BYPRODUCT) * poison)
    stifled, starved = (1.0 - air) * (1.0 - air), (1.0 - sugar) * (1.0 - sugar)
    death += get(p, runs, at.DEATH_STRESS) * (stress + stifled * stifled) + get(p, runs, at.DEATH_HEAT) * heat
    death += get(p, runs, at.DEATH_STARVED) * (starved * starved)
    cold = tl.maximum(1.0 + get(p, runs, at.Q_PRODUCT_COLD) * (37.0 - y[at.TEMPERATURE]), 0.0)
    flow = get(p, runs, at.OVERFLOW_MAX) * theta * (1.0 - (1.0 - switch) * air) * cells
    keep = get(p, runs, at.M_GLUCOSE) * theta * cells
    reuse = get(p, runs, at.LACTATE_MAX) * theta * lactate / (get(p, runs, at.K_LACTATE) + lactate)
    reuse = reuse * (1.0 - switch) * cells
    decay = get(p, runs, at.GLUTAMINE_DECAY) * theta
    spent = get(p, runs, at.M_AMINO) * theta * acids * air * cells
    made = get(p, runs, at.Q_PRODUCT) * cold * acids * sugar * air * cells
    r = (
        mu * cells,
        keep * sugar * air,
        flow * glucose * by_excess,
        reuse * air,
        decay * second,
        spent,
        made,
        death * cells,
    )
    d_sugar, d_nitrogen = k_glucose * by_glucose * by_glucose * per_l, k_glutamine * by_glutamine * by_glutamine * per_l
    d_air = k_oxygen * by_oxygen * by_oxygen * per_l
    flowing = flow * k_excess * by_excess * by_excess * per_l
    g = (most * d_sugar * nitrogen * air * cells, keep * d_sugar * air, flowing, zero, zero, zero, zero)
    s = (most * sugar * d_nitrogen * air * cells, zero, zero, zero, decay, zero, zero)
    o = (most * sugar * nitrogen * d_air * cells, keep * sugar * d_air, zero, reuse * d_air, zero, zero, zero)
    return r, g, s, o


@triton.jit
def _ecoli(y, p, runs, growth, theta, stress, heat):
    """Return the first eight rates of E. coli, and their slopes by glucose, acetate and oxygen."""
    per_l, zero = 1.0 / y[at.VOLUME], y[at.VOLUME] * 0.0
    cells = y[at.VIABLE]
    glucose, acetate = tl.maximum(y[at.GLUCOSE], 0.0) * per_l, tl.maximum(y[at.SECOND], 0.0) * per_l * at.ACETATE_MASS
    oxygen, ammonium = tl.maximum(y[at.OXYGEN], 0.0) * per_l, tl.maximum(y[at.AMMONIUM], 0.0) * per_l
    k_sugar, k_acetate, k_oxygen = get(p, runs, at.K_SUGAR), get(p, runs, at.K_ACETATE), get(p, runs, at.K_OXYGEN)
    by_glucose, by_acetate, by_oxygen = (
        1.0 / (k_sugar + glucose),
        1.0 / (k_acetate + acetate),
        1.0 / (k_oxygen + oxygen),
    )
    sugar, air = glucose * by_glucose, oxygen * by_oxygen
    nitrogen = ammonium / (get(p, runs, at.K_NITROGEN) + ammonium)
    most = get(p, runs, at.QS_MAX) * growth * nitrogen / (1.0 + acetate / get(p, runs, at.KI_ACETATE_UPTAKE))
    uptake = most * sugar
    k_flow = get(p, runs, at.K_AP)
    over = get(p, runs, at.PA_MAX) / get(p, runs, at.Y_AS) / (uptake + k_flow)
    flow = uptake * over
    burnt = tl.maximum(uptake - flow, 0.0)
    block = 1.0 / (1.0 + glucose * at.GLUCOSE_MASS / get(p, runs, at.KI_GLUCOSE_ACETATE))
    eat = get(p, runs, at.QA_MAX) * growth * nitrogen * block
    to_glucose, to_acetate = cells / at.GLUCOSE_MASS, cells / at.ACETATE_MASS
    keep = get(p, runs, at.Q_MAINTENANCE) * get(p, runs, at.Y_EM) * theta * cells
    burning, flowing, eating = (
        burnt * air * to_glucose,
        flow * to_glucose,
        eat * acetate * by_acetate * air * to_acetate,
    )
    by_burning, by_flowing, by_eating = (
        get(p, runs, at.GROWTH_CELLS), get(p, runs, at.FLOW_CELLS), get(p, runs, at.ACID_CELLS),
    )  # fmt: skip
    share = get(p, runs, at.Q_PRODUCT_GROWTH)
    making = share * (burning * by_burning + flowing * by_flowing + eating * by_eating)
    making += get(p, runs, at.Q_PRODUCT_BASAL) * growth * air * cells
    stifled, starved = (1.0 - air) * (1.0 - air), (1.0 - sugar) * (1.0 - sugar)
    death = get(p, runs, at.DEATH_BASAL) + get(p, runs, at.DEATH_STRESS) * (stress + stifled * stifled)
    death += get(p, runs, at.DEATH_HEAT) * heat + get(p, runs, at.DEATH_STARVED) * (starved * starved)
    r = (burning, keep * air, flowing, eating, zero, zero, making * sugar, death * cells)
    d_sugar = k_sugar * by_glucose * by_glucose * per_l
    d_uptake = most * d_sugar
    d_flow = over * d_uptake * (1.0 - uptake / (uptake + k_flow))
    d_air = k_oxygen * by_oxygen * by_oxygen * per_l
    d_burning, d_flowing = (d_uptake - d_flow) * air * to_glucose, d_flow * to_glucose
    d_eating = eat * k_acetate * by_acetate * by_acetate * per_l * air * cells
    burning_air, eating_air = burnt * d_air * to_glucose, eat * acetate * by_acetate * d_air * to_acetate
    by_glucose = share * sugar * (d_burning * by_burning + d_flowing * by_flowing) + making * d_sugar
    by_acid = share * sugar * d_eating * by_eating
    by_air = share * sugar * (burning_air * by_burning + eating_air * by_eating)
    g = (d_burning, zero, d_flowing, zero, zero, zero, by_glucose)
    s = (zero, zero, zero, d_eating, zero, zero, by_acid)
    o = (burning_air, keep * d_air, zero, eating_air, zero, zero, by_air)
    return r, g, s, o


@triton.jit
def _balance(r, death, lysis, foreign, oxygen, stripped, p, runs, PLANT: tl.constexpr):
    """Return the change of every state by these rates; linear in them."""
    zero = death * 0.0
    if PLANT == 0:
        grown, kept, flow, reuse, decay, waste, made = r
        used = get(p, runs, at.CELL_GLUTAMINE) * grown
        by_waste = get(p, runs, at.CATABOLIC_CO2) * waste
        freed = get(p, runs, at.AMMONIUM_AMINO) * by_waste
        burnt = 6.0 * kept + 3.0 * reuse
        sugar, second = -get(p, runs, at.CELL_GLUCOSE) * grown - kept - flow, -used - decay
        lactate, viable = 2.0 * flow - reuse, grown - death
        ammonium = get(p, runs, at.AMMONIUM_YIELD) * used + decay + freed
        amino = -get(p, runs, at.CELL_AMINO) * grown - waste - get(p, runs, at.PRODUCT_CARBON) * made
        alkali, byproduct = freed - 2.0 * flow + reuse, 5.0 * decay + get(p, runs, at.BYPRODUCT_SHARE) * waste
        co2 = get(p, runs, at.CELL_CO2) * grown + burnt + by_waste
        air = get(p, runs, at.CELL_O2) * grown + burnt + get(p, runs, at.CATABOLIC_O2) * waste
    else:
        burnt, lost, flow, reuse, decay, waste, made = r
        grown = get(p, runs, at.GROWTH_CELLS) * burnt + get(p, runs, at.FLOW_CELLS) * flow
        grown += get(p, runs, at.ACID_CELLS) * reuse
        nitrogen, acid = get(p, runs, at.BIOMASS_NITROGEN) * (grown - lost), get(p, runs, at.FLOW_ACID) * flow
        sugar, second = -burnt - flow - get(p, runs, at.MADE_GLUCOSE) * made, acid - reuse
        lactate, viable, ammonium, amino = zero, grown - lost - death, -nitrogen, zero
        alkali, byproduct = -nitrogen - acid + reuse, zero
        carbon = get(p, runs, at.CELL_CARBON)
        co2 = get(p, runs, at.GROWTH_CO2) * burnt + get(p, runs, at.FLOW_CO2) * flow + get(p, runs, at.ACID_CO2) * reuse
        co2 += carbon * lost + get(p, runs, at.MADE_CO2) * made
        air = get(p, runs, at.GROWTH_O2) * burnt + get(p, runs, at.FLOW_O2) * flow + get(p, runs, at.ACID_O2) * reuse
        air += carbon * get(p, runs, at.CELL_REDUCTION) / 4.0 * lost + get(p, runs, at.MADE_O2) * made
    return (
        sugar - at.FOREIGN_SUGAR * foreign, second, oxygen - air - at.FOREIGN_O2 * foreign,
        co2 + at.FOREIGN_CO2 * foreign - stripped, zero, zero, viable, death - lysis, lysis,
        lactate + at.FOREIGN_LACTATE * foreign, ammonium, amino, made, alkali - at.FOREIGN_LACTATE * foreign, zero,
        byproduct, foreign, stripped, oxygen,
    )  # fmt: skip


@triton.jit
def change(y, p, runs, held, PLANT: tl.constexpr):
    """Return dy/dt, its slopes by glucose, the second substrate and oxygen, those of carbonate, and growth's own facts.

    The last are the uptake of oxygen and the death of cells, which records ask for.
    """
    volume, temperature = y[at.VOLUME], y[at.TEMPERATURE]
    per_l, zero = 1.0 / volume, volume * 0.0
    carbonate = tl.maximum(y[at.CARBONATE], 0.0) * per_l
    h = protons(carbonate, y[at.ALKALI] * per_l, p, runs)
    k1, ka = get(p, runs, at.K1), get(p, runs, at.KA)
    co2 = carbonate * h / (h + k1)
    growth, theta, stress, heat = _surroundings(y, p, runs, h, co2)
    if PLANT == 0:
        r, g, s, o = _cho(y, p, runs, growth, theta, stress, heat)
    else:
        r, g, s, o = _ecoli(y, p, runs, growth, theta, stress, heat)
    sugar, air = tl.maximum(y[at.GLUCOSE], 0.0) * per_l, tl.maximum(y[at.OXYGEN], 0.0) * per_l
    k_sugar, k_air = get(p, runs, at.FOREIGN_GLUCOSE), get(p, runs, at.K_OXYGEN)
    by_sugar, by_air = 1.0 / (k_sugar + sugar), 1.0 / (k_air + air)
    speed = get(p, runs, at.FOREIGN_GROWTH) * y[at.CONTAMINANT]
    saturated = get(p, runs, at.O2_SOLUBILITY) * (1.0 - get(p, runs, at.O2_SLOPE) * (temperature - 37.0))
    solubility = saturated * (1.0 / at.AIR_OXYGEN)
    k_oxygen = held[at.KO] * held[at.GAS] / (held[at.GAS] + held[at.KO] * volume * solubility)
    oxygen = k_oxygen * (solubility * held[at.O2_SHARE] * volume - y[at.OXYGEN])
    henry = 760.0 * get(p, runs, at.CO2_SOLUBILITY) * (1.0 - get(p, runs, at.CO2_SLOPE) * (temperature - 37.0))
    k_co2 = held[at.KC] * held[at.GAS] / (held[at.GAS] + held[at.KC] * volume * henry)
    stripped = k_co2 * volume * (co2 - henry * held[at.CO2_IN])
    one, two = 1.0 / (h + k1), 1.0 / (h + ka)
    acid = carbonate * k1 * one * one
    moved = k1 * one * acid / (acid + get(p, runs, at.BUFFER) * ka * two * two)
    washing = k_co2 * (h * one + moved)
    lysis = get(p, runs, at.LYSIS_RATE) * y[at.DEAD]
    foreign = speed * sugar * by_sugar * air * by_air
    by_glucose = speed * k_sugar * by_sugar * by_sugar * per_l * air * by_air
    by_oxygen = speed * sugar * by_sugar * k_air * by_air * by_air * per_l
    first = (r[0], r[1], r[2], r[3], r[4], r[5], r[6])
    f = _flows(_balance(first, r[7], lysis, foreign, oxygen, stripped, p, runs, PLANT), oxygen, y, p, runs, held)
    slopes = (
        _balance(g, zero, zero, by_glucose, zero, zero, p, runs, PLANT),
        _balance(s, zero, zero, zero, zero, zero, p, runs, PLANT),
        _balance(o, zero, zero, by_oxygen, -k_oxygen, zero, p, runs, PLANT),
    )
    return f, slopes, washing, r[7]


@triton.jit
def _flows(f, oxygen, y, p, runs, held):
    """Add feed, base, evaporation and the heat balance."""
    feed, base, temperature = held[at.FEED], held[at.BASE], y[at.TEMPERATURE]
    sugar, second, amino = get(p, runs, at.FEED_GLUCOSE), get(p, runs, at.FEED_SECOND), get(p, runs, at.FEED_AMINO)
    ammonium, ammonia = get(p, runs, at.FEED_AMMONIUM), get(p, runs, at.BASE_AMMONIUM)
    known = sugar + second + amino / at.AMINO_CARBONS + ammonium
    heat = get(p, runs, at.HEAT) * 1e-3 * (oxygen - f[at.OXYGEN]) / (at.HEAT_CAPACITY * y[at.VOLUME])
    warming = held[at.JACKET_K] * (held[at.JACKET] - temperature) + heat
    warming -= get(p, runs, at.AMBIENT_EXCHANGE) * (temperature - get(p, runs, at.AMBIENT))
    alkali = feed * get(p, runs, at.FEED_ALKALI) + base * get(p, runs, at.BASE_ALKALI)
    salt = feed * (get(p, runs, at.FEED_OSMOLALITY) - known) + base * (get(p, runs, at.BASE_SALT) - ammonia)
    return (
        f[at.GLUCOSE] + feed * sugar, f[at.SECOND] + feed * second, f[at.OXYGEN],
        f[at.CARBONATE] + base * get(p, runs, at.BASE_CARBON), warming, feed + base - held[at.VAPOUR], f[at.VIABLE],
        f[at.DEAD], f[at.LYSED], f[at.LACTATE], f[at.AMMONIUM] + feed * ammonium + base * ammonia,
        f[at.AMINO] + feed * amino, f[at.PRODUCT], f[at.ALKALI] + alkali, salt, f[at.BYPRODUCT], f[at.CONTAMINANT],
        f[at.CO2_OUT], f[at.O2_IN],
    )  # fmt: skip
