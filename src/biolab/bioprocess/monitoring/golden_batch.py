"""The golden batch: the usual course of each variable, and the band that a normal batch keeps to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError

from .alignment import ByTime, last_known
from .calibration import split
from .latent_plane import Scaling
from .trajectories import Batch, Batches, frame_of, measured_columns, named, trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class GoldenBatch:
    """The usual course of each variable and its band.

    ``bands``: variable, time_h, mean, lower, upper. A whole normal batch stays in a variable's band with ``coverage``.
    """

    bands: pl.DataFrame
    coverage: float
    settings: dict[str, object]

    def outside(self, batch: Batch) -> pl.DataFrame:
        """Return where a batch leaves the bands: variable, time_h, value, lower, upper."""
        frame = frame_of(batch)
        rows = []
        for (variable,), band in self.bands.group_by("variable", maintain_order=True):
            known = trajectory(frame, (str(variable),), "the batch")
            seen = band.filter(pl.col("time_h") <= known.time_h[-1])
            value = last_known(known, seen["time_h"].to_numpy())[:, 0]
            rows.append(seen.with_columns(value=pl.Series(value, dtype=pl.Float64)))
        everything = pl.concat(rows).filter(~pl.col("value").is_between("lower", "upper"))
        return everything.select("variable", "time_h", "value", "lower", "upper")


def golden_batch(
    batches: Batches,
    *,
    variables: Sequence[str] | None = None,
    coverage: float = 0.95,
    points: int = 100,
    held_out: float = 0.5,
    seed: int = 0,
) -> GoldenBatch:
    """Return mean and simultaneous band of each variable over the hours that all batches share.

    mean(t) +- c * s(t), with mean and standard deviation of the fitted batches and c the ceil(coverage (m + 1))-th
    smallest of the largest deviations of the m held-out ones: a further normal batch leaves the band of a variable at
    any hour with a chance of at most 1 - coverage.

    Raises
    ------
    ConfigError
        If coverage is not between 0 and 1.
    DataError
        If columns are missing or too few batches are held out.
    """
    if not 0.0 < coverage < 1.0:
        raise ConfigError(f"coverage is {coverage}; expected a share between 0 and 1.")
    frames = named(batches)
    columns = tuple(variables) if variables else measured_columns(next(iter(frames.values())))
    read = [trajectory(frame, columns, name) for name, frame in frames.items()]
    scale = ByTime(points=points).fit(read)
    values = np.stack([scale.align(batch, None).values for batch in read])
    fitted, held = split(len(read), held_out, seed)
    scaling = Scaling.of(values[fitted])
    largest = np.sort(np.abs(scaling.scaled(values[held])).max(axis=1), axis=0)
    rank = math.ceil(coverage * (len(held) + 1) - 1e-9)
    if rank > len(held):
        raise DataError(
            f"{len(held)} batches were held out; a coverage of {coverage:g} needs "
            f"{math.ceil(coverage / (1 - coverage))}."
        )
    width = largest[rank - 1] * scaling.spread
    frame = pl.concat([
        pl.DataFrame({
            "variable": [name] * points, "time_h": scale.place, "mean": scaling.mean[:, v],
            "lower": scaling.mean[:, v] - width[:, v], "upper": scaling.mean[:, v] + width[:, v],
        })
        for v, name in enumerate(columns)
    ])  # fmt: skip
    settings = {"coverage": coverage, "points": points, "held_out": held_out, "seed": seed, "batches": len(read)}
    return GoldenBatch(bands=frame, coverage=coverage, settings=settings)
