# ruff: noqa: PLR0913, PLR0917 - the arguments of compiled functions and their twins are flat
"""What happens at each control interval, compiled: samples, probes, PID loops with anti-windup, pumps and gas."""

import math

import numpy as np
from numba import njit
from numpy import ndarray

from biolab.core.arrays import Float

from .layout import (
    AIR_OXYGEN,
    ALKALI,
    BASE,
    BOLUS_TO_GLUCOSE,
    BUFFER,
    CARBONATE,
    CO2_IN,
    CO2_SHARE,
    CONTAMINANT,
    CONTENT,
    DO_FOLLOWS,
    DO_NOISE,
    DO_STEP,
    EVAPORATION,
    FEED,
    FEED_GLUCOSE,
    GAS,
    GAS_MMOL,
    GLUCOSE,
    GLUCOSE_NOISE,
    JACKET,
    JACKET_EXCHANGE,
    JACKET_HIGH,
    JACKET_K,
    JACKET_LOW,
    JACKET_SPAN,
    K1,
    KA,
    KC,
    KEPT_METABOLISM,
    KEPT_TEMPERATURE,
    KLA,
    KLA_AGITATION,
    KLA_CO2,
    KLA_GAS,
    KO,
    LOG_Q10,
    LOG_SLOWEST,
    LOG_SPAN,
    M_BASE,
    M_DO,
    M_DO_OUTPUT,
    M_FED,
    M_FED_SINCE,
    M_FEED_RATE,
    M_GLUCOSE_LAST,
    M_PENDING,
    M_PH,
    M_PH_INTEGRAL,
    M_PH_OUTPUT,
    M_REMOVED,
    M_TEMPERATURE,
    M_TEMPERATURE_OUTPUT,
    M_TIME_LAST,
    M_VAPOUR,
    MAX_AGITATION,
    MAX_BASE,
    MAX_FEED,
    MAX_OXYGEN,
    MAX_VOLUME,
    NOISE_DO,
    NOISE_GLUCOSE,
    NOISE_PH,
    NOISE_TEMPERATURE,
    O2_SHARE,
    O2_SLOPE,
    O2_SOLUBILITY,
    OXYGEN,
    PH_CONTROL,
    PH_FOLLOWS,
    PH_NOISE,
    PH_STEP,
    R_AGITATION,
    R_BASE,
    R_BASE_TOTAL,
    R_CO2,
    R_CO2_SHARE,
    R_DO,
    R_DO_MEASURED,
    R_FED,
    R_FEED,
    R_FEED_COMMAND,
    R_GAS,
    R_GLUCOSE_MEASURED,
    R_JACKET,
    R_KLA,
    R_LIMITED,
    R_OSMOLALITY,
    R_OXYGEN,
    R_PH,
    R_PH_MEASURED,
    R_TEMPERATURE_MEASURED,
    R_VAPOUR,
    RATE_FOR_GLUCOSE,
    RATE_PLANNED,
    REFERENCE_AGITATION,
    REFERENCE_GAS,
    S_AGITATION,
    S_AGITATION_CEILING,
    S_AGITATION_HELD,
    S_BOLUS,
    S_CONTAMINATION,
    S_DO_DRIFT,
    S_FEED,
    S_FEED_FACTOR,
    S_FOAM,
    S_GAS,
    S_GLUCOSE,
    S_GLUCOSE_ACTION,
    S_GLUCOSE_FACTOR,
    S_GLUCOSE_INTERVAL,
    S_JACKET_FACTOR,
    S_KLA_FACTOR,
    S_OXYGEN_CEILING,
    S_OXYGEN_HELD,
    S_PH,
    S_PH_DRIFT,
    S_SAMPLE,
    S_TEMPERATURE,
    SLOWEST,
    STATES,
    TEMPERATURE,
    TEMPERATURE_FOLLOWS,
    TEMPERATURE_NOISE,
    TEMPERATURE_STEP,
    VAPOUR,
    VOLUME,
    W_ENV,
    W_HELD,
    W_MEMORY,
    W_P,
    W_SEEN,
    W_Y,
)  # fmt: skip
from .metabolism import osmolality, proton_ratio
from .options import COMPILED, INNER, PART
from .work_rows import row_of

_FIRST, _SECOND, _THIRD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_CHANNEL = np.uint64(0xD1B54A32D192ED03)
_27, _30, _31 = np.uint64(27), np.uint64(30), np.uint64(31)
_16, _32, _48, _LOW = np.uint64(16), np.uint64(32), np.uint64(48), np.uint64(0xFFFF)
# mean and standard deviation of the sum of four uniform 16-bit numbers
_MEAN, _SD = 2.0 * 65535.0, 65536.0 / math.sqrt(3.0)


@njit(**COMPILED)
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


@njit(**INNER)
def reading(value: float, step: float) -> float:
    """Round to what the transmitter can show; a step of 0 rounds nothing."""
    return math.floor(value / step + 0.5) * step if step > 0.0 else value


@njit(**PART)
def _controllers(
    interval: int,
    hours: float,
    p: Float[ndarray, " p"],
    row: Float[ndarray, " c"],
    memory: Float[ndarray, " m"],
    seen: Float[ndarray, " r"],
) -> None:
    """Let the controllers of pH, oxygen and temperature sample; their outputs are in percent.

    The derivative looks at the measurement alone. The integral stands still while the output is at a limit and the
    error would push it further (anti-windup).
    """
    for loop in range(3):
        settings, kept = PH_CONTROL + 7 * loop, M_PH_INTEGRAL + 3 * loop
        every = p[settings + 3]
        if every != 1.0 and interval % int(every) != 0:
            continue
        gain, integral_h, derivative_h = p[settings], p[settings + 1], p[settings + 2]
        band, low, high = p[settings + 4], p[settings + 5], p[settings + 6]
        measured, since = seen[R_PH_MEASURED - STATES + loop], every * hours
        error = row[S_PH + loop] - measured
        error = max(error - band, 0.0) + min(error + band, 0.0)
        integral = memory[kept] + gain * error * since / integral_h
        wanted = gain * error + integral
        if derivative_h > 0.0:
            wanted -= gain * derivative_h * (measured - memory[kept + 1]) / since
        if (wanted > high and error > 0.0) or (wanted < low and error < 0.0):
            integral = memory[kept]
        memory[kept] = min(max(integral, low), high)
        memory[kept + 1] = measured
        memory[kept + 2] = min(max(wanted, low), high)


@njit(**INNER)
def _remove(share: float, y: Float[ndarray, " s"], memory: Float[ndarray, " m"]) -> None:
    """Take a share of everything in the vessel out, and remember how much it was."""
    for j in range(CONTENT):
        if j != TEMPERATURE:
            memory[M_REMOVED + j] += share * y[j]
            y[j] -= share * y[j]


@njit(**PART)
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
    per_l = 1.0 / y[VOLUME]
    carbonate = max(y[CARBONATE], 0.0) * per_l
    above, below = proton_ratio(carbonate, y[ALKALI] * per_l, p[K1], p[KA], p[BUFFER])
    h = above / below
    ph = 7.0 - math.log10(h)
    saturated = p[O2_SOLUBILITY] * (1.0 - p[O2_SLOPE] * (y[TEMPERATURE] - 37.0))
    oxygen = 100.0 * y[OXYGEN] * per_l / saturated
    seen[R_PH - STATES] = ph
    seen[R_CO2 - STATES] = carbonate * h / (h + p[K1])
    seen[R_DO - STATES] = oxygen
    seen[R_OSMOLALITY - STATES] = osmolality(y)
    memory[M_DO] += (oxygen - memory[M_DO]) * p[DO_FOLLOWS]
    memory[M_PH] += (ph - memory[M_PH]) * p[PH_FOLLOWS]
    lagged = memory[M_TEMPERATURE]
    memory[M_TEMPERATURE] += (y[TEMPERATURE] - lagged) * p[TEMPERATURE_FOLLOWS]
    shown = memory[M_DO] + row[S_DO_DRIFT] + p[DO_NOISE] * noise(seed, interval, np.int64(NOISE_DO))
    seen[R_DO_MEASURED - STATES] = reading(shown, p[DO_STEP])
    shown = memory[M_PH] + row[S_PH_DRIFT] + p[PH_NOISE] * noise(seed, interval, np.int64(NOISE_PH))
    seen[R_PH_MEASURED - STATES] = reading(shown, p[PH_STEP])
    shown = memory[M_TEMPERATURE] + p[TEMPERATURE_NOISE] * noise(seed, interval, np.int64(NOISE_TEMPERATURE))
    seen[R_TEMPERATURE_MEASURED - STATES] = reading(shown, p[TEMPERATURE_STEP])


@njit(**PART)
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
    volume, action, target = y[VOLUME], row[S_GLUCOSE_ACTION], row[S_GLUCOSE]
    if action == RATE_PLANNED or action == BOLUS_TO_GLUCOSE:  # noqa: PLR1714, SIM109 - compiled
        memory[M_FEED_RATE] = row[S_FEED]
        memory[M_GLUCOSE_LAST] = -1.0
    if action == BOLUS_TO_GLUCOSE:
        missing = volume * (target - glucose) / (p[FEED_GLUCOSE] - target)
        memory[M_PENDING] += max(missing, 0.0)
    elif action == RATE_FOR_GLUCOSE:
        ahead, amount = row[S_GLUCOSE_INTERVAL], glucose * volume
        rate = (target * volume - amount) / ahead
        if memory[M_GLUCOSE_LAST] >= 0.0:
            since = time - memory[M_TIME_LAST]
            used = memory[M_GLUCOSE_LAST] - amount + memory[M_FED_SINCE] * p[FEED_GLUCOSE]
            rate += used / since
        memory[M_FEED_RATE] = max(rate, 0.0) / (p[FEED_GLUCOSE] - target)
        memory[M_GLUCOSE_LAST], memory[M_TIME_LAST], memory[M_FED_SINCE] = amount, time, 0.0
    memory[M_PENDING] += row[S_BOLUS]
    most = p[MAX_FEED]
    steady = min(memory[M_FEED_RATE], most)
    wanted = steady
    if memory[M_PENDING] > 0.0:
        dose = min(memory[M_PENDING] / hours, most - steady)
        memory[M_PENDING] = max(memory[M_PENDING] - dose * hours, 0.0)
        wanted += dose
    delivered, limited = wanted * row[S_FEED_FACTOR], 0.0
    space = max(p[MAX_VOLUME] - volume, 0.0)
    if max(wanted, delivered) * hours > space:
        room = space / hours
        limited = 1.0 if delivered > room else 0.0
        wanted, delivered = min(wanted, room), min(delivered, room)
    seen[R_LIMITED - STATES] = limited
    seen[R_FEED_COMMAND - STATES] = wanted
    # what the operator believes was fed: the pump's own count
    memory[M_FED_SINCE] += wanted * hours
    return delivered


@njit(**PART)
def _gas(
    u: float,
    p: Float[ndarray, " p"],
    row: Float[ndarray, " c"],
    y: Float[ndarray, " s"],
    env: Float[ndarray, " e"],
    seen: Float[ndarray, " r"],
    held: Float[ndarray, " u"],
) -> None:
    """Turn the oxygen controller's output into stirring, then oxygen in the gas; and those into kLa."""
    lowest = row[S_AGITATION]
    if env[SLOWEST] != lowest:
        env[SLOWEST] = lowest
        env[LOG_SPAN], env[LOG_SLOWEST] = math.log(p[MAX_AGITATION] / lowest), math.log(lowest / p[REFERENCE_AGITATION])
    faster = min(0.02 * u, 1.0) * env[LOG_SPAN]
    agitation, logarithm = lowest * math.exp(faster), env[LOG_SLOWEST] + faster
    oxygen = AIR_OXYGEN + (p[MAX_OXYGEN] - AIR_OXYGEN) * min(max(0.02 * u - 1.0, 0.0), 1.0)
    if row[S_AGITATION_HELD] > 0.0 or agitation > row[S_AGITATION_CEILING]:
        agitation = row[S_AGITATION_HELD] if row[S_AGITATION_HELD] > 0.0 else agitation
        agitation = min(agitation, row[S_AGITATION_CEILING])
        logarithm = math.log(agitation / p[REFERENCE_AGITATION])
    oxygen = row[S_OXYGEN_HELD] if row[S_OXYGEN_HELD] > 0.0 else oxygen
    oxygen = min(oxygen, row[S_OXYGEN_CEILING])
    co2 = held[CO2_IN]
    flow = max(row[S_GAS], 1e-6)
    stirred = p[KLA_AGITATION] * logarithm
    sparged = p[KLA_GAS] * math.log(flow / (y[VOLUME] * p[REFERENCE_GAS]))
    held[KO] = p[KLA] * math.exp(stirred + sparged) * row[S_KLA_FACTOR]
    held[KC] = p[KLA_CO2] * held[KO]
    held[GAS] = flow * GAS_MMOL
    held[O2_SHARE] = oxygen * (1.0 - co2)
    held[VAPOUR] = flow * 60.0 * p[EVAPORATION]
    seen[R_AGITATION - STATES], seen[R_OXYGEN - STATES] = agitation, oxygen
    seen[R_CO2_SHARE - STATES], seen[R_GAS - STATES] = co2, flow
    seen[R_KLA - STATES] = held[KO]


@njit(**INNER)
def act(interval: int, hours: float, row: Float[ndarray, " c"], seed: int, w: Float[ndarray, " w"]) -> None:
    """Do all that happens at the start of a control interval, and hold its outcome for the interval."""
    y, p, memory = row_of(w, W_Y), row_of(w, W_P), row_of(w, W_MEMORY)
    seen, held, env = row_of(w, W_SEEN), row_of(w, W_HELD), row_of(w, W_ENV)
    time = interval * hours
    if row[S_SAMPLE] > 0.0:
        _remove(min(row[S_SAMPLE] / y[VOLUME], 1.0), y, memory)
    if row[S_FOAM] > 0.0:
        _remove(row[S_FOAM], y, memory)
    y[CONTAMINANT] += row[S_CONTAMINATION]
    _probes(interval, hours, p, row, seed, y, memory, seen)
    spread = 1.0 + p[GLUCOSE_NOISE] * noise(seed, interval, np.int64(NOISE_GLUCOSE))
    glucose = max(y[GLUCOSE], 0.0) / y[VOLUME] * row[S_GLUCOSE_FACTOR] * spread
    seen[R_GLUCOSE_MEASURED - STATES] = glucose
    _controllers(interval, hours, p, row, memory, seen)
    correction = memory[M_PH_OUTPUT]
    # more acid wanted: CO2 in the gas; more base: the pump, while there is room in the vessel
    held[CO2_IN] = 0.01 * p[CO2_SHARE] * max(-correction, 0.0)
    held[BASE] = 0.01 * p[MAX_BASE] * max(correction, 0.0)
    if y[VOLUME] >= p[MAX_VOLUME]:
        held[BASE] = 0.0
    _gas(memory[M_DO_OUTPUT], p, row, y, env, seen, held)
    held[FEED] = _feeding(time, hours, glucose, p, row, y, memory, seen)
    jacket = row[S_TEMPERATURE] + 0.01 * p[JACKET_SPAN] * memory[M_TEMPERATURE_OUTPUT]
    held[JACKET] = min(max(jacket, p[JACKET_LOW]), p[JACKET_HIGH])
    held[JACKET_K] = p[JACKET_EXCHANGE] * row[S_JACKET_FACTOR]
    near = 0.25 * math.floor(4.0 * y[TEMPERATURE] + 0.5)
    if env[KEPT_TEMPERATURE] != near:
        env[KEPT_TEMPERATURE], env[KEPT_METABOLISM] = near, math.exp(p[LOG_Q10] * (near - 37.0))
    seen[R_FEED - STATES], seen[R_BASE - STATES] = held[FEED], held[BASE]
    seen[R_JACKET - STATES] = held[JACKET]
    seen[R_FED - STATES], seen[R_BASE_TOTAL - STATES] = memory[M_FED], memory[M_BASE]
    seen[R_VAPOUR - STATES] = memory[M_VAPOUR]
