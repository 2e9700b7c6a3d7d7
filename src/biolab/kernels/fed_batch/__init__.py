"""Fed-batch runs under sampled control: one plant, one schedule, thousands of parameter sets."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

from biolab.core import DataError, MissingExtraError
from biolab.core.arrays import Float, Int, UInt

from . import cpu, layout, method
from .begin import filled, prepared
from .layout import BOLUS_TO_GLUCOSE as BOLUS_TO_GLUCOSE
from .layout import GLUCOSE_MASS as GLUCOSE_MASS
from .layout import LACTATE_MASS as LACTATE_MASS
from .layout import NO_ACTION as NO_ACTION
from .layout import PARAMETERS as PARAMETERS
from .layout import RATE_FOR_GLUCOSE as RATE_FOR_GLUCOSE
from .layout import RATE_PLANNED as RATE_PLANNED
from .layout import SCHEDULE as SCHEDULE

if TYPE_CHECKING:
    import torch

TOLERANCE = 1e-5
# Runs a thread takes at a time
BLOCK = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class FedBatchRuns:
    """Where runs stand and what was recorded: one row a run.

    ``records`` has the columns of ``layout``; rows after a failure are NaN. ``outcome`` is 0 for a run that went
    through; else ``failed_h`` says when the integrator could not go on, and ``state`` holds the state then.
    """

    state: Float[ndarray, "n s"]
    memory: Float[ndarray, "n m"]
    records: Float[ndarray, "n k r"]
    outcome: Int[ndarray, " n"]
    failed_h: Float[ndarray, " n"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FedBatchProblem:
    """What is to be run: plant, parameters (some varied from run to run), seeds, and the schedule all follow.

    Raises
    ------
    DataError
        If shapes do not fit or a number is not finite.
    """

    plant: int
    parameters: Float[ndarray, " p"]
    schedule: Float[ndarray, "i c"]
    interval_h: float
    varied: Int[ndarray, " v"]
    values: Float[ndarray, "n v"]
    seeds: UInt[ndarray, " n"]
    tolerance: float = TOLERANCE
    fixed_steps: int = 0
    """Above 0: so many steps an interval, without error control."""
    order: int = 3
    """Of the method: 3 with four stages a step, or 2 with two: a third cheaper a step; pays at a tolerance of 1e-4."""

    def __post_init__(self) -> None:
        names = layout.PARAMETERS[self.plant]
        for what, array, shape in (
            ("parameters", self.parameters, (len(names),)),
            ("schedule", self.schedule, (self.schedule.shape[0], len(SCHEDULE))),
            ("values", self.values, (self.seeds.size, self.varied.size)),
        ):
            if array.shape != shape or array.dtype != np.float64:
                raise DataError(f"{what} is {array.dtype} of shape {array.shape}; expected float64 of shape {shape}.")
            if not np.isfinite(array).all():
                place = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
                raise DataError(f"{what}{list(place)} is {array[place]}; expected finite numbers.")
        if self.order not in method.METHODS:
            raise DataError(
                f"order is {self.order}; there are methods of order {' and '.join(map(str, method.METHODS))}."
            )
        if not self.interval_h > 0 or not self.tolerance > 0:
            raise DataError(f"interval_h is {self.interval_h} and tolerance {self.tolerance}; expected both above 0.")


def run_seeds(seed: int, runs: int) -> UInt[ndarray, " n"]:
    """Return one 64-bit seed a run; run k has the same seed however many there are."""
    with np.errstate(over="ignore"):
        x = np.uint64(seed & 0xFFFFFFFFFFFFFFFF) + np.arange(runs, dtype=np.uint64) * np.uint64(0xA0761D6478BD642F)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def fed_batch(  # noqa: PLR0913 - keyword-only choices
    problem: FedBatchProblem,
    when: Int[ndarray, " k"],
    *,
    last: int | None = None,
    earlier: FedBatchRuns | None = None,
    first: int = 0,
    threads: int | None = 1,
    device: str = "cpu",
    single: bool = False,
) -> FedBatchRuns:
    """Run a plant's balances, probes and controllers over its schedule, for every parameter set.

    Between two control intervals the balances dy/dt = f(y, p, what is held) are integrated by an adaptive
    Rosenbrock-W method; at each the probes are read, the controllers act and samples leave.

    Parameters
    ----------
    problem
        What is run.
    when
        The intervals to record, ascending; a record is made when controllers have acted. The end of the schedule
        (its last row) can be recorded too.
    last
        The interval to stop before; without it the end of the schedule, whose probes are still read.
    earlier, first
        Runs that stand at interval ``first`` and go on from there. They are left as they were.
    threads
        How many blocks of runs at a time; None for one a core. Results do not depend on it.
    device
        "cpu", or a CUDA device such as "cuda": one run a thread, so worth it from thousands of runs on.
    single
        On a CUDA device: compute in single precision.

    Raises
    ------
    MissingExtraError
        If the device is not there, or triton is not installed.

    Examples
    --------
    See `biolab.bioprocess.simulate`, which packs plants and recipes into problems.
    """
    n, end = problem.seeds.size, problem.schedule.shape[0] - 1
    closing = last is None
    if device != "cpu":
        start = None if earlier is None else (earlier.state, earlier.memory)
        span = (first, end if last is None else last, int(closing))
        return _on_device(problem, when, start, span, single=single, device=_cuda_device(device))
    plan = cpu.Plan(
        np.ascontiguousarray(problem.schedule), float(problem.interval_h), first, end if last is None else last,
        int(closing), np.ascontiguousarray(when, dtype=np.int64), float(problem.tolerance), problem.fixed_steps,
        method.METHODS[problem.order].packed.ravel(),
    )  # fmt: skip
    state = np.zeros((n, layout.STATES)) if earlier is None else earlier.state.copy()
    memory = np.zeros((n, layout.MEMORY)) if earlier is None else earlier.memory.copy()
    records = np.full((n, when.size, layout.COLUMNS), np.nan)
    outcome, failed = np.zeros(n, dtype=np.int64), np.full(n, np.nan)
    seeds = np.ascontiguousarray(problem.seeds, dtype=np.uint64)

    def run(block: slice) -> None:
        parameters = np.tile(problem.parameters, (state[block].shape[0], 1))
        parameters[:, problem.varied] = problem.values[block]
        parameters = prepared(problem.plant, parameters, problem.interval_h)
        if earlier is None:
            state[block], memory[block] = filled(parameters)
        work = np.zeros(layout.WORK * layout.WIDTH)
        runs = cpu.Runs(
            parameters, seeds[block], state[block], memory[block], records[block], outcome[block], failed[block], work
        )
        cpu.advance(problem.plant, plan, runs)

    blocks = list(_blocks(n, threads))
    if len(blocks) == 1:
        run(blocks[0])
    elif blocks:
        run(blocks[0])
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, blocks[1:]))
    return FedBatchRuns(state=state, memory=memory, records=records, outcome=outcome, failed_h=failed)


def _cuda_device(name: str) -> "torch.device":
    """Return the device of this name, if it is one that Triton's kernels run on."""
    import torch

    try:
        found = torch.device(name)
    except RuntimeError as error:
        raise DataError(f"device is {name!r}; expected 'cpu', or a CUDA device such as 'cuda' or 'cuda:1'.") from error
    if found.type != "cuda" or not torch.cuda.is_available():
        raise MissingExtraError(
            f"There is no device {name!r} here that fed-batch runs know; leave out device, or 'cpu'."
        )
    if find_spec("triton") is None:
        raise MissingExtraError("Fed-batch runs on a GPU need triton. Install it with: pip install 'biolab[gpu]'")
    return found


def _on_device(
    problem: FedBatchProblem,
    when: Int[ndarray, " k"],
    start: tuple[ndarray, ndarray] | None,
    span: tuple[int, int, int],
    *,
    single: bool,
    device: "torch.device",
) -> FedBatchRuns:
    state, memory, records, failed = import_module(f"{__name__}.gpu").advance(
        problem.plant, problem.parameters, problem.varied, problem.values, problem.seeds, start, problem.schedule, span,
        when, hours=problem.interval_h, tolerance=problem.tolerance, fixed=problem.fixed_steps, order=problem.order,
        single=single, device=device,
    )  # fmt: skip
    outcome = np.where(np.isnan(failed), layout.OK, layout.STEP_TOO_SMALL)
    return FedBatchRuns(state=state, memory=memory, records=records, outcome=outcome, failed_h=failed)


def _blocks(n: int, threads: int | None) -> Iterator[slice]:
    size = n if threads == 1 else BLOCK
    for begin in range(0, n, max(size, 1)):
        yield slice(begin, min(begin + size, n))
