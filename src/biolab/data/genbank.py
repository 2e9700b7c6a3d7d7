"""GenBank and EMBL records through Biopython: features, or whole records, as lazy frames."""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from biolab.core import ConfigError, DataError

from .lazy_source import lazy_source
from .text_blocks import line_blocks

_PART: Final = pl.Struct({"start": pl.Int64, "end": pl.Int64, "strand": pl.String})
_QUALIFIER: Final = pl.Struct({"name": pl.String, "value": pl.String})
FEATURES: Final = {
    "record_id": pl.String,
    "feature": pl.Int64,
    "type": pl.String,
    "start": pl.Int64,
    "end": pl.Int64,
    "strand": pl.String,
    "parts": pl.List(_PART),
    "gene": pl.String,
    "locus_tag": pl.String,
    "product": pl.String,
    "protein_id": pl.String,
    "codon_start": pl.Int64,
    "codon_table": pl.Int64,
    "translation": pl.String,
    "qualifiers": pl.List(_QUALIFIER),
}
RECORDS: Final = {
    "record_id": pl.String,
    "name": pl.String,
    "description": pl.String,
    "molecule_type": pl.String,
    "topology": pl.String,
    "organism": pl.String,
    "length": pl.Int64,
    "sequence": pl.String,
}
_STRANDS: Final = {1: "+", -1: "-"}
_INDENTED: Final = re.compile(r"^[ \t]+FEATURES[ \t]+Location", re.MULTILINE)
_LOST: Final = ("Expected sequence length", "line too short to contain a feature")
_PLAIN: Final = ("gene", "locus_tag", "product", "protein_id", "translation")


def read_genbank(path: str | Path, *, table: Literal["features", "records"] = "features") -> pl.LazyFrame:
    """Read a GenBank or EMBL file, plain, gzip or bgzip; which of the two is seen from the first line.

    Features, one row each: ``record_id``, ``feature`` (its number in the record, from 0), ``type``, ``start``
    (0-based), ``end`` (excluded), ``strand`` (+, - or null), ``parts`` (a list of start, end, strand in the order in
    which they are read: of a gene on the minus strand the last one first), ``gene``, ``locus_tag``, ``product``,
    ``protein_id``, ``codon_start`` (from 1), ``codon_table`` (NCBI's number), ``translation``, ``qualifiers`` (all of
    them, a list of name and value). Records, one row each: ``record_id``, ``name``, ``description``, ``molecule_type``,
    ``topology``, ``organism``, ``length``, ``sequence`` (null if the file has none). Records stream one by one.

    Raises
    ------
    DataError
        If the file is missing, empty, damaged, truncated (no ``//`` at the end) or neither GenBank nor
        EMBL, a record cannot be parsed, or an id stands twice; with file, record and line.
    ConfigError
        If ``table`` is neither "features" nor "records".
    """
    if table not in {"features", "records"}:
        raise ConfigError(f"table is {table!r}; expected 'features' or 'records'.")
    file, schema = Path(path), FEATURES if table == "features" else RECORDS

    def batches(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        del columns  # a record is parsed whole
        for record in genbank_records(file):
            rows = _feature_rows(record) if table == "features" else [_record_row(record)]
            yield pl.DataFrame(rows, schema=schema, orient="row")

    return lazy_source(schema, batches, path=file)


def genbank_records(path: Path) -> Iterator[Any]:
    """Yield Biopython's records one by one.

    Raises
    ------
    DataError
        As `read_genbank`.
    """
    from Bio import BiopythonParserWarning, SeqIO

    style, seen = "", set()
    for number, (line, text) in enumerate(_texts(path), 1):
        style = style or _style(path, text)
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", BiopythonParserWarning)
                (record,) = SeqIO.parse(io.StringIO(text), style)
        except (ValueError, AssertionError, IndexError, KeyError, AttributeError) as error:
            raise DataError(
                f"{path}, record {number} (line {line} and following) cannot be read as {style}: {error}"
            ) from error
        for feature in record.features:
            if feature.location is None:
                told = "; ".join(str(one.message).rstrip(".") for one in said) or "its location cannot be read"
                raise DataError(f"{path}, record {number} (line {line} and following), a {feature.type}: {told}.")
        indented = None if record.features else _INDENTED.search(text)
        if indented:
            raise DataError(
                f"{path}, line {line + text.count(chr(10), 0, indented.start())}: FEATURES is indented, and its table "
                "would be passed over. It belongs at the beginning of the line."
            )
        if record.id in seen:
            raise DataError(f"{path}, line {line}: record {record.id!r} stands there a second time. Rename one.")
        seen.add(record.id)
        short = [str(one.message) for one in said if str(one.message).startswith(_LOST)]
        if short:
            raise DataError(f"{path}, line {line}: record {record.id!r} is damaged: {short[0]}. Copy the file again.")
        _check_places(record, f"{path}, line {line}: record {record.id!r}")
        yield record


def _check_places(record: Any, where: str) -> None:
    for number, feature in enumerate(record.features):
        if len(record.seq or "") and feature.location.end > len(record.seq):
            raise DataError(
                f"{where}, feature {number} ({feature.type}) ends at {feature.location.end}, behind the end of the "
                f"sequence at {len(record.seq)}. The file may be cut or put together wrongly; copy it again."
            )


def _style(path: Path, text: str) -> str:
    first = text.lstrip()[:60].partition("\n")[0]
    if first.startswith("LOCUS"):
        return "genbank"
    if first.startswith("ID   "):
        return "embl"
    raise DataError(f"{path} begins with {first!r}; GenBank begins with LOCUS, EMBL with ID.")


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the text of each record up to its ``//``, with its first line."""
    held, line = b"", 1
    for block in line_blocks(path):
        pieces = (held + block.data).split(b"\n//\n")
        held = pieces.pop()
        for piece in pieces:
            yield line, piece.decode() + "\n//\n"
            line += piece.count(b"\n") + 2
    if held.strip():
        if line == 1:
            _style(path, held[:200].decode(errors="replace"))
        raise DataError(f"{path} is truncated: the record that begins in line {line} has no // at its end.")
    if line == 1:
        raise DataError(f"{path} holds no record.")


def _feature_rows(record: Any) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for number, feature in enumerate(record.features):
        qualifiers = feature.qualifiers
        first = {name: values[0] if isinstance(values, list) else values for name, values in qualifiers.items()}
        pairs = [
            {"name": name, "value": str(value)} for name, values in qualifiers.items() for value in _listed(values)
        ]
        rows.append(
            (
                record.id, number, feature.type, int(feature.location.start), int(feature.location.end),
                _STRANDS.get(feature.location.strand), _parts(feature), first.get("gene"), first.get("locus_tag"),
                first.get("product"), first.get("protein_id"), _whole(first.get("codon_start")),
                _whole(first.get("transl_table")), first.get("translation"), pairs,
            )
        )  # fmt: skip
    return rows


def _parts(feature: Any) -> list[dict[str, Any]]:
    return [
        {"start": int(part.start), "end": int(part.end), "strand": _STRANDS.get(part.strand)}
        for part in feature.location.parts
    ]


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _record_row(record: Any) -> tuple[Any, ...]:
    from Bio.Seq import UndefinedSequenceError

    try:
        sequence = str(record.seq)
    except UndefinedSequenceError:
        sequence = None
    told = record.annotations
    return (
        record.id, record.name, record.description, told.get("molecule_type"), told.get("topology"),
        told.get("organism"), len(record.seq), sequence,
    )  # fmt: skip
