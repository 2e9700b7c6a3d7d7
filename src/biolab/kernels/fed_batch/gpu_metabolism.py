"""What cells do, in Triton: `metabolism` with one run a thread; rates and slopes are tuples in the layout's order."""

import triton
import triton.language as tl

from . import layout as at


@triton.jit
def protons(carbonate, alkali, k1, ka, buffer):
    """Return the protons, in 1e-7 mol/L, at which bicarbonate and buffer balance the alkalinity."""
    acids = carbonate + buffer
    base = tl.minimum(tl.maximum(alkali, 1e-3 * acids), 0.999 * acids)
    b = base * (k1 + ka) - carbonate * k1 - buffer * ka
    c = k1 * ka * (acids - base)
    root = tl.sqrt(b * b + 4.0 * base * c)
    return tl.where(b > 0.0, 2.0 * c / (b + root), (root - b) / (2.0 * base))


@triton.jit
def osmolality(y):
    """Return mOsm/kg as the sum of what is dissolved."""
    small = y[at.GLUCOSE] + y[at.SECOND] + y[at.LACTATE] + y[at.AMMONIUM] + y[at.AMINO] * (1.0 / at.AMINO_CARBONS)
    return (y[at.SALT] + small) / y[at.VOLUME]


@triton.jit
def surroundings(y, p, h, co2):
    """Return what the surroundings leave of growth, the metabolic factor of temperature, stress and heat."""
    temperature = y[at.TEMPERATURE]
    square = h * h
    good_ph = p[at.PH_NORM] * square / (square + square * square * p[at.PER_ACID_2] + p[at.BASIC_2])
    good_ph = tl.minimum(good_ph, 1.0)
    strong = osmolality(y) * p[at.PER_OSMOLALITY]
    strong = strong * strong
    strong = strong * strong
    good_salt = 1.0 / (1.0 + strong * strong)
    gas = co2 * p[at.PER_CO2]
    theta = tl.exp(p[at.LOG_Q10] * (temperature - 37.0))
    heat = theta * theta
    heat = heat * heat
    heat = heat * heat
    low, best, high = p[at.T_MIN], p[at.T_BEST], p[at.T_MAX]
    warm = tl.minimum(tl.maximum(temperature, low), high)
    above, span = warm - low, best - low
    below = span * (warm - best) - (best - high) * (best + low - 2.0 * warm)
    growth = (warm - high) * above * above / (span * below)
    return growth * good_ph * good_salt / (1.0 + gas * gas), theta, 2.0 - good_ph - good_salt, heat * heat


@triton.jit
def cho_rates(y, p, env):
    """Return the eight rates of CHO cells, and for the three fast states the slopes of growth and those that follow."""
    per_l = 1.0 / y[at.VOLUME]
    cells, theta = y[at.VIABLE], env[1]
    glucose, glutamine = tl.maximum(y[at.GLUCOSE], 0.0) * per_l, tl.maximum(y[at.SECOND], 0.0) * per_l
    oxygen, amino = tl.maximum(y[at.OXYGEN], 0.0) * per_l, tl.maximum(y[at.AMINO], 0.0) * per_l
    lactate, ammonium = tl.maximum(y[at.LACTATE], 0.0) * per_l, tl.maximum(y[at.AMMONIUM], 0.0) * per_l
    waste = tl.maximum(y[at.BYPRODUCT], 0.0) * per_l
    by_glucose, by_glutamine = 1.0 / (p[at.K_GLUCOSE] + glucose), 1.0 / (p[at.K_GLUTAMINE] + glutamine)
    by_oxygen, by_excess = 1.0 / (p[at.K_OXYGEN] + oxygen), 1.0 / (p[at.K_OVERFLOW] + glucose)
    sugar, nitrogen, air = glucose * by_glucose, glutamine * by_glutamine, oxygen * by_oxygen
    acids = amino / (p[at.K_AMINO] + amino)
    hampered = waste * p[at.PER_BYPRODUCT]
    hampered = hampered * hampered
    held_back = (1.0 + lactate * p[at.PER_LACTATE]) * (1.0 + ammonium * p[at.PER_AMMONIUM])
    held_back = held_back * (1.0 + hampered * hampered)
    most = p[at.MU_MAX] * env[0] * acids / held_back
    mu = most * sugar * nitrogen * air
    fourth = mu * mu
    fourth = fourth * fourth
    switch = fourth / (fourth + p[at.SWITCH_4])
    poison = waste * waste
    poison = poison / (p[at.KD_BYPRODUCT_2] + poison)
    death = theta * theta * (p[at.DEATH_BASAL] + p[at.DEATH_BYPRODUCT] * poison)
    stifled, starved = (1.0 - air) * (1.0 - air), (1.0 - sugar) * (1.0 - sugar)
    death = death + p[at.DEATH_STRESS] * (env[2] + stifled * stifled) + p[at.DEATH_HEAT] * env[3]
    death = death + p[at.DEATH_STARVED] * (starved * starved)
    cold = tl.maximum(1.0 + p[at.Q_PRODUCT_COLD] * (37.0 - y[at.TEMPERATURE]), 0.0)
    product = p[at.Q_PRODUCT] * cold * acids * sugar * cells
    flow = p[at.OVERFLOW_MAX] * theta * (1.0 - (1.0 - switch) * air) * cells
    keep = p[at.M_GLUCOSE] * theta * cells
    reuse = p[at.LACTATE_MAX] * theta * lactate / (p[at.K_LACTATE] + lactate) * (1.0 - switch) * cells
    rates = (
        mu * cells,
        keep * sugar * air,
        flow * glucose * by_excess,
        reuse * air,
        p[at.GLUTAMINE_DECAY] * theta * tl.maximum(y[at.SECOND], 0.0),
        p[at.M_AMINO] * theta * acids * air * cells,
        product * air,
        death * cells,
    )
    d_sugar = p[at.K_GLUCOSE] * by_glucose * by_glucose * per_l
    d_nitrogen = p[at.K_GLUTAMINE] * by_glutamine * by_glutamine * per_l
    d_air = p[at.K_OXYGEN] * by_oxygen * by_oxygen * per_l
    none = 0.0 * per_l
    by0 = (
        most * d_sugar * nitrogen * air * cells,
        keep * d_sugar * air,
        flow * p[at.K_OVERFLOW] * by_excess * by_excess * per_l,
        none,
        none,
        none,
        none,
        none,
    )
    decay = p[at.GLUTAMINE_DECAY] * theta
    by1 = (most * sugar * d_nitrogen * air * cells, none, none, none, decay, none, none, none)
    grown = most * sugar * nitrogen * d_air * cells
    by2 = (grown, keep * sugar * d_air, none, reuse * d_air, none, none, none, none)
    return rates, by0, by1, by2


@triton.jit
def _making(p, d0, d2, d3):
    """Return the change of what is made from growth, overflow and acid use."""
    return d0 * p[at.GROWTH_CELLS] + d2 * p[at.FLOW_CELLS] + d3 * p[at.ACID_CELLS]


@triton.jit
def ecoli_rates(y, p, env):
    """Return the eight rates of E. coli and, by the three fast states, their slopes."""
    per_l = 1.0 / y[at.VOLUME]
    cells, theta, good = y[at.VIABLE], env[1], env[0]
    glucose = tl.maximum(y[at.GLUCOSE], 0.0) * per_l
    acetate = tl.maximum(y[at.SECOND], 0.0) * per_l * at.ACETATE_MASS
    oxygen, ammonium = tl.maximum(y[at.OXYGEN], 0.0) * per_l, tl.maximum(y[at.AMMONIUM], 0.0) * per_l
    by_glucose, by_acetate = 1.0 / (p[at.K_SUGAR] + glucose), 1.0 / (p[at.K_ACETATE] + acetate)
    by_oxygen = 1.0 / (p[at.K_OXYGEN] + oxygen)
    sugar, air = glucose * by_glucose, oxygen * by_oxygen
    nitrogen = ammonium / (p[at.K_NITROGEN] + ammonium)
    most = p[at.QS_MAX] * good * nitrogen / (1.0 + acetate / p[at.KI_ACETATE_UPTAKE])
    uptake = most * sugar
    over = p[at.PA_MAX] / p[at.Y_AS] / (uptake + p[at.K_AP])
    flow = uptake * over  # glucose towards acetate, g/g/h
    burnt = tl.maximum(uptake - flow, 0.0)
    block = 1.0 / (1.0 + glucose * at.GLUCOSE_MASS / p[at.KI_GLUCOSE_ACETATE])
    eat = p[at.QA_MAX] * good * nitrogen * block
    to_glucose, to_acetate = cells / at.GLUCOSE_MASS, cells / at.ACETATE_MASS
    growth, overflow = burnt * air * to_glucose, flow * to_glucose
    acid_use = eat * acetate * by_acetate * air * to_acetate
    basal = p[at.Q_PRODUCT_BASAL] * good * air * cells
    making = p[at.Q_PRODUCT_GROWTH] * _making(p, growth, overflow, acid_use) + basal  # from glucose alone
    stifled, starved = (1.0 - air) * (1.0 - air), (1.0 - sugar) * (1.0 - sugar)
    death = p[at.DEATH_BASAL] + p[at.DEATH_STRESS] * (env[2] + stifled * stifled) + p[at.DEATH_HEAT] * env[3]
    keep = p[at.Q_MAINTENANCE] * p[at.Y_EM] * theta
    none = 0.0 * per_l
    rates = (
        growth,
        keep * air * cells,
        overflow,
        acid_use,
        none,
        none,
        making * sugar,
        (death + p[at.DEATH_STARVED] * (starved * starved)) * cells,
    )
    d_sugar = p[at.K_SUGAR] * by_glucose * by_glucose * per_l
    d_uptake = most * d_sugar
    d_flow = over * d_uptake * (1.0 - uptake / (uptake + p[at.K_AP]))
    d_air = p[at.K_OXYGEN] * by_oxygen * by_oxygen * per_l
    d_eat = eat * p[at.K_ACETATE] * by_acetate * by_acetate * per_l
    made = p[at.Q_PRODUCT_GROWTH] * sugar
    d_growth, d_over = (d_uptake - d_flow) * air * to_glucose, d_flow * to_glucose
    product = made * _making(p, d_growth, d_over, none) + making * d_sugar
    by0 = (d_growth, none, d_over, none, none, none, product, none)
    d_acid = d_eat * air * cells
    by1 = (none, none, none, d_acid, none, none, made * _making(p, none, none, d_acid), none)
    d_growth, d_acid = burnt * d_air * to_glucose, eat * acetate * by_acetate * d_air * to_acetate
    by2 = (d_growth, keep * d_air * cells, none, d_acid, none, none, made * _making(p, d_growth, none, d_acid), none)
    return rates, by0, by1, by2
