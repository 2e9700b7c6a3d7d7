"""PLINK's tables of variants and samples (.bim, .fam, .pvar, .psam) as frames, and the sets of files they belong to."""

import mmap
import warnings
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import polars as pl

from biolab.core import DataError, write_atomically

from .bed import BedFile, PackedRows, open_bed
from .readers import check_file, looked_up
from .text_blocks import checked_text, refuse_binary

VariantIds = Literal["file", "position"]

_BIM: Final = ("chromosome", "variant_id", "position_cm", "position", "effect_allele", "other_allele")
_BIM_NUMBERS: Final = {"position": pl.Int64, "position_cm": pl.Float64}
_FAM: Final = ("fid", "iid", "father", "mother", "sex", "phenotype")
_NAMED_CHROMOSOMES: Final = {"23": "X", "24": "Y", "25": "XY", "26": "MT", "M": "MT"}
_SEX: Final = {"1": "male", "M": "male", "m": "male", "2": "female", "F": "female", "f": "female"}
_SHOWN = 60
_NO_PHENOTYPE: Final = ("-9", "NA", "nan", "NaN")


@dataclass(frozen=True, kw_only=True, eq=False)
class PlinkFiles:
    """Genotypes of a set of files with the frames that name their rows and columns."""

    rows: PackedRows
    variants: pl.DataFrame
    samples: pl.DataFrame


def open_plink(prefix: str | Path, *, variant_ids: VariantIds = "file") -> PlinkFiles:
    """Open NAME.bed with NAME.bim and NAME.fam, or NAME.pgen with NAME.pvar and NAME.psam, given NAME.

    ``variant_ids="position"`` names variants chromosome:position:other_allele:effect_allele instead of by the file,
    for files whose names repeat (``.``). A .pgen with imputed dosages is opened with a warning: its hard calls are
    read. For the frames see `read_bim` and `read_fam`; those of a .pgen are the same.

    Raises
    ------
    DataError
        If a file is missing, malformed, does not fit the others, or names a variant or sample twice.
    MissingExtraError
        If a .pgen is given and pgenlib is not installed.
    """
    prefix = Path(prefix)
    if prefix.suffix in {".bed", ".bim", ".fam", ".pgen", ".pvar", ".psam"}:
        prefix = prefix.with_suffix("")
    beside = {ending: Path(f"{prefix}{ending}") for ending in (".bed", ".bim", ".fam", ".pgen", ".pvar", ".psam")}
    if not looked_up(beside[".bed"]) and looked_up(beside[".pgen"]):
        from .pgen import open_pgen, read_psam, read_pvar
        from .pgen_dosages import holds_dosages

        variants = read_pvar(beside[".pvar"], variant_ids=variant_ids)
        samples = read_psam(beside[".psam"])
        rows: PackedRows = open_pgen(beside[".pgen"], samples=samples.height, variants=variants.height)
        if holds_dosages(beside[".pgen"]):
            warnings.warn(
                f"{beside['.pgen']} holds imputed dosages; read here are the hard calls beside them. Scores, "
                "scans and frequencies of the dosages themselves: biolab.genotypes.read_dosages (on the command line, "
                "--dosages).",
                stacklevel=3,
            )
        return PlinkFiles(rows=rows, variants=variants, samples=samples)
    if not looked_up(beside[".bed"]):
        if prefix.name.endswith((".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")):
            raise DataError(
                f"{prefix} is a VCF or BCF file. biolab.genotypes.read_dosages opens its dosages for scores, scans and "
                "frequencies; other steps take hard calls: plink2 --vcf FILE --make-bed --out NAME"
            )
        near = sorted(path.name for path in prefix.parent.glob("*.bed")) if prefix.parent.is_dir() else []
        there = f" In {prefix.parent} there are: {', '.join(near[:5])}." if near else ""
        raise DataError(
            f"Neither {beside['.bed']} nor {beside['.pgen']} exists.{there} Give the name without its ending."
        )
    with ThreadPoolExecutor(1) as pool:
        people = pool.submit(read_fam, beside[".fam"])
        variants = read_bim(beside[".bim"], variant_ids=variant_ids)
        samples = people.result()
    bed: BedFile = open_bed(beside[".bed"], samples=samples.height, variants=variants.height)
    return PlinkFiles(rows=bed, variants=variants, samples=samples)


def read_bim(path: str | Path, *, variant_ids: VariantIds = "file") -> pl.DataFrame:
    """Read a .bim: chromosome, variant_id, position_cm, position (1-based), effect_allele (A1), other_allele (A2).

    Chromosomes lose a "chr", and 23 to 26 become X, Y, XY and MT; chromosome and alleles "0" are null.

    Raises
    ------
    DataError
        If the file is missing or empty, a line has another number of fields, is not UTF-8, has a position that is not
        an integer, or repeats a name.
    """
    path = Path(path)
    frame = whitespace_table(path, _BIM, kinds=_BIM_NUMBERS)
    frame = frame.with_columns(
        numbers(frame, "position", pl.Int64, path), numbers(frame, "position_cm", pl.Float64, path)
    )
    return named_variants(frame, path, variant_ids)


def read_fam(path: str | Path) -> pl.DataFrame:
    """Read a .fam: fid, iid, father, mother (null: a founder), sex ("male", "female", null), phenotype.

    Phenotypes are numbers (null: -9, NA, nan), or text for all where one of them is a word.

    Raises
    ------
    DataError
        If the file is missing or empty, a line has another number of fields, is not UTF-8, or repeats a sample.
    """
    path = Path(path)
    frame = whitespace_table(path, _FAM)
    frame = frame.with_columns(
        *[pl.when(pl.col(name) != "0").then(pl.col(name)).alias(name) for name in ("father", "mother")],
        sex_names(pl.col("sex")),
        phenotype_values(frame["phenotype"]),
    )
    return named_samples(frame, path)


def write_plink_tables(prefix: str | Path, variants: pl.DataFrame, samples: pl.DataFrame) -> None:
    """Write NAME.bim and NAME.fam for the frames of `read_bim` and `read_fam`; null becomes 0, a phenotype's null -9.

    Raises
    ------
    BiolabError
        If the folder cannot be written.
    DataError
        If a name holds white space, which the format cannot say.
    """
    sex = pl.col("sex").replace_strict({"male": "1", "female": "2"}, default="0", return_dtype=pl.String)
    bim = variants.select(_BIM).with_columns(
        pl.col("position_cm").fill_null(0.0).cast(pl.String).str.strip_suffix(".0")
    )
    fam = samples.select(_FAM).with_columns(sex, pl.col("phenotype").cast(pl.String).fill_null("-9"))
    for frame, ending in ((bim, ".bim"), (fam, ".fam")):
        text = frame.cast(pl.String).fill_null("0")
        for name in text.columns:
            spaced = text.filter(pl.col(name).str.contains(r"\s") | (pl.col(name) == ""))
            if spaced.height:
                raise DataError(
                    f"{prefix}{ending}: {name} {spaced[name][0]!r} is empty or holds white space; rename it."
                )
        write_atomically(
            Path(f"{prefix}{ending}"), text.write_csv(separator="\t", include_header=False, quote_style="never")
        )


def chromosome_names(column: pl.Expr) -> pl.Expr:
    """Bring chromosome names to one form: no "chr", X, Y, XY and MT for 23 to 26; "0" is null.

    >>> pl.select(chromosome_names(pl.Series(["chr1", "23", "M", "0"]))).to_series().to_list()
    ['1', 'X', 'MT', None]
    """
    bare = column.str.replace(r"(?i)^chr", "").replace(_NAMED_CHROMOSOMES)
    return pl.when(bare != "0").then(bare)


def _named_in_runs(chromosomes: pl.Series) -> pl.Series:
    """Bring names to one form run by run: files hold each chromosome's variants together."""
    runs = chromosomes.rle().struct.unnest()
    named = runs.select(chromosome_names(pl.col("value")).alias(chromosomes.name)).to_series()
    if named.equals(runs["value"]):
        return chromosomes
    return named.gather(np.repeat(np.arange(named.len()), runs["len"].to_numpy()))


def sex_names(column: pl.Expr) -> pl.Expr:
    """Name PLINK's codes of sex: 1 or M male, 2 or F female, all else null."""
    return column.replace_strict(_SEX, default=None, return_dtype=pl.String)


def phenotype_values(text: pl.Series) -> pl.Series:
    """Turn phenotypes into numbers, or leave all of them text where one is a word; -9, NA and nan are null.

    >>> phenotype_values(pl.Series(["1", "-9", "NA"])).to_list(), phenotype_values(pl.Series(["case", "-9"])).to_list()
    ([1.0, None, None], ['case', None])
    """
    known = text.replace(dict.fromkeys(_NO_PHENOTYPE))
    values = known.cast(pl.Float64, strict=False)
    return values if values.null_count() == known.null_count() else known


def whitespace_table(
    path: Path, names: tuple[str, ...], *, kinds: Mapping[str, type[pl.DataType]] | None = None
) -> pl.DataFrame:
    """Read a table without a header, its fields separated by tabs or spaces, as text.

    Columns of ``kinds`` are of these types if all their values are; see `numbers`.

    Raises
    ------
    DataError
        If the file is missing, empty or UTF-16, or a line (named) has another number of fields or is not UTF-8.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected it beside the genotypes under the same name.")
    check_file(path)
    with path.open("rb") as handle:
        first = handle.readline()
    refuse_binary(path, first)
    if first.startswith(b"\x1f\x8b"):
        raise DataError(f"{path} is packed with gzip; unpack it first: gzip -d -c FILE.gz > FILE")
    if b"\r" in first.rstrip(b"\r\n"):
        checked_text(path, first, 1)
    if first.startswith(b"#") or first.split()[:2] == [b"FID", b"IID"]:
        raise DataError(
            f"{path}, line 1 is a header ({first[:_SHOWN].decode(errors='replace').strip()!r}); this kind of file has "
            "none, and it would count as a record. Remove the line."
        )
    if not first.strip():
        raise DataError(f"{path} is empty or begins with an empty line; expected {len(names)} fields a line.")
    if _holds_spaces(path) or first.count(b"\t") != len(names) - 1:
        return _from_spaces(path, names)
    try:
        schema = dict.fromkeys(names, pl.String) | dict(kinds or {})
        frame = pl.read_csv(path, separator="\t", has_header=False, schema=schema, quote_char=None)
    except (pl.exceptions.PolarsError, ValueError):
        return _from_spaces(path, names)
    if frame.width != len(names) or sum(frame.null_count().row(0)):
        return _from_spaces(path, names)
    return frame.rename(dict(zip(frame.columns, names, strict=True)))


def _holds_spaces(path: Path) -> bool:
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as text:
        at = text.find(b"\x00")
        if at >= 0:
            line = 1 + text[:at].count(b"\n")
            raise DataError(f"{path}, line {line} is not text: it holds a byte of value 0. Copy the file again.")
        return text.find(b" ") >= 0


def _from_spaces(path: Path, names: tuple[str, ...]) -> pl.DataFrame:
    """Read line by line, so that a fault is named by its line."""
    columns: list[list[str]] = [[] for _ in names]
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                fields = line.decode("utf-8-sig" if number == 1 else "utf-8").split()
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}, line {number}: byte {line[error.start]:#04x} at place {error.start} is not UTF-8. "
                    "Convert the file, for instance: iconv -f LATIN1 -t UTF-8"
                ) from error
            if not fields and not handle.read().strip():
                break
            if len(fields) != len(names):
                shown = line[:_SHOWN].decode("utf-8", "replace").strip()
                raise DataError(
                    f"{path}, line {number}: {len(fields)} fields, expected {len(names)} ({', '.join(names)}): "
                    f"{shown!r}. Was the file cut off?"
                )
            for column, value in zip(columns, fields, strict=True):
                column.append(value)
    return pl.DataFrame(dict(zip(names, columns, strict=True)), schema=dict.fromkeys(names, pl.String))


def numbers(frame: pl.DataFrame, name: str, kind: type[pl.DataType], path: Path, *, first_line: int = 1) -> pl.Series:
    """Turn a column of text into numbers, unless it holds them already.

    Raises
    ------
    DataError
        If a value (its line is named) is none.
    """
    if frame[name].dtype == kind:
        return frame[name]
    found = frame[name].cast(kind, strict=False)
    wrong = (found.is_null() & frame[name].is_not_null()).arg_true()
    if len(wrong):
        expected = "an integer" if kind.is_integer() else "a number"
        raise DataError(
            f"{path}, line {wrong[0] + first_line}: {name} is {frame[name][int(wrong[0])]!r}; expected {expected}."
        )
    return found


def named_alleles(frame: pl.DataFrame, variant_ids: VariantIds) -> pl.DataFrame:
    """Bring names of chromosomes and alleles to one form, and make names of variants if asked to."""
    frame = frame.with_columns(_named_in_runs(frame["chromosome"]))
    for name in ("effect_allele", "other_allele"):
        if ((frame[name] == "0") | (frame[name] == ".")).any():
            frame = frame.with_columns(pl.when(~pl.col(name).is_in(["0", "."])).then(pl.col(name)).alias(name))
    if variant_ids == "position":
        parts = [
            pl.col(name).cast(pl.String).fill_null("0")
            for name in ("chromosome", "position", "other_allele", "effect_allele")
        ]
        frame = frame.with_columns(variant_id=pl.concat_str(parts, separator=":"))
    return frame


def named_variants(frame: pl.DataFrame, path: Path, variant_ids: VariantIds, *, first_line: int = 1) -> pl.DataFrame:
    """Bring names of chromosomes and alleles to one form and refuse a variant named twice.

    Raises
    ------
    DataError
        If a name repeats.
    """
    frame = named_alleles(frame, variant_ids)
    remedy = (
        "Remove one of them (plink2 --rm-dup)"
        if variant_ids == "position"
        else "Rename them (plink2 --set-all-var-ids '@:#:$r:$a') or read with variant_ids='position'"
    )
    _refuse_repeated(frame, ["variant_id"], path, remedy, first_line)
    return frame


def named_samples(frame: pl.DataFrame, path: Path, *, first_line: int = 1) -> pl.DataFrame:
    """Refuse a sample named twice.

    Raises
    ------
    DataError
        If fid and iid together repeat.
    """
    _refuse_repeated(frame, ["fid", "iid"], path, "Give each sample a name of its own", first_line)
    return frame


def _refuse_repeated(frame: pl.DataFrame, names: Iterable[str], path: Path, remedy: str, first_line: int) -> None:
    key = frame.select(names)
    digests = np.sort(key.hash_rows().to_numpy())
    if (digests[1:] != digests[:-1]).all():  # as many digests as rows: no two rows are the same
        return
    repeated = key.is_duplicated()
    if not repeated.any():
        return
    row = repeated.arg_true()[0]
    first = key.row(int(row))
    same = pl.all_horizontal(
        pl.col(name).eq_missing(pl.lit(value)) for name, value in zip(key.columns, first, strict=True)
    )
    lines = [int(line) + first_line for line in key.select(same.arg_true()).to_series().head(3)]
    label = " ".join(str(value) for value in first)
    raise DataError(
        f"{path}: {' '.join(key.columns)} {label!r} stands on lines {', '.join(map(str, lines))} "
        f"({int(repeated.sum())} lines repeat a name). {remedy}."
    )
