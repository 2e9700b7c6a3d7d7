"""Missing calls of variants and of samples."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab import kernels
from biolab.core.arrays import Int

from .calls import MALE_HAPLOID, MISSING, call_counts, on_chromosomes
from .handle import Genotypes


@dataclass(frozen=True, kw_only=True, eq=False)
class Missingness:
    """Missing calls by variant and by sample."""

    variants: pl.DataFrame
    samples: pl.DataFrame
    missing_of_variant: Int[np.ndarray, " m"]
    called_of_variant: Int[np.ndarray, " m"]
    missing_of_sample: Int[np.ndarray, " n"]
    called_of_sample: Int[np.ndarray, " n"]

    @property
    def settings(self) -> dict[str, object]:
        """Nothing is chosen."""
        return {}

    @property
    def metrics(self) -> dict[str, float]:
        """The share of all calls that are missing."""
        total = float(self.called_of_sample.sum())
        return {"missing_rate": float(self.missing_of_sample.sum()) / total if total else float("nan")}

    def table(self) -> pl.DataFrame:
        """Return one row a variant: how many calls are missing, of how many, and their share."""
        named = self.variants.select("chromosome", "position", "variant_id")
        return _with_rate(named, self.missing_of_variant, self.called_of_variant)

    def sample_table(self) -> pl.DataFrame:
        """Return one row a sample."""
        return _with_rate(self.samples.select("fid", "iid"), self.missing_of_sample, self.called_of_sample)


def missingness(genotypes: Genotypes) -> Missingness:
    """Count missing calls of each variant and of each sample; on Y only males are expected to have one.

    Examples
    --------
    >>> from biolab.genotypes import genotypes_from_dosage
    >>> found = missingness(genotypes_from_dosage([[0, 1, None, 2], [1, 1, None, None]]))
    >>> found.table()["missing_rate"].to_list(), found.sample_table()["missing_rate"].to_list()
    ([0.25, 0.5], [0.0, 0.0, 1.0, 0.5])
    """
    m, n = genotypes.shape
    of_variant, expected = call_counts(genotypes)[:, MISSING], np.full(m, n)
    on_y = np.flatnonzero(on_chromosomes(genotypes, MALE_HAPLOID[1:]))
    males = genotypes.samples["sex"].eq_missing("male").to_numpy()
    if on_y.size:
        of_variant[on_y] = call_counts(genotypes.select(variants=on_y, samples=males))[:, MISSING]
        expected[on_y] = males.sum()
    others = genotypes.select(variants=np.setdiff1d(np.arange(m), on_y)) if on_y.size else genotypes
    of_sample, called = _of_samples(others), np.full(n, others.variants.height)
    if on_y.size:
        of_sample[males] += _of_samples(genotypes.select(variants=on_y))[males]
        called[males] += on_y.size
    return Missingness(
        variants=genotypes.variants,
        samples=genotypes.samples,
        missing_of_variant=of_variant,
        called_of_variant=expected,
        missing_of_sample=of_sample,
        called_of_sample=called,
    )


def _of_samples(genotypes: Genotypes) -> Int[np.ndarray, " n"]:
    found = np.zeros(genotypes.samples.height, dtype=np.int64)
    for block in genotypes.blocks():
        found += kernels.packed_missing_of_samples(block.packed, found.size)
    return found


def _with_rate(names: pl.DataFrame, missing: Int[np.ndarray, " k"], expected: Int[np.ndarray, " k"]) -> pl.DataFrame:
    rate = np.divide(missing, expected, out=np.full(missing.size, np.nan), where=expected > 0)
    return names.with_columns(
        missing=pl.Series(missing), expected=pl.Series(expected), missing_rate=pl.Series(rate)
    ).with_columns(pl.col("missing_rate").fill_nan(None))
