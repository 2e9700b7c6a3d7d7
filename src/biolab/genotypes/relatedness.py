"""Relatives: KING-robust kinship of all pairs, and the genetic relationship matrix."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab import kernels
from biolab.core import DataError
from biolab.core.arrays import Float, Int

from .calls import allele_counts, founders
from .handle import Genotypes
from .hardy_weinberg import autosomal

# Samples of a square of pairs: its counts take 20 bytes a pair.
SQUARE = 2048
# Samples beyond which the relationship matrix would take more than 8 GB.
LARGEST_MATRIX = 32_000


def kinship(genotypes: Genotypes, *, at_least: float | None = 0.0442) -> pl.DataFrame:
    """Estimate kinship of pairs by KING-robust, over autosomal variants called at both.

    phi = 1/2 - (4 N(opposite homozygotes) + N(one heterozygous, the other not)) / (4 min(N_i het, N_j het))

    About 0.5 for duplicates and twins, 0.25 first, 0.125 second, 0.0625 third degree; robust to population structure,
    negative between populations. Returns pairs with phi of ``at_least`` (None: all): fid1, iid1, fid2, iid2, variants,
    both_heterozygous, opposite_homozygotes and kinship. Memory is bounded: pairs are counted in squares.

    References
    ----------
    Manichaikul et al. (2010), Bioinformatics 26:2867-2873, doi:10.1093/bioinformatics/btq559
    """
    kept = autosomal(genotypes)
    n = kept.samples.height
    parts = [np.arange(start, min(start + SQUARE, n)) for start in range(0, n, SQUARE)]
    found = [_pairs(kept, first, second, at_least) for k, first in enumerate(parts) for second in parts[k:]]
    return pl.concat(found)


def _pairs(
    genotypes: Genotypes, first: Int[np.ndarray, " a"], second: Int[np.ndarray, " b"], at_least: float | None
) -> pl.DataFrame:
    counts = np.zeros((first.size, second.size, 5), dtype=np.int32)
    same = first[0] == second[0]
    chosen = genotypes.select(samples=first if same else np.concatenate([first, second]))
    for block in chosen.blocks(block_bytes=1 << 21):
        turned = kernels.packed_transpose(block.packed, chosen.samples.height)
        planes = kernels.packed_planes(turned, len(block.packed))
        counts += kernels.kinship_counts(planes[: first.size], planes if same else planes[first.size :])
    both, opposite, only_first, only_second, called = np.moveaxis(counts, 2, 0).astype(np.float64)
    fewer = both + np.minimum(only_first, only_second)
    phi = np.full(both.shape, np.nan)
    np.divide(4 * opposite + only_first + only_second, 4 * fewer, out=phi, where=fewer > 0)
    phi = 0.5 - phi
    wanted = np.ones(phi.shape, dtype=bool) if at_least is None else phi >= at_least
    if same:
        wanted &= np.tri(first.size, dtype=bool).T & ~np.eye(first.size, dtype=bool)
    i, j = np.nonzero(wanted)
    names = genotypes.samples.select("fid", "iid")
    left, right = names[first[i]], names[second[j]]
    return pl.DataFrame(
        {
            "fid1": left["fid"],
            "iid1": left["iid"],
            "fid2": right["fid"],
            "iid2": right["iid"],
            "variants": called[i, j].astype(np.int64),
            "both_heterozygous": both[i, j].astype(np.int64),
            "opposite_homozygotes": opposite[i, j].astype(np.int64),
            "kinship": phi[i, j],
        }
    ).with_columns(pl.col("kinship").fill_nan(None))


@dataclass(frozen=True, kw_only=True, eq=False)
class RelationshipMatrix:
    """Genetic relationships of samples, and at how many variants each pair is called."""

    samples: pl.DataFrame
    matrix: Float[np.ndarray, "n n"]
    variants_of_pair: Float[np.ndarray, "n n"]
    variants: int

    @property
    def settings(self) -> dict[str, object]:
        """How many variants vary and were used."""
        return {"variants": self.variants}

    @property
    def metrics(self) -> dict[str, float]:
        """Mean of the diagonal, about 1 without inbreeding, and the largest relationship of two samples."""
        off = self.matrix[~np.eye(len(self.matrix), dtype=bool)]
        return {"mean_diagonal": float(np.diag(self.matrix).mean()), "largest": float(off.max()) if off.size else 0.0}

    def table(self) -> pl.DataFrame:
        """Return one row a pair, the diagonal included: fid1, iid1, fid2, iid2, variants, relationship."""
        i, j = np.tril_indices(len(self.matrix))
        names = self.samples.select("fid", "iid")
        left, right = names[i], names[j]
        return pl.DataFrame(
            {
                "fid1": left["fid"], "iid1": left["iid"], "fid2": right["fid"], "iid2": right["iid"],
                "variants": self.variants_of_pair[i, j].astype(np.int64), "relationship": self.matrix[i, j],
            }
        )  # fmt: skip


def relationship_matrix(genotypes: Genotypes) -> RelationshipMatrix:
    """Return A_ik = sum over j called at both of z_ij z_kj / their number, z = (x - 2 p) / sqrt(2 p (1 - p)).

    Over autosomal variants that vary; p are frequencies among founders. The matrix takes 16 n^2 bytes.

    Raises
    ------
    DataError
        If there are more than 32,000 samples or no variant varies.

    References
    ----------
    Yang et al. (2011), Am. J. Hum. Genet. 88:76-82, doi:10.1016/j.ajhg.2010.11.011
    """
    kept = autosomal(genotypes)
    n = kept.samples.height
    if n > LARGEST_MATRIX:
        raise DataError(
            f"{n:,} samples make a matrix of {16 * n * n / 1e9:.0f} GB; take pca, or kinship, which stream."
        )
    frequency = np.nan_to_num(allele_counts(founders(kept)).frequency)
    varies = (frequency > 0) & (frequency < 1)
    if not varies.any():
        raise DataError("No autosomal variant varies; there is nothing to relate samples by.")
    total, absent = np.zeros((n, n)), np.zeros((n, n))
    missing_of_sample = np.zeros(n)
    for block in kept.blocks(block_bytes=1 << 20):
        here = varies[block.places]
        p = frequency[block.places][here]
        packed = block.packed[here]
        coding = kernels.Coding.of(len(p), centre=2 * p, scale=1 / np.sqrt(2 * p * (1 - p)))
        z = kernels.packed_decode(packed, n, coding)
        total += z.T @ z
        gone = kernels.packed_decode(packed, n, kernels.Coding.of(len(p), scale=0.0, missing=1.0))
        some = gone.any(axis=1)
        absent += gone[some].T @ gone[some]
        missing_of_sample += gone.sum(axis=0)
    called = varies.sum() - missing_of_sample[:, None] - missing_of_sample[None, :] + absent
    matrix = np.divide(total, called, out=np.full((n, n), np.nan), where=called > 0)
    return RelationshipMatrix(samples=kept.samples, matrix=matrix, variants_of_pair=called, variants=int(varies.sum()))
