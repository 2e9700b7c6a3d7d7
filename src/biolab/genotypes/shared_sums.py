"""Sums of a site's linear scan as a file: what travels to another institution in place of persons."""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError
from biolab.data.table_files import write_table

from .linear_statistics import LinearStatistics
from .selection import VARIANT

_OUTCOME: Final = "outcome"


def write_sums(statistics: LinearStatistics, path: str | Path) -> Path:
    """Write the sums as a table of one row a variant, .parquet.

    Columns: chromosome, position, variant_id, effect_allele, other_allele, n, and the sums under the names of what is
    multiplied: ``age*dosage``, ``dosage*outcome``, ``intercept*age`` and so on.

    Raises
    ------
    DataError
        If a covariate is called dosage or outcome.
    ConfigError
        If the path does not end in .parquet.
    BiolabError
        If the file cannot be written.
    """
    if Path(path).suffix != ".parquet":
        raise ConfigError(f"{path}: sums are written as .parquet, which keeps every digit; give it this ending.")
    taken = sorted({"dosage", _OUTCOME} & set(statistics.names))
    if taken:
        raise DataError(f"A covariate is called {taken[0]!r}, as a column of sums is; rename it.")
    whole, columns = statistics.spread(), statistics.variants.select(VARIANT)
    sums = {"n": whole.n, "outcome*outcome": whole.yy, "dosage*dosage": whole.gg, "dosage*outcome": whole.gy}
    for place, name in enumerate(whole.names):
        sums |= {f"{name}*dosage": whole.xg[:, place], f"{name}*{_OUTCOME}": whole.xy[:, place]}
    for place, (first, second) in enumerate(_pairs(whole.names)):
        sums[f"{first}*{second}"] = whole.xx[:, place]
    return write_table(path, columns.with_columns(pl.Series(name, values) for name, values in sums.items()))


def read_sums(path: str | Path) -> LinearStatistics:
    """Read what `write_sums` wrote.

    Raises
    ------
    DataError
        If the file is missing, is no table of sums, or a sum is missing or not finite.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f"{file} does not exist; expected the sums of a site.")
    try:
        frame = pl.read_parquet(file)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{file} is no Parquet file of sums ({error}); write it with write_sums.") from error
    ending = "*dosage"
    names = tuple(
        name.removesuffix(ending) for name in frame.columns if name.endswith(ending) and name != "dosage*dosage"
    )
    wanted = [*VARIANT, "n", "outcome*outcome", "dosage*dosage", "dosage*outcome"]
    wanted += [f"{name}*{_OUTCOME}" for name in names] + ["*".join(pair) for pair in _pairs(names)]
    lacking = [name for name in wanted if name not in frame.columns]
    if lacking or not names:
        raise DataError(f"{file} lacks the column {(lacking or ['intercept*dosage'])[0]!r}; expected sums of a site.")
    numbers = frame.select(pl.exclude(VARIANT)).cast(pl.Float64)
    faulty = numbers.select(~pl.all_horizontal(pl.all().is_finite().fill_null(value=False))).to_series().arg_true()
    if len(faulty):
        raise DataError(f"{file}, row {faulty[0] + 1}: a sum is missing or not finite; write the sums again.")

    def columns(found: list[str]) -> np.ndarray:
        return numbers.select(found).to_numpy()

    return LinearStatistics(
        variants=frame.select(VARIANT),
        names=names,
        n=frame["n"].cast(pl.Int64).to_numpy(),
        xx=columns(["*".join(pair) for pair in _pairs(names)]),
        xy=columns([f"{name}*{_OUTCOME}" for name in names]),
        yy=numbers["outcome*outcome"].to_numpy(),
        xg=columns([f"{name}*dosage" for name in names]),
        gg=numbers["dosage*dosage"].to_numpy(),
        gy=numbers["dosage*outcome"].to_numpy(),
    )


def _pairs(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """List the rows of the lower triangle."""
    return [(names[j], names[i]) for i in range(len(names)) for j in range(i + 1)]
