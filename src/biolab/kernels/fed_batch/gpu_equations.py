# ruff: noqa: PLR0913, PLR0917 - the arguments of a Triton kernel are flat
"""The plants' equations, in Triton: `equations` with one run a thread; everything is a tuple in the layout's order."""

import triton
import triton.language as tl

from . import layout as at
from .gpu_metabolism import cho_rates, ecoli_rates, protons, surroundings


@triton.jit
def _balance(PLANT: tl.constexpr, r, lysis, foreign, oxygen_in, co2_out, p):
    """Return the change of every state by these rates; linear in the rates."""
    made, death, none = r[at.PRODUCTION], r[at.DEATH], lysis * 0.0
    if PLANT == at.CHO:
        grown, reuse, waste = r[at.GROWTH], r[at.ACID_USE], r[at.CATABOLISM]
        glucose = -p[at.CELL_GLUCOSE] * grown - r[at.MAINTENANCE] - r[at.OVERFLOW]
        second = -p[at.CELL_GLUTAMINE] * grown - r[at.DECAY]
        viable = grown - death
        lactate = 2.0 * r[at.OVERFLOW] - reuse
        freed = p[at.AMMONIUM_AMINO] * p[at.CATABOLIC_CO2] * waste
        ammonium = p[at.AMMONIUM_YIELD] * p[at.CELL_GLUTAMINE] * grown + r[at.DECAY] + freed
        amino = -p[at.CELL_AMINO] * grown - waste - p[at.PRODUCT_CARBON] * made
        alkali = freed - 2.0 * r[at.OVERFLOW] + reuse
        byproduct = 5.0 * r[at.DECAY] + p[at.BYPRODUCT_SHARE] * waste
        burnt = 6.0 * r[at.MAINTENANCE] + 3.0 * reuse
        co2 = p[at.CELL_CO2] * grown + burnt + p[at.CATABOLIC_CO2] * waste
        oxygen = p[at.CELL_O2] * grown + burnt + p[at.CATABOLIC_O2] * waste
    else:
        burnt, flow, reuse, lost = r[at.GROWTH], r[at.OVERFLOW], r[at.ACID_USE], r[at.MAINTENANCE]
        grown = p[at.GROWTH_CELLS] * burnt + p[at.FLOW_CELLS] * flow + p[at.ACID_CELLS] * reuse
        nitrogen = p[at.BIOMASS_NITROGEN] * (grown - lost)
        glucose = -burnt - flow - p[at.MADE_GLUCOSE] * made
        second = p[at.FLOW_ACID] * flow - reuse
        viable = grown - lost - death
        lactate, amino, byproduct = none, none, none
        ammonium = -nitrogen
        alkali = -nitrogen - p[at.FLOW_ACID] * flow + reuse
        co2 = p[at.GROWTH_CO2] * burnt + p[at.FLOW_CO2] * flow + p[at.ACID_CO2] * reuse
        co2 = co2 + p[at.CELL_CARBON] * lost + p[at.MADE_CO2] * made
        oxygen = p[at.GROWTH_O2] * burnt + p[at.FLOW_O2] * flow + p[at.ACID_O2] * reuse
        oxygen = oxygen + p[at.CELL_CARBON] * p[at.CELL_REDUCTION] * 0.25 * lost + p[at.MADE_O2] * made
    return (
        glucose - at.FOREIGN_SUGAR * foreign,
        second,
        oxygen_in - oxygen - at.FOREIGN_O2 * foreign,
        co2 + at.FOREIGN_CO2 * foreign - co2_out,
        none,
        none,
        viable,
        death - lysis,
        lysis,
        lactate + at.FOREIGN_LACTATE * foreign,
        ammonium,
        amino,
        made,
        alkali - at.FOREIGN_LACTATE * foreign,
        none,
        byproduct,
        foreign,
        co2_out,
        oxygen_in,
    )


@triton.jit
def _with_flows(f, y, p, held, oxygen_in):
    """Add feed, base and evaporation, and the heat balance."""
    feed, base = held[at.FEED], held[at.BASE]
    uptake = oxygen_in - f[at.OXYGEN]
    known = p[at.FEED_GLUCOSE] + p[at.FEED_SECOND] + p[at.FEED_AMINO] * (1.0 / at.AMINO_CARBONS) + p[at.FEED_AMMONIUM]
    temperature = y[at.TEMPERATURE]
    warmer = held[at.JACKET_K] * (held[at.JACKET] - temperature)
    warmer = warmer - p[at.AMBIENT_EXCHANGE] * (temperature - p[at.AMBIENT])
    warmer = warmer + p[at.HEAT] * 1e-3 * uptake / (at.HEAT_CAPACITY * y[at.VOLUME])
    return (
        f[at.GLUCOSE] + feed * p[at.FEED_GLUCOSE],
        f[at.SECOND] + feed * p[at.FEED_SECOND],
        f[at.OXYGEN],
        f[at.CARBONATE] + base * p[at.BASE_CARBON],
        warmer,
        feed + base - held[at.VAPOUR],
        f[at.VIABLE],
        f[at.DEAD],
        f[at.LYSED],
        f[at.LACTATE],
        f[at.AMMONIUM] + feed * p[at.FEED_AMMONIUM] + base * p[at.BASE_AMMONIUM],
        f[at.AMINO] + feed * p[at.FEED_AMINO],
        f[at.PRODUCT],
        f[at.ALKALI] + feed * p[at.FEED_ALKALI] + base * p[at.BASE_ALKALI],
        feed * (p[at.FEED_OSMOLALITY] - known) + base * (p[at.BASE_SALT] - p[at.BASE_AMMONIUM]),
        f[at.BYPRODUCT],
        f[at.CONTAMINANT],
        f[at.CO2_OUT],
        f[at.O2_IN],
    )


@triton.jit
def change(PLANT: tl.constexpr, y, p, held):
    """Return dy/dt, its derivatives by the three sloped states, decays of carbonate and temperature, and three rates.

    The rates are those of death and of both transfers. What a caller leaves lying costs nothing.
    """
    volume = y[at.VOLUME]
    per_l = 1.0 / volume
    temperature = y[at.TEMPERATURE]
    carbonate, alkali = tl.maximum(y[at.CARBONATE], 0.0) * per_l, y[at.ALKALI] * per_l
    k1, ka = p[at.K1], p[at.KA]
    h = protons(carbonate, alkali, k1, ka, p[at.BUFFER])
    co2 = carbonate * h / (h + k1)
    env = surroundings(y, p, h, co2)
    if PLANT == at.CHO:
        r, d0, d1, d2 = cho_rates(y, p, env)
    else:
        r, d0, d1, d2 = ecoli_rates(y, p, env)
    sugar, air = tl.maximum(y[at.GLUCOSE], 0.0) * per_l, tl.maximum(y[at.OXYGEN], 0.0) * per_l
    by_sugar, by_air = 1.0 / (p[at.FOREIGN_GLUCOSE] + sugar), 1.0 / (p[at.K_OXYGEN] + air)
    speed = p[at.FOREIGN_GROWTH] * y[at.CONTAMINANT]
    foreign = speed * sugar * by_sugar * air * by_air
    foreign_0 = speed * p[at.FOREIGN_GLUCOSE] * by_sugar * by_sugar * per_l * air * by_air
    foreign_2 = speed * sugar * by_sugar * p[at.K_OXYGEN] * by_air * by_air * per_l
    # gas leaves the broth richer in CO2 and poorer in oxygen: transfer lowers its own driving force
    air_saturated = p[at.O2_SOLUBILITY] * (1.0 - p[at.O2_SLOPE] * (temperature - 37.0))
    solubility = air_saturated * (1.0 / at.AIR_OXYGEN)
    k_oxygen = held[at.KO] * held[at.GAS] / (held[at.GAS] + held[at.KO] * volume * solubility)
    oxygen_in = k_oxygen * (solubility * held[at.O2_SHARE] * volume - y[at.OXYGEN])
    henry = 760.0 * p[at.CO2_SOLUBILITY] * (1.0 - p[at.CO2_SLOPE] * (temperature - 37.0))
    k_co2 = held[at.KC] * held[at.GAS] / (held[at.GAS] + held[at.KC] * volume * henry)
    co2_out = k_co2 * volume * (co2 - henry * held[at.CO2_IN])
    one, two = 1.0 / (h + k1), 1.0 / (h + ka)
    acid = carbonate * k1 * one * one
    moved = k1 * one * acid / (acid + p[at.BUFFER] * ka * two * two)
    washing = k_co2 * (h * one + moved)
    cooling = held[at.JACKET_K] + p[at.AMBIENT_EXCHANGE]
    none = 0.0 * per_l
    f = _balance(PLANT, r, p[at.LYSIS_RATE] * y[at.DEAD], foreign, oxygen_in, co2_out, p)
    f0 = _balance(PLANT, d0, none, foreign_0, none, none, p)
    f1 = _balance(PLANT, d1, none, none, none, none, p)
    f2 = _balance(PLANT, d2, none, foreign_2, -k_oxygen, none, p)
    f = _with_flows(f, y, p, held, oxygen_in)
    return f, f0, f1, f2, washing, cooling, r[at.DEATH], oxygen_in, co2_out
