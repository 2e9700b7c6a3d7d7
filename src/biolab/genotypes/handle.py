"""Genotypes of many samples: frames that name variants and samples, and packed rows read block by block."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from biolab import kernels
from biolab.core.arrays import Float, UInt
from biolab.data.bed import PackedArray, PackedRows, pack, write_bed
from biolab.data.plink import VariantIds, open_plink, write_plink_tables

from .default_names import default_samples, default_variants, named_or_default
from .selection import NamedRows

# Bytes of packed genotypes in memory at once, and numbers of a decoded block.
BLOCK_BYTES = 8 << 20
BLOCK_NUMBERS = 1 << 22

_TIDY = {
    "variant_id": pl.String, "effect_allele": pl.String, "fid": pl.String, "iid": pl.String, "dosage": pl.Float32,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Block:
    """Consecutive variants of a selection: their places in it and their packed calls."""

    start: int
    stop: int
    packed: UInt[np.ndarray, "m b"]

    @property
    def places(self) -> slice:
        """The block's rows in any vector with one entry a variant."""
        return slice(self.start, self.stop)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Genotypes(NamedRows):
    """Genotypes with their names; nothing is decoded before it is asked for.

    ``variants`` has chromosome, variant_id, position_cm, position (1-based, as in every table of the field),
    effect_allele (the allele counted; A1 of PLINK 1, ALT of PLINK 2) and other_allele; ``samples`` has fid, iid,
    father, mother, sex and phenotype.
    """

    rows: PackedRows

    def blocks(self, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
        """Go through the variants in blocks of about so many bytes; memory does not grow with their number."""
        total, width = self.variants.height, -(-self.rows.samples // 4)
        step = max(1, block_bytes // width)
        for start in range(0, total, step):
            stop = min(start + step, total)
            yield Block(start=start, stop=stop, packed=self._packed(start, stop))
            if self.variant_rows is None:
                self.rows.release(start, stop)

    def dosage(self, variants: Any = None, samples: Any = None) -> Float[np.ndarray, "m n"]:
        """Return how many effect alleles each sample has, [variants, samples]: 0, 1, 2, and NaN for no call.

        float32 holds these numbers exactly. For what may be given see `select`.

        >>> from biolab.genotypes import genotypes_from_dosage
        >>> genotypes_from_dosage([[0, 1, None, 2]]).dosage(samples=[3, 2]).tolist()
        [[2.0, nan]]
        """
        kept = self.select(variants=variants, samples=samples)
        found = np.empty(kept.shape, dtype=np.float32)
        for block in kept.blocks():
            found[block.places] = kept.decoded(block)
        return found

    def decoded(self, block: Block) -> Float[np.ndarray, "m n"]:
        """Return the dosages of a block as float64, NaN for no call."""
        coding = kernels.Coding.of(len(block.packed), missing=np.nan)
        return kernels.packed_decode(block.packed, self.samples.height, coding)

    def tidy(self) -> pl.LazyFrame:
        """Return one row a variant and sample: variant_id, effect_allele, fid, iid, dosage (null: no call).

        Lazy: a filter is applied block by block, columns not asked for are not made, ``head`` stops reading.
        """

        def read(
            with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
        ) -> Iterator[pl.DataFrame]:
            left = n_rows
            step = max(1, (batch_size or BLOCK_NUMBERS // 8) // max(self.samples.height, 1))
            for start in range(0, self.variants.height, step):
                if left is not None and left <= 0:
                    return
                frame = self._tidy_block(start, min(start + step, self.variants.height))
                frame = frame if predicate is None else frame.filter(predicate)
                frame = frame if with_columns is None else frame.select(with_columns)
                frame = frame if left is None else frame.head(left)
                left = None if left is None else left - frame.height
                yield frame

        return register_io_source(read, schema=_TIDY)

    def write(self, prefix: str | Path) -> None:
        """Write the selection as PREFIX.bed, PREFIX.bim and PREFIX.fam.

        Raises
        ------
        BiolabError
            If the folder cannot be written.
        """
        write_bed(f"{prefix}.bed", (block.packed for block in self.blocks()), samples=self.samples.height)
        write_plink_tables(prefix, self.variants, self.samples)

    def _packed(self, start: int, stop: int) -> UInt[np.ndarray, "m b"]:
        if self.variant_rows is None:
            packed = self.rows.rows(start, stop)
        else:
            packed = self.rows.chosen(self.variant_rows[start:stop])
        if self.sample_rows is None:
            return packed
        return kernels.packed_select(packed, self.rows.samples, self.sample_rows)

    def _tidy_block(self, start: int, stop: int) -> pl.DataFrame:
        people = self.samples.height
        dosage = self.decoded(Block(start=start, stop=stop, packed=self._packed(start, stop)))
        names = self.variants[start:stop].select("variant_id", "effect_allele")
        repeated = names[np.repeat(np.arange(stop - start), people)]
        persons = self.samples.select("fid", "iid")[np.tile(np.arange(people), stop - start)]
        values = pl.Series("dosage", dosage.ravel().astype(np.float32)).fill_nan(None)
        return repeated.hstack(persons).with_columns(values)


def read_plink(prefix: str | Path, *, variant_ids: VariantIds = "file") -> Genotypes:
    """Open PLINK's NAME.bed, .bim and .fam (or .pgen, .pvar and .psam), given NAME; genotypes stay on disk.

    ``variant_ids="position"`` names variants by chromosome, position and alleles where the file's names repeat.

    Raises
    ------
    DataError
        If a file is missing or malformed, or names a variant or a sample twice; the message says where and how to mend.
    MissingExtraError
        If a .pgen is given and Pgenlib is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     genotypes_from_dosage([[0, 1, None, 2], [1, 1, 0, 0]]).write(f"{folder}/toy")
    ...     read_plink(f"{folder}/toy")
    Genotypes(2 variants of 4 samples)
    """
    files = open_plink(prefix, variant_ids=variant_ids)
    return Genotypes(variants=files.variants, samples=files.samples, rows=files.rows)


def genotypes_from_dosage(
    dosage: Any, *, variants: pl.DataFrame | None = None, samples: pl.DataFrame | None = None
) -> Genotypes:
    """Hold dosages of the effect allele, [variants, samples] of 0, 1, 2 and None or NaN, as packed genotypes.

    Frames may leave columns out: chromosome becomes "1", positions 1, 2, ..., alleles A and G, names v1, s1, ...

    Raises
    ------
    DataError
        If a dosage is another number or a frame has another length.
    """
    values = np.array(dosage, dtype=np.float64, ndmin=2)
    packed = pack(values)
    m, n = values.shape
    return Genotypes(
        variants=named_or_default(variants, "variants", default_variants(m)),
        samples=named_or_default(samples, "samples", default_samples(n)),
        rows=PackedArray(packed=packed, samples=n),
    )
