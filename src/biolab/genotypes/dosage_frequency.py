"""Allele frequencies of imputed dosages, and how well each variant was imputed."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab.core.arrays import Float, Int

from .calls import HAPLOID, MALE_HAPLOID, founders
from .dosages import Dosages
from .known_dosages import KnownDosages
from .selection import variant_table


@dataclass(frozen=True, kw_only=True, eq=False)
class DosageCounts:
    """Copies of the effect allele expected and of both alleles known at each variant.

    ``missing`` counts samples without a dosage. ``imputation_r2`` is the variance of dosages over that of as many
    genotypes in Hardy-Weinberg proportions; NaN where nobody varies, and on X, Y and MT.
    """

    effect: Float[np.ndarray, " m"]
    observed: Int[np.ndarray, " m"]
    missing: Int[np.ndarray, " m"]
    imputation_r2: Float[np.ndarray, " m"]

    @property
    def frequency(self) -> Float[np.ndarray, " m"]:
        """Share of copies that are the effect allele; NaN without a copy known."""
        return np.divide(self.effect, self.observed, out=np.full(self.effect.size, np.nan), where=self.observed > 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class DosageFrequencies:
    """How common each effect allele is expected to be, and how well each variant was imputed."""

    variants: pl.DataFrame
    counts: DosageCounts
    samples: int
    founders_only: bool

    @property
    def settings(self) -> dict[str, object]:
        """Whose alleles were counted."""
        return {"founders_only": self.founders_only}

    @property
    def metrics(self) -> dict[str, float]:
        """How many variants there are, vary, and have an imputation r2 below 0.3."""
        frequency, r2 = self.counts.frequency, self.counts.imputation_r2
        return {
            "variants": float(frequency.size),
            "polymorphic": float(((frequency > 0) & (frequency < 1)).sum()),
            "imputation_r2_below_0.3": float((r2 < 0.3).sum()),
        }

    def table(self) -> pl.DataFrame:
        """Return one row a variant; frequencies are null where no copy is known."""
        frequency = self.counts.frequency
        counted = {
            "effect_allele_frequency": frequency,
            "minor_allele_frequency": np.minimum(frequency, 1 - frequency),
            "effect_allele_count": self.counts.effect,
            "observed_alleles": self.counts.observed,
            "missing": self.counts.missing,
            "imputation_r2": self.counts.imputation_r2,
        }
        return variant_table(self.variants, counted)


def dosage_frequency(dosages: Dosages, *, founders_only: bool) -> DosageFrequencies:
    """Estimate the frequency of each effect allele: copies expected over copies known (see `allele_frequency`)."""
    counted = founders(dosages) if founders_only else dosages
    parts = [
        dosage_counts(block.dosage, dosages.variants["chromosome"][block.places], counted.samples["sex"])
        for block in counted.blocks()
    ]
    whole = {
        name: np.concatenate([getattr(part, name) for part in parts] or [np.empty(0, dtype=kind)])
        for name, kind in (("effect", float), ("observed", int), ("missing", int), ("imputation_r2", float))
    }
    return DosageFrequencies(
        variants=dosages.variants,
        counts=DosageCounts(**whole),
        samples=counted.samples.height,
        founders_only=founders_only,
    )


def dosage_counts(dosage: Float[np.ndarray, "m n"], chromosomes: pl.Series, sex: pl.Series) -> DosageCounts:
    """Count copies in some rows; a sample with one copy adds half its dosage, one without any nothing."""
    known = KnownDosages.of(dosage)
    effect, observed = effect_copies(known, chromosomes, sex)
    missing = known.missing
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = known.filled.sum(axis=1) / (dosage.shape[1] - missing)
        squares = np.einsum("ij,ij->i", known.filled, known.filled) / (dosage.shape[1] - missing)
        r2 = 2.0 * np.maximum(squares - mean**2, 0.0) / (mean * (2.0 - mean))
    plain = ~chromosomes.is_in([*MALE_HAPLOID, *HAPLOID]).fill_null(value=False).to_numpy()
    return DosageCounts(
        effect=effect,
        observed=observed,
        missing=missing,
        imputation_r2=np.where(plain & (mean > 0) & (mean < 2), r2, np.nan),
    )


def effect_copies(
    known: KnownDosages, chromosomes: pl.Series, sex: pl.Series
) -> tuple[Float[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Return how many copies of each row are expected to be the effect allele, and how many are known."""
    effect = known.filled.sum(axis=1)
    observed = 2 * (known.filled.shape[1] - known.missing)
    for kind, rows in _special(chromosomes).items():
        copies = _copies(kind, sex)
        effect[rows] = known.filled[rows] @ (copies / 2.0)
        observed[rows] = np.rint(copies.sum() - known.sums_of_gaps(copies[:, None])[rows, 0])
    return effect, observed


def _special(chromosomes: pl.Series) -> dict[str, Int[np.ndarray, " r"]]:
    """Return the rows on chromosomes of which not everybody has two copies."""
    named = chromosomes.to_numpy()
    found = {name: np.flatnonzero(named == name) for name in (*MALE_HAPLOID, *HAPLOID)}
    return {name: rows for name, rows in found.items() if rows.size}


def _copies(name: str, sex: pl.Series) -> Float[np.ndarray, " n"]:
    male = sex.eq_missing("male").to_numpy()
    return np.ones(male.size) if name in HAPLOID else np.where(male, 1.0, 0.0 if name == "Y" else 2.0)
