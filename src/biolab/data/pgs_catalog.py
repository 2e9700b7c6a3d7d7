"""Scoring files of the PGS Catalog: the weights of a polygenic score, and what its header says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
from polars.datatypes import DataTypeClass

from biolab.core import DataError

from .text_blocks import line_blocks

_KINDS: Final[Mapping[str, DataTypeClass]] = {
    "chr_position": pl.Int64,
    "hm_pos": pl.Int64,
    "effect_weight": pl.Float64,
    "allelefrequency_effect": pl.Float64,
    "dosage_0_weight": pl.Float64,
    "dosage_1_weight": pl.Float64,
    "dosage_2_weight": pl.Float64,
    "OR": pl.Float64,
    "HR": pl.Float64,
}
_WEIGHTS: Final = ("effect_weight", "dosage_0_weight")
_PLACES: Final = ("rsID", "chr_name", "hm_rsID", "hm_chr")
_MISSING: Final = {"", ".", "NA"}


@dataclass(frozen=True, kw_only=True)
class ScoringFile:
    """A polygenic score: what the header says, and a row a variant.

    ``variants`` has the columns of the file under their own names. Positions count from 1, as in PLINK's tables,
    with which they are joined.
    """

    path: str
    header: Mapping[str, str]
    variants: pl.LazyFrame

    @property
    def score_id(self) -> str | None:
        """The Catalog's number, such as PGS000001."""
        return self.header.get("pgs_id")

    @property
    def genome_build(self) -> str | None:
        """The build of the harmonised positions where the file has them, else of the author's."""
        return self.header.get("HmPOS_build") or self.header.get("genome_build")


def read_scoring_file(path: str | Path) -> ScoringFile:
    """Read a scoring file of the PGS Catalog, as its authors gave it or harmonised (``hm_*`` columns), plain or gzip.

    ``effect_weight`` is a number, positions are whole, all else is text; alleles are upper case; empty is null.

    Raises
    ------
    DataError
        If the file is missing, empty, truncated or not a scoring file, a line has another number of columns, a weight
        is no number, a variant has no effect allele or no weight, or the header tells another number of variants than
        there are.

    References
    ----------
    Lambert et al. (2021), Nature Genetics 53:420-425, doi:10.1038/s41588-021-00783-5
    """
    file = Path(path)
    text = b"".join(block.data for block in line_blocks(file)).decode()
    lines = text.split("\n")[:-1]
    head = next((k for k, line in enumerate(lines) if not line.startswith("#")), len(lines))
    header = dict(line.lstrip("#").split("=", 1) for line in lines[:head] if "=" in line and not line.startswith("##"))
    if head == len(lines):
        raise DataError(f"{file} has no line of column names; expected a scoring file of the PGS Catalog.")
    names = lines[head].split("\t")
    if "effect_allele" not in names or not set(names) & set(_WEIGHTS) or not set(names) & set(_PLACES):
        raise DataError(
            f"{file}, line {head + 1} names the columns {', '.join(names[:8])}; a scoring file has rsID or chr_name "
            "and chr_position, effect_allele, and effect_weight."
        )
    if len(set(names)) < len(names):
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise DataError(f"{file}, line {head + 1}: two columns are called {twice!r}. Rename one.")
    while len(lines) > head + 1 and not lines[-1].strip():
        lines.pop()
    rows: list[list[str | None]] = []
    for number, line in enumerate(lines[head + 1 :], head + 2):
        values = [value.strip() for value in line.split("\t")]
        if len(values) != len(names):
            raise DataError(f"{file}, line {number} has {len(values)} column(s); the header has {len(names)}.")
        rows.append([None if value in _MISSING else value for value in values])
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return ScoringFile(path=str(file), header=header, variants=_typed(frame, header, file, head + 2).lazy())


def _typed(frame: pl.DataFrame, header: Mapping[str, str], path: Path, first_line: int) -> pl.DataFrame:
    told = header.get("variants_number", "")
    if told.isdigit() and int(told) != frame.height and "HmPOS_build" not in header:
        raise DataError(f"{path} holds {frame.height:,} variants, its header tells {int(told):,}; copy it again.")
    for name in frame.columns:
        if name in _KINDS:
            cast = frame[name].cast(_KINDS[name], strict=False)
            wrong = (frame[name].is_not_null() & ~cast.is_finite().fill_null(value=False)).arg_true()
            if wrong.len():
                row = int(wrong[0])
                raise DataError(f"{path}, line {first_line + row}: {name} is {frame[name][row]!r}; expected a number.")
            frame = frame.with_columns(cast)
    missing = frame["effect_allele"].is_null().arg_true()
    if missing.len():
        raise DataError(f"{path}, line {first_line + int(missing[0])}: a variant has no effect_allele.")
    if "effect_weight" in frame.columns and "dosage_0_weight" not in frame.columns:
        weightless = frame["effect_weight"].is_null().arg_true()
        if weightless.len():
            raise DataError(
                f"{path}, line {first_line + int(weightless[0])}: a variant has no effect_weight. Take the line out, "
                "or write 0."
            )
    alleles = [name for name in ("effect_allele", "other_allele", "hm_inferOtherAllele") if name in frame.columns]
    return frame.with_columns(pl.col(alleles).str.to_uppercase())
