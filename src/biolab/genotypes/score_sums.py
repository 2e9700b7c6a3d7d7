"""What a call or dosage adds to a score, and the sums over variants, streamed."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from biolab import kernels
from biolab.core import DataError
from biolab.core.arrays import Bool, Float, Int

from .calls import allele_counts, founders, is_founder
from .dosage_frequency import effect_copies
from .dosages import DosageBlock, Dosages
from .handle import Genotypes
from .known_dosages import KnownDosages

MissingCalls = Literal["mean", "zero"]
Scaling = Literal["center", "standardize"]


@dataclass(frozen=True, kw_only=True)
class ScoreRule:
    """How dosages become what is weighted (see `score`)."""

    missing: MissingCalls
    scaling: Scaling | None
    plink_compatible: bool

    def values(self, swapped: Bool[np.ndarray, " u"], frequency: Float[np.ndarray, " u"]) -> Float[np.ndarray, "u 4"]:
        """Return what each code of two bits (00, 01, 10, 11) adds for a weight of 1, given effect frequencies."""
        mean, variance = 2 * frequency, 2 * frequency * (1 - frequency)
        centre = np.zeros_like(mean) if self.scaling is None else mean
        scale = np.ones_like(mean)
        if self.scaling == "standardize":
            scale = np.divide(1.0, np.sqrt(variance), out=np.zeros_like(mean), where=variance > 0)
        imputed = mean if self.scaling is None or self.plink_compatible else np.zeros_like(mean)
        first, second = np.where(swapped, 0.0, 2.0), np.where(swapped, 2.0, 0.0)
        absent = imputed * scale if self.missing == "mean" else np.zeros_like(mean)
        return np.stack([(first - centre) * scale, absent, (1.0 - centre) * scale, (second - centre) * scale], axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightsUsed:
    """Rows of a table of weights that found their variants, in the variants' order."""

    table: pl.DataFrame
    rows: Int[np.ndarray, " u"]
    swapped: Bool[np.ndarray, " u"]

    def columns(self, places: slice) -> Float[np.ndarray, "b k"]:
        """Return the weights of some variants, 0 for null; a block of them is copied, never all."""
        return self.table[self.rows[places]].select(pl.all().cast(pl.Float64).fill_null(0.0)).to_numpy()


def score_sums(
    kept: Genotypes | Dosages, weights: WeightsUsed, rule: ScoreRule, frequency: Float[np.ndarray, " u"] | None
) -> tuple[Float[np.ndarray, "n k"], Int[np.ndarray, " n"]]:
    """Add up the scores of the variants kept and count the alleles called.

    Without frequencies of the effect alleles those of the founders are taken.
    """
    if isinstance(kept, Dosages):
        return _dosage_sums(kept, weights, rule, frequency)
    if frequency is None:
        frequency = _of_effect(allele_counts(founders(kept)).frequency, weights.swapped)
    return _call_sums(kept, weights, rule.values(weights.swapped, frequency))


def effect_frequency(
    variants: pl.DataFrame, swapped: Bool[np.ndarray, " u"], frequencies: pl.DataFrame
) -> Float[np.ndarray, " u"]:
    """Return the frequency of each effect allele from a table of `allele_frequency`.

    Raises
    ------
    DataError
        If a variant has no frequency there, or several.
    """
    known = frequencies.select("variant_id", known_allele="effect_allele", p="effect_allele_frequency")
    joined = variants.select("variant_id", "effect_allele").join(
        known, on="variant_id", how="left", maintain_order="left"
    )
    if joined.height != variants.height or joined["p"].null_count():
        lacking = joined.filter(pl.col("p").is_null())["variant_id"].head(1).to_list()
        raise DataError(
            f"frequencies lacks a value for {lacking or 'a variant, or names one twice'}; give one a variant."
        )
    same = (
        joined.select(pl.col("known_allele") == pl.col("effect_allele")).to_series().fill_null(value=False).to_numpy()
    )
    return np.where(same == swapped, 1 - joined["p"].to_numpy(), joined["p"].to_numpy())


def _of_effect(frequency: Float[np.ndarray, " u"], swapped: Bool[np.ndarray, " u"]) -> Float[np.ndarray, " u"]:
    """Turn frequencies of the alleles counted into those of the effect alleles; 0 where no allele was seen."""
    counted = np.nan_to_num(frequency)
    return np.where(swapped, 1 - counted, counted)


def _call_sums(
    kept: Genotypes, weights: WeightsUsed, values: Float[np.ndarray, "u 4"]
) -> tuple[Float[np.ndarray, "n k"], Int[np.ndarray, " n"]]:
    n = kept.samples.height
    sums, called = np.zeros((n, weights.table.width)), np.full(n, 2 * weights.rows.size)
    for block in kept.blocks():
        sums += kernels.packed_scores(block.packed, n, weights.columns(block.places), values[block.places])
        called -= 2 * kernels.packed_missing_of_samples(block.packed, n)
    return sums, called


def _dosage_sums(
    kept: Dosages, weights: WeightsUsed, rule: ScoreRule, frequency: Float[np.ndarray, " u"] | None
) -> tuple[Float[np.ndarray, "n k"], Int[np.ndarray, " n"]]:
    """Sum in one pass: the frequency of a variant needs no more than its own row.

    What a dosage x adds is linear in it: the value of no copy, and x times half the way to that of two.
    """
    n, founder = kept.samples.height, is_founder(kept.samples)
    sums, called = np.zeros((n, weights.table.width)), np.full(n, 2 * weights.rows.size)
    for block in kept.blocks():
        known, swapped = KnownDosages.of(block.dosage), weights.swapped[block.places]
        of_block = (
            _block_frequency(kept, block, known, founder, swapped) if frequency is None else frequency[block.places]
        )
        two, absent, _, none = rule.values(swapped, of_block).T
        columns = weights.columns(block.places)
        sums += known.filled.T @ (columns * ((two - none) / 2)[:, None]) + none @ columns
        instead = columns[known.rows] * (absent - none)[known.rows, None]
        sums += known.gaps.T.astype(np.float64) @ instead
        called -= 2 * known.gaps.sum(axis=0)
    return sums, called


def _block_frequency(
    kept: Dosages,
    block: DosageBlock,
    known: KnownDosages,
    founder: Bool[np.ndarray, " n"],
    swapped: Bool[np.ndarray, " b"],
) -> Float[np.ndarray, " b"]:
    """Return the frequency of each effect allele of a block among the founders."""
    chromosomes, sex = kept.variants["chromosome"][block.places], kept.samples["sex"].filter(founder)
    of_founders = known if founder.all() else KnownDosages.of(block.dosage[:, founder])
    effect, observed = effect_copies(of_founders, chromosomes, sex)
    return _of_effect(np.divide(effect, observed, out=np.zeros(effect.size), where=observed > 0), swapped)
