"""The plants' equations, compiled: rates of reaction and transfer, their balances, and slopes for the fast states.

Every change of state is a balance of rates, so that whatever the rates, and whatever slopes the integrator uses, carbon
that leaves one state arrives in another. `reference` says the same in plain numbers.
"""

from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float

from .layout import (
    ACID_CELLS,
    ACID_CO2,
    ACID_O2,
    ACID_USE,
    AIR_OXYGEN,
    ALKALI,
    AMBIENT,
    AMBIENT_EXCHANGE,
    AMINO,
    AMINO_CARBONS,
    AMMONIUM,
    AMMONIUM_AMINO,
    AMMONIUM_YIELD,
    BASE,
    BASE_ALKALI,
    BASE_AMMONIUM,
    BASE_CARBON,
    BASE_SALT,
    BIOMASS_NITROGEN,
    BUFFER,
    BYPRODUCT,
    BYPRODUCT_SHARE,
    CARBONATE,
    CATABOLIC_CO2,
    CATABOLIC_O2,
    CATABOLISM,
    CELL_AMINO,
    CELL_CARBON,
    CELL_CO2,
    CELL_GLUCOSE,
    CELL_GLUTAMINE,
    CELL_O2,
    CELL_REDUCTION,
    CHO,
    CO2_IN,
    CO2_OUT,
    CO2_SLOPE,
    CO2_SOLUBILITY,
    CO2_TRANSFER,
    CONTAMINANT,
    CONTAMINATION,
    COOLING,
    DEAD,
    DEATH,
    DECAY,
    FEED,
    FEED_ALKALI,
    FEED_AMINO,
    FEED_AMMONIUM,
    FEED_GLUCOSE,
    FEED_OSMOLALITY,
    FEED_SECOND,
    FLOW_ACID,
    FLOW_CELLS,
    FLOW_CO2,
    FLOW_O2,
    FOREIGN_CO2,
    FOREIGN_GLUCOSE,
    FOREIGN_GROWTH,
    FOREIGN_LACTATE,
    FOREIGN_O2,
    FOREIGN_SUGAR,
    GAS,
    GLUCOSE,
    GROWTH,
    GROWTH_CELLS,
    GROWTH_CO2,
    GROWTH_O2,
    HEAT,
    HEAT_CAPACITY,
    JACKET,
    JACKET_K,
    K1,
    K_OXYGEN,
    KA,
    KC,
    KO,
    LACTATE,
    LYSED,
    LYSIS,
    LYSIS_RATE,
    MADE_CO2,
    MADE_GLUCOSE,
    MADE_O2,
    MAINTENANCE,
    O2_IN,
    O2_SHARE,
    O2_SLOPE,
    O2_SOLUBILITY,
    OVERFLOW,
    OXYGEN,
    OXYGEN_TRANSFER,
    PRODUCT,
    PRODUCT_CARBON,
    PRODUCTION,
    SALT,
    SECOND,
    SLOPED,
    TEMPERATURE,
    VAPOUR,
    VIABLE,
    VOLUME,
    W_CHANGE,
    W_ENV,
    W_HELD,
    W_P,
    W_RATES,
    WASHING,
)  # fmt: skip
from .metabolism import cho_rates, ecoli_rates, proton_ratio, surroundings
from .options import INNER, PART
from .work_rows import row_of


@njit(**PART)
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


@njit(**INNER)
def change(plant: int, w: Float[ndarray, " w"], source: int, slopes: int) -> None:
    """Put dy/dt of the state in row ``source`` into its row and, with ``slopes``, its derivatives into the rows after.

    Derivatives are those by the sloped states, and the decay of carbonate and temperature. The rows of rates are zero
    where nothing was put.
    """
    y, p, held, env = row_of(w, source), row_of(w, W_P), row_of(w, W_HELD), row_of(w, W_ENV)
    r, d0, d1, d2 = row_of(w, W_RATES), row_of(w, W_RATES + 1), row_of(w, W_RATES + 2), row_of(w, W_RATES + 3)
    volume = y[VOLUME]
    per_l = 1.0 / volume
    temperature = y[TEMPERATURE]
    carbonate = max(y[CARBONATE], 0.0) * per_l
    above, below = proton_ratio(max(y[CARBONATE], 0.0), y[ALKALI], p[K1], p[KA], p[BUFFER] * volume)
    surroundings(y, p, above, below, carbonate, env)
    co2 = carbonate * above / (above + p[K1] * below)
    if plant == CHO:
        cho_rates(y, p, env, r, d0, d1, d2, slopes)
    else:
        ecoli_rates(y, p, env, r, d0, d1, d2, slopes)
    r[LYSIS] = p[LYSIS_RATE] * y[DEAD]
    r[CONTAMINATION] = d0[CONTAMINATION] = d2[CONTAMINATION] = 0.0
    if y[CONTAMINANT] != 0.0:
        sugar, air = max(y[GLUCOSE], 0.0) * per_l, max(y[OXYGEN], 0.0) * per_l
        by_sugar, by_air = 1.0 / (p[FOREIGN_GLUCOSE] + sugar), 1.0 / (p[K_OXYGEN] + air)
        speed = p[FOREIGN_GROWTH] * y[CONTAMINANT]
        r[CONTAMINATION] = speed * sugar * by_sugar * air * by_air
        d0[CONTAMINATION] = speed * p[FOREIGN_GLUCOSE] * by_sugar * by_sugar * per_l * air * by_air
        d2[CONTAMINATION] = speed * sugar * by_sugar * p[K_OXYGEN] * by_air * by_air * per_l
    # gas leaves the broth richer in CO2 and poorer in oxygen: transfer lowers its own driving force
    air_saturated = p[O2_SOLUBILITY] * (1.0 - p[O2_SLOPE] * (temperature - 37.0))
    solubility = air_saturated * (1.0 / AIR_OXYGEN)
    k_oxygen = held[KO] * held[GAS] / (held[GAS] + held[KO] * volume * solubility)
    r[OXYGEN_TRANSFER] = k_oxygen * (solubility * held[O2_SHARE] * volume - y[OXYGEN])
    henry = 760.0 * p[CO2_SOLUBILITY] * (1.0 - p[CO2_SLOPE] * (temperature - 37.0))
    k_co2 = held[KC] * held[GAS] / (held[GAS] + held[KC] * volume * henry)
    r[CO2_TRANSFER] = k_co2 * volume * (co2 - henry * held[CO2_IN])
    if slopes:
        h = above / below
        d2[OXYGEN_TRANSFER] = -k_oxygen
        one, two = 1.0 / (h + p[K1]), 1.0 / (h + p[KA])
        acid = carbonate * p[K1] * one * one
        moved = p[K1] * one * acid / (acid + p[BUFFER] * p[KA] * two * two)
        env[WASHING] = k_co2 * (h * one + moved)
        env[COOLING] = held[JACKET_K] + p[AMBIENT_EXCHANGE]
    balance(plant, r, p, row_of(w, W_CHANGE))
    if slopes:
        for j in range(1, 1 + SLOPED):
            balance(plant, row_of(w, W_RATES + j), p, row_of(w, W_CHANGE + j))
    _flows(y, p, held, r, row_of(w, W_CHANGE))


@njit(**PART)
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
    known = p[FEED_GLUCOSE] + p[FEED_SECOND] + p[FEED_AMINO] * (1.0 / AMINO_CARBONS) + p[FEED_AMMONIUM]
    f[SALT] += feed * (p[FEED_OSMOLALITY] - known) + base * (p[BASE_SALT] - p[BASE_AMMONIUM])
    temperature = y[TEMPERATURE]
    f[TEMPERATURE] = (
        held[JACKET_K] * (held[JACKET] - temperature)
        - p[AMBIENT_EXCHANGE] * (temperature - p[AMBIENT])
        + p[HEAT] * 1e-3 * uptake / (HEAT_CAPACITY * y[VOLUME])
    )
