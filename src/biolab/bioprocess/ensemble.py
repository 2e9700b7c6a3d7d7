"""Thousands of batches at once: parameters, and what the recipe says, that differ from batch to batch."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy import ndarray

from biolab.core import ConfigError, DataError, did_you_mean
from biolab.core.arrays import Float, Int
from biolab.kernels.fed_batch import FedBatchProblem, FedBatchRuns, fed_batch, run_seeds

from .faults import Fault
from .parameters import named_parameters
from .recipe import Recipe
from .schedule import (
    Plant,
    Schedule,
    build_schedule,
    matched_recipe,
    parameter_columns,
    parameter_values,
    parameter_vector,
)
from .simulate import write_faults
from .trajectories import concentrations

_Block = tuple[Recipe, Int[ndarray, " b"]]
END_POINTS = ("titre_g_per_l", "viability", "volume_l")
# Batches that a thread runs at a time
_ROWS = 64


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
    device: str = "cpu",
) -> pl.DataFrame:
    """Run one batch for each row of parameters, and return true quantities of each at some times.

    Parameters
    ----------
    plant
        The plant, whose other parameters are the same in all batches.
    parameters
        A column a parameter: any of ``plant.parameter_table()``; what the recipe says, such as ``start_viable``
        (1e6 cells/mL or g/L), ``start_viability``, ``feed_glucose_mmol_per_l``; or a dotted key of the recipe, as
        `Recipe.changed` takes it, such as ``phases.feeding.feeding.volume_l``.
    recipe, hours, faults
        As in `simulate`; the same for all but for what ``parameters`` says.
    seed
        Row k has noise of its own, the same however many rows there are.
    columns
        What to return: names of trajectory columns, without suffix or ``_measured`` of probes.
    at_h
        When; by default at the end.
    threads
        How many at a time; None for one a core. Results do not depend on it.
    device
        "cpu", or a CUDA device such as "cuda": worth it from thousands of batches of one recipe on.

    Returns
    -------
    ``run``, ``time_h``, the columns, and ``failed_h`` (null for a batch that went through), sorted by run and time.

    Raises
    ------
    ConfigError
        If a parameter, a key, a column or a time is unknown, naming the nearest, or a row's recipe cannot be followed,
        naming the row.
    DataError
        If a parameter is not a finite number in its range, naming the row.
    MissingExtraError
        If the device is not there, or triton is not installed.

    Examples
    --------
    >>> from biolab.bioprocess import CHOFedBatch, ensemble
    >>> found = ensemble(CHOFedBatch(), {"mu_max_per_h": np.array([0.030, 0.039])}, hours=96)
    >>> found["titre_g_per_l"].is_sorted()
    True
    """
    numbers = _numbers(parameters)
    varied = {name: column for name, column in numbers.items() if "." not in name}
    settings = {name: column for name, column in numbers.items() if "." in name}
    _check_parameters(plant, varied)
    n = next(iter(numbers.values())).size
    seeds = run_seeds(seed, n)
    values = np.column_stack(list(varied.values())) if varied else np.zeros((n, 0))
    ask = _Question(plant=plant, faults=tuple(faults), hours=hours, columns=tuple(columns), at_h=at_h, device=device)
    places = np.array(parameter_columns(plant, varied), dtype=np.int64)

    def run(block: _Block) -> pl.DataFrame:
        each, rows = block
        return ask.answer(each, rows, places, values[rows], seeds[rows])

    at_a_time = _ROWS if device == "cpu" else max(n, 1)
    blocks = [
        (each, rows[k : k + at_a_time])
        for each, rows in _recipes(matched_recipe(plant, recipe), settings, n)
        for k in range(0, max(rows.size, 1), at_a_time)
    ]
    return pl.concat(_all(run, blocks, threads if device == "cpu" else 1)).sort("run", "time_h")


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What all batches are asked."""

    plant: Plant
    faults: tuple[Fault, ...]
    hours: float
    columns: tuple[str, ...]
    at_h: Sequence[float] | None
    device: str

    def answer(
        self,
        recipe: Recipe,
        rows: Int[ndarray, " b"],
        places: Int[ndarray, " v"],
        values: Float[ndarray, "b v"],
        seeds: ndarray,
    ) -> pl.DataFrame:
        """Run some batches that follow the same recipe."""
        schedule = build_schedule(recipe, self.hours)
        write_faults(schedule, self.faults)
        when = self._when(schedule)
        problem = FedBatchProblem(
            plant=self.plant.code, parameters=parameter_vector(self.plant, recipe), schedule=schedule.table,
            interval_h=schedule.interval_h, varied=places, values=values, seeds=seeds,
        )  # fmt: skip
        runs = fed_batch(problem, when, device=self.device)
        return self._frame(recipe, runs, rows, when * schedule.interval_h)

    def _when(self, schedule: Schedule) -> Int[ndarray, " k"]:
        times = np.array([schedule.hours] if self.at_h is None else sorted(self.at_h), dtype=np.float64)
        when = np.round(times / schedule.interval_h).astype(np.int64)
        if when.size == 0 or when[0] < 0 or when[-1] > schedule.table.shape[0] - 1:
            raise ConfigError(f"at_h is {times.tolist()}; expected times from 0 to {schedule.hours:g} h.")
        return when

    def _frame(
        self, recipe: Recipe, runs: FedBatchRuns, rows: Int[ndarray, " b"], time: Float[ndarray, " k"]
    ) -> pl.DataFrame:
        n, k = runs.records.shape[:2]
        found = concentrations(self.plant, runs.records, parameter_values(self.plant, recipe))
        for name in self.columns:
            if name not in found:
                raise ConfigError(f"There is no column {name!r}. {did_you_mean(name, found)}")
        frame = pl.DataFrame(
            {
                "run": np.repeat(rows, k),
                "time_h": np.tile(time, n),
                **{name: found[name].ravel() for name in self.columns},
                "failed_h": np.repeat(runs.failed_h, k),
            }
        )
        return frame.with_columns(pl.col([*self.columns, "failed_h"]).fill_nan(None))


def _all(run: Callable[[_Block], pl.DataFrame], blocks: Sequence[_Block], threads: int | None) -> list[pl.DataFrame]:
    """Run the first block alone, which may compile, then the others side by side."""
    done = [run(block) for block in blocks[:1]]
    if threads == 1 or len(blocks) < 3:
        return done + [run(block) for block in blocks[1:]]
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        return done + list(pool.map(run, blocks[1:]))


def _recipes(recipe: Recipe, settings: Mapping[str, Float[ndarray, " n"]], n: int) -> list[_Block]:
    """Return every recipe that is followed, with the rows that follow it."""
    if not settings or n == 0:
        return [(recipe, np.arange(n))]
    wanted, group = np.unique(np.column_stack(list(settings.values())), axis=0, return_inverse=True)
    rows = [np.flatnonzero(group.ravel() == k) for k in range(wanted.shape[0])]
    found = []
    for numbers, those in zip(wanted.tolist(), rows, strict=True):
        try:
            found.append((recipe.changed(dict(zip(settings, numbers, strict=True))), those))
        except ConfigError as error:
            raise ConfigError(f"parameters, row {those[0]}: {error}") from error
    return found


def _numbers(parameters: pl.DataFrame | Mapping[str, ndarray]) -> dict[str, Float[ndarray, " n"]]:
    names = list(parameters.columns if isinstance(parameters, pl.DataFrame) else parameters)
    if not names:
        raise ConfigError("parameters is empty; give at least one column, such as mu_max_per_h.")
    numbers = {name: np.asarray(parameters[name], dtype=np.float64) for name in names}
    if len({column.shape for column in numbers.values()}) != 1 or numbers[names[0]].ndim != 1:
        shapes = ", ".join(f"{name} {column.shape}" for name, column in numbers.items())
        raise DataError(f"parameters: {shapes}; expected one number a batch in each.")
    return numbers


def _check_parameters(plant: Plant, varied: Mapping[str, Float[ndarray, " n"]]) -> None:
    parameter_columns(plant, varied)
    ranges = {name: one.metadata["range"] for name, _, one in named_parameters(plant)}
    for name, column in varied.items():
        low, high = ranges.get(name, (0.0, np.inf))
        broken = np.flatnonzero(~((column >= low) & (column <= high) & np.isfinite(column)))
        if broken.size:
            row = int(broken[0])
            raise DataError(f"parameters, row {row}: {name} is {column[row]}; expected a number, {low:g} to {high:g}.")
