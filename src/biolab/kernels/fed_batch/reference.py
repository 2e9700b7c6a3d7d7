# ruff: noqa: PLR0913, PLR0917 - the arguments of compiled functions and their twins are flat
"""The same plants in plain numbers, integrated by scipy at 1e-10: what the fast paths are held against.

Equations are written for any array namespace ``xp`` (`PLAIN` for floats, numpy, jax.numpy, torch), state by state, so
that other solvers can be given the very same plant. Parameters go by name.
"""

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float

from . import layout as at
from .reference_control import act, begin_memory

PLAIN = SimpleNamespace(
    exp=math.exp, log=math.log, log10=math.log10, sqrt=math.sqrt, floor=math.floor, minimum=min, maximum=max,
    where=lambda condition, yes, no: yes if condition else no,
)  # fmt: skip
"""Plain floats as an array namespace."""
Values = Mapping[str, Any]


def protons(carbonate: Any, alkali: Any, p: Values, xp: Any) -> Any:
    """Return [H+] in mol/L at which charges balance: A = C K1 / (K1 + H) + B Ka / (Ka + H)."""
    k1, ka = 10.0 ** -p["pk_bicarbonate"] * 1e7, 10.0 ** -p["pk_buffer"] * 1e7
    total = carbonate + p["buffer_mmol_per_l"]
    base = xp.minimum(xp.maximum(alkali, 1e-3 * total), 0.999 * total)
    linear = base * (k1 + ka) - carbonate * k1 - p["buffer_mmol_per_l"] * ka
    root = xp.sqrt(linear * linear + 4 * base * k1 * ka * (total - base))
    return (root - linear) / (2 * base) * 1e-7


def temperature_factor(t: Any, p: Values, xp: Any) -> Any:
    """Return Rosso's cardinal temperature model, 1 at the optimum and 0 outside the limits."""
    low, best, high = (p[f"growth_temperature_{name}_c"] for name in ("min", "optimum", "max"))
    t = xp.minimum(xp.maximum(t, low), high)
    below = (best - low) * (t - best) - (best - high) * (best + low - 2 * t)
    return (t - high) * (t - low) ** 2 / ((best - low) * below)


def dissolved(y: Sequence[Any]) -> Any:
    """Return the osmolality: everything dissolved, mOsm/kg."""
    small = y[at.GLUCOSE] + y[at.SECOND] + y[at.LACTATE] + y[at.AMMONIUM] + y[at.AMINO] / at.AMINO_CARBONS
    return (y[at.SALT] + small) / y[at.VOLUME]


def surroundings(y: Sequence[Any], h: Any, co2: Any, p: Values, xp: Any) -> dict[str, Any]:
    """Return what pH, salt, CO2 and temperature do to cells."""
    acid, basic = 10.0 ** -p["ph_inhibition_acid_pk"], 10.0 ** -p["ph_inhibition_basic_pk"]
    best = 1 + 2 * basic / acid
    ph = xp.minimum(best / (1 + (h / acid) ** 2 + (basic / h) ** 2), 1.0 + 0 * h)
    salt = 1 / (1 + (dissolved(y) / p["osmolality_inhibition_mosm_per_kg"]) ** 8)
    gas = co2 / (p["co2_solubility_mmol_per_l_per_mmhg"] * p["co2_inhibition_mmhg"])
    theta = xp.exp(math.log(p["metabolic_q10"]) / 10 * (y[at.TEMPERATURE] - 37.0))
    growth = temperature_factor(y[at.TEMPERATURE], p, xp) * ph * salt / (1 + gas**2)
    return {"growth": growth, "theta": theta, "stress": 2 - ph - salt, "heat": theta**16}


def _monod(amount: Any, constant: Any) -> Any:
    return amount / (constant + amount)


def cho_balance(c: Mapping[str, Any], y: Sequence[Any], env: Mapping[str, Any], p: Values, xp: Any) -> list[Any]:
    """Return what CHO cells change, state by state, in amounts per hour."""
    cells, theta = y[at.VIABLE], env["theta"]
    sugar = _monod(c["glucose"], p["glucose_constant_mmol_per_l"])
    nitrogen = _monod(c["second"], p["glutamine_constant_mmol_per_l"])
    air = _monod(c["oxygen"], p["oxygen_constant_mmol_per_l"])
    acids = _monod(c["amino"], p["amino_acid_constant_mmol_c_per_l"])
    inhibited = (1 + c["lactate"] / p["lactate_inhibition_mmol_per_l"]) * (
        1 + c["ammonium"] / p["ammonium_inhibition_mmol_per_l"]
    )
    inhibited = inhibited * (1 + (c["waste"] / p["byproduct_inhibition_mmol_c_per_l"]) ** 4)
    mu = p["mu_max_per_h"] * env["growth"] * acids * sugar * nitrogen * air / inhibited
    switch = mu**4 / (mu**4 + p["lactate_switch_growth_per_h"] ** 4)
    grown = mu * cells
    burnt = p["maintenance_glucose_mmol_per_1e9_h"] * theta * sugar * air * cells
    excess = _monod(c["glucose"], p["overflow_glucose_constant_mmol_per_l"])
    flow = p["overflow_glucose_mmol_per_1e9_h"] * theta * excess * (1 - (1 - switch) * air) * cells
    reuse = p["lactate_use_mmol_per_1e9_h"] * theta * _monod(c["lactate"], p["lactate_use_constant_mmol_per_l"])
    reuse = reuse * (1 - switch) * air * cells
    decay = p["glutamine_decay_per_h"] * theta * c["second"] * y[at.VOLUME]
    spent = p["amino_acid_catabolism_mmol_c_per_1e9_h"] * theta * acids * air * cells
    cold = xp.maximum(1 + p["product_cold_gain_per_k"] * (37.0 - y[at.TEMPERATURE]), 0.0 * theta)
    made = p["product_g_per_1e9_h"] * cold * acids * sugar * air * cells
    poison = (c["waste"] / p["death_byproduct_constant_mmol_c_per_l"]) ** 2
    death = theta**2 * (p["death_basal_per_h"] + p["death_byproduct_per_h"] * poison / (1 + poison))
    death = death + p["death_stress_per_h"] * (env["stress"] + (1 - air) ** 4) + p["death_heat_per_h"] * env["heat"]
    death = (death + p["death_starvation_per_h"] * (1 - sugar) ** 4) * cells
    lysis = p["lysis_per_h"] * y[at.DEAD]
    glucose, glutamine, amino = (
        p["growth_glucose_mmol_per_1e9"], p["growth_glutamine_mmol_per_1e9"], p["growth_amino_acids_mmol_c_per_1e9"]
    )  # fmt: skip
    share, gamma = p["byproduct_share"], p["amino_acid_reduction_degree"]
    carbon = 6 * glucose + 5 * glutamine + amino - p["cell_carbon_mmol"]
    electrons = 24 * glucose + 18 * glutamine + gamma * amino - p["cell_reduction_degree"] * p["cell_carbon_mmol"]
    freed = p["ammonium_per_amino_acid_carbon"] * (1 - share) * spent
    f: list[Any] = [0.0 * mu] * at.STATES
    f[at.GLUCOSE] = -glucose * grown - burnt - flow
    f[at.SECOND] = -glutamine * grown - decay
    f[at.OXYGEN] = -electrons / 4 * grown - 6 * burnt - 3 * reuse - (gamma - 3.6 * share) / 4 * spent
    f[at.CARBONATE] = carbon * grown + 6 * burnt + 3 * reuse + (1 - share) * spent
    f[at.VIABLE], f[at.DEAD], f[at.LYSED] = grown - death, death - lysis, lysis
    f[at.LACTATE] = 2 * flow - reuse
    f[at.AMMONIUM] = p["ammonium_per_glutamine"] * glutamine * grown + decay + freed
    f[at.AMINO] = -amino * grown - spent - p["product_carbon_mmol_per_g"] * made
    f[at.PRODUCT] = made
    f[at.ALKALI] = freed - 2 * flow + reuse
    f[at.BYPRODUCT] = 5 * decay + share * spent
    return f


def ecoli_balance(c: Mapping[str, Any], y: Sequence[Any], env: Mapping[str, Any], p: Values, xp: Any) -> list[Any]:
    """Return what E. coli changes, state by state, in amounts per hour."""
    cells, good = y[at.VIABLE], env["growth"]
    acetate, cell, reduced = c["second"] * at.ACETATE_MASS, p["cell_carbon_mmol"], p["cell_reduction_degree"]
    sugar, air = (
        _monod(c["glucose"], p["glucose_constant_mmol_per_l"]),
        _monod(c["oxygen"], p["oxygen_constant_mmol_per_l"]),
    )
    nitrogen = _monod(c["ammonium"], p["ammonium_constant_mmol_per_l"])
    taken = p["glucose_uptake_max_per_h"] * good * nitrogen * sugar
    taken = taken / (1 + acetate / p["acetate_inhibition_uptake_g_per_l"])
    over = p["acetate_production_max_per_h"] / p["acetate_per_glucose_overflow"]
    over = over * taken / (taken + p["acetate_production_constant_per_h"])
    burnt = xp.maximum(taken - over, 0.0 * taken) * air * cells  # g/h
    over = over * cells
    eaten = (
        p["acetate_uptake_max_per_h"] * good * nitrogen * _monod(acetate, p["acetate_constant_g_per_l"]) * air * cells
    )
    eaten = eaten / (1 + c["glucose"] * at.GLUCOSE_MASS / p["glucose_inhibition_acetate_uptake_g_per_l"])
    lost = p["maintenance_per_h"] * p["biomass_per_glucose_oxidised"] * env["theta"] * air * cells
    by = (p["biomass_per_glucose_oxidised"], p["biomass_per_glucose_overflow"], p["biomass_per_acetate"])
    grown = by[0] * burnt + by[1] * over + by[2] * eaten
    made = (p["product_per_biomass_grown"] * grown + p["product_per_biomass_h"] * good * air * cells) * sugar
    used = made / p["product_per_glucose"]
    acid = p["acetate_per_glucose_overflow"] * over
    death = p["death_basal_per_h"] + p["death_stress_per_h"] * (env["stress"] + (1 - air) ** 4)
    death = (death + p["death_heat_per_h"] * env["heat"] + p["death_starvation_per_h"] * (1 - sugar) ** 4) * cells
    lysis = p["lysis_per_h"] * y[at.DEAD]
    sugars, acids = (burnt + over + used) / at.GLUCOSE_MASS, (eaten - acid) / at.ACETATE_MASS
    nitrogen_used = p["biomass_nitrogen_mmol_per_g"] * (grown - lost)
    f: list[Any] = [0.0 * cells] * at.STATES
    f[at.GLUCOSE], f[at.SECOND] = -sugars, -acids
    # carbon and electrons that did not stay in cells, acetate or product
    f[at.CARBONATE] = 6 * sugars + 2 * acids - cell * (grown - lost) - p["product_carbon_mmol_per_g"] * made
    electrons = 24 * sugars + 8 * acids - reduced * cell * (grown - lost)
    electrons = electrons - p["amino_acid_reduction_degree"] * p["product_carbon_mmol_per_g"] * made
    f[at.OXYGEN] = -electrons / 4
    f[at.VIABLE], f[at.DEAD], f[at.LYSED] = grown - lost - death, death - lysis, lysis
    f[at.PRODUCT], f[at.AMMONIUM] = made, -nitrogen_used
    f[at.ALKALI] = acids - nitrogen_used
    return f


def derivative(plant: int, y: Sequence[Any], p: Values, held: Sequence[Any], xp: Any) -> list[Any]:
    """Return dy/dt, state by state, with what is held constant."""
    volume, temperature = y[at.VOLUME], y[at.TEMPERATURE]
    zero = 0.0 * volume
    names = {
        "glucose": at.GLUCOSE, "second": at.SECOND, "oxygen": at.OXYGEN, "carbonate": at.CARBONATE,
        "amino": at.AMINO, "lactate": at.LACTATE, "ammonium": at.AMMONIUM, "waste": at.BYPRODUCT,
    }  # fmt: skip
    c = {name: xp.maximum(y[state], zero) / volume for name, state in names.items()}
    h = protons(c["carbonate"], y[at.ALKALI] / volume, p, xp)
    co2 = c["carbonate"] * h / (h + 10.0 ** -p["pk_bicarbonate"])
    env = surroundings(y, h, co2, p, xp)
    f = (cho_balance if plant == at.CHO else ecoli_balance)(c, y, env, p, xp)
    foreign = p["contaminant_growth_per_h"] * y[at.CONTAMINANT]
    foreign = foreign * _monod(c["glucose"], p["contaminant_glucose_constant_mmol_per_l"])
    foreign = foreign * _monod(c["oxygen"], p["oxygen_constant_mmol_per_l"])
    per_atm = p["oxygen_air_saturation_mmol_per_l"] / at.AIR_OXYGEN
    per_atm = per_atm * (1 - p["oxygen_solubility_slope_per_k"] * (temperature - 37.0))
    henry = 760 * p["co2_solubility_mmol_per_l_per_mmhg"]
    henry = henry * (1 - p["co2_solubility_slope_per_k"] * (temperature - 37.0))
    # transfer T = k V (s x_out - C) with x_out = x_in - T / gas, solved for T
    ko, kc, gas = held[at.KO], held[at.KC], held[at.GAS]
    taken_up = ko * (per_atm * held[at.O2_SHARE] * volume - y[at.OXYGEN]) / (1 + ko * volume * per_atm / gas)
    stripped = kc * volume * (co2 - henry * held[at.CO2_IN]) / (1 + kc * volume * henry / gas)
    feed, base = held[at.FEED], held[at.BASE]
    used = -f[at.OXYGEN] + at.FOREIGN_O2 * foreign
    known = p["feed_glucose_mmol_per_l"] + p["feed_second_mmol_per_l"] + p["feed_ammonium_mmol_per_l"]
    known = known + p["feed_amino_acids_mmol_c_per_l"] / at.AMINO_CARBONS
    f[at.GLUCOSE] = f[at.GLUCOSE] + feed * p["feed_glucose_mmol_per_l"] - foreign / 3
    f[at.SECOND] = f[at.SECOND] + feed * p["feed_second_mmol_per_l"]
    f[at.OXYGEN] = taken_up - used
    f[at.CARBONATE] = f[at.CARBONATE] + 0.4 * foreign - stripped + base * p["base_carbon_mmol_per_l"]
    f[at.TEMPERATURE] = (
        held[at.JACKET_K] * (held[at.JACKET] - temperature)
        - p["ambient_exchange_per_h"] * (temperature - p["ambient_temperature_c"])
        + p["heat_kj_per_mol_oxygen"] / 1000 * used / (at.HEAT_CAPACITY * volume)
    )
    f[at.VOLUME] = feed + base - held[at.VAPOUR] + zero
    f[at.LACTATE] = f[at.LACTATE] + 0.2 * foreign
    f[at.AMMONIUM] = f[at.AMMONIUM] + feed * p["feed_ammonium_mmol_per_l"] + base * p["base_ammonium_mmol_per_l"]
    f[at.AMINO] = f[at.AMINO] + feed * p["feed_amino_acids_mmol_c_per_l"]
    f[at.ALKALI] = f[at.ALKALI] - 0.2 * foreign + feed * p["feed_alkalinity_mmol_per_l"]
    f[at.ALKALI] = f[at.ALKALI] + base * p["base_alkalinity_mmol_per_l"]
    f[at.SALT] = feed * (p["feed_osmolality_mosm_per_kg"] - known) + zero
    f[at.SALT] = f[at.SALT] + base * (p["base_osmolality_mosm_per_kg"] - p["base_ammonium_mmol_per_l"])
    f[at.CONTAMINANT], f[at.CO2_OUT], f[at.O2_IN] = foreign, stripped, taken_up
    return f


def begin_state(p: Values, plant: int) -> list[float]:
    """Fill the vessel."""
    volume, h = p["start_volume_l"], 10.0 ** -p["medium_ph"]
    y = [0.0] * at.STATES
    y[at.GLUCOSE], y[at.SECOND] = p["start_glucose_mmol_per_l"], p["start_second_mmol_per_l"]
    slope = p["oxygen_solubility_slope_per_k"] * (p["start_temperature_c"] - 37.0)
    y[at.OXYGEN] = p["oxygen_air_saturation_mmol_per_l"] * (1 - slope)
    y[at.CARBONATE] = p["medium_bicarbonate_mmol_per_l"] * (1 + h * 10.0 ** p["pk_bicarbonate"])
    y[at.VIABLE], y[at.DEAD] = p["start_viable"], p["start_viable"] * (1 / p["start_viability"] - 1)
    y[at.LACTATE], y[at.AMMONIUM] = p["start_lactate_mmol_per_l"], p["start_ammonium_mmol_per_l"]
    y[at.AMINO] = p["medium_amino_acids_mmol_c_per_l"]
    y[at.ALKALI] = p["medium_bicarbonate_mmol_per_l"] + p["buffer_mmol_per_l"] / (1 + h * 10.0 ** p["pk_buffer"])
    y[at.VOLUME] = 1.0
    y[at.SALT] = p["start_osmolality_mosm_per_kg"] - dissolved(y)
    y = [amount * volume for amount in y]
    y[at.TEMPERATURE] = p["start_temperature_c"]
    return y


def run(
    plant: int,
    parameters: Values,
    schedule: Float[ndarray, "i c"],
    hours: float,
    seed: int,
    when: Sequence[int],
    method: str = "LSODA",
) -> Float[ndarray, "k r"]:
    """Run one batch, an interval at a time at relative tolerance 1e-10; return the records' first columns.

    The columns are the states, then pH, CO2, DO, osmolality and whatever `act` has seen, as in ``layout``.
    """
    from scipy.integrate import solve_ivp

    y, memory = begin_state(parameters, plant), begin_memory(parameters)
    records = []
    for i in range(schedule.shape[0]):
        row = dict(zip(at.SCHEDULE, schedule[i].tolist(), strict=True))
        y, memory, held, seen = act(i, hours, parameters, row, seed, y, memory, PLAIN)
        if i in when:
            records.append([*y, *(seen[name] for name in SEEN)])
        if i == schedule.shape[0] - 1:
            break
        found = solve_ivp(
            lambda _, state, held=held: derivative(plant, state.tolist(), parameters, held, PLAIN),
            (0.0, hours), y, method=method, rtol=1e-10, atol=1e-11, first_step=1e-6 if method == "Radau" else None,
        )  # fmt: skip
        if not found.success:
            raise ArithmeticError(f"scipy's {method} stopped in interval {i}: {found.message}")
        y = found.y[:, -1].tolist()
    return np.array(records)


SEEN = (
    "ph", "co2_mmol_per_l", "dissolved_oxygen_percent", "osmolality_mosm_per_kg", "agitation_rpm", "oxygen_fraction",
    "co2_fraction", "gas_flow_l_per_min", "feed_l_per_h", "feed_l_per_h_measured", "base_l_per_h",
    "jacket_temperature_c", "kla_per_h", "ph_measured", "dissolved_oxygen_percent_measured", "temperature_c_measured",
)  # fmt: skip
