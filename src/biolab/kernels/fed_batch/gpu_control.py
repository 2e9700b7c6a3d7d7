# ruff: noqa: PLR0913, PLR0915, PLR0917 - the arguments of a Triton function are flat
"""What happens at each control interval in Triton, one run a lane: the twin of `control`.

``y``, ``memory`` and ``seen`` point at a run's first number, the next ones stand ``runs`` further on; ``row`` points at
the interval's row of the schedule, which all lanes share.
"""

import math

import triton
import triton.language as tl

from . import layout as at
from .gpu_equations import get, protons

MEAN, SPREAD = tl.constexpr(2.0 * 65535.0), tl.constexpr(math.sqrt(3.0) / 65536.0)
TEN = tl.constexpr(math.log(10.0))


@triton.jit
def _noise(seed, counter, p, runs, STRENGTH: tl.constexpr):
    """Return the noise of a channel; ``counter`` names interval and channel."""
    x = seed + counter.to(tl.uint64, bitcast=True)
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB
    x = x ^ (x >> 31)
    total = (x & 0xFFFF) + ((x >> 16) & 0xFFFF) + ((x >> 32) & 0xFFFF) + (x >> 48)
    strength = get(p, runs, STRENGTH)
    return strength * ((total.to(tl.int64).to(strength.dtype) - MEAN) * SPREAD)


@triton.jit
def _reading(value, step):
    """Round to what the transmitter can show; a step of 0 rounds nothing."""
    coarse = tl.where(step > 0.0, step, 1.0)
    return tl.where(step > 0.0, tl.floor(value / coarse + 0.5) * step, value)


@triton.jit
def _remove(share, y, memory, runs):
    """Take a share of everything in the vessel out, and remember how much it was."""
    for j in tl.static_range(17):
        if j != at.TEMPERATURE:
            amount = get(y, runs, j)
            tl.store(memory + (at.M_REMOVED + j) * runs, get(memory, runs, at.M_REMOVED + j) + share * amount)
            tl.store(y + j * runs, amount - share * amount)


@triton.jit
def _followed(true, p, memory, runs, KEPT: tl.constexpr, FOLLOWS: tl.constexpr):
    """Let a probe close its share of the gap to the broth."""
    lagged = get(memory, runs, KEPT)
    lagged += (true - lagged) * get(p, runs, FOLLOWS)
    tl.store(memory + KEPT * runs, lagged)
    return lagged


@triton.jit
def _controller(i, hours, wanted, measured, p, memory, runs, LOOP: tl.constexpr):
    """Let a PID controller sample, with anti-windup, and return its output in percent."""
    settings, kept = p + (at.PH_CONTROL + 7 * LOOP) * runs, memory + (at.M_PH_INTEGRAL + 3 * LOOP) * runs
    gain, integral_h, derivative_h = get(settings, runs, 0), get(settings, runs, 1), get(settings, runs, 2)
    every, band = get(settings, runs, 3), get(settings, runs, 4)
    low, high = get(settings, runs, 5), get(settings, runs, 6)
    old, last, held = get(kept, runs, 0), get(kept, runs, 1), get(kept, runs, 2)
    due, since = i % every.to(tl.int32) == 0, every * hours
    error = wanted - measured
    error = tl.maximum(error - band, 0.0) + tl.minimum(error + band, 0.0)
    integral = old + gain * error * since / integral_h
    free = gain * (error - derivative_h * (measured - last) / since) + integral
    integral = tl.where(((free > high) & (error > 0.0)) | ((free < low) & (error < 0.0)), old, integral)
    output = tl.where(due, tl.minimum(tl.maximum(free, low), high), held)
    tl.store(kept, tl.where(due, tl.minimum(tl.maximum(integral, low), high), old))
    tl.store(kept + runs, tl.where(due, measured, last))
    tl.store(kept + 2 * runs, output)
    return output


@triton.jit
def _gas(u, co2, volume, row, p, seen, runs):
    """Return kLa of oxygen, the gas in mmol/h, the share of oxygen in it, and the vapour it takes along."""
    lowest, highest = tl.load(row + at.S_AGITATION), get(p, runs, at.MAX_AGITATION)
    agitation = lowest * tl.exp(tl.minimum(u / 50.0, 1.0) * tl.log(highest / lowest))
    enriched = tl.minimum(tl.maximum(u / 50.0 - 1.0, 0.0), 1.0)
    oxygen = at.AIR_OXYGEN + (get(p, runs, at.MAX_OXYGEN) - at.AIR_OXYGEN) * enriched
    by_hand, share = tl.load(row + at.S_AGITATION_HELD), tl.load(row + at.S_OXYGEN_HELD)
    agitation, oxygen = tl.where(by_hand > 0.0, by_hand, agitation), tl.where(share > 0.0, share, oxygen)
    agitation = tl.minimum(agitation, tl.load(row + at.S_AGITATION_CEILING))
    oxygen = tl.minimum(oxygen, tl.load(row + at.S_OXYGEN_CEILING))
    flow = tl.maximum(tl.load(row + at.S_GAS), 1e-6)
    stirred = get(p, runs, at.KLA_AGITATION) * tl.log(agitation / get(p, runs, at.REFERENCE_AGITATION))
    sparged = get(p, runs, at.KLA_GAS) * tl.log(flow / (volume * get(p, runs, at.REFERENCE_GAS)))
    kla = get(p, runs, at.KLA) * tl.exp(stirred + sparged) * tl.load(row + at.S_KLA_FACTOR)
    tl.store(seen + (at.R_AGITATION - at.STATES) * runs, agitation)
    tl.store(seen + (at.R_OXYGEN - at.STATES) * runs, oxygen)
    tl.store(seen + (at.R_CO2_SHARE - at.STATES) * runs, co2)
    tl.store(seen + (at.R_GAS - at.STATES) * runs, flow + volume * 0.0)
    tl.store(seen + (at.R_KLA - at.STATES) * runs, kla)
    vapour = flow * 60.0 * get(p, runs, at.EVAPORATION)
    return kla, flow * at.GAS_MMOL + volume * 0.0, oxygen * (1.0 - co2), vapour


@triton.jit
def _feeding(time, hours, glucose, volume, row, p, memory, seen, runs):
    """Return the litres per hour that are delivered, after what the recipe plans or the last at-line glucose asks."""
    action, target = tl.load(row + at.S_GLUCOSE_ACTION) + volume * 0.0, tl.load(row + at.S_GLUCOSE)
    planned, dosed, followed = action == at.RATE_PLANNED, action == at.BOLUS_TO_GLUCOSE, action == at.RATE_FOR_GLUCOSE
    strong, amount = get(p, runs, at.FEED_GLUCOSE), glucose * volume
    rate, last, since = (
        get(memory, runs, at.M_FEED_RATE),
        get(memory, runs, at.M_GLUCOSE_LAST),
        get(memory, runs, at.M_TIME_LAST),
    )
    fed, pending = get(memory, runs, at.M_FED_SINCE), get(memory, runs, at.M_PENDING)
    ahead = tl.where(followed, tl.load(row + at.S_GLUCOSE_INTERVAL), 1.0)
    wanted = (target * volume - amount) / ahead
    known = last >= 0.0
    used = (last - amount + fed * strong) / tl.where(known & followed, time - since, 1.0)
    wanted = tl.maximum(tl.where(known, wanted + used, wanted), 0.0) / (strong - target)
    rate = tl.where(followed, wanted, tl.where(planned | dosed, tl.load(row + at.S_FEED), rate))
    missing = tl.maximum(volume * (target - glucose) / (strong - target), 0.0)
    pending += tl.where(dosed, missing, 0.0) + tl.load(row + at.S_BOLUS)
    tl.store(memory + at.M_FEED_RATE * runs, rate)
    tl.store(memory + at.M_GLUCOSE_LAST * runs, tl.where(followed, amount, tl.where(planned | dosed, -1.0, last)))
    tl.store(memory + at.M_TIME_LAST * runs, tl.where(followed, time, since))
    most = get(p, runs, at.MAX_FEED)
    steady = tl.minimum(rate, most)
    dose = tl.minimum(pending / hours, most - steady)
    tl.store(memory + at.M_PENDING * runs, tl.maximum(pending - dose * hours, 0.0))
    room = tl.maximum(get(p, runs, at.MAX_VOLUME) - volume, 0.0) / hours
    shown, arrives = tl.minimum(steady + dose, room), (steady + dose) * tl.load(row + at.S_FEED_FACTOR)
    tl.store(memory + at.M_FED_SINCE * runs, tl.where(followed, 0.0, fed) + shown * hours)
    tl.store(seen + (at.R_LIMITED - at.STATES) * runs, tl.where(arrives > room, 1.0, volume * 0.0))
    tl.store(seen + (at.R_FEED_COMMAND - at.STATES) * runs, shown)
    return tl.minimum(arrives, room)


@triton.jit
def act(i, hours, row, counters, seed, y, p, memory, seen, held, runs):
    """Do all that happens at the start of a control interval, and store its outcome for the interval."""
    sample, foam = tl.load(row + at.S_SAMPLE), tl.load(row + at.S_FOAM)
    if sample > 0.0:
        _remove(tl.minimum(sample / get(y, runs, at.VOLUME), 1.0), y, memory, runs)
    if foam > 0.0:
        _remove(foam, y, memory, runs)
    tl.store(y + at.CONTAMINANT * runs, get(y, runs, at.CONTAMINANT) + tl.load(row + at.S_CONTAMINATION))
    volume, temperature = get(y, runs, at.VOLUME), get(y, runs, at.TEMPERATURE)
    sugar, second, carbonate = get(y, runs, at.GLUCOSE), get(y, runs, at.SECOND), get(y, runs, at.CARBONATE)
    carbonate = tl.maximum(carbonate, 0.0) / volume
    h = protons(carbonate, get(y, runs, at.ALKALI) / volume, p, runs)
    ph = 7.0 - tl.log(h) / TEN
    saturated = get(p, runs, at.O2_SOLUBILITY) * (1.0 - get(p, runs, at.O2_SLOPE) * (temperature - 37.0))
    oxygen = 100.0 * get(y, runs, at.OXYGEN) / (volume * saturated)
    small = sugar + second + get(y, runs, at.LACTATE) + get(y, runs, at.AMMONIUM)
    small += get(y, runs, at.AMINO) / at.AMINO_CARBONS
    tl.store(seen + (at.R_PH - at.STATES) * runs, ph)
    tl.store(seen + (at.R_CO2 - at.STATES) * runs, carbonate * h / (h + get(p, runs, at.K1)))
    tl.store(seen + (at.R_DO - at.STATES) * runs, oxygen)
    tl.store(seen + (at.R_OSMOLALITY - at.STATES) * runs, (get(y, runs, at.SALT) + small) / volume)
    counter = counters + 4 * i
    shown = _followed(oxygen, p, memory, runs, at.M_DO, at.DO_FOLLOWS) + tl.load(row + at.S_DO_DRIFT)
    shown += _noise(seed, tl.load(counter + at.NOISE_DO), p, runs, at.DO_NOISE)
    oxygen_read = _reading(shown, get(p, runs, at.DO_STEP))
    shown = _followed(ph, p, memory, runs, at.M_PH, at.PH_FOLLOWS) + tl.load(row + at.S_PH_DRIFT)
    shown += _noise(seed, tl.load(counter + at.NOISE_PH), p, runs, at.PH_NOISE)
    ph_read = _reading(shown, get(p, runs, at.PH_STEP))
    shown = _followed(temperature, p, memory, runs, at.M_TEMPERATURE, at.TEMPERATURE_FOLLOWS)
    shown += _noise(seed, tl.load(counter + at.NOISE_TEMPERATURE), p, runs, at.TEMPERATURE_NOISE)
    temperature_read = _reading(shown, get(p, runs, at.TEMPERATURE_STEP))
    spread = 1.0 + _noise(seed, tl.load(counter + at.NOISE_GLUCOSE), p, runs, at.GLUCOSE_NOISE)
    glucose = tl.maximum(sugar, 0.0) / volume * tl.load(row + at.S_GLUCOSE_FACTOR) * spread
    wanted = tl.load(row + at.S_TEMPERATURE)
    correction = _controller(i, hours, tl.load(row + at.S_PH), ph_read, p, memory, runs, 0)
    aeration = _controller(i, hours, tl.load(row + at.S_DO), oxygen_read, p, memory, runs, 1)
    heating = _controller(i, hours, wanted, temperature_read, p, memory, runs, 2)
    co2 = get(p, runs, at.CO2_SHARE) * tl.maximum(-correction, 0.0) / 100.0
    base = get(p, runs, at.MAX_BASE) * tl.maximum(correction, 0.0) / 100.0
    base = tl.where(volume >= get(p, runs, at.MAX_VOLUME), 0.0, base)
    kla, gas, share, vapour = _gas(aeration, co2, volume, row, p, seen, runs)
    feed = _feeding(i * hours, hours, glucose, volume, row, p, memory, seen, runs)
    jacket = wanted + get(p, runs, at.JACKET_SPAN) * heating / 100.0
    jacket = tl.minimum(tl.maximum(jacket, get(p, runs, at.JACKET_LOW)), get(p, runs, at.JACKET_HIGH))
    exchange = get(p, runs, at.JACKET_EXCHANGE) * tl.load(row + at.S_JACKET_FACTOR)
    tl.store(held + at.FEED * runs, feed)
    tl.store(held + at.BASE * runs, base)
    tl.store(held + at.VAPOUR * runs, vapour)
    tl.store(held + at.KO * runs, kla)
    tl.store(held + at.KC * runs, get(p, runs, at.KLA_CO2) * kla)
    tl.store(held + at.GAS * runs, gas)
    tl.store(held + at.O2_SHARE * runs, share)
    tl.store(held + at.CO2_IN * runs, co2)
    tl.store(held + at.JACKET * runs, jacket)
    tl.store(held + at.JACKET_K * runs, exchange)
    tl.store(seen + (at.R_PH_MEASURED - at.STATES) * runs, ph_read)
    tl.store(seen + (at.R_DO_MEASURED - at.STATES) * runs, oxygen_read)
    tl.store(seen + (at.R_TEMPERATURE_MEASURED - at.STATES) * runs, temperature_read)
    tl.store(seen + (at.R_GLUCOSE_MEASURED - at.STATES) * runs, glucose)
    tl.store(seen + (at.R_FEED - at.STATES) * runs, feed)
    tl.store(seen + (at.R_BASE - at.STATES) * runs, base)
    tl.store(seen + (at.R_JACKET - at.STATES) * runs, jacket)
    tl.store(seen + (at.R_FED - at.STATES) * runs, get(memory, runs, at.M_FED))
    tl.store(seen + (at.R_BASE_TOTAL - at.STATES) * runs, get(memory, runs, at.M_BASE))
    tl.store(seen + (at.R_VAPOUR - at.STATES) * runs, get(memory, runs, at.M_VAPOUR))
