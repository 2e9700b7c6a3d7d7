"""Thousands of batches at once: one recipe, parameters that differ from batch to batch."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl
from numpy import ndarray

from biolab.core import ConfigError, DataError, did_you_mean
from biolab.core.arrays import Float
from biolab.kernels.fed_batch import TOLERANCE, FedBatchProblem, FedBatchRuns, fed_batch, layout, run_seeds

from .faults import Fault
from .parameters import named_parameters
from .recipe import Recipe
from .schedule import Plant, build_schedule, matched_recipe, parameter_columns, parameter_values, parameter_vector
from .simulate import write_faults
from .trajectories import concentrations

END_POINTS = ("titre_g_per_l", "viability", "volume_l")
# Records of so many numbers are held at a time
_CHUNK = 4_000_000


def ensemble(  # noqa: PLR0913 - keyword-only choices
    plant: Plant,
    parameters: pl.DataFrame | Mapping[str, Float[ndarray, " n"]],
    *,
    recipe: Recipe | None = None,
    hours: float = 336,
    faults: Iterable[Fault] = (),
    seed: int = 0,
    columns: Sequence[str] = END_POINTS,
    at_h: Sequence[float] | None = None,
    threads: int | None = None,
) -> pl.DataFrame:
    """Run one batch for each row of parameters, and return true quantities of each at some times.

    Parameters
    ----------
    plant
        The plant, whose other parameters are the same in all batches.
    parameters
        A column a parameter: any of ``plant.parameter_table()``, or what the recipe says, such as
        ``start_viable`` (1e6 cells/mL or g/L), ``start_viability``, ``feed_glucose_mmol_per_l``.
    recipe, hours, faults
        As in `simulate`; the same for all.
    seed
        Row k has noise of its own, the same however many rows there are.
    columns
        What to return: names of trajectory columns, without suffix or ``_measured`` of probes.
    at_h
        When; by default at the end.
    threads
        How many at a time; None for one a core. Results do not depend on it.

    Returns
    -------
    ``run``, ``time_h``, the columns, and ``failed_h`` (null for a batch that went through), sorted by run and time.

    Raises
    ------
    ConfigError
        If a parameter, a column or a time is unknown, naming the nearest.
    DataError
        If a parameter is not a finite number in its range, naming the row.

    Examples
    --------
    >>> from biolab.bioprocess import CHOFedBatch, ensemble
    >>> found = ensemble(CHOFedBatch(), {"mu_max_per_h": np.array([0.030, 0.039])}, hours=96)
    >>> found["titre_g_per_l"].is_sorted()
    True
    """
    recipe = matched_recipe(plant, recipe)
    schedule = build_schedule(recipe, hours)
    write_faults(schedule, faults)
    values = _values(plant, parameters)
    times = np.array([schedule.hours] if at_h is None else sorted(at_h), dtype=np.float64)
    when = np.round(times / schedule.interval_h).astype(np.int64)
    if when.size == 0 or when[0] < 0 or when[-1] > schedule.table.shape[0] - 1:
        raise ConfigError(f"at_h is {times.tolist()}; expected times from 0 to {schedule.hours:g} h.")
    names = list(parameters.columns if isinstance(parameters, pl.DataFrame) else parameters)
    seeds, base = run_seeds(seed, values.shape[0]), parameter_vector(plant, recipe)
    varied, fixed = (
        np.array(parameter_columns(plant, dict.fromkeys(names)), dtype=np.int64),
        parameter_values(plant, recipe),
    )
    size = max(_CHUNK // (when.size * layout.COLUMNS), 64)
    frames = []
    for begin in range(0, max(values.shape[0], 1), size):
        chunk = slice(begin, min(begin + size, values.shape[0]))
        problem = FedBatchProblem(
            plant=plant.code, parameters=base, schedule=schedule.table, interval_h=schedule.interval_h,
            varied=varied, values=values[chunk], seeds=seeds[chunk], tolerance=TOLERANCE,
        )  # fmt: skip
        runs = fed_batch(problem, when, threads=threads)
        frames.append(_frame(plant, runs, begin, when * schedule.interval_h, columns, fixed))
    return pl.concat(frames)


def _values(plant: Plant, parameters: pl.DataFrame | Mapping[str, ndarray]) -> Float[ndarray, "n v"]:
    names = list(parameters.columns if isinstance(parameters, pl.DataFrame) else parameters)
    if not names:
        raise ConfigError("parameters is empty; give at least one column, such as mu_max_per_h.")
    parameter_columns(plant, dict.fromkeys(names))
    columns = [np.asarray(parameters[name], dtype=np.float64) for name in names]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        shapes = ", ".join(f"{name} {column.shape}" for name, column in zip(names, columns, strict=True))
        raise DataError(f"parameters: {shapes}; expected one number a batch in each.")
    ranges = {name: one.metadata["range"] for name, _, one in named_parameters(plant)}
    for name, column in zip(names, columns, strict=True):
        low, high = ranges.get(name, (0.0, np.inf))
        broken = np.flatnonzero(~((column >= low) & (column <= high) & np.isfinite(column)))
        if broken.size:
            row = int(broken[0])
            raise DataError(f"parameters, row {row}: {name} is {column[row]}; expected a number, {low:g} to {high:g}.")
    return np.column_stack(columns)


def _frame(
    plant: Plant,
    runs: FedBatchRuns,
    begin: int,
    time: Float[ndarray, " k"],
    columns: Sequence[str],
    fixed: dict[str, float],
) -> pl.DataFrame:
    n, k = runs.records.shape[:2]
    found = concentrations(plant, runs.records, fixed)
    for name in columns:
        if name not in found:
            raise ConfigError(f"There is no column {name!r}. {did_you_mean(name, found)}")
    frame = pl.DataFrame(
        {
            "run": np.repeat(np.arange(begin, begin + n), k),
            "time_h": np.tile(time, n),
            **{name: found[name].ravel() for name in columns},
            "failed_h": np.repeat(runs.failed_h, k),
        }
    )
    return frame.with_columns(pl.col([*columns, "failed_h"]).fill_nan(None))
