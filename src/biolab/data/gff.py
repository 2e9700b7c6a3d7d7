"""GFF3 and GTF: annotations of a genome, with their attributes as columns."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

import polars as pl

from biolab.core import DataError

from .lazy_source import lazy_source
from .tabbed import Field, numbered_lines, refuse_rows, tabbed_frame
from .text_blocks import LineBlock, line_blocks

_WIDTH: Final = 9
_FIELDS: Final = (
    Field(place=0, name="chromosome"),
    Field(place=1, name="source"),
    Field(place=2, name="type"),
    Field(place=3, name="start", kind=pl.Int64, shift=-1),
    Field(place=4, name="end", kind=pl.Int64),
    Field(place=5, name="score", kind=pl.Float64),
    Field(place=6, name="strand"),
    Field(place=7, name="phase", kind=pl.Int64),
    Field(place=8, name="attributes"),
)
Style = Literal["gff3", "gtf"]


def read_gff(path: str | Path, *, attributes: Sequence[str] | None = None) -> pl.LazyFrame:
    """Read a GFF3 or GTF file, plain, gzip or bgzip: one row a feature; the style is seen from the first feature.

    Columns: ``chromosome``, ``source``, ``type``, ``start`` (0-based), ``end`` (excluded; the file counts from 1, both
    ends included), ``score``, ``strand``, ``phase``, ``attributes`` (the ninth field as it stands), then a text column
    for each attribute asked for: null where a feature lacks it, its escapes (%3B) resolved, several values of one
    attribute joined by commas. Left out, ``attributes`` are ID, Parent and Name of GFF3, gene_id, transcript_id and
    gene_name of GTF. A ``##FASTA`` section ends the features.

    Raises
    ------
    DataError
        If the file is missing or holds no feature; if a line has not nine fields, a number is none,
        start is below 1 or above end, strand or phase is unknown, or an attribute is not ``name=value`` (GFF3) or
        ``name "value"`` (GTF).
    """
    file = Path(path)
    style = _style(file)
    usual = ("ID", "Parent", "Name") if style == "gff3" else ("gene_id", "transcript_id", "gene_name")
    asked = usual if attributes is None else tuple(attributes)
    schema = {field.name: field.kind for field in _FIELDS} | dict.fromkeys(asked, pl.String)
    if len(schema) != len(_FIELDS) + len(asked):
        raise DataError(f"attributes are {', '.join(asked)}; one stands twice or is called like a column of GFF.")

    def batches(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        named = [name for name in asked if name in columns]
        always = {"start", "end", "strand", "phase", *(["attributes"] if named else [])}
        wanted = [field for field in _FIELDS if field.name in {*columns, *always}]
        for block, last in _features(file):
            frame = tabbed_frame(block, wanted, path=file, width=_WIDTH)
            _check(frame, block, file)
            if named:
                _check_attributes(frame["attributes"], style, block, file)
            yield frame.with_columns(_attribute(name, style) for name in named)
            if last:
                return

    return lazy_source(schema, batches, path=file)


def _style(path: Path) -> Style:
    for block, last in _features(path):
        for number, line in numbered_lines(block):
            fields = line.split(b"\t")
            if len(fields) != _WIDTH:
                raise DataError(
                    f"{path}, line {number} has {len(fields)} tab-separated field(s); GFF3 and GTF have nine. Look for "
                    "spaces in place of tabs."
                )
            return "gtf" if re.match(rb'\s*[^\s=;"]+\s+("|[^\s=;"]+\s*(;|$))', fields[8]) else "gff3"
        if last:
            break
    raise DataError(f"{path} holds no feature; expected lines of nine tab-separated fields.")


def _features(path: Path) -> Iterator[tuple[LineBlock, bool]]:
    """Yield blocks up to a ##FASTA line, or to a sequence that follows without one."""
    for block in line_blocks(path):
        end = re.search(rb"^(##FASTA|>)", block.data, re.MULTILINE)
        if end:
            yield LineBlock(data=block.data[: end.start()], first_line=block.first_line), True
            return
        yield block, False


def _check(frame: pl.DataFrame, block: LineBlock, path: Path) -> None:
    start, end, strand, phase = (frame[name] for name in ("start", "end", "strand", "phase"))

    def place(row: int) -> str:
        first = None if start[row] is None else start[row] + 1
        return f"the feature from {first} to {end[row]}; expected 1 <= start <= end (GFF counts from 1)."

    refuse_rows(start.is_null() | end.is_null() | (start < 0) | (end <= start), block, path, place)
    if "chromosome" in frame.columns:
        refuse_rows(frame["chromosome"].is_null(), block, path, lambda _: "the feature has no chromosome (field 1).")
    refuse_rows(
        ~strand.is_in(["+", "-", "?"]),
        block,
        path,
        lambda row: f"strand is {strand[row]!r}; expected +, -, ? or a dot.",
    )
    refuse_rows(~phase.is_in([0, 1, 2]), block, path, lambda row: f"phase is {phase[row]}; expected 0, 1, 2 or a dot.")


def _check_attributes(texts: pl.Series, style: Style, block: LineBlock, path: Path) -> None:
    one = r"[^=;\s][^=;]*=[^;]*" if style == "gff3" else r'\w[^\s;"]*\s+(?:"[^"]*"|[^\s;"]+)'
    whole = rf"^\s*(?:{one}\s*(?:;\s*|$))*$"
    expected = "name=value pairs" if style == "gff3" else 'name "value" pairs'
    refuse_rows(
        ~texts.str.contains(whole),
        block,
        path,
        lambda row: f"the attributes {texts[row][:60]!r} are not {expected} parted by semicolons.",
    )


def _attribute(name: str, style: Style) -> pl.Expr:
    text, safe = pl.col("attributes"), re.escape(name)
    if style == "gtf":
        found = text.str.extract_all(rf'(?:^|;)\s*{safe}\s+(?:"[^"]*"|[^\s;"]+)')
        values = found.list.eval(pl.element().str.replace(rf"^;?\s*{safe}\s+", "").str.strip_chars('"'))
        return pl.when(found.list.len() > 0).then(values.list.join(",")).alias(name)
    value = text.str.extract(rf"(?:^|;)\s*{safe}=([^;]*)")
    escaped = value.str.contains("%", literal=True)
    return pl.when(escaped).then(value.map_elements(unquote, return_dtype=pl.String)).otherwise(value).alias(name)
