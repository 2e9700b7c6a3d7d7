"""Hardy-Weinberg proportions, tested exactly."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab import kernels
from biolab.core.arrays import Float, Int

from .calls import AUTOSOMES, MISSING, call_counts, founders, on_chromosomes
from .handle import Genotypes
from .selection import variant_table


@dataclass(frozen=True, kw_only=True, eq=False)
class HardyWeinberg:
    """Genotype counts and the exact test of each variant; NaN on Y and MT, where there are no two copies."""

    variants: pl.DataFrame
    counts: Int[np.ndarray, "m 3"]
    p_value: Float[np.ndarray, " m"]
    mid_p: bool
    founders_only: bool

    @property
    def settings(self) -> dict[str, object]:
        """The kind of p-value, and whose calls were counted."""
        return {"mid_p": self.mid_p, "founders_only": self.founders_only}

    @property
    def metrics(self) -> dict[str, float]:
        """How many variants were tested and how many have p below 1e-6."""
        tested = self.p_value[~np.isnan(self.p_value)]
        return {"tested": float(tested.size), "below_1e-6": float((tested < 1e-6).sum())}

    def table(self) -> pl.DataFrame:
        """Return one row a variant, with observed and expected share of heterozygotes."""
        first, het, second = self.counts.T.astype(np.float64)
        called = first + het + second
        with np.errstate(invalid="ignore", divide="ignore"):
            frequency = (2 * first + het) / (2 * called)
            observed, expected = het / called, 2 * frequency * (1 - frequency)
        tested = {
            "homozygous_effect": self.counts[:, 0],
            "heterozygous": self.counts[:, 1],
            "homozygous_other": self.counts[:, 2],
            "observed_heterozygosity": observed,
            "expected_heterozygosity": expected,
            "p_value": self.p_value,
        }
        return variant_table(self.variants, tested)


def hardy_weinberg(genotypes: Genotypes, *, mid_p: bool = False, founders_only: bool = True) -> HardyWeinberg:
    """Test each variant exactly against Hardy-Weinberg proportions; on X only females are counted.

    P(h heterozygotes | allele counts) is proportional to 2^h / (a! h! b!); the p-value adds up all h no more
    probable than the one seen. ``mid_p`` counts half of those as probable: the level holds on average.

    References
    ----------
    Wigginton, Cutler and Abecasis (2005), Am. J. Hum. Genet. 76:887-893, doi:10.1086/429864

    Examples
    --------
    >>> from biolab.genotypes import genotypes_from_dosage
    >>> hardy_weinberg(genotypes_from_dosage([[2] * 10 + [0] * 10])).table()["p_value"].round(8).to_list()
    [1.34e-06]
    """
    counted = founders(genotypes) if founders_only else genotypes
    counts = call_counts(counted)[:, :MISSING]
    on_x = np.flatnonzero(on_chromosomes(genotypes, ("X",)))
    if on_x.size:
        females = counted.select(variants=on_x, samples=pl.col("sex").eq_missing("female"))
        counts[on_x] = call_counts(females)[:, :MISSING]
    p_value = kernels.hardy_weinberg_exact(counts, mid_p=mid_p)
    p_value[on_chromosomes(genotypes, ("Y", "MT"))] = np.nan
    return HardyWeinberg(
        variants=genotypes.variants, counts=counts, p_value=p_value, mid_p=mid_p, founders_only=founders_only
    )


def autosomal(genotypes: Genotypes) -> Genotypes:
    """Keep variants on chromosomes 1 to 22."""
    kept = on_chromosomes(genotypes, AUTOSOMES)
    return genotypes if kept.all() else genotypes.select(variants=kept)
