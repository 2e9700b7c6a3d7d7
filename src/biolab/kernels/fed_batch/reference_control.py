# ruff: noqa: PLR0913, PLR0917, E501 - the arguments of compiled functions and their twins are flat
"""What happens at each control interval, in plain numbers: the twin of `control`, for any array namespace."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import layout as at

Values = Mapping[str, Any]
LOOPS = ("ph", "dissolved_oxygen", "temperature")


def noise(seed: int, interval: int, channel: int) -> float:
    """Return a number of mean 0 and variance 1: SplitMix64's finaliser of a counter, its four 16-bit parts added."""
    most = 0xFFFFFFFFFFFFFFFF
    x = (seed + 0x9E3779B97F4A7C15 * interval + 0xD1B54A32D192ED03 * channel) & most
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & most
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & most
    x ^= x >> 31
    total = sum((x >> shift) & 0xFFFF for shift in (0, 16, 32, 48))
    return (total - 131070.0) / (65536.0 / 3.0**0.5)


def begin_memory(p: Values) -> dict[str, Any]:
    """Return what controllers know before the batch."""
    start = {"ph": p["medium_ph"], "dissolved_oxygen": 100.0, "temperature": p["start_temperature_c"]}
    memory: dict[str, Any] = {f"{loop}_lagged": start[loop] for loop in LOOPS}
    memory |= {f"{loop}_last": start[loop] for loop in LOOPS}
    memory |= {f"{loop}_{name}": 0.0 for loop in LOOPS for name in ("integral", "output")}
    return memory | {"rate": 0.0, "pending": 0.0, "fed_since": 0.0, "glucose_last": -1.0, "time_last": 0.0}


def controlled(
    loop: str, wanted: Any, measured: Any, step: float, p: Values, memory: Values, xp: Any
) -> dict[str, Any]:
    """Return a PID controller's memory after a sample; its output is in percent."""
    low, high, band = p[f"{loop}_low_percent"], p[f"{loop}_high_percent"], p[f"{loop}_deadband"]
    error = wanted - measured
    error = xp.maximum(error - band, 0.0 * error) + xp.minimum(error + band, 0.0 * error)
    slope = (measured - memory[f"{loop}_last"]) / step
    integral = memory[f"{loop}_integral"] + p[f"{loop}_gain"] * error * step / p[f"{loop}_integral_h"]
    free = p[f"{loop}_gain"] * (error - p[f"{loop}_derivative_h"] * slope) + integral
    stuck = ((free > high) & (error > 0)) | ((free < low) & (error < 0))
    integral = xp.where(stuck, memory[f"{loop}_integral"], integral)
    return {
        f"{loop}_integral": xp.minimum(xp.maximum(integral, low + 0 * integral), high + 0 * integral),
        f"{loop}_last": measured,
        f"{loop}_output": xp.minimum(xp.maximum(free, low + 0 * free), high + 0 * free),
    }


def act(
    interval: int, hours: float, p: Values, row: Values, seed: int, y: Sequence[Any], memory: Values, xp: Any
) -> tuple[list[Any], dict[str, Any], list[Any], dict[str, Any]]:
    """Return state, memory, what is held, and what was seen, after all that happens at an interval's start."""
    from .reference import dissolved, protons

    time, y, memory = interval * hours, list(y), dict(memory)
    lost = xp.minimum(row["sample_l"] / y[at.VOLUME], 1.0 + 0.0 * y[at.VOLUME])
    kept = (1.0 - lost) * (1.0 - row["foam_fraction"])
    y = [y[j] * kept if j < at.CONTENT and j != at.TEMPERATURE else y[j] for j in range(at.STATES)]
    y[at.CONTAMINANT] = y[at.CONTAMINANT] + row["contamination_mmol_c"]
    volume = y[at.VOLUME]
    zero = 0.0 * volume
    carbonate = xp.maximum(y[at.CARBONATE], zero) / volume
    h = protons(carbonate, y[at.ALKALI] / volume, p, xp)
    slope = 1 - p["oxygen_solubility_slope_per_k"] * (y[at.TEMPERATURE] - 37.0)
    true = {
        "ph": -xp.log10(h),
        "dissolved_oxygen": 100 * y[at.OXYGEN] / (volume * p["oxygen_air_saturation_mmol_per_l"] * slope),
        "temperature": y[at.TEMPERATURE],
    }
    unit = {"ph": "ph", "dissolved_oxygen": "dissolved_oxygen_percent", "temperature": "temperature_c"}
    parts = {
        "ph": ("ph_noise", "ph_resolution", at.NOISE_PH),
        "dissolved_oxygen": ("dissolved_oxygen_noise_percent", "dissolved_oxygen_resolution_percent", at.NOISE_DO),
        "temperature": ("temperature_noise_c", "temperature_resolution_c", at.NOISE_TEMPERATURE),
    }
    seen: dict[str, Any] = {
        "ph": true["ph"],
        "co2_mmol_per_l": carbonate * h / (h + 10.0 ** -p["pk_bicarbonate"]),
        "dissolved_oxygen_percent": true["dissolved_oxygen"],
        "osmolality_mosm_per_kg": dissolved(y),
    }
    for loop in LOOPS:
        lag = memory[f"{loop}_lagged"]
        lag = lag + (true[loop] - lag) * (1 - xp.exp(zero - hours / p[f"{loop}_lag_h"]))
        memory[f"{loop}_lagged"] = lag
        spread, resolution, channel = parts[loop]
        shown = lag + row.get(f"{loop}_drift", 0.0)
        if p[spread] > 0:
            shown = shown + p[spread] * noise(seed, interval, channel)
        step = p[resolution]
        measured = xp.floor(shown / step + 0.5) * step if step > 0 else shown
        seen[f"{unit[loop]}_measured"] = measured
        every = round(p[f"{loop}_every"])
        if every == 1 or interval % every == 0:
            memory |= controlled(loop, row[unit[loop]], measured, every * hours, p, memory, xp)
    held: list[Any] = [zero] * at.HELD
    correction = memory["ph_output"] + zero
    held[at.CO2_IN] = p["co2_max_fraction"] * xp.maximum(-correction, zero) / 100
    held[at.BASE] = p["max_base_l_per_h"] * xp.maximum(correction, zero) / 100
    held[at.BASE] = xp.where(volume >= p["max_volume_l"], zero, held[at.BASE])
    _gas(row, p, memory["dissolved_oxygen_output"] + zero, volume, held, seen, xp)
    held[at.FEED] = _feeding(time, hours, row, p, seed, interval, y, memory, seen, xp)
    jacket = row["temperature_c"] + p["jacket_span_k"] * memory["temperature_output"] / 100 + zero
    held[at.JACKET] = xp.minimum(xp.maximum(jacket, p["jacket_min_c"] + zero), p["jacket_max_c"] + zero)
    held[at.JACKET_K] = p["jacket_exchange_per_h"] * row["jacket_factor"] + zero
    seen |= {"feed_l_per_h": held[at.FEED], "base_l_per_h": held[at.BASE], "jacket_temperature_c": held[at.JACKET]}
    return y, memory, held, seen


def _gas(row: Values, p: Values, u: Any, volume: Any, held: list[Any], seen: dict[str, Any], xp: Any) -> None:
    zero = 0.0 * volume
    lowest, highest = row["agitation_rpm"], p["max_agitation_rpm"]
    agitation = lowest * xp.exp(xp.minimum(u / 50, 1.0 + zero) * xp.log(highest / lowest + zero))
    enriched = xp.minimum(xp.maximum(u / 50 - 1, zero), 1.0 + zero)
    oxygen = at.AIR_OXYGEN + (p["max_oxygen_fraction"] - at.AIR_OXYGEN) * enriched
    agitation = xp.where(row["agitation_held_rpm"] + zero > 0, row["agitation_held_rpm"] + zero, agitation)
    oxygen = xp.where(row["oxygen_held_fraction"] + zero > 0, row["oxygen_held_fraction"] + zero, oxygen)
    agitation = xp.minimum(agitation, row["agitation_ceiling"] + zero)
    oxygen = xp.minimum(oxygen, row["oxygen_ceiling"] + zero)
    flow = row["gas_flow_l_per_min"] + zero
    flow = xp.maximum(flow, 1e-6 + zero)
    stirred = xp.exp(p["kla_agitation_exponent"] * xp.log(agitation / p["kla_reference_agitation_rpm"]))
    sparged = xp.exp(p["kla_gas_exponent"] * xp.log(flow / volume / p["kla_reference_gas_per_min"]))
    held[at.KO] = p["kla_per_h"] * stirred * sparged * row["kla_factor"]
    held[at.KC] = p["kla_co2_ratio"] * held[at.KO]
    held[at.GAS] = flow * at.GAS_MMOL
    held[at.O2_SHARE] = oxygen * (1 - held[at.CO2_IN])
    held[at.VAPOUR] = flow * 60 * p["evaporation_l_per_l_gas"]
    seen |= {"agitation_rpm": agitation, "oxygen_fraction": oxygen, "co2_fraction": held[at.CO2_IN]}
    seen |= {"gas_flow_l_per_min": flow, "kla_per_h": held[at.KO]}


def _feeding(
    time: float, hours: float, row: Values, p: Values, seed: int, interval: int, y: Sequence[Any], memory: dict[str, Any],
    seen: dict[str, Any], xp: Any,
) -> Any:  # fmt: skip
    volume = y[at.VOLUME]
    zero = 0.0 * volume
    glucose = xp.maximum(y[at.GLUCOSE], zero) / volume * row["glucose_factor"]
    if p["glucose_noise_fraction"] > 0:
        glucose = glucose * (1 + p["glucose_noise_fraction"] * noise(seed, interval, at.NOISE_GLUCOSE))
    action, target, strong = float(row["glucose_action"]), row["glucose_g_per_l"], p["feed_glucose_mmol_per_l"]
    if action in (at.RATE_PLANNED, at.BOLUS_TO_GLUCOSE):
        memory["rate"], memory["glucose_last"] = row["feed_l_per_h"] + zero, -1.0
    if action == at.BOLUS_TO_GLUCOSE:
        memory["pending"] = memory["pending"] + xp.maximum(volume * (target - glucose) / (strong - target), zero)
    if action == at.RATE_FOR_GLUCOSE:
        amount = glucose * volume
        rate = (target * volume - amount) / row["glucose_interval_h"]
        if memory["glucose_last"] >= 0:
            used = memory["glucose_last"] - amount + memory["fed_since"] * strong
            rate = rate + used / (time - memory["time_last"])
        memory["rate"] = xp.maximum(rate, zero) / (strong - target)
        memory |= {"glucose_last": amount, "time_last": time, "fed_since": 0.0}
    pending = memory["pending"] + row["bolus_l"] + zero
    steady = xp.minimum(memory["rate"] + zero, p["max_feed_l_per_h"] + zero)
    dose = xp.minimum(pending / hours, p["max_feed_l_per_h"] - steady)
    memory["pending"] = xp.maximum(pending - dose * hours, zero)
    wanted, room = steady + dose, xp.maximum(p["max_volume_l"] - volume, zero) / hours
    shown = xp.minimum(wanted, room)
    memory["fed_since"] = memory["fed_since"] + shown * hours
    seen["feed_l_per_h_measured"] = shown
    return xp.minimum(wanted * row["feed_factor"], room)
