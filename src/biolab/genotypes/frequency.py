"""Allele frequencies."""

from dataclasses import dataclass
from typing import overload

import numpy as np
import polars as pl

from .calls import HET, HOM_EFFECT, HOM_OTHER, MISSING, AlleleCounts, allele_counts, founders
from .dosage_frequency import DosageFrequencies, dosage_frequency
from .dosages import Dosages
from .handle import Genotypes
from .selection import variant_table


@dataclass(frozen=True, kw_only=True, eq=False)
class AlleleFrequencies:
    """How common each effect allele is, with the calls it was counted from."""

    variants: pl.DataFrame
    counts: AlleleCounts
    samples: int
    founders_only: bool

    @property
    def settings(self) -> dict[str, object]:
        """Whose alleles were counted."""
        return {"founders_only": self.founders_only}

    @property
    def metrics(self) -> dict[str, float]:
        """How many variants there are and vary, and how many calls are heterozygous where there is one copy."""
        frequency = self.counts.frequency
        return {
            "variants": float(frequency.size),
            "polymorphic": float(((frequency > 0) & (frequency < 1)).sum()),
            "haploid_heterozygous": float(self.counts.haploid_heterozygous.sum()),
        }

    def table(self) -> pl.DataFrame:
        """Return one row a variant; frequencies are null where no copy was seen."""
        frequency, calls = self.counts.frequency, self.counts.calls
        counted = {
            "effect_allele_frequency": frequency,
            "minor_allele_frequency": np.minimum(frequency, 1 - frequency),
            "effect_allele_count": self.counts.effect,
            "observed_alleles": self.counts.observed,
            "homozygous_effect": calls[:, HOM_EFFECT],
            "heterozygous": calls[:, HET],
            "homozygous_other": calls[:, HOM_OTHER],
            "missing": calls[:, MISSING],
            "haploid_heterozygous": self.counts.haploid_heterozygous,
        }
        return variant_table(self.variants, counted)


@overload
def allele_frequency(genotypes: Genotypes, *, founders_only: bool = True) -> AlleleFrequencies: ...


@overload
def allele_frequency(genotypes: Dosages, *, founders_only: bool = True) -> DosageFrequencies: ...


def allele_frequency(
    genotypes: Genotypes | Dosages, *, founders_only: bool = True
) -> AlleleFrequencies | DosageFrequencies:
    """Estimate the frequency of each effect allele: copies seen over copies called.

    On X a male counts one copy, on Y only males count, on MT everybody counts one. A heterozygous call where there is
    one copy counts none and is told in ``haploid_heterozygous``: such calls are wrong, or the recorded sex is.
    Of imputed dosages copies are expected ones, a male's on X half his dosage, and the table has ``imputation_r2``
    (MACH's: the variance of dosages over 2p(1 - p)) in place of counts of calls.
    With ``founders_only`` samples with a parent among the samples are left out, as PLINK does.

    Examples
    --------
    >>> from biolab.genotypes import genotypes_from_dosage
    >>> allele_frequency(genotypes_from_dosage([[0, 1, None, 2]])).table()["effect_allele_frequency"].to_list()
    [0.5]
    >>> from biolab.genotypes import dosages_from_array
    >>> allele_frequency(dosages_from_array([[0.2, 1.0, None, 1.5]])).table()["effect_allele_frequency"].to_list()
    [0.45]
    """
    if isinstance(genotypes, Dosages):
        return dosage_frequency(genotypes, founders_only=founders_only)
    counted = founders(genotypes) if founders_only else genotypes
    return AlleleFrequencies(
        variants=genotypes.variants,
        counts=allele_counts(counted),
        samples=counted.samples.height,
        founders_only=founders_only,
    )
