# ruff: noqa: PLR0913, PLR0917 - the arguments of compiled functions and their twins are flat
"""What cells do, compiled: rates of growth, uptake, production and death, and their slopes by the fast states."""

import math

from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float

from .layout import (
    ACETATE_MASS,
    ACID_CELLS,
    ACID_USE,
    AMINO,
    AMINO_CARBONS,
    AMMONIUM,
    BASIC_2,
    BYPRODUCT,
    CATABOLISM,
    DEATH,
    DEATH_BASAL,
    DEATH_BYPRODUCT,
    DEATH_HEAT,
    DEATH_STARVED,
    DEATH_STRESS,
    DECAY,
    ENV_GROWTH,
    ENV_HEAT,
    ENV_METABOLISM,
    ENV_STRESS,
    FLOW_CELLS,
    GLUCOSE,
    GLUCOSE_MASS,
    GLUTAMINE_DECAY,
    GROWTH,
    GROWTH_CELLS,
    K1,
    K_ACETATE,
    K_AMINO,
    K_AP,
    K_GLUCOSE,
    K_GLUTAMINE,
    K_LACTATE,
    K_NITROGEN,
    K_OVERFLOW,
    K_OXYGEN,
    K_SUGAR,
    KD_BYPRODUCT_2,
    KEPT_METABOLISM,
    KEPT_TEMPERATURE,
    KI_ACETATE_UPTAKE,
    KI_GLUCOSE_ACETATE,
    LACTATE,
    LACTATE_MAX,
    LOG_Q10,
    M_AMINO,
    M_GLUCOSE,
    MAINTENANCE,
    MU_MAX,
    OVERFLOW,
    OVERFLOW_MAX,
    OXYGEN,
    PA_MAX,
    PER_ACID_2,
    PER_AMMONIUM,
    PER_BYPRODUCT,
    PER_CO2,
    PER_LACTATE,
    PER_OSMOLALITY,
    PH_NORM,
    PRODUCTION,
    Q_MAINTENANCE,
    Q_PRODUCT,
    Q_PRODUCT_BASAL,
    Q_PRODUCT_COLD,
    Q_PRODUCT_GROWTH,
    QA_MAX,
    QS_MAX,
    SALT,
    SECOND,
    SWITCH_4,
    T_BEST,
    T_MAX,
    T_MIN,
    TEMPERATURE,
    VIABLE,
    VOLUME,
    Y_AS,
    Y_EM,
)  # fmt: skip
from .options import INNER, PART

# of the exponent: its series to the fifth power is then exact to 1e-13
NEAR = 0.02


@njit(**PART)
def proton_ratio(carbonate: float, alkali: float, k1: float, ka: float, buffer: float) -> tuple[float, float]:
    """Return two numbers whose quotient is the protons, in 1e-7 mol/L, that balance the alkalinity.

    A quadratic's root. Carbonate, alkalinity and buffer may be amounts or concentrations.
    """
    acids = carbonate + buffer
    base = min(max(alkali, 1e-3 * acids), 0.999 * acids)
    b = base * (k1 + ka) - carbonate * k1 - buffer * ka
    c = k1 * ka * (acids - base)
    root = math.sqrt(b * b + 4.0 * base * c)
    return (2.0 * c, b + root) if b > 0.0 else (root - b, 2.0 * base)


@njit(**INNER)
def osmolality(y: Float[ndarray, " s"]) -> float:
    """Return mOsm/kg as the sum of what is dissolved."""
    small = y[GLUCOSE] + y[SECOND] + y[LACTATE] + y[AMMONIUM] + y[AMINO] * (1.0 / AMINO_CARBONS)
    return (y[SALT] + small) / y[VOLUME]


@njit(**PART)
def growth_at(temperature: float, p: Float[ndarray, " p"]) -> float:
    """Return the share of the best growth at a temperature: the cardinal temperature model of Rosso et al."""
    low, best, high = p[T_MIN], p[T_BEST], p[T_MAX]
    warm = min(max(temperature, low), high)
    above, span = warm - low, best - low
    below = span * (warm - best) - (best - high) * (best + low - 2.0 * warm)
    return (warm - high) * above * above / (span * below)


@njit(**PART)
def surroundings(
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    above: float,
    below: float,
    carbonate: float,
    place: Float[ndarray, " e"],
) -> None:
    """Put what the surroundings leave of growth, the metabolic factor of temperature, stress and heat into place.

    Protons are ``above / below``: what hangs on them takes one division of its own, and need not wait for that one.
    """
    temperature = y[TEMPERATURE]
    square, under = above * above, below * below
    both = square * under
    good_ph = p[PH_NORM] * both / (both + square * square * p[PER_ACID_2] + under * under * p[BASIC_2])
    good_ph = min(good_ph, 1.0)
    share, gas = above + p[K1] * below, carbonate * above * p[PER_CO2]
    share *= share
    good_gas = share / (share + gas * gas)
    strong = osmolality(y) * p[PER_OSMOLALITY]
    strong *= strong
    strong *= strong
    good_salt = 1.0 / (1.0 + strong * strong)
    x = p[LOG_Q10] * (temperature - place[KEPT_TEMPERATURE])
    if abs(x) < NEAR:
        series = 1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0)))))
        theta = place[KEPT_METABOLISM] * series
    else:
        theta = math.exp(p[LOG_Q10] * (temperature - 37.0))
    heat = theta * theta
    heat *= heat
    heat *= heat
    place[ENV_GROWTH] = growth_at(temperature, p) * good_salt * good_ph * good_gas
    place[ENV_METABOLISM] = theta
    place[ENV_STRESS] = 2.0 - good_ph - good_salt
    place[ENV_HEAT] = heat * heat


@njit(**PART)
def cho_rates(
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    env: Float[ndarray, " e"],
    r: Float[ndarray, " r"],
    d0: Float[ndarray, " r"],
    d1: Float[ndarray, " r"],
    d2: Float[ndarray, " r"],
    slopes: int,
) -> None:
    """Put the rates of CHO cells into ``r`` and, with ``slopes``, their slopes by the fast states."""
    per_l = 1.0 / y[VOLUME]
    cells, theta = y[VIABLE], env[ENV_METABOLISM]
    glucose, glutamine = max(y[GLUCOSE], 0.0) * per_l, max(y[SECOND], 0.0) * per_l
    oxygen, amino = max(y[OXYGEN], 0.0) * per_l, max(y[AMINO], 0.0) * per_l
    lactate, ammonium = max(y[LACTATE], 0.0) * per_l, max(y[AMMONIUM], 0.0) * per_l
    waste = max(y[BYPRODUCT], 0.0) * per_l
    by_glucose, by_glutamine = 1.0 / (p[K_GLUCOSE] + glucose), 1.0 / (p[K_GLUTAMINE] + glutamine)
    by_oxygen, by_excess = 1.0 / (p[K_OXYGEN] + oxygen), 1.0 / (p[K_OVERFLOW] + glucose)
    sugar, nitrogen, air = glucose * by_glucose, glutamine * by_glutamine, oxygen * by_oxygen
    acids = amino / (p[K_AMINO] + amino)
    hampered = waste * p[PER_BYPRODUCT]
    hampered *= hampered
    held_back = (1.0 + lactate * p[PER_LACTATE]) * (1.0 + ammonium * p[PER_AMMONIUM]) * (1.0 + hampered * hampered)
    best = p[MU_MAX] * acids / held_back
    most = best * env[ENV_GROWTH]
    mu = best * sugar * nitrogen * air * env[ENV_GROWTH]  # what is known last comes last
    fourth = mu * mu
    fourth *= fourth
    switch = fourth / (fourth + p[SWITCH_4])
    poison = waste * waste
    poison /= p[KD_BYPRODUCT_2] + poison
    death = theta * theta * (p[DEATH_BASAL] + p[DEATH_BYPRODUCT] * poison)
    stifled, starved = (1.0 - air) * (1.0 - air), (1.0 - sugar) * (1.0 - sugar)
    death += p[DEATH_STRESS] * (env[ENV_STRESS] + stifled * stifled) + p[DEATH_HEAT] * env[ENV_HEAT]
    death += p[DEATH_STARVED] * (starved * starved)
    cold = max(1.0 + p[Q_PRODUCT_COLD] * (37.0 - y[TEMPERATURE]), 0.0)
    product, warm = p[Q_PRODUCT] * cold * acids * sugar * cells, theta * cells
    flow, reuse = p[OVERFLOW_MAX] * warm, p[LACTATE_MAX] * warm * lactate / (p[K_LACTATE] + lactate)
    keep = p[M_GLUCOSE] * warm
    overflowing, growing_little = 1.0 - (1.0 - switch) * air, 1.0 - switch
    r[GROWTH] = mu * cells
    r[MAINTENANCE] = keep * sugar * air
    r[OVERFLOW] = flow * glucose * by_excess * overflowing
    r[ACID_USE] = reuse * air * growing_little
    r[DECAY] = p[GLUTAMINE_DECAY] * theta * max(y[SECOND], 0.0)
    r[CATABOLISM] = p[M_AMINO] * theta * acids * air * cells
    r[PRODUCTION] = product * air
    r[DEATH] = death * cells
    if slopes:
        d_sugar, d_nitrogen = (
            p[K_GLUCOSE] * by_glucose * by_glucose * per_l,
            p[K_GLUTAMINE] * by_glutamine * by_glutamine * per_l,
        )
        d_air = p[K_OXYGEN] * by_oxygen * by_oxygen * per_l
        d0[GROWTH] = most * d_sugar * nitrogen * air * cells
        d0[MAINTENANCE] = keep * d_sugar * air
        d0[OVERFLOW] = flow * p[K_OVERFLOW] * by_excess * by_excess * per_l * overflowing
        d1[GROWTH] = most * sugar * d_nitrogen * air * cells
        d1[DECAY] = p[GLUTAMINE_DECAY] * theta
        d2[GROWTH] = most * sugar * nitrogen * d_air * cells
        d2[MAINTENANCE] = keep * sugar * d_air
        d2[ACID_USE] = reuse * d_air * growing_little


@njit(**PART)
def ecoli_rates(
    y: Float[ndarray, " s"],
    p: Float[ndarray, " p"],
    env: Float[ndarray, " e"],
    r: Float[ndarray, " r"],
    d0: Float[ndarray, " r"],
    d1: Float[ndarray, " r"],
    d2: Float[ndarray, " r"],
    slopes: int,
) -> None:
    """Put the rates of E. coli into ``r`` and, with ``slopes``, their slopes by the fast states."""
    per_l = 1.0 / y[VOLUME]
    cells, theta, good = y[VIABLE], env[ENV_METABOLISM], env[ENV_GROWTH]
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
    making = p[Q_PRODUCT_GROWTH] * grown + basal  # from glucose alone
    r[PRODUCTION] = making * sugar
    stifled, starved = (1.0 - air) * (1.0 - air), (1.0 - sugar) * (1.0 - sugar)
    death = p[DEATH_BASAL] + p[DEATH_STRESS] * (env[ENV_STRESS] + stifled * stifled) + p[DEATH_HEAT] * env[ENV_HEAT]
    r[DEATH] = (death + p[DEATH_STARVED] * (starved * starved)) * cells
    r[DECAY] = 0.0
    r[CATABOLISM] = 0.0
    if slopes:
        d_uptake = most * p[K_SUGAR] * by_glucose * by_glucose * per_l
        d_flow = over * d_uptake * (1.0 - uptake / (uptake + p[K_AP]))
        d_air = p[K_OXYGEN] * by_oxygen * by_oxygen * per_l
        d_eat = eat * p[K_ACETATE] * by_acetate * by_acetate * per_l
        d0[GROWTH] = (d_uptake - d_flow) * air * to_glucose
        d0[OVERFLOW] = d_flow * to_glucose
        d1[ACID_USE] = d_eat * air * cells
        d2[GROWTH] = burnt * d_air * to_glucose
        d2[ACID_USE] = eat * acetate * by_acetate * d_air * to_acetate
        d2[MAINTENANCE] = p[Q_MAINTENANCE] * p[Y_EM] * theta * d_air * cells
        for d in (d0, d1, d2):
            grown = d[GROWTH] * p[GROWTH_CELLS] + d[OVERFLOW] * p[FLOW_CELLS] + d[ACID_USE] * p[ACID_CELLS]
            d[PRODUCTION] = p[Q_PRODUCT_GROWTH] * sugar * grown
        d0[PRODUCTION] += making * p[K_SUGAR] * by_glucose * by_glucose * per_l
