"""What happens at each control interval, compiled: samples, probes, sampled PID loops with anti-windup, pumps and gas."""

import math

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float

from . import layout as at
from .equations import osmolality, protons

_COMPILE = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "_nrt": False}
_PART = _COMPILE | {"inline": "always"}

_FIRST, _SECOND, _THIRD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_CHANNEL = np.uint64(0xD1B54A32D192ED03)
_27, _30, _31 = np.uint64(27), np.uint64(30), np.uint64(31)
_16, _32, _48, _LOW = np.uint64(16), np.uint64(32), np.uint64(48), np.uint64(0xFFFF)
# mean and standard deviation of the sum of four uniform 16-bit numbers
_MEAN, _SD = 2.0 * 65535.0, 65536.0 / math.sqrt(3.0)


@njit(**_COMPILE)
def noise(seed: int, interval: int, channel: int) -> float:
    """Return a number of mean 0 and variance 1 that depends on nothing but its three names.

    The counter is scrambled by SplitMix64's finaliser; its four 16-bit parts are added up, which is nearly normal and
    never beyond 3.46.
    """
    x = seed + _FIRST * np.uint64(interval) + _CHANNEL * np.uint64(channel)
    x = (x ^ (x >> _30)) * _SECOND
    x = (x ^ (x >> _27)) * _THIRD
    x ^= x >> _31
    total = (x & _LOW) + ((x >> _16) & _LOW) + ((x >> _32) & _LOW) + (x >> _48)
    return (np.float64(total) - _MEAN) / _SD


@njit(**_COMPILE)
def reading(value: float, step: float) -> float:
    """Round to what the transmitter can show; a step of 0 rounds nothing."""
    return math.floor(value / step + 0.5) * step if step > 0.0 else value


@njit(**_COMPILE)
def pid(
    error: float, measured: float, hours: float, p: Float[ndarray, " 7"], memory: Float[ndarray, " 3"]
) -> float:
    """Return a controller's output in percent; the derivative looks at the measurement alone.

    The integral stands still while the output is at a limit and the error would push it further (anti-windup).
    """
    gain, integral_h, derivative_h = p[0], p[1], p[2]
    band, low, high = p[4], p[5], p[6]
    error = max(error - band, 0.0) + min(error + band, 0.0)
    direct = gain * (error - derivative_h * (measured - memory[1]) / hours)
    integral = memory[0] + gain * error * hours / integral_h
    wanted = direct + integral
    output = min(max(wanted, low), high)
    if (wanted > high and error > 0.0) or (wanted < low and error < 0.0):
        integral = memory[0]
    memory[0] = min(max(integral, low), high)
    memory[1] = measured
    memory[2] = output
    return output


@njit(**_COMPILE)
def _remove(share: float, y: Float[ndarray, " s"], memory: Float[ndarray, " m"]) -> None:
    """Take a share of everything in the vessel out, and remember how much it was."""
    for j in range(at.CONTENT):
        if j != at.TEMPERATURE:
            memory[at.M_REMOVED + j] += share * y[j]
            y[j] -= share * y[j]


@njit(**_PART)
def _probes(
    interval: int,
    hours: float,
    p: Float[ndarray, " p"],
    row: Float[ndarray, " c"],
    seed: int,
    y: Float[ndarray, " s"],
    memory: Float[ndarray, " m"],
    seen: Float[ndarray, " r"],
) -> None:
    """Let the probes follow the broth, then read them with drift, noise and resolution."""
    carbonate = max(y[at.CARBONATE], 0.0) / y[at.VOLUME]
    h = protons(carbonate, y[at.ALKALI] / y[at.VOLUME], p)
    ph = 7.0 - math.log10(h)
    saturated = p[at.O2_SOLUBILITY] * (1.0 - p[at.O2_SLOPE] * (y[at.TEMPERATURE] - 37.0))
    oxygen = 100.0 * y[at.OXYGEN] / (y[at.VOLUME] * saturated)
    seen[at.R_PH - at.STATES] = ph
    seen[at.R_CO2 - at.STATES] = carbonate * h / (h + p[at.K1])
    seen[at.R_DO - at.STATES] = oxygen
    seen[at.R_OSMOLALITY - at.STATES] = osmolality(y)
    memory[at.M_DO] += (oxygen - memory[at.M_DO]) * (1.0 - math.exp(-hours / p[at.DO_LAG]))
    memory[at.M_PH] += (ph - memory[at.M_PH]) * (1.0 - math.exp(-hours / p[at.PH_LAG]))
    lagged = memory[at.M_TEMPERATURE]
    memory[at.M_TEMPERATURE] += (y[at.TEMPERATURE] - lagged) * (1.0 - math.exp(-hours / p[at.TEMPERATURE_LAG]))
    shown = memory[at.M_DO] + row[at.S_DO_DRIFT] + p[at.DO_NOISE] * noise(seed, interval, at.NOISE_DO)
    seen[at.R_DO_MEASURED - at.STATES] = reading(shown, p[at.DO_STEP])
    shown = memory[at.M_PH] + row[at.S_PH_DRIFT] + p[at.PH_NOISE] * noise(seed, interval, at.NOISE_PH)
    seen[at.R_PH_MEASURED - at.STATES] = reading(shown, p[at.PH_STEP])
    shown = memory[at.M_TEMPERATURE] + p[at.TEMPERATURE_NOISE] * noise(seed, interval, at.NOISE_TEMPERATURE)
    seen[at.R_TEMPERATURE_MEASURED - at.STATES] = reading(shown, p[at.TEMPERATURE_STEP])


@njit(**_PART)
def _feeding(
    time: float,
    hours: float,
    glucose: float,
    p: Float[ndarray, " p"],
    row: Float[ndarray, " c"],
    y: Float[ndarray, " s"],
    memory: Float[ndarray, " m"],
    seen: Float[ndarray, " r"],
) -> float:
    """Return the litres per hour that are delivered, after what the recipe plans or the last at-line glucose asks."""
    volume, action, target = y[at.VOLUME], row[at.S_GLUCOSE_ACTION], row[at.S_GLUCOSE]
    if action == at.RATE_PLANNED:
        memory[at.M_FEED_RATE] = row[at.S_FEED]
        memory[at.M_GLUCOSE_LAST] = -1.0
    elif action == at.BOLUS_TO_GLUCOSE:
        missing = volume * (target - glucose) / (p[at.FEED_GLUCOSE] - target)
        memory[at.M_PENDING] += max(missing, 0.0)
    elif action == at.RATE_FOR_GLUCOSE:
        ahead, amount = row[at.S_GLUCOSE_INTERVAL], glucose * volume
        rate = (target * volume - amount) / ahead
        if memory[at.M_GLUCOSE_LAST] >= 0.0:
            since = time - memory[at.M_TIME_LAST]
            used = memory[at.M_GLUCOSE_LAST] - amount + memory[at.M_FED_SINCE] * p[at.FEED_GLUCOSE]
            rate += used / since
        memory[at.M_FEED_RATE] = max(rate, 0.0) / (p[at.FEED_GLUCOSE] - target)
        memory[at.M_GLUCOSE_LAST], memory[at.M_TIME_LAST], memory[at.M_FED_SINCE] = amount, time, 0.0
    memory[at.M_PENDING] += row[at.S_BOLUS]
    most = p[at.MAX_FEED]
    steady = min(memory[at.M_FEED_RATE], most)
    dose = min(memory[at.M_PENDING] / hours, most - steady)
    memory[at.M_PENDING] -= dose * hours
    wanted = steady + dose
    room = max(p[at.MAX_VOLUME] - volume, 0.0) / hours
    delivered = min(wanted * row[at.S_FEED_FACTOR], room)
    seen[at.R_LIMITED - at.STATES] = 1.0 if wanted * row[at.S_FEED_FACTOR] > room else 0.0
    seen[at.R_FEED_COMMAND - at.STATES] = min(wanted, room)
    # what the operator believes was fed: the pump's own count
    memory[at.M_FED_SINCE] += min(wanted, room) * hours
    return delivered


@njit(**_PART)
def _gas(
    u: float,
    p: Float[ndarray, " p"],
    row: Float[ndarray, " c"],
    y: Float[ndarray, " s"],
    seen: Float[ndarray, " r"],
    held: Float[ndarray, " u"],
) -> None:
    """Turn the oxygen controller's output into stirring, then oxygen in the gas; and those into kLa."""
    lowest, highest = row[at.S_AGITATION], p[at.MAX_AGITATION]
    agitation = lowest * (highest / lowest) ** min(u / 50.0, 1.0)
    oxygen = at.AIR_OXYGEN + (p[at.MAX_OXYGEN] - at.AIR_OXYGEN) * min(max(u / 50.0 - 1.0, 0.0), 1.0)
    agitation = row[at.S_AGITATION_HELD] if row[at.S_AGITATION_HELD] > 0.0 else agitation
    oxygen = row[at.S_OXYGEN_HELD] if row[at.S_OXYGEN_HELD] > 0.0 else oxygen
    agitation, oxygen = min(agitation, row[at.S_AGITATION_CEILING]), min(oxygen, row[at.S_OXYGEN_CEILING])
    co2 = held[at.CO2_IN]
    flow = max(row[at.S_GAS], 1e-6)
    stirred = (agitation / p[at.REFERENCE_AGITATION]) ** p[at.KLA_AGITATION]
    sparged = (flow / y[at.VOLUME] / p[at.REFERENCE_GAS]) ** p[at.KLA_GAS]
    held[at.KO] = p[at.KLA] * stirred * sparged * row[at.S_KLA_FACTOR]
    held[at.KC] = p[at.KLA_CO2] * held[at.KO]
    held[at.GAS] = flow * at.GAS_MMOL
    held[at.O2_SHARE] = oxygen * (1.0 - co2)
    held[at.VAPOUR] = flow * 60.0 * p[at.EVAPORATION]
    seen[at.R_AGITATION - at.STATES], seen[at.R_OXYGEN - at.STATES] = agitation, oxygen
    seen[at.R_CO2_SHARE - at.STATES], seen[at.R_GAS - at.STATES] = co2, flow
    seen[at.R_KLA - at.STATES] = held[at.KO]


@njit(**_PART)
def act(
    interval: int,
    hours: float,
    p: Float[ndarray, " p"],
    row: Float[ndarray, " c"],
    seed: int,
    y: Float[ndarray, " s"],
    memory: Float[ndarray, " m"],
    seen: Float[ndarray, " r"],
    held: Float[ndarray, " u"],
) -> None:
    """Do all that happens at the start of a control interval, and hold its outcome for the interval."""
    time = interval * hours
    if row[at.S_SAMPLE] > 0.0:
        _remove(min(row[at.S_SAMPLE] / y[at.VOLUME], 1.0), y, memory)
    if row[at.S_FOAM] > 0.0:
        _remove(row[at.S_FOAM], y, memory)
    y[at.CONTAMINANT] += row[at.S_CONTAMINATION]
    _probes(interval, hours, p, row, seed, y, memory, seen)
    spread = 1.0 + p[at.GLUCOSE_NOISE] * noise(seed, interval, at.NOISE_GLUCOSE)
    glucose = max(y[at.GLUCOSE], 0.0) / y[at.VOLUME] * row[at.S_GLUCOSE_FACTOR] * spread
    seen[at.R_GLUCOSE_MEASURED - at.STATES] = glucose
    every = p[at.PH_CONTROL + 3]
    if interval % int(every) == 0:
        measured = seen[at.R_PH_MEASURED - at.STATES]
        settings = p[at.PH_CONTROL : at.PH_CONTROL + 7]
        pid(row[at.S_PH] - measured, measured, every * hours, settings, memory[at.M_PH_INTEGRAL : at.M_PH_OUTPUT + 1])
    every = p[at.DO_CONTROL + 3]
    if interval % int(every) == 0:
        measured = seen[at.R_DO_MEASURED - at.STATES]
        settings = p[at.DO_CONTROL : at.DO_CONTROL + 7]
        pid(row[at.S_DO] - measured, measured, every * hours, settings, memory[at.M_DO_INTEGRAL : at.M_DO_OUTPUT + 1])
    every = p[at.TEMPERATURE_CONTROL + 3]
    if interval % int(every) == 0:
        measured = seen[at.R_TEMPERATURE_MEASURED - at.STATES]
        settings = p[at.TEMPERATURE_CONTROL : at.TEMPERATURE_CONTROL + 7]
        places = memory[at.M_TEMPERATURE_INTEGRAL : at.M_TEMPERATURE_OUTPUT + 1]
        pid(row[at.S_TEMPERATURE] - measured, measured, every * hours, settings, places)
    correction = memory[at.M_PH_OUTPUT]
    # more acid wanted: CO2 in the gas; more base: the pump, while there is room in the vessel
    held[at.CO2_IN] = p[at.CO2_SHARE] * max(-correction, 0.0) / 100.0
    held[at.BASE] = p[at.MAX_BASE] * max(correction, 0.0) / 100.0
    if y[at.VOLUME] >= p[at.MAX_VOLUME]:
        held[at.BASE] = 0.0
    _gas(memory[at.M_DO_OUTPUT], p, row, y, seen, held)
    held[at.FEED] = _feeding(time, hours, glucose, p, row, y, memory, seen)
    jacket = row[at.S_TEMPERATURE] + p[at.JACKET_SPAN] * memory[at.M_TEMPERATURE_OUTPUT] / 100.0
    held[at.JACKET] = min(max(jacket, p[at.JACKET_LOW]), p[at.JACKET_HIGH])
    held[at.JACKET_K] = p[at.JACKET_EXCHANGE] * row[at.S_JACKET_FACTOR]
    seen[at.R_FEED - at.STATES], seen[at.R_BASE - at.STATES] = held[at.FEED], held[at.BASE]
    seen[at.R_JACKET - at.STATES] = held[at.JACKET]
    seen[at.R_FED - at.STATES], seen[at.R_BASE_TOTAL - at.STATES] = memory[at.M_FED], memory[at.M_BASE]
    seen[at.R_VAPOUR - at.STATES] = memory[at.M_VAPOUR]
