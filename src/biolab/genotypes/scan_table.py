"""Outcomes and covariates brought beside the samples of genotypes, rows with a gap left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError, did_you_mean
from biolab.core.arrays import Float

from .dosages import Dosages
from .handle import Genotypes

_KEYS = ("fid", "iid")


@dataclass(frozen=True, kw_only=True, eq=False)
class ScanTable:
    """Samples with an outcome and all covariates, in the order of the genotypes.

    ``outcome`` has one column, for survival two: time and event. ``covariates`` has no intercept.
    """

    genotypes: Genotypes | Dosages
    outcome: Float[np.ndarray, "n o"]
    covariates: Float[np.ndarray, "n q"]
    covariate_names: tuple[str, ...]
    left_out: int


def scan_table(
    genotypes: Genotypes | Dosages,
    phenotypes: pl.DataFrame | pl.LazyFrame,
    outcome: Sequence[str],
    covariates: Sequence[str],
) -> ScanTable:
    """Join phenotypes to samples by fid and iid, or by iid where phenotypes have no fid.

    Covariates of text become indicators of all levels but the first. Samples that lack an outcome or a covariate, or
    are not among the phenotypes, are left out.

    Raises
    ------
    DataError
        If a column is missing, a sample stands twice, an outcome is a word, a value is infinite, or no sample is left.
    ConfigError
        If a column is named twice.
    """
    frame = phenotypes.collect() if isinstance(phenotypes, pl.LazyFrame) else phenotypes
    for name in ("iid", *outcome, *covariates):
        if name not in frame.columns:
            raise DataError(f"The phenotypes have no column {name!r}. {did_you_mean(name, frame.columns)}")
    twice = [name for name in covariates if name in outcome or list(covariates).count(name) > 1]
    if twice:
        what = "is the outcome and a covariate" if twice[0] in outcome else "is named twice among the covariates"
        raise ConfigError(f"Column {twice[0]!r} {what}; name it once.")
    keys = [name for name in _KEYS if name in frame.columns]
    wanted = frame.select(pl.col(keys).cast(pl.String), *[name for name in (*outcome, *covariates) if name not in keys])
    repeated = wanted.select(keys).is_duplicated()
    if repeated.any():
        rows = repeated.arg_true()
        raise DataError(
            f"The phenotypes name a sample twice ({len(rows)} rows, the first is row {rows[0]}); keep one a sample."
        )
    if keys == ["iid"] and genotypes.samples["iid"].is_duplicated().any():
        raise DataError("Sample names (iid) repeat between families here; give the phenotypes a column fid, too.")
    joined = genotypes.samples.select(keys).with_row_index("place").join(
        wanted, on=keys, how="inner", maintain_order="left"
    ).drop_nulls()  # fmt: skip
    if joined.is_empty():
        raise DataError("No sample of the genotypes has the outcome and all covariates; are fid and iid named alike?")
    values, names = _numbers(joined, covariates)
    place = joined["place"].to_numpy().astype(np.int64)
    everybody = place.size == genotypes.samples.height
    return ScanTable(
        genotypes=genotypes if everybody else genotypes.select(samples=place),
        outcome=_finite(np.column_stack([_outcome(joined[name]) for name in outcome]), outcome),
        covariates=_finite(values, names),
        covariate_names=tuple(names),
        left_out=genotypes.samples.height - place.size,
    )


def _outcome(column: pl.Series) -> Float[np.ndarray, " n"]:
    if not column.dtype.is_numeric() and column.dtype != pl.Boolean:
        text = column.cast(pl.String)
        words = sorted(text.filter(text.cast(pl.Float64, strict=False).is_null()).unique().to_list())
        if words:
            raise DataError(
                f"Outcome {column.name!r} holds words ({', '.join(map(repr, words[:3]))}); expected numbers. Code "
                "cases as 1 and controls as 0, or as PLINK does 2 and 1."
            )
        column = text
    return column.cast(pl.Float64).to_numpy()


def _numbers(joined: pl.DataFrame, covariates: Sequence[str]) -> tuple[Float[np.ndarray, "n q"], list[str]]:
    columns: list[pl.Series] = []
    for name in covariates:
        column = joined[name]
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            columns.append(column.cast(pl.Float64))
            continue
        levels = sorted(column.cast(pl.String).unique().to_list())
        columns += [(column.cast(pl.String) == level).cast(pl.Float64).alias(f"{name}={level}") for level in levels[1:]]
    values = np.column_stack([column.to_numpy() for column in columns]) if columns else np.zeros((joined.height, 0))
    return values, [column.name for column in columns]


def _finite(values: Float[np.ndarray, "n k"], names: Sequence[str]) -> Float[np.ndarray, "n k"]:
    if not np.isfinite(values).all():
        column = int(np.argwhere(~np.isfinite(values))[0][1])
        raise DataError(
            f"Column {names[column]!r} of the phenotypes holds NaN or infinity; make these null or mend them."
        )
    return values
