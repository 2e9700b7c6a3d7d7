"""Imputed dosages of a VCF or BCF file (FORMAT DS), streamed in the order of the file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from biolab.core import DataError
from biolab.core.arrays import Float, Int

from .plink import VariantIds, named_alleles
from .vcf import read_vcf
from .vcf_genotypes import CallBlock, Haploid, call_blocks, vcf_with_samples
from .vcf_header import VcfHeader

_KEY: Final = "DS"
_COLUMN: Final = "format_DS"
# What programs round a dosage of 2 up to.
_LARGEST: Final = 2.001
# What programs that impute write in its place; PL and GL come of sequencing, where the calls are what was found.
_OTHERS: Final = ("GP", "HDS")


@dataclass(frozen=True, kw_only=True, eq=False)
class VcfDosages:
    """Dosages of a VCF or BCF file; each pass over them reads the file from its beginning."""

    path: Path
    header: VcfHeader = field(repr=False)
    haploid: Haploid

    @property
    def samples(self) -> int:
        """How many samples a row has."""
        return len(self.header.samples)

    def blocks(self, rows: Int[np.ndarray, " m"] | None, numbers: int) -> Iterator[Float[np.ndarray, "k n"]]:
        """Yield the rows in blocks."""
        step, begin = max(1, numbers // max(self.samples, 1)), 0
        for found in self._all():
            end = begin + len(found)
            part = found
            if rows is not None:
                part = found[rows[slice(*np.searchsorted(rows, (begin, end)))] - begin]
            for start in range(0, len(part), step):
                yield part[start : start + step]
            begin = end
            if rows is not None and (not rows.size or begin > rows[-1]):
                return

    def _all(self) -> Iterator[Float[np.ndarray, "k n"]]:
        keys = {_COLUMN: _KEY} if _KEY in self.header.format else {}
        for block in call_blocks(self.path, None, self.haploid, keys):
            calls = block.dosages.dosage
            if not keys:
                yield calls
                continue
            given = self._given(block)
            if self.haploid == "double":
                given = np.where((block.ploidy == 1)[block.record] & ~np.isnan(calls), 2 * given, given)
            self._refuse(given, block)
            yield np.where(np.isnan(given), calls, np.minimum(given, np.float32(2)))

    def _given(self, block: CallBlock) -> Float[np.ndarray, "m n"]:
        """Return FORMAT DS, NaN where it is not given; a list has one value for each alternate allele."""
        values, n, m = block.fields[_COLUMN], self.samples, block.record.size
        again = np.flatnonzero(np.diff(block.record) == 0)
        several = isinstance(values.dtype, pl.List)
        if again.size and not several:
            site = block.dosages.variants.row(int(again[0]), named=True)
            raise DataError(
                f"{self.path}, {site['chromosome']}:{site['start'] + 1}: there are several alternate alleles, but one "
                f"dosage (the header says Number=1 for {_KEY}). Split the alleles first: bcftools norm -m -any"
            )
        if m * n != values.len() or again.size:
            values = values.gather((block.record[:, None] * n + np.arange(n)).ravel())
        if several and not again.size:
            values = values.list.first()
        elif several:
            allele = np.arange(m) - np.searchsorted(block.record, block.record)
            table = pl.DataFrame({"values": values, "at": np.repeat(allele, n)})
            values = table.select(pl.col("values").list.get(pl.col("at"), null_on_oob=True)).to_series()
        return values.cast(pl.Float32).fill_null(float("nan")).to_numpy().reshape(m, n)

    def _refuse(self, given: Float[np.ndarray, "k n"], block: CallBlock) -> None:
        wrong = (given < 0) | (given > _LARGEST)
        if wrong.any():
            row, sample = (int(place) for place in np.argwhere(wrong)[0])
            site = block.dosages.variants.row(row, named=True)
            raise DataError(
                f"{self.path}, {site['chromosome']}:{site['start'] + 1}, sample {self.header.samples[sample]!r}: the "
                f"dosage (FORMAT {_KEY}) is {given[row, sample]:g}; expected 0 to 2. Was another field named {_KEY}?"
            )


def read_vcf_variants(
    path: Path, *, variant_ids: VariantIds, haploid: Haploid
) -> tuple[VcfHeader, pl.DataFrame, pl.DataFrame]:
    """Return the header of a VCF or BCF file, and frames of its variants (a row an ALT allele) and samples.

    The frames have the columns of `read_bim` and `read_fam`; ALT is the effect allele, fid is "0".

    Raises
    ------
    DataError
        If the file is missing, malformed or without samples, has imputed probabilities but no dosages, or names a
        variant twice.
    ConfigError
        If ``haploid`` is none of `Haploid`.
    """
    header = vcf_with_samples(path, None, haploid)
    others = [key for key in _OTHERS if key in header.format]
    if others and _KEY not in header.format:
        raise DataError(
            f"{path} declares {' and '.join(others)} but no dosages (FORMAT {_KEY}); to take the calls instead would "
            "lose what was imputed. Make them first: bcftools +dosage, or plink2 --vcf FILE dosage=GP --make-pgen"
        )
    sites = read_vcf(path).select("chromosome", "start", "variant_id", "reference", "alternate").collect()
    found = sites.filter(pl.col("alternate").list.len() > 0).explode("alternate", empty_as_null=False).select(
        "chromosome", pl.col("variant_id").fill_null("."), position_cm=pl.lit(0.0), position=pl.col("start") + 1,
        effect_allele="alternate", other_allele="reference",
    )  # fmt: skip
    variants = named_alleles(found, variant_ids)
    twice = variants.filter(pl.col("variant_id").is_duplicated())
    if twice.height:
        name = twice["variant_id"][0]
        sites = twice.filter(pl.col("variant_id") == name).head(3)
        at = " and ".join(f"{chromosome}:{position}" for chromosome, position in sites["chromosome", "position"].rows())
        remedy = "read with variant_ids='position'" if variant_ids == "file" else "remove one of them"
        raise DataError(f"{path}: variant {name!r} stands at {at} ({twice.height} rows repeat a name): {remedy}.")
    nobody = pl.lit(None, dtype=pl.String)
    samples = pl.DataFrame({"iid": header.samples}).select(
        fid=pl.lit("0"), iid="iid", father=nobody, mother=nobody, sex=nobody, phenotype=pl.lit(None, dtype=pl.Float64)
    )
    return header, variants, samples
