"""Principal components of genotypes by random projections, streamed: memory grows with samples alone."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from biolab import kernels
from biolab.core import DataError, did_you_mean
from biolab.core.arrays import Float

from .calls import allele_counts, founders
from .dosages import Dosages
from .handle import Genotypes
from .hardy_weinberg import autosomal
from .scores import score
from .selection import variant_table

# Columns beyond those asked for, and passes over the genotypes in each direction.
_MORE, _PASSES = 10, 10


@dataclass(frozen=True, kw_only=True, eq=False)
class PrincipalComponents:
    """Components of samples (unit vectors), their eigenvalues, and what each variant contributes.

    Eigenvalues are those of the relationship matrix with missing calls at the mean.
    """

    samples: pl.DataFrame
    variants: pl.DataFrame
    components: Float[np.ndarray, "n k"]
    eigenvalues: Float[np.ndarray, " k"]
    loadings: Float[np.ndarray, "m k"]
    frequency: Float[np.ndarray, " m"]
    trace: float
    settings: dict[str, object]

    @property
    def metrics(self) -> dict[str, float]:
        """Share of variance of each component."""
        return {f"share.pc{k + 1}": float(value / self.trace) for k, value in enumerate(self.eigenvalues)}

    def table(self) -> pl.DataFrame:
        """Return one row a sample: fid, iid, pc1, pc2, ..."""
        columns = [pl.Series(f"pc{k + 1}", self.components[:, k]) for k in range(self.eigenvalues.size)]
        return self.samples.select("fid", "iid").with_columns(columns)

    def weights(self) -> pl.DataFrame:
        """Return what `project` needs to find these components of other samples: a row a variant, no person's value.

        Columns: chromosome, position, variant_id, effect_allele, other_allele, effect_allele_frequency, and for each
        component what a standardised dosage adds to it.
        """
        scaled = self.loadings / (self.eigenvalues * self.variants.height)
        columns = {f"pc{k + 1}": scaled[:, k] for k in range(self.eigenvalues.size)}
        return variant_table(self.variants, {"effect_allele_frequency": self.frequency, **columns})


def project(genotypes: Genotypes | Dosages, weights: pl.DataFrame) -> pl.DataFrame:
    """Place samples on components found elsewhere: fid, iid, pc1, pc2, ...

    ``weights`` is `PrincipalComponents.weights` of a panel. Dosages are standardised by the panel's frequencies,
    missing calls are at its mean, and variants absent here add nothing; strands are taken to agree. Samples of the
    panel get their own components back. Others are drawn towards zero where the panel has few samples.

    Raises
    ------
    DataError
        If no variant is shared or a column is missing.
    """
    for name in ("variant_id", "effect_allele", "effect_allele_frequency", "pc1"):
        if name not in weights.columns:
            raise DataError(
                f"The panel has no column {name!r}; expected what pca(...).weights() gives (on the command line: "
                f"biolab genotypes pca --weights). {did_you_mean(name, weights.columns)}"
            )
    frequencies = weights.select("variant_id", "effect_allele", "effect_allele_frequency")
    columns = weights.drop("effect_allele_frequency")
    found = score(
        genotypes, columns, scaling="standardize", ambiguous="keep", match_by="variant_id", frequencies=frequencies
    )
    return found.scores.select("fid", "iid", *found.names)


def pca(genotypes: Genotypes, *, components: int = 10, seed: int = 0) -> PrincipalComponents:
    """Find the leading eigenvectors of Z'Z / m, z = (x - 2 p) / sqrt(2 p (1 - p)), missing calls at the mean.

    Block Krylov iteration: of all projections taken the best directions are kept, so that ten passes serve also where
    eigenvalues are close. Prune variants first, and leave relatives out. The sign of a component is arbitrary: the
    largest entry is made positive. The same seed gives the same components.

    Raises
    ------
    DataError
        If there are too few samples or varying variants for so many components.

    References
    ----------
    Halko, Martinsson and Tropp (2011), SIAM Review 53:217-288, doi:10.1137/090771806

    Musco and Musco (2015), Adv. Neural Inf. Process. Syst. 28:1396-1404
    """
    kept = autosomal(genotypes)
    frequency = np.nan_to_num(allele_counts(founders(kept)).frequency)
    varying = np.flatnonzero((frequency > 0) & (frequency < 1))
    kept, p = kept.select(variants=varying) if varying.size < frequency.size else kept, frequency[varying]
    n, m = kept.samples.height, varying.size
    if not 0 < components < min(n, m):
        raise DataError(f"components is {components}; expected 1 to {min(n, m) - 1} for {n} samples and {m} variants.")
    coding = kernels.Coding.of(m, centre=2 * p, scale=1 / np.sqrt(2 * p * (1 - p)))
    width = min(components + _MORE, n)
    basis = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, width)))[0]
    space = basis
    for _ in range(_PASSES):
        fresh = _new_directions(_apply(kept, coding, basis), space)
        if not fresh.shape[1]:
            break
        space, basis = np.column_stack([space, fresh]), fresh
    projected = space.T @ _apply(kept, coding, space)
    values, vectors = np.linalg.eigh((projected + projected.T) / 2)
    order = np.argsort(values)[::-1][:components]
    found = space @ vectors[:, order]
    found *= np.sign(found[np.abs(found).argmax(axis=0), np.arange(components)])
    loadings, trace = _loadings(kept, coding, found)
    return PrincipalComponents(
        samples=kept.samples, variants=kept.variants, components=found, eigenvalues=values[order], loadings=loadings,
        frequency=p, trace=trace, settings={"components": components, "seed": seed, "variants": m},
    )  # fmt: skip


def _new_directions(image: Float[np.ndarray, "n k"], space: Float[np.ndarray, "n s"]) -> Float[np.ndarray, "n f"]:
    """Return orthonormal directions of the image outside the space; none where only rounding is left."""
    largest = np.linalg.norm(image, axis=0).max(initial=0.0)
    left = image - space @ (space.T @ image)
    directions, sizes, _ = np.linalg.svd(left, full_matrices=False)
    fresh = directions[:, sizes > 1e-9 * largest][:, : len(space) - space.shape[1]]
    for _ in range(2):  # small directions carry rounding along the space
        fresh = np.linalg.qr(fresh - space @ (space.T @ fresh))[0]
    return fresh


def _part(coding: kernels.Coding, places: slice) -> kernels.Coding:
    return kernels.Coding(centre=coding.centre[places], scale=coding.scale[places], missing=coding.missing[places])


def _apply(genotypes: Genotypes, coding: kernels.Coding, columns: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Return Z' Z columns / m in one pass."""
    n, total = genotypes.samples.height, np.zeros(columns.shape)
    for block in genotypes.blocks():
        part = _part(coding, block.places)
        total += kernels.packed_scores(block.packed, n, kernels.packed_products(block.packed, n, columns, part), part)
    return total / genotypes.variants.height


def _loadings(
    genotypes: Genotypes, coding: kernels.Coding, components: Float[np.ndarray, "n k"]
) -> tuple[Float[np.ndarray, "m k"], float]:
    """Return Z times the components, and the trace of Z' Z / m."""
    found, trace = np.empty((genotypes.variants.height, components.shape[1])), 0.0
    for block in genotypes.blocks():
        part = _part(coding, block.places)
        found[block.places] = kernels.packed_products(block.packed, genotypes.samples.height, components, part)
        calls = kernels.packed_counts(block.packed, genotypes.samples.height)[:, [0, 3, 1, 2]]
        trace += float((part.values**2 * calls).sum())
    return found, trace / genotypes.variants.height
