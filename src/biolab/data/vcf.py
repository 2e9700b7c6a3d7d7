"""VCF: sites of variants with the INFO fields asked for, and writing a subset of them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from biolab.core import DataError

from .growing_file import growing_file
from .lazy_source import lazy_source
from .tabbed import Field, leading_frame, refuse_rows, tabbed_frame
from .text_blocks import LineBlock
from .vcf_header import FIXED, VcfHeader, vcf_blocks
from .vcf_values import Kind, typed_values, unread_values
from .writable import refuse_breaks, refuse_places, row_batches

_SITE: Final = 8
_FIELDS: Final = (
    Field(place=0, name="chromosome"),
    Field(place=1, name="start", kind=pl.Int64, shift=-1),
    Field(place=2, name="variant_id"),
    Field(place=3, name="reference"),
    Field(place=4, name="alternate"),
    Field(place=5, name="quality", kind=pl.Float64),
    Field(place=6, name="filter"),
    Field(place=7, name="info"),
)
SITES: Final[dict[str, Kind]] = {
    "chromosome": pl.String,
    "start": pl.Int64,
    "end": pl.Int64,
    "variant_id": pl.String,
    "reference": pl.String,
    "alternate": pl.List(pl.String),
    "quality": pl.Float64,
    "filter": pl.String,
    "info": pl.String,
}


def read_vcf(path: str | Path, *, info: Sequence[str] = ()) -> pl.LazyFrame:
    """Read the sites of a VCF or BCF file, plain, gzip or bgzip: one row a record, genotypes left out.

    Columns: ``chromosome``, ``start`` (0-based: POS - 1), ``end`` (excluded: start and the length of the reference),
    ``variant_id``, ``reference``, ``alternate`` (a list; empty where there is none), ``quality``, ``filter`` (as it
    stands: PASS, or codes parted by semicolons), ``info`` (as it stands), and ``info_<KEY>`` for each key asked for,
    of the type that the header declares: a number, text or Boolean, a list of them if there can be several. A dot is
    null. Only what is asked for is parsed; genotypes come from `read_vcf_genotypes`.

    Raises
    ------
    DataError
        If the file is missing or has no VCF header; if a record has another number of fields than the
        header, a position, quality or INFO value is not of its type, the reference is empty or holds more than
        letters, an alternate allele is empty, or the file is damaged; with file and line.
    ConfigError
        If the header does not declare a key of ``info``.
    """
    file = Path(path)
    header, _ = vcf_blocks(file)
    header.require("INFO", info, file)
    keys = {f"info_{key}": key for key in info}

    def batches(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        header, blocks = vcf_blocks(file, leading=1 + _read_fields(columns, keys)[-1].place)
        for block in blocks:
            yield site_frame(block, header, file, columns=columns, keys=keys)

    return lazy_source(SITES | {name: header.info[key] for name, key in keys.items()}, batches, path=file)


def site_frame(
    block: LineBlock, header: VcfHeader, path: Path, *, columns: Sequence[str], keys: dict[str, str]
) -> pl.DataFrame:
    """Parse the sites of a block; the columns needed for checks come along.

    Raises
    ------
    DataError
        As `read_vcf`.
    """
    fields = _read_fields(columns, keys)
    if block.cut_to or header.width == _SITE:
        frame = tabbed_frame(block, fields, path=path, width=block.cut_to or _SITE)
    else:
        frame = leading_frame(block, fields, path=path, width=header.width, filled=(0, _SITE - 1))
    start, reference = frame["start"], frame["reference"]
    if start.null_count() or reference.null_count() or (frame.height and start.min() < -1):  # ty: ignore[unsupported-operator]
        refuse_rows(
            start.is_null() | (start < -1) | reference.is_null(),
            block,
            path,
            lambda row: f"POS is {(start + 1)[row]}, REF {reference[row]!r}; expected a position and a base.",
        )
    lettered = reference.str.contains("[^A-Za-z]")
    if lettered.any():
        refuse_rows(lettered, block, path, lambda row: f"REF is {reference[row]!r}; expected letters of bases.")
    if "alternate" in columns and frame["alternate"].str.contains(",", literal=True).any():
        alternate = frame["alternate"]
        gap = alternate.str.contains("^,|,,|,$")
        refuse_rows(gap, block, path, lambda row: f"ALT is {alternate[row]!r}; an allele between its commas is empty.")
    if "chromosome" in frame.columns and frame["chromosome"].null_count():
        refuse_rows(frame["chromosome"].is_null(), block, path, lambda _: "CHROM is missing; every record has one.")
    made: list[pl.Expr] = []
    if "end" in columns:
        made.append((pl.col("start") + pl.col("reference").str.len_bytes().cast(pl.Int64)).alias("end"))
    if "alternate" in columns:
        made.append(pl.col("alternate").str.split(",").fill_null([]))
    frame = frame.with_columns(made) if made else frame
    for name, key in keys.items():
        if name in columns:
            frame = frame.with_columns(_info(frame["info"], key, header.info[key], block, path).alias(name))
    return frame


def _read_fields(columns: Sequence[str], keys: dict[str, str]) -> list[Field]:
    """Return the fields that columns are made of, and those that are looked at in any case."""
    wanted = {*columns, "start", "reference", *(["info"] if any(name in columns for name in keys) else [])}
    return [field for field in _FIELDS if field.name in wanted]


def write_vcf(path: str | Path, sites: pl.DataFrame | pl.LazyFrame, *, contigs: Sequence[str] = ()) -> Path:
    """Write sites as VCF 4.3 without genotypes; .gz packs. ``start`` is 0-based, POS is written as start + 1.

    ``sites`` has chromosome, start, reference, alternate (a list or text), and variant_id, quality, filter, info as
    text where there are such; other columns are refused, but for ``end``. INFO keys are written as they stand, so the
    header declares none. Rows are written in the order given.

    Raises
    ------
    DataError
        If a column is missing, unknown or not text, a row has no chromosome, start or reference, or a text holds a tab
        or line end.
    BiolabError
        If the file cannot be written.
    """
    file = Path(path)
    schema = sites.collect_schema()
    missing = [name for name in ("chromosome", "start", "reference", "alternate") if name not in schema]
    unknown = [name for name in schema if name not in SITES]
    if missing or unknown:
        said = f"lack {', '.join(missing)}" if missing else f"have {', '.join(unknown)}, which VCF has no place for"
        raise DataError(f"The sites {said}; expected {', '.join(SITES)}.")
    alternate = pl.col("alternate")
    if isinstance(schema["alternate"], pl.List):
        alternate = pl.when(alternate.list.len() > 0).then(alternate.list.join(","))
    for name in ("chromosome", "variant_id", "reference", "filter", "info"):
        if name in schema and schema[name].is_nested():
            raise DataError(f"Column {name!r} is {schema[name]}; expected text. Cast it, or join its parts.")
    rest = [
        pl.col(name) if name in schema else pl.lit(None, pl.String).alias(name)
        for name in ("quality", "filter", "info")
    ]
    named = pl.col("variant_id") if "variant_id" in schema else pl.lit(None, pl.String).alias("variant_id")
    columns = [
        pl.col("chromosome"),
        pl.col("start") + 1,
        named,
        pl.col("reference"),
        alternate.alias("alternate"),
        *rest,
    ]
    head = ["##fileformat=VCFv4.3", *(f"##contig=<ID={name}>" for name in contigs), "\t".join(FIXED)]
    with growing_file(file) as handle:
        handle.write(("\n".join(head) + "\n").encode())
        for frame in row_batches(sites):
            lines = frame.select(columns)
            refuse_sites(lines, file)
            text = lines.write_csv(separator="\t", include_header=False, null_value=".", quote_style="never")
            handle.write(text.encode())
    return file


def refuse_sites(lines: pl.DataFrame, path: Path) -> None:
    """Refuse fixed fields, ``start`` as POS among them, that would be read as something else.

    Raises
    ------
    DataError
        If a field is missing that each record has, a position is none, or a text holds a tab or line end.
    """
    refuse_places(lines, ("start",))
    refuse_breaks(lines)
    reference = lines["reference"]
    if (reference.is_null() | (reference == "") | lines["start"].is_null() | (lines["start"] < 0)).any():
        raise DataError(f"{path}: a site has no start, one below 0, or no reference; give it one or leave it out.")


def _info(texts: pl.Series, key: str, kind: Kind, block: LineBlock, path: Path) -> pl.Series:
    """Take a key's values out of INFO; refuse those that are not of the declared type."""
    if kind == pl.Boolean:
        return texts.str.contains(rf"(?:^|;){re.escape(key)}(?:;|=|$)").fill_null(value=False)
    text = texts.str.extract(rf"(?:^|;){re.escape(key)}=([^;]*)")
    values = typed_values(text, kind)

    def said(row: int) -> str:
        return f"INFO {key} is {text[row]!r}; the header declares {str(kind).lower()} for it."

    refuse_rows(unread_values(text, values), block, path, said)
    return values
