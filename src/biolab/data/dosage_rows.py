"""Imputed dosages row by row, a row a variant: of an array, of a .pgen, or of a VCF or BCF file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import polars as pl

from biolab.core import DataError
from biolab.core.arrays import Float, Int

from .pgen import PgenFile, open_pgen, read_psam, read_pvar
from .plink import VariantIds
from .readers import looked_up
from .vcf_dosage_rows import VcfDosages, read_vcf_variants
from .vcf_genotypes import Haploid

_VCF: Final = (".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")
_PGEN: Final = (".pgen", ".pvar", ".psam")


class DosageRows(Protocol):
    """What dosages are read from: rows of how many effect alleles each sample has, NaN where that is not known."""

    @property
    def samples(self) -> int:
        """How many samples a row has."""
        ...

    def blocks(self, rows: Int[np.ndarray, " m"] | None, numbers: int) -> Iterator[Float[np.ndarray, "k n"]]:
        """Yield rows (all, or those at these ascending places) in blocks of at most so many numbers, or one row."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class DosageArray:
    """Dosages held in memory."""

    dosage: Float[np.ndarray, "m n"]

    @property
    def samples(self) -> int:
        """How many samples a row has."""
        return self.dosage.shape[1]

    def blocks(self, rows: Int[np.ndarray, " m"] | None, numbers: int) -> Iterator[Float[np.ndarray, "k n"]]:
        """Yield the rows in blocks."""
        step = max(1, numbers // max(self.samples, 1))
        places = np.arange(len(self.dosage)) if rows is None else rows
        for start in range(0, places.size, step):
            yield self.dosage[places[start : start + step]]


@dataclass(frozen=True, kw_only=True, eq=False)
class PgenDosages:
    """Dosages of a .pgen: what was imputed where the file says so, elsewhere the hard calls."""

    file: PgenFile

    @property
    def samples(self) -> int:
        """How many samples a row has."""
        return self.file.samples

    def blocks(self, rows: Int[np.ndarray, " m"] | None, numbers: int) -> Iterator[Float[np.ndarray, "k n"]]:
        """Yield the rows in blocks."""
        step = max(1, numbers // max(self.samples, 1))
        many = self.file.variants if rows is None else rows.size
        for start in range(0, many, step):
            stop = min(start + step, many)
            yield self.file.dosages(start, stop) if rows is None else self.file.chosen_dosages(rows[start:stop])


@dataclass(frozen=True, kw_only=True, eq=False)
class DosageFiles:
    """Dosages of a file with the frames that name their rows and columns, which are those of `open_plink`."""

    rows: DosageRows
    variants: pl.DataFrame
    samples: pl.DataFrame


def open_dosages(path: str | Path, *, variant_ids: VariantIds = "file", haploid: Haploid = "refuse") -> DosageFiles:
    """Open the dosages of NAME.pgen (with NAME.pvar and NAME.psam), given NAME, or of a VCF or BCF file.

    Of a VCF they are its field DS, and the calls (GT) where a record or sample has none. ``haploid`` is for its calls
    of one allele: an error, counted as they are (0 to 1), or counted twice (0 to 2, as a .pgen holds them).

    Raises
    ------
    DataError
        If a file is missing, malformed, has no dosages, or names a variant or sample twice.
    MissingExtraError
        If a .pgen is given and pgenlib is not installed.
    """
    given = Path(path)
    if given.name.endswith(_VCF):
        header, variants, samples = read_vcf_variants(given, variant_ids=variant_ids, haploid=haploid)
        return DosageFiles(
            rows=VcfDosages(path=given, header=header, haploid=haploid), variants=variants, samples=samples
        )
    bare = given.with_suffix("") if given.suffix in _PGEN else given
    if not looked_up(Path(f"{bare}.pgen")):
        beside = f" {bare}.bed holds hard calls: read it as genotypes." if Path(f"{bare}.bed").is_file() else ""
        raise DataError(
            f"{bare}.pgen does not exist.{beside} Dosages come from NAME.pgen with NAME.pvar and NAME.psam, given "
            f"NAME, or from a file that ends in {', '.join(_VCF)}."
        )
    variants, samples = read_pvar(f"{bare}.pvar", variant_ids=variant_ids), read_psam(f"{bare}.psam")
    file = open_pgen(f"{bare}.pgen", samples=samples.height, variants=variants.height)
    return DosageFiles(rows=PgenDosages(file=file), variants=variants, samples=samples)
