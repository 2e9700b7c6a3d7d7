"""Dosages as a VCF file: one record a variant, genotypes without phase."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from biolab.core import DataError
from biolab.core.arrays import Float

from .growing_file import growing_file
from .vcf import refuse_sites
from .vcf_genotypes import DosageBlock
from .vcf_header import FIXED
from .writable import refuse_breaks

_CALLS: Final = np.frombuffer(b"\t./.\t0/0\t0/1\t1/1", dtype=np.uint8).reshape(4, 4)
_HEAD: Final = ("##fileformat=VCFv4.3", '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')


def write_vcf_dosages(path: str | Path, blocks: Iterable[DosageBlock]) -> int:
    """Write blocks of dosages, as `read_vcf_dosages` yields them, and return how many records; .gz is packed as bgzip.

    ``variants`` has chromosome, start (0-based), variant_id, reference and alternate (one allele); dosages are how many
    of the two alleles are ``alternate``, NaN for none called. Which chromosome an allele lies on is not known: 0/1.

    Raises
    ------
    DataError
        If there is no block, blocks differ in samples, two of these share a name, a site has no chromosome, start,
        reference or alternate or several of the last, a text holds a tab, or a dosage is not 0, 1, 2 or NaN.
    BiolabError
        If the file cannot be written.
    """
    file, written = Path(path), 0
    samples: tuple[str, ...] | None = None
    with growing_file(file) as handle:
        for block in blocks:
            if samples is None:
                samples = block.samples
                refuse_breaks(pl.DataFrame({"samples": list(samples)}, schema={"samples": pl.String}))
                if len(set(samples)) < len(samples) or not all(samples):
                    raise DataError(f"{file}: a sample has no name, or the name of another one. Rename it.")
                handle.write(("\n".join([*_HEAD, "\t".join([*FIXED, "FORMAT", *samples])]) + "\n").encode())
            if block.samples != samples:
                raise DataError(f"{file}: blocks differ in samples ({len(samples)} and {len(block.samples)}).")
            handle.write(_records(block, file))
            written += block.variants.height
        if samples is None:
            raise DataError(f"{file}: there is no block of dosages to write.")
    return written


def _records(block: DosageBlock, path: Path) -> bytes:
    sites = block.variants
    if block.dosage.shape != (sites.height, len(block.samples)):
        raise DataError(
            f"{path}: dosages are of shape {block.dosage.shape}; expected {sites.height} variants by "
            f"{len(block.samples)} samples."
        )
    refuse_sites(sites.select("chromosome", "start", "variant_id", "reference", "alternate"), path)
    alternate = sites["alternate"].cast(pl.String)
    several = (alternate.is_null() | (alternate == "") | alternate.str.contains(",")).arg_true()
    if several.len():
        row = int(several[0])
        raise DataError(
            f"{path}: the alternate of site {sites['variant_id'][row]!r} is {alternate[row]!r}; expected one allele."
        )
    nothing = pl.lit(".")
    fields = [
        "chromosome", pl.col("start") + 1, "variant_id", "reference", "alternate", nothing.alias("quality"),
        nothing.alias("filter"), nothing.alias("info"), pl.lit("GT").alias("format"),
    ]  # fmt: skip
    text = sites.select(fields).write_csv(separator="\t", include_header=False, null_value=".", quote_style="never")
    calls = _CALLS[_codes(block.dosage, sites, path)].reshape(len(block.dosage), -1)
    lines = text.encode().split(b"\n")[: sites.height]
    return b"".join(line + row.tobytes() + b"\n" for line, row in zip(lines, calls, strict=True))


def _codes(dosage: Float[np.ndarray, "m n"], sites: pl.DataFrame, path: Path) -> np.ndarray:
    absent = np.isnan(dosage)
    wrong = ~(absent | np.isin(dosage, (0.0, 1.0, 2.0)))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            f"{path}: the dosage of site {sites['variant_id'][int(row)]!r}, sample {column} (counted from 0) is "
            f"{dosage[row, column]}; a genotype has 0, 1 or 2."
        )
    return np.where(absent, 0, np.nan_to_num(dosage) + 1).astype(np.intp)
