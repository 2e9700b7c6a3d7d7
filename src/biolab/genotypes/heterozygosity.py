"""Heterozygosity of samples: inbreeding, contamination, and on X the sex."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab import kernels
from biolab.core import DataError
from biolab.core.arrays import Float

from .calls import AlleleCounts, allele_counts, founders, on_chromosomes
from .handle import Genotypes
from .hardy_weinberg import autosomal

_HOMOZYGOUS = (1.0, 0.0, 0.0, 1.0)
_CALLED = (1.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Heterozygosity:
    """Homozygous calls of each sample, seen and expected, and F = (seen - expected) / (called - expected)."""

    samples: pl.DataFrame
    homozygous: Float[np.ndarray, " n"]
    expected: Float[np.ndarray, " n"]
    called: Float[np.ndarray, " n"]

    @property
    def settings(self) -> dict[str, object]:
        """Nothing is chosen."""
        return {}

    @property
    def inbreeding(self) -> Float[np.ndarray, " n"]:
        """F of each sample; NaN where nothing is expected to vary."""
        left = self.called - self.expected
        return np.divide(self.homozygous - self.expected, left, out=np.full(left.size, np.nan), where=left > 0)

    @property
    def metrics(self) -> dict[str, float]:
        """Mean and standard deviation of F."""
        known = self.inbreeding[~np.isnan(self.inbreeding)]
        if not known.size:
            return {"mean_f": float("nan"), "sd_f": float("nan")}
        return {"mean_f": float(known.mean()), "sd_f": float(known.std())}

    def table(self) -> pl.DataFrame:
        """Return one row a sample; a high F says inbreeding or allele dropout, a low one contamination."""
        return self.samples.select("fid", "iid").with_columns(
            homozygous=pl.Series(self.homozygous.astype(np.int64)),
            expected_homozygous=pl.Series(self.expected),
            called=pl.Series(self.called.astype(np.int64)),
            f=pl.Series(self.inbreeding).fill_nan(None),
        )


def heterozygosity(genotypes: Genotypes, *, small_sample: bool = False) -> Heterozygosity:
    """Count homozygous calls of each sample over autosomal variants, and how many Hardy-Weinberg expects.

    A variant with frequency p among founders adds 1 - 2 p (1 - p) where the sample is called; with
    ``small_sample`` 1 - 2 p (1 - p) T / (T - 1), T the copies seen. Variants that do not vary are left out.

    References
    ----------
    Purcell et al. (2007), Am. J. Hum. Genet. 81:559-575, doi:10.1086/519795
    """
    kept = autosomal(genotypes)
    return _heterozygosity(kept, allele_counts(founders(kept)), small_sample=small_sample)


@dataclass(frozen=True, kw_only=True, eq=False)
class SexCheck:
    """Sex by heterozygosity on X beside the sex recorded."""

    x: Heterozygosity
    recorded: pl.Series
    female_below: float
    male_above: float

    @property
    def settings(self) -> dict[str, object]:
        """The limits of F."""
        return {"female_below": self.female_below, "male_above": self.male_above}

    @property
    def metrics(self) -> dict[str, float]:
        """How many samples contradict their record."""
        return {"problems": float(self.table()["status"].is_in(["contradicts", "unclear"]).sum())}

    def table(self) -> pl.DataFrame:
        """Return one row a sample: recorded and genetic sex, F on X, and ok, contradicts, unclear or not recorded."""
        f, genetic = pl.col("f"), pl.col("genetic_sex")
        return (
            self.x.table()
            .select("fid", "iid", recorded_sex=self.recorded, f="f")
            .with_columns(
                genetic_sex=pl.when(f < self.female_below)
                .then(pl.lit("female"))
                .when(f > self.male_above)
                .then(pl.lit("male"))
            )
            .with_columns(
                status=pl.when(genetic.is_null())
                .then(pl.lit("unclear"))
                .when(pl.col("recorded_sex").is_null())
                .then(pl.lit("not recorded"))
                .when(genetic == pl.col("recorded_sex"))
                .then(pl.lit("ok"))
                .otherwise(pl.lit("contradicts"))
            )
        )


def sex_check(genotypes: Genotypes, *, female_below: float = 0.2, male_above: float = 0.8) -> SexCheck:
    """Compare recorded sex with F on X, which is near 1 for one copy of X and near 0 for two.

    X must be without its pseudoautosomal regions (PLINK calls these XY). Frequencies are
    those of `allele_frequency`: males have one copy.

    Raises
    ------
    DataError
        If no variant is on X.
    """
    kept = on_chromosomes(genotypes, ("X",))
    if not kept.any():
        raise DataError("No variant is on chromosome X; sex cannot be checked with these genotypes.")
    x = genotypes.select(variants=kept)
    found = _heterozygosity(x, allele_counts(founders(x)), small_sample=False)
    return SexCheck(x=found, recorded=x.samples["sex"], female_below=female_below, male_above=male_above)


def _heterozygosity(genotypes: Genotypes, counts: AlleleCounts, *, small_sample: bool) -> Heterozygosity:
    frequency, copies = np.nan_to_num(counts.frequency), counts.observed.astype(np.float64)
    varies = (frequency > 0) & (frequency < 1)
    more = np.divide(copies, copies - 1, out=np.ones(copies.size), where=copies > 1) if small_sample else 1.0
    chance = 1 - 2 * frequency * (1 - frequency) * more
    n = genotypes.samples.height
    homozygous, called = np.zeros(n), np.zeros((n, 2))
    for block in genotypes.blocks():
        many, here = len(block.packed), varies[block.places].astype(np.float64)
        homozygous += kernels.packed_scores(block.packed, n, here[:, None], np.tile(_HOMOZYGOUS, (many, 1)))[:, 0]
        weights = np.stack([here, here * chance[block.places]], axis=1)
        called += kernels.packed_scores(block.packed, n, weights, np.tile(_CALLED, (many, 1)))
    return Heterozygosity(samples=genotypes.samples, homozygous=homozygous, expected=called[:, 1], called=called[:, 0])
