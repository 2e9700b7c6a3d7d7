"""Counts of calls of each variant, by sex where a chromosome's ploidy depends on it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import polars as pl

from biolab import kernels
from biolab.core.arrays import Bool, Float, Int
from biolab.data.bed import BedFile
from biolab.kernels.torch_if_loaded import thread_count

from .dosages import Dosages
from .handle import Genotypes

Source = TypeVar("Source", Genotypes, Dosages)

# Chromosomes on which a male has one copy, and those on which everybody has one.
MALE_HAPLOID: Final = ("X", "Y")
HAPLOID: Final = ("MT",)
AUTOSOMES: Final = tuple(str(number) for number in range(1, 23))

# Of packed genotypes, read and counted at a time by one thread.
PIECE_BYTES = 1 << 20

HOM_EFFECT, HET, HOM_OTHER, MISSING = range(4)


@dataclass(frozen=True, kw_only=True, eq=False)
class AlleleCounts:
    """Copies of the effect allele and of both alleles at each variant, with the calls they come from.

    On X a male's homozygous call is one copy and a heterozygous one none; on Y only males count, one copy each; on MT
    everybody has one copy. ``calls`` counts homozygous effect, heterozygous, homozygous other and missing of all,
    ``haploid_heterozygous`` the heterozygous ones where there is one copy: wrong calls, or a wrong sex.
    """

    calls: Int[np.ndarray, "m 4"]
    effect: Int[np.ndarray, " m"]
    observed: Int[np.ndarray, " m"]
    haploid_heterozygous: Int[np.ndarray, " m"]

    @property
    def frequency(self) -> Float[np.ndarray, " m"]:
        """Share of copies that are the effect allele; NaN without a copy seen."""
        return np.divide(self.effect, self.observed, out=np.full(self.effect.size, np.nan), where=self.observed > 0)


def call_counts(genotypes: Genotypes) -> Int[np.ndarray, "m 4"]:
    """Count homozygous effect, heterozygous, homozygous other and missing calls of each variant."""
    found = np.empty((4, genotypes.variants.height), dtype=np.int64).T  # each count of all variants in one piece
    if isinstance(genotypes.rows, BedFile) and genotypes.variant_rows is None and genotypes.sample_rows is None:
        _count_file(genotypes.rows, found)
        return found
    for block in genotypes.blocks():
        found[block.places] = kernels.packed_counts(block.packed, genotypes.samples.height)
    return found


def _count_file(bed: BedFile, found: Int[np.ndarray, "m 4"]) -> None:
    """Count all calls of a file; each thread reads pieces that stay in its cache, and no page has to be mapped."""
    step, threads = max(1, PIECE_BYTES // bed.row_bytes), thread_count()
    share = -(-bed.variants // threads)

    def count(first: int) -> None:
        last = min(first + share, bed.variants)
        piece = np.empty((min(step, share), bed.row_bytes), dtype=np.uint8)
        for start in range(first, last, step):
            stop = min(start + step, last)
            bed.read(start, piece[: stop - start])
            found[start:stop] = kernels.packed_counts(piece[: stop - start], bed.samples, threads=1)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(count, range(0, bed.variants, share)))


def allele_counts(genotypes: Genotypes) -> AlleleCounts:
    """Count copies of alleles in one pass over the genotypes, and one more over X and Y for males."""
    calls = call_counts(genotypes)
    effect = 2 * calls[:, HOM_EFFECT] + calls[:, HET]
    observed = effect + calls[:, HET] + 2 * calls[:, HOM_OTHER]
    impossible = np.zeros(observed.size, dtype=np.int64)
    if not on_chromosomes(genotypes, MALE_HAPLOID + HAPLOID).any():
        return AlleleCounts(calls=calls, effect=effect, observed=observed, haploid_heterozygous=impossible)
    sexed = on_chromosomes(genotypes, MALE_HAPLOID)
    if sexed.any():
        rows = np.flatnonzero(sexed)
        chosen = genotypes.select(variants=rows)
        male = call_counts(chosen.select(samples=pl.col("sex").eq_missing("male")))
        others = np.where(on_chromosomes(chosen, ("Y",))[:, None], 0, calls[rows] - male)
        effect[rows] = 2 * others[:, HOM_EFFECT] + others[:, HET] + male[:, HOM_EFFECT]
        observed[rows] = 2 * others[:, :MISSING].sum(axis=1) + male[:, HOM_EFFECT] + male[:, HOM_OTHER]
        impossible[rows] = male[:, HET]
    single = on_chromosomes(genotypes, HAPLOID)
    effect[single] = calls[single, HOM_EFFECT]
    observed[single] = calls[single, HOM_EFFECT] + calls[single, HOM_OTHER]
    impossible[single] = calls[single, HET]
    return AlleleCounts(calls=calls, effect=effect, observed=observed, haploid_heterozygous=impossible)


def on_chromosomes(genotypes: Genotypes, names: tuple[str, ...]) -> Bool[np.ndarray, " m"]:
    """Mark the variants on some chromosomes."""
    runs = genotypes.variants["chromosome"].rle().struct.unnest()
    chosen = runs["value"].is_in(list(names)).fill_null(value=False).to_numpy()
    return np.repeat(chosen, runs["len"].to_numpy())


def founders(genotypes: Source) -> Source:
    """Keep samples without a parent among the samples, as PLINK estimates frequencies from."""
    kept = is_founder(genotypes.samples)
    return genotypes if kept.all() else genotypes.select(samples=kept)


def is_founder(samples: pl.DataFrame) -> Bool[np.ndarray, " n"]:
    """Mark samples without a parent among the samples."""
    if samples.select(pl.col("father", "mother").is_null().all()).row(0) == (True, True):
        return np.ones(samples.height, dtype=bool)
    known = set(zip(samples["fid"], samples["iid"], strict=True))
    parents = samples.select("fid", "father", "mother").iter_rows()
    return np.array([(fid, father) not in known and (fid, mother) not in known for fid, father, mother in parents])
