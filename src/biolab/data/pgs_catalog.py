"""Scoring files of the PGS Catalog: weights of effect alleles, with the header that says what they are."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from biolab.core import DataError

from .plink import chromosome_names

# Names of columns, best first: harmonised ones before those the authors gave.
_NAMES: Final = {
    "variant_id": ("hm_rsID", "rsID"),
    "chromosome": ("hm_chr", "chr_name"),
    "position": ("hm_pos", "chr_position"),
    "effect_allele": ("effect_allele",),
    "other_allele": ("other_allele", "hm_inferOtherAllele", "reference_allele"),
    "weight": ("effect_weight",),
}


@dataclass(frozen=True, kw_only=True)
class ScoringFile:
    """Weights (variant_id, chromosome, position, effect_allele, other_allele, weight) and the file's header."""

    weights: pl.DataFrame
    header: dict[str, str]


def read_pgs_catalog(path: str | Path) -> ScoringFile:
    """Read a scoring file, plain or gzip; harmonised columns are preferred where the file has them.

    Positions are 1-based, of the genome build that ``header`` names (HmPOS_build, else genome_build).

    Raises
    ------
    DataError
        If the file is missing, is no scoring file, has a weight that is no number, or has weights by genotype
        (dominant, recessive, haplotypes), which are no sum over alleles.
    """
    path = Path(path)
    lines = _lines(path)
    before = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if before == len(lines):
        raise DataError(f"{path} holds no table; expected a header line with effect_allele and effect_weight.")
    names = lines[before].split("\t")
    if "effect_allele" not in names or "effect_weight" not in names:
        raise DataError(
            f"{path}, line {before + 1}: found columns {', '.join(names[:8])}; expected effect_allele and effect_weight."
        )
    rows = [line.split("\t") for line in lines[before + 1 :] if line]
    wrong = next((number for number, row in enumerate(rows) if len(row) != len(names)), None)
    if wrong is not None:
        raise DataError(f"{path}, line {wrong + before + 2}: {len(rows[wrong])} fields, expected {len(names)}. Cut off?")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    _refuse_other_models(frame, path, before)
    header = dict(line.lstrip("#").split("=", 1) for line in lines[:before] if "=" in line)
    return ScoringFile(weights=_weights(frame, path, before), header=header)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise DataError(f"{path} does not exist.")
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as handle:
            return handle.read().decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8. Convert the file.") from error
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is not a whole gzip file: {error}. Download it again.") from error


def _refuse_other_models(frame: pl.DataFrame, path: Path, before: int) -> None:
    for column in ("is_dominant", "is_recessive", "is_haplotype", "is_diplotype", "is_interaction"):
        if column in frame.columns:
            found = (frame[column].str.to_lowercase() == "true").arg_true()
            if len(found):
                raise DataError(f"{path}, line {found[0] + before + 2}: {column} is true; only additive weights are scored.")


def _weights(frame: pl.DataFrame, path: Path, before: int) -> pl.DataFrame:
    found = {}
    for name, candidates in _NAMES.items():
        given = [
            pl.when(pl.col(column).str.strip_chars() != "").then(pl.col(column).str.strip_chars())
            for column in candidates
            if column in frame.columns
        ]
        found[name] = pl.coalesce(given) if given else pl.lit(None, dtype=pl.String)
    weights = frame.select(**found)
    numbers = weights["weight"].cast(pl.Float64, strict=False)
    wrong = numbers.is_null().arg_true()
    if len(wrong):
        raise DataError(
            f"{path}, line {wrong[0] + before + 2}: effect_weight is {weights['weight'][int(wrong[0])]!r}; expected a number."
        )
    return weights.with_columns(
        chromosome_names(pl.col("chromosome")), pl.col("position").cast(pl.Int64, strict=False), weight=numbers
    )
