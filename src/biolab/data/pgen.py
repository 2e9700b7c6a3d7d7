"""PLINK 2's .pgen through the optional package pgenlib, hard calls packed into two bits; .pvar and .psam as frames."""

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biolab.core import DataError, MissingExtraError
from biolab.core.arrays import Float, Int, UInt

from .bed import pack
from .plink import named_samples, named_variants, numbers, phenotype_values, sex_names
from .readers import check_file
from .text_blocks import line_blocks

if TYPE_CHECKING:
    from .plink import VariantIds

_PVAR: Final = {
    "#CHROM": "chromosome",
    "POS": "position",
    "ID": "variant_id",
    "REF": "other_allele",
    "ALT": "effect_allele",
}
_UNKNOWN_PARENT: Final = ["0", "NA"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PgenFile:
    """Hard calls of a .pgen, packed as they are asked for; the effect allele (A1 of a .bed) is ALT."""

    path: Path
    samples: int
    variants: int
    _reader: Any = field(repr=False)

    def rows(self, start: int, stop: int) -> UInt[np.ndarray, "m b"]:
        """Return the rows from ``start`` to before ``stop``."""
        calls = np.empty((max(stop - start, 0), self.samples), dtype=np.int8)
        if len(calls):
            self._read("read_range", start, stop, calls)
        return pack(calls)

    def chosen(self, places: Int[np.ndarray, " m"]) -> UInt[np.ndarray, "m b"]:
        """Return the rows at these places."""
        calls = np.empty((places.size, self.samples), dtype=np.int8)
        if len(calls):
            self._read("read_list", places.astype(np.uint32), calls)
        return pack(calls)

    def dosages(self, start: int, stop: int) -> Float[np.ndarray, "m n"]:
        """Return the dosages of the rows from ``start`` to before ``stop``, NaN for none."""
        found = np.empty((max(stop - start, 0), self.samples), dtype=np.float32)
        if len(found):
            self._read("read_dosages_range", start, stop, found)
        found[found < 0] = np.nan
        return found

    def chosen_dosages(self, places: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m n"]:
        """Return the dosages of the rows at these places, NaN for none."""
        found = np.empty((places.size, self.samples), dtype=np.float32)
        if len(found):
            self._read("read_dosages_list", places.astype(np.uint32), found)
        found[found < 0] = np.nan
        return found

    def release(self, start: int, stop: int) -> None:
        """Do nothing: rows are made anew each time."""

    def _read(self, how: str, *where: Any) -> None:
        try:
            getattr(self._reader, how)(*where)
        except RuntimeError as error:
            raise DataError(
                f"{self.path} is damaged or cut off: its genotypes cannot be read ({error}). Copy it again, and check "
                "it with: plink2 --pfile NAME --validate"
            ) from error


def open_pgen(path: str | Path, *, samples: int, variants: int) -> PgenFile:
    """Open a .pgen whose .psam has so many samples and whose .pvar so many variants.

    Rows are hard calls, also where the file has dosages (see `read_pgen_dosages`). Read it from one thread at a time.

    Raises
    ------
    MissingExtraError
        If the package pgenlib is not installed.
    DataError
        If the file is missing, is damaged, or has other numbers of samples or variants.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} does not exist; a .pgen stands beside its .pvar and .psam under the same name.")
    check_file(path)
    try:
        pgenlib: Any = import_module("pgenlib")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{path}: reading .pgen needs the optional package pgenlib. Install it with: pip install 'biolab[genomics]'"
            ", or convert with: plink2 --pfile NAME --make-bed --out NAME"
        ) from error
    try:
        reader = pgenlib.PgenReader(str(path).encode(), raw_sample_ct=samples, variant_ct=variants)
    except RuntimeError as error:
        told = error.args[0] if error.args else ""
        said = (told.decode(errors="replace") if isinstance(told, bytes) else str(told)).strip().rstrip(".")
        raise DataError(
            f"{path} cannot be read as .pgen of {samples} samples and {variants} variants: {said}. Does it belong to "
            "this .pvar and .psam? If so, copy it again."
        ) from error
    return PgenFile(path=path, samples=samples, variants=variants, _reader=reader)


def read_pvar(path: str | Path, *, variant_ids: "VariantIds" = "file") -> pl.DataFrame:
    """Read a .pvar: the columns of a .bim, with ALT as effect_allele and REF as other_allele.

    Raises
    ------
    DataError
        If the file is missing, has no header line, lacks a column, names a variant twice, or has several ALT alleles.
    """
    frame, line = _headed(Path(path), "#CHROM")
    missing = [name for name in _PVAR if name not in frame.columns]
    if missing:
        raise DataError(f"{path}, line {line}: column {missing[0]} is missing; found {', '.join(frame.columns)}.")
    many = frame["ALT"].str.contains(",", literal=True).arg_true()
    if len(many):
        row = int(many[0])
        raise DataError(
            f"{path}, line {row + line + 1}: variant {frame['ID'][row]!r} has several ALT alleles ({frame['ALT'][row]})"
            ". Split them first: plink2 --pfile NAME --make-pgen multiallelics=- --out NEW"
        )
    cm = pl.col("CM").replace(".", None) if "CM" in frame.columns else pl.lit("0")
    found = frame.rename(_PVAR).with_columns(position_cm=cm)
    found = found.with_columns(
        numbers(found, name, kind, Path(path), first_line=line + 1)
        for name, kind in (("position", pl.Int64), ("position_cm", pl.Float64))
    )
    columns = ["chromosome", "variant_id", "position_cm", "position", "effect_allele", "other_allele"]
    return named_variants(found.select(columns), Path(path), variant_ids, first_line=line + 1)


def read_psam(path: str | Path) -> pl.DataFrame:
    """Read a .psam: the columns of a .fam; without FID all fid are "0", PHENO1 is the phenotype.

    Raises
    ------
    DataError
        If the file is missing, has no header line or no IID, or repeats a sample.
    """
    frame, line = _headed(Path(path), "#FID", "#IID")
    frame = frame.rename({name: name.removeprefix("#") for name in frame.columns})
    if "IID" not in frame.columns:
        raise DataError(
            f"{path}, line {line}: column IID is missing; found {', '.join(frame.columns)}, parted by tabs."
        )

    def given(name: str, default: str | None) -> pl.Expr:
        return pl.col(name) if name in frame.columns else pl.lit(default, dtype=pl.String)

    parents = {
        name: pl.when(~given(column, "0").is_in(_UNKNOWN_PARENT)).then(given(column, "0"))
        for name, column in (("father", "PAT"), ("mother", "MAT"))
    }
    found = frame.select(
        fid=given("FID", "0"),
        iid=pl.col("IID"),
        **parents,
        sex=sex_names(given("SEX", "0")),
        phenotype=given("PHENO1", None),
    )
    found = found.with_columns(phenotype_values(found["phenotype"]))
    return named_samples(found, Path(path), first_line=line + 1)


def _headed(path: Path, *starts: str) -> tuple[pl.DataFrame, int]:
    """Read a tab-separated table that begins after lines of ##; return it and the line of its header."""
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected it beside the .pgen under the same name.")
    content = b"".join(block.data for block in line_blocks(path)).decode()
    lines = content.rstrip("\n").split("\n")
    before = next((k for k, line in enumerate(lines) if not line.startswith("##")), len(lines))
    if before == len(lines) or not lines[before].startswith(starts):
        raise DataError(f"{path}, line {before + 1}: expected a header that begins with {' or '.join(starts)}.")
    names = lines[before].split("\t")
    if len(set(names)) < len(names):
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise DataError(f"{path}, line {before + 1}: two columns are called {twice!r}. Rename one.")
    rows = [line.split("\t") for line in lines[before + 1 :]]
    for number, row in enumerate(rows, before + 2):
        if len(row) != len(names):
            raise DataError(f"{path}, line {number}: {len(row)} fields, expected {len(names)}. Was it cut off?")
        if "" in row:
            raise DataError(f"{path}, line {number}: {names[row.index('')]} is empty. Was it cut off?")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row"), before + 1
