# ruff: noqa: PLR0913, PLR0917, RUF005 - arguments of a Triton kernel are flat, its tuples grow by addition
"""What happens at each control interval, in Triton: `control` with one run a thread; its tables are tuples of columns.

A row of the schedule is the same for all runs: scalars. A literal that is not a whole number would be rounded to
single precision by `tl.where` and its like, and so is added to a number of the run's own kind first.
"""

import triton
import triton.language as tl

from . import layout as at
from .gpu_metabolism import osmolality, protons

_STATES, _CONTENT = tl.constexpr(at.STATES), tl.constexpr(at.CONTENT)


@triton.jit
def _scrambled(x, keys):
    x = (x ^ (x >> 30)) * tl.load(keys + 1).to(tl.uint64, bitcast=True)
    x = (x ^ (x >> 27)) * tl.load(keys + 2).to(tl.uint64, bitcast=True)
    return x ^ (x >> 31)


@triton.jit
def noise(seed, interval, channel: tl.constexpr, keys, DTYPE: tl.constexpr):
    """Return numbers of mean 0 and variance 1 that depend on nothing but their three names: `control.noise`."""
    x = seed + tl.load(keys).to(tl.uint64, bitcast=True) * interval.to(tl.uint64)
    x = x + tl.load(keys + 3).to(tl.uint64, bitcast=True) * channel
    x = _scrambled(x, keys)
    total = (x & 0xFFFF) + ((x >> 16) & 0xFFFF) + ((x >> 32) & 0xFFFF) + (x >> 48)
    # the standard deviation of a sum of four uniform 16-bit numbers is 65536 / sqrt(3)
    return ((total.to(tl.int64).to(tl.float64) - 131070.0) * (1.7320508075688772 / 65536.0)).to(DTYPE)


@triton.jit
def _reading(value, step):
    """Round to what the transmitter can show; a step of 0 rounds nothing."""
    some = tl.where(step > 0.0, step, 1.0)
    return tl.where(step > 0.0, tl.floor(value / some + 0.5) * step, value)


@triton.jit
def _without(share, y, removed):
    """Take a share of everything in the vessel out, and add it to what was removed."""
    left, gone = (), ()
    for j in tl.static_range(_CONTENT):
        if j == at.TEMPERATURE:
            left, gone = left + (y[j],), gone + (removed[j],)
        else:
            left, gone = left + (y[j] - share * y[j],), gone + (removed[j] + share * y[j],)
    for j in tl.static_range(_CONTENT, _STATES):
        left = left + (y[j],)
    return left, gone


@triton.jit
def _controller(FIRST: tl.constexpr, interval, hours, goal, measured, p, m, KEPT: tl.constexpr):
    """Let one controller sample, if its turn has come; return its integral, what it last saw and its output."""
    integral, last, output = m[KEPT], m[KEPT + 1], m[KEPT + 2]
    every = p[FIRST + 3]
    due = (every == 1.0) | (interval % tl.maximum(every, 1.0).to(tl.int32) == 0)
    gain, integral_h, derivative_h = p[FIRST], p[FIRST + 1], p[FIRST + 2]
    band, low, high = p[FIRST + 4], p[FIRST + 5], p[FIRST + 6]
    since = every * hours
    error = goal - measured
    error = tl.maximum(error - band, 0.0) + tl.minimum(error + band, 0.0)
    new = integral + gain * error * since / integral_h
    wanted = gain * error + new
    slope = gain * derivative_h * (measured - last) / since
    wanted = wanted - tl.where(derivative_h > 0.0, slope, 0.0)
    stuck = ((wanted > high) & (error > 0.0)) | ((wanted < low) & (error < 0.0))
    new = tl.minimum(tl.maximum(tl.where(stuck, integral, new), low), high)
    wanted = tl.minimum(tl.maximum(wanted, low), high)
    return tl.where(due, new, integral), tl.where(due, measured, last), tl.where(due, wanted, output)


@triton.jit
def _feeding(time, hours, glucose, volume, p, row, m):
    """Return what is delivered and commanded, whether the vessel was full, and the five memories of feeding."""
    action, target = tl.load(row + at.S_GLUCOSE_ACTION), tl.load(row + at.S_GLUCOSE)
    none = 0.0 * volume
    target = none + target
    rate, pending, since_fed = m[at.M_FEED_RATE], m[at.M_PENDING], m[at.M_FED_SINCE]
    last, time_last = m[at.M_GLUCOSE_LAST], m[at.M_TIME_LAST]
    anew = (action == at.RATE_PLANNED) | (action == at.BOLUS_TO_GLUCOSE)
    rate = tl.where(anew, none + tl.load(row + at.S_FEED), rate)
    last = tl.where(anew, none - 1.0, last)
    missing = tl.maximum(volume * (target - glucose) / (p[at.FEED_GLUCOSE] - target), 0.0)
    pending = pending + tl.where(action == at.BOLUS_TO_GLUCOSE, missing, none)
    follows = action == at.RATE_FOR_GLUCOSE
    ahead, amount = none + tl.load(row + at.S_GLUCOSE_INTERVAL), glucose * volume
    needed = (target * volume - amount) / tl.where(follows, ahead, none + 1.0)
    since = time - time_last
    used = (last - amount + since_fed * p[at.FEED_GLUCOSE]) / tl.where(since > 0.0, since, none + 1.0)
    needed = needed + tl.where(last >= 0.0, used, none)
    rate = tl.where(follows, tl.maximum(needed, 0.0) / (p[at.FEED_GLUCOSE] - target), rate)
    last, time_last = tl.where(follows, amount, last), tl.where(follows, none + time, time_last)
    since_fed = tl.where(follows, none, since_fed)
    pending = pending + tl.load(row + at.S_BOLUS)
    most = p[at.MAX_FEED]
    steady = tl.minimum(rate, most)
    dose = tl.where(pending > 0.0, tl.minimum(pending / hours, most - steady), none)
    pending = tl.where(pending > 0.0, tl.maximum(pending - dose * hours, 0.0), pending)
    wanted = steady + dose
    delivered = wanted * tl.load(row + at.S_FEED_FACTOR)
    space = tl.maximum(p[at.MAX_VOLUME] - volume, 0.0)
    full, room = tl.maximum(wanted, delivered) * hours > space, space / hours
    limited = tl.where(full & (delivered > room), none + 1.0, none)
    wanted, delivered = (
        tl.where(full, tl.minimum(wanted, room), wanted),
        tl.where(full, tl.minimum(delivered, room), delivered),
    )
    # what the operator believes was fed: the pump's own count
    return delivered, wanted, limited, rate, pending, since_fed + wanted * hours, last, time_last


@triton.jit
def _gas(u, co2, volume, p, row):
    """Turn the oxygen controller's output into stirring, then oxygen in the gas; return both, the flow and kLa."""
    none = 0.0 * u
    lowest = none + tl.load(row + at.S_AGITATION)
    span = tl.log(p[at.MAX_AGITATION] / lowest)
    slowest = tl.log(lowest / p[at.REFERENCE_AGITATION])
    faster = tl.minimum(0.02 * u, 1.0) * span
    agitation, logarithm = lowest * tl.exp(faster), slowest + faster
    richer = tl.minimum(tl.maximum(0.02 * u - 1.0, 0.0), 1.0)
    oxygen = none + at.AIR_OXYGEN
    oxygen = oxygen + (p[at.MAX_OXYGEN] - at.AIR_OXYGEN) * richer
    held, ceiling = none + tl.load(row + at.S_AGITATION_HELD), none + tl.load(row + at.S_AGITATION_CEILING)
    changed = (held > 0.0) | (agitation > ceiling)
    other = tl.minimum(tl.where(held > 0.0, held, agitation), ceiling)
    agitation = tl.where(changed, other, agitation)
    logarithm = tl.where(changed, tl.log(other / p[at.REFERENCE_AGITATION]), logarithm)
    held = none + tl.load(row + at.S_OXYGEN_HELD)
    oxygen = tl.minimum(tl.where(held > 0.0, held, oxygen), none + tl.load(row + at.S_OXYGEN_CEILING))
    flow = tl.maximum(none + tl.load(row + at.S_GAS), none + 1e-6)
    stirred = p[at.KLA_AGITATION] * logarithm
    sparged = p[at.KLA_GAS] * tl.log(flow / (volume * p[at.REFERENCE_GAS]))
    kla = p[at.KLA] * tl.exp(stirred + sparged) * tl.load(row + at.S_KLA_FACTOR)
    return agitation, oxygen, flow, kla


@triton.jit
def _probes(interval, row, seed, y, p, m, keys, DTYPE: tl.constexpr):
    """Let the probes follow the broth and read them; return what is true, what they hold and what they show."""
    per_l = 1.0 / y[at.VOLUME]
    carbonate = tl.maximum(y[at.CARBONATE], 0.0) * per_l
    h = protons(carbonate, y[at.ALKALI] * per_l, p[at.K1], p[at.KA], p[at.BUFFER])
    ph = 7.0 - tl.log(h) * 0.43429448190325182
    saturated = p[at.O2_SOLUBILITY] * (1.0 - p[at.O2_SLOPE] * (y[at.TEMPERATURE] - 37.0))
    oxygen = 100.0 * y[at.OXYGEN] * per_l / saturated
    held_do = m[at.M_DO] + (oxygen - m[at.M_DO]) * p[at.DO_FOLLOWS]
    held_ph = m[at.M_PH] + (ph - m[at.M_PH]) * p[at.PH_FOLLOWS]
    held_t = m[at.M_TEMPERATURE] + (y[at.TEMPERATURE] - m[at.M_TEMPERATURE]) * p[at.TEMPERATURE_FOLLOWS]
    shown = held_do + tl.load(row + at.S_DO_DRIFT) + p[at.DO_NOISE] * noise(seed, interval, at.NOISE_DO, keys, DTYPE)
    shown_do = _reading(shown, p[at.DO_STEP])
    shown = held_ph + tl.load(row + at.S_PH_DRIFT) + p[at.PH_NOISE] * noise(seed, interval, at.NOISE_PH, keys, DTYPE)
    shown_ph = _reading(shown, p[at.PH_STEP])
    shown = held_t + p[at.TEMPERATURE_NOISE] * noise(seed, interval, at.NOISE_TEMPERATURE, keys, DTYPE)
    shown_t = _reading(shown, p[at.TEMPERATURE_STEP])
    true = (ph, carbonate * h / (h + p[at.K1]), oxygen, osmolality(y))
    return true, (held_do, held_ph, held_t), (shown_ph, shown_do, shown_t)


@triton.jit
def act(interval, hours, row, seed, y, m, removed, p, keys, DTYPE: tl.constexpr):
    """Do all that happens at the start of a control interval.

    Return the state, the memory, what was removed, what is held for the interval, and what is seen.
    """
    time = interval.to(DTYPE) * hours
    sample = tl.load(row + at.S_SAMPLE)
    none = 0.0 * y[at.VOLUME]
    y, removed = _without(tl.where(sample > 0.0, tl.minimum(sample / y[at.VOLUME], 1.0), none), y, removed)
    foam = none + tl.load(row + at.S_FOAM)
    y, removed = _without(tl.where(foam > 0.0, foam, none), y, removed)
    foreign = y[at.CONTAMINANT] + tl.load(row + at.S_CONTAMINATION)
    y = (
        y[0], y[1], y[2], y[3], y[4], y[5], y[6], y[7], y[8], y[9], y[10], y[11], y[12], y[13], y[14], y[15],
        foreign, y[17], y[18],
    )  # fmt: skip
    true, lagged, shown = _probes(interval, row, seed, y, p, m, keys, DTYPE)
    volume = y[at.VOLUME]
    spread = 1.0 + p[at.GLUCOSE_NOISE] * noise(seed, interval, at.NOISE_GLUCOSE, keys, DTYPE)
    glucose = tl.maximum(y[at.GLUCOSE], 0.0) / volume * tl.load(row + at.S_GLUCOSE_FACTOR) * spread
    goal = none + tl.load(row + at.S_PH)
    ph = _controller(at.PH_CONTROL, interval, hours, goal, shown[0], p, m, at.M_PH_INTEGRAL)
    goal = none + tl.load(row + at.S_DO)
    stirring = _controller(at.DO_CONTROL, interval, hours, goal, shown[1], p, m, at.M_DO_INTEGRAL)
    goal = none + tl.load(row + at.S_TEMPERATURE)
    heating = _controller(at.TEMPERATURE_CONTROL, interval, hours, goal, shown[2], p, m, at.M_TEMPERATURE_INTEGRAL)
    correction = ph[2]
    # more acid wanted: CO2 in the gas; more base: the pump, while there is room in the vessel
    co2 = 0.01 * p[at.CO2_SHARE] * tl.maximum(-correction, 0.0)
    base = 0.01 * p[at.MAX_BASE] * tl.maximum(correction, 0.0)
    base = tl.where(volume >= p[at.MAX_VOLUME], none, base)
    agitation, oxygen, flow, kla = _gas(stirring[2], co2, volume, p, row)
    feed, wanted, limited, rate, pending, since_fed, last, time_last = _feeding(time, hours, glucose, volume, p, row, m)
    jacket = tl.load(row + at.S_TEMPERATURE) + 0.01 * p[at.JACKET_SPAN] * heating[2]
    jacket = tl.minimum(tl.maximum(jacket, p[at.JACKET_LOW]), p[at.JACKET_HIGH])
    held = (
        feed, base, flow * 60.0 * p[at.EVAPORATION], kla, p[at.KLA_CO2] * kla, flow * at.GAS_MMOL,
        oxygen * (1.0 - co2), co2, jacket, p[at.JACKET_EXCHANGE] * tl.load(row + at.S_JACKET_FACTOR),
    )  # fmt: skip
    memory = (
        (m[at.M_STEP],)
        + lagged
        + ph
        + stirring
        + heating
        + (rate, pending, since_fed, last, time_last)
        + (m[at.M_FED], m[at.M_BASE], m[at.M_VAPOUR], m[at.M_STEPS], m[at.M_REJECTED])
    )
    seen = true + (agitation, oxygen, co2, flow, feed, wanted, base, jacket, kla) + shown
    return y, memory, removed, held, seen, (glucose, limited)
