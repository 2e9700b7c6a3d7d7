"""Imputed dosages of many samples: frames that name variants and samples, and rows read block by block."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from biolab.core import DataError
from biolab.core.arrays import Float, UInt
from biolab.data.dosage_rows import DosageArray, DosageRows, open_dosages
from biolab.data.plink import VariantIds
from biolab.data.vcf_genotypes import Haploid

from .default_names import default_samples, default_variants, named_or_default
from .selection import NamedRows

# Bytes of a block of dosages as they come from a file, in float32.
BLOCK_BYTES = 4 << 20


@dataclass(frozen=True, kw_only=True)
class DosageBlock:
    """Consecutive variants of a selection: their places in it and their dosages, NaN where not known."""

    start: int
    stop: int
    dosage: Float[np.ndarray, "m n"]

    @property
    def places(self) -> slice:
        """The block's rows in any vector with one entry a variant."""
        return slice(self.start, self.stop)

    @property
    def packed(self) -> UInt[np.ndarray, "m b"]:
        """There are no hard calls here.

        Raises
        ------
        DataError
            Always: it says what dosages can be used for.
        """
        raise DataError(
            "These are imputed dosages, of which allele_frequency, score, associate and linear_statistics are made; "
            "this step takes hard calls: biolab.genotypes.read_plink reads those of a .pgen or .bed."
        )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Dosages(NamedRows):
    """Imputed dosages with their names; nothing is read before it is asked for.

    A dosage is how many copies of the effect allele a sample is expected to have, from 0 to 2. ``variants`` and
    ``samples`` have the columns of `Genotypes`.
    """

    rows: DosageRows

    in_file_order: ClassVar[bool] = True

    def blocks(self, *, block_bytes: int = BLOCK_BYTES) -> Iterator[DosageBlock]:
        """Go through the variants in blocks of at most so many bytes; memory does not grow with their number."""
        start = 0
        for found in self.rows.blocks(self.variant_rows, block_bytes // 4):
            dosage = found if self.sample_rows is None else found[:, self.sample_rows]
            yield DosageBlock(start=start, stop=start + len(dosage), dosage=dosage)
            start += len(dosage)
        if start != self.variants.height:
            raise DataError(f"{start} variants were read where {self.variants.height} are named; did the file change?")

    def dosage(self, variants: Any = None, samples: Any = None) -> Float[np.ndarray, "m n"]:
        """Return the dosages as float32, [variants, samples], NaN where not known; for what may be given see `select`.

        >>> dosages_from_array([[0.1, 1.9, None]]).dosage(samples=[2, 1]).round(3).tolist()
        [[nan, 1.899999976158142]]
        """
        kept = self.select(variants=variants, samples=samples)
        found = np.empty(kept.shape, dtype=np.float32)
        for block in kept.blocks():
            found[block.places] = block.dosage
        return found

    def decoded(self, block: DosageBlock) -> Float[np.ndarray, "m n"]:
        """Return the dosages of a block as float64, NaN where not known."""
        return block.dosage.astype(np.float64)


def read_dosages(path: str | Path, *, variant_ids: VariantIds = "file", haploid: Haploid = "refuse") -> Dosages:
    """Open imputed dosages: NAME.pgen (with .pvar and .psam), given NAME, or a VCF or BCF file with FORMAT DS.

    The effect allele is ALT. Where a record or sample has no dosage, its hard call stands for it. ``haploid`` is for
    a VCF's calls of one allele: refused, counted as they are (0 to 1), or twice (0 to 2, as a .pgen holds them).
    A VCF is text, read from its beginning in each pass: convert one that is used often (plink2 --make-pgen).

    Raises
    ------
    DataError
        If a file is missing or malformed, has no dosages, or names a variant or a sample twice.
    MissingExtraError
        If a .pgen is given and pgenlib is not installed.
    """
    files = open_dosages(path, variant_ids=variant_ids, haploid=haploid)
    return Dosages(variants=files.variants, samples=files.samples, rows=files.rows)


def dosages_from_array(
    dosage: Any, *, variants: pl.DataFrame | None = None, samples: pl.DataFrame | None = None
) -> Dosages:
    """Hold dosages of the effect allele, [variants, samples] from 0 to 2, None or NaN where not known.

    Frames may leave columns out, as for `genotypes_from_dosage`.

    Raises
    ------
    DataError
        If a dosage is beyond 0 to 2 or a frame has another length.
    """
    kind = np.float32 if getattr(dosage, "dtype", None) == np.float32 else np.float64
    values = np.array(dosage, dtype=kind, ndmin=2)
    wrong = (values < 0) | (values > 2)
    if values.ndim != 2 or wrong.any():
        what = f"of shape {values.shape}" if values.ndim != 2 else f"{values[wrong][0]:g}"
        raise DataError(f"A dosage is {what}; expected 0 to 2, or NaN, in rows of variants and columns of samples.")
    m, n = values.shape
    return Dosages(
        variants=named_or_default(variants, "variants", default_variants(m)),
        samples=named_or_default(samples, "samples", default_samples(n)),
        rows=DosageArray(dosage=values),
    )
