# ruff: noqa: PLR0913, PLR0917 - the arguments of a Triton kernel are flat
"""The scan in Triton: a program holds some features as lanes, walks the sorted rows and takes their Newton steps."""

import numpy as np
import torch
import triton
import triton.language as tl
from numpy import ndarray
from torch import Tensor

from biolab.core import DataError
from biolab.core.arrays import Float
from biolab.kernels.risk_set import RiskSet

from . import cpu
from .outcomes import COLUMNS, CONSTANT, NOT_CONVERGED, OK

LANES = 32
# In units of the standardised feature: a last step under it leaves an error of its square.
SMALL_STEP = 1e-6


@triton.jit
def _row(features, k, lane, p, mean, scale):
    wide = lane.to(tl.int64)  # rows times features may pass 2^31
    x = tl.load(features + (wide * 0 + p) * k + wide, mask=lane < p, other=0.0).to(tl.float64)
    return (x - mean) / scale


@triton.jit
def _separation(features, lane, p, mean, scale, group_start, first_death, opens, groups):
    """Return the outcome so far: 0, constant (1) or separated (2)."""
    low, high = mean * 0 + 1e300, mean * 0 - 1e300
    rises, falls = mean * 0, mean * 0
    for g in range(groups):
        if tl.load(opens + g) != 0:
            low, high = mean * 0 + 1e300, mean * 0 - 1e300
        start, first, stop = tl.load(group_start + g), tl.load(first_death + g), tl.load(group_start + g + 1)
        for k in range(start, stop):
            z = _row(features, k, lane, p, mean, scale)
            low, high = tl.minimum(low, z), tl.maximum(high, z)
        for k in range(first, stop):
            z = _row(features, k, lane, p, mean, scale)
            rises, falls = tl.where(z < high, 1.0, rises), tl.where(z > low, 1.0, falls)
    return tl.where(rises + falls == 0.0, 1, tl.where(rises + falls == 1.0, 2, 0))


@triton.jit
def _evaluate(
    beta, features, lane, p, mean, scale, group_start, first_death, opens, weight, groups,
    EFRON: tl.constexpr, WEIGHTED: tl.constexpr,
):  # fmt: skip
    """Return log-likelihood, gradient and information of each lane."""
    value, gradient, information = mean * 0, mean * 0, mean * 0
    s0, s1, s2 = mean * 0, mean * 0, mean * 0
    for g in range(groups):
        if tl.load(opens + g) != 0:
            s0, s1, s2 = mean * 0, mean * 0, mean * 0
        start, first, stop = tl.load(group_start + g), tl.load(first_death + g), tl.load(group_start + g + 1)
        d0, d1, d2 = mean * 0, mean * 0, mean * 0
        total = tl.sum(mean * 0, 0)
        for k in range(start, stop):
            z = _row(features, k, lane, p, mean, scale)
            heavy = 1.0
            if WEIGHTED:
                heavy = tl.load(weight + k)
            hazard = tl.exp(beta * z) * heavy
            dies = k >= first
            d0 += tl.where(dies, hazard, 0.0)
            d1 += tl.where(dies, hazard * z, 0.0)
            d2 += tl.where(dies, hazard * z * z, 0.0)
            s0 += tl.where(dies, 0.0, hazard)
            s1 += tl.where(dies, 0.0, hazard * z)
            s2 += tl.where(dies, 0.0, hazard * z * z)
            gradient += tl.where(dies, heavy * z, 0.0)
            value += tl.where(dies, heavy * z * beta, 0.0)
            total += tl.where(dies, heavy, 0.0)
        steps = stop - first
        if not EFRON:
            steps = steps * 0 + 1
        share = total / steps
        for step in range(steps):
            kept = (mean * 0 + (steps - step)) / steps
            phi = s0 + kept * d0
            average = (s1 + kept * d1) / phi
            value -= share * tl.log(phi)
            gradient -= share * average
            information += share * ((s2 + kept * d2) / phi - average * average)
        s0 += d0
        s1 += d1
        s2 += d2
    return value, gradient, information


@triton.jit
def _fit(
    features, means, scales, reaches, group_start, first_death, opens, weight, found, p, groups,
    small_step, largest_move, furthest,
    EFRON: tl.constexpr, WEIGHTED: tl.constexpr, MAX_STEPS: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    lane = tl.program_id(0) * LANES + tl.arange(0, LANES)
    there = lane < p
    mean, scale = tl.load(means + lane, mask=there, other=0.0), tl.load(scales + lane, mask=there, other=1.0)
    reach = tl.load(reaches + lane, mask=there, other=0.0)
    outcome = _separation(features, lane, p, mean, scale, group_start, first_death, opens, groups)
    beta = mean * 0
    value, gradient, information = _evaluate(
        beta, features, lane, p, mean, scale, group_start, first_death, opens, weight, groups, EFRON, WEIGHTED
    )
    null, score = value, gradient * gradient / tl.where(information > 0.0, information, 1.0)
    lower, upper = mean * 0 - 1e300, mean * 0 + 1e300
    active = tl.where(there & (outcome == 0), 1, 0)
    bound = largest_move / tl.maximum(reach, largest_move)
    going, count = tl.max(active, 0), 0
    while (going > 0) & (count < MAX_STEPS):
        lower = tl.where(gradient > 0.0, tl.maximum(lower, beta), lower)
        upper = tl.where(gradient > 0.0, upper, tl.minimum(upper, beta))
        sign = tl.where(gradient > 0.0, 1.0, -1.0)
        newton = gradient / tl.where(information > 0.0, information, 1.0)
        step = tl.where(information > 0.0, tl.minimum(tl.maximum(newton, -bound), bound), sign * bound)
        astray = (tl.abs(step) > small_step) & ((beta + step < lower) | (beta + step > upper))
        step = tl.where(astray, (lower + upper) / 2 - beta, step)
        beta = tl.where(active != 0, beta + step, beta)
        far = (active != 0) & (tl.abs(beta) * reach > furthest)
        outcome = tl.where(far, 3, outcome)
        beta = tl.where(far, 0.0, beta)
        active = tl.where(far | (tl.abs(step) <= small_step), 0, active)
        value, gradient, information = _evaluate(
            beta, features, lane, p, mean, scale, group_start, first_death, opens, weight, groups, EFRON, WEIGHTED
        )
        going = tl.max(active, 0)
        count += 1
    outcome = tl.where(active != 0, 3, outcome)
    known = tl.where(information > 0.0, information, 1.0)
    last = gradient / known
    ratio = tl.maximum(2.0 * (value - null) + gradient * last, 0.0)
    place = found + lane * 5
    tl.store(place, (beta + last) / scale, mask=there)
    tl.store(place + 1, 1.0 / tl.sqrt(known) / scale, mask=there)
    tl.store(place + 2, score, mask=there)
    tl.store(place + 3, ratio, mask=there)
    tl.store(place + 4, outcome.to(tl.float64), mask=there)


def scan(features: Float[Tensor, "n p"], risk: RiskSet) -> Float[ndarray, "p 5"]:
    """Fit each column on its device; the columns of the result are those of `outcomes`.

    Features whose linear predictor would need shifted exponentials are fitted on the host afterwards.
    """
    if not bool(torch.isfinite(features).all()):
        row, column = torch.argwhere(~torch.isfinite(features))[0].tolist()
        raise DataError(
            f"features is {features[row, column].item()} in row {row}, column {column}; impute or drop this feature."
        )
    layout = risk.on(features.device)
    rows = features[layout.order.long()].contiguous()
    p, values = rows.shape[1], rows.double()
    low, high, mean = values.amin(0), values.amax(0), values.mean(0)
    flat = high - low <= 1e-14 * torch.maximum(low.abs(), high.abs())
    scale = torch.where(flat, 1.0, values.std(0, unbiased=False))
    reach = torch.where(flat, 0.0, torch.maximum(high - mean, mean - low) / scale)
    found = torch.empty((p, COLUMNS), dtype=torch.float64, device=features.device)
    _fit[(triton.cdiv(p, LANES),)](
        rows, mean, scale, reach, layout.group_start, layout.first_death, layout.opens_stratum, layout.weight, found,
        p, layout.first_death.numel(), SMALL_STEP, cpu.LARGEST_MOVE, cpu.REACH,
        risk.ties == "efron", bool(layout.weight.numel()), cpu.MAX_STEPS, LANES,
    )  # fmt: skip
    result = found.cpu().numpy()
    result[flat.cpu().numpy(), 4] = CONSTANT
    far = np.flatnonzero(result[:, 4] == NOT_CONVERGED)
    if far.size:
        columns = torch.as_tensor(far, device=features.device)
        again = np.empty((far.size, COLUMNS))
        cpu.scan(features[:, columns].double().cpu().numpy(), risk.sorted_rows(), again)
        result[far] = again
    unfitted = result[:, 4] != OK
    result[unfitted, :2], result[unfitted, 3] = np.nan, np.nan
    result[result[:, 4] == CONSTANT, 2] = np.nan
    return result
