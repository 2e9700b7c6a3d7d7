"""A coding sequence on its gene: exons in reading direction, and HGVS coordinates of any place in the gene."""

import itertools
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from biolab.core import DataError
from biolab.data.genbank import genbank_records

from .reading_frames import reverse_complement, stops_are_certain, translate

Span = tuple[int, int]
Region = Literal["exon", "intron", "outside"]
_KEYS = ("gene", "locus_tag", "protein_id", "standard_name", "label")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a base of the record lies: its HGVS coordinate, and the region it is in.

    ``offset`` counts bases from the nearest exon: above 0 after it, below 0 before it, 0 within.
    """

    label: str
    region: Region
    offset: int = 0


@dataclass(frozen=True, kw_only=True)
class CodingSequence:
    """A coding sequence in the direction in which it is read: ``sense`` is the record's sequence on that strand.

    ``exons`` are those of the transcript where the record has one (an mRNA feature), else those of the coding sequence;
    ``coding`` are the parts that code. Both count from 0 along ``sense``, ends excluded.
    """

    name: str
    record_id: str
    sense: str
    forward: bool
    exons: tuple[Span, ...]
    coding: tuple[Span, ...]
    codon_table: int

    @property
    def bases(self) -> str:
        """The coding bases, start to stop codon."""
        return "".join(self.sense[begin:end] for begin, end in self.coding)

    @property
    def protein(self) -> str:
        """The protein, its stop as ``*``."""
        return "M" + translate(self.bases, table=self.codon_table)[1:]

    @property
    def downstream(self) -> str:
        """The transcript after the coding sequence, or the record where it has no transcript."""
        last = self.coding[-1][1]
        if self.exons == self.coding:
            return self.sense[last:]
        return "".join(self.sense[max(begin, last) : end] for begin, end in self.exons if end > last)

    def to_sense(self, start: int, end: int) -> Span:
        """Turn an interval of the record into one of ``sense``."""
        return (start, end) if self.forward else (len(self.sense) - end, len(self.sense) - start)

    def coding_place(self, at: int) -> int | None:
        """Return which base of the coding sequence a base of ``sense`` is, from 0; None if it does not code."""
        return _place(self.coding, at)

    def place(self, at: int) -> Place:
        """Return the HGVS coordinate of a base of ``sense``: 76, 88+1, 89-2, -14, *32; empty if outside."""
        if _place(self.exons, at) is not None:
            return Place(label=self._label(at), region="exon")
        k = bisect_right([begin for begin, _ in self.exons], at) - 1
        if k < 0 or k == len(self.exons) - 1:
            return Place(label="", region="outside")
        before, after = at - self.exons[k][1] + 1, self.exons[k + 1][0] - at
        if before <= after:
            return Place(label=f"{self._label(self.exons[k][1] - 1)}+{before}", region="intron", offset=before)
        return Place(label=f"{self._label(self.exons[k + 1][0])}-{after}", region="intron", offset=-after)

    def _label(self, at: int) -> str:
        begin, end = (_place(self.exons, edge) for edge in (self.coding[0][0], self.coding[-1][1] - 1))
        here = _place(self.exons, at)
        if here is None or begin is None or end is None:
            raise AssertionError("the coding sequence and the place lie in exons")
        if here < begin:
            return str(here - begin)
        return f"*{here - end}" if here > end else str(here - begin + 1)


def coding_sequence(path: str | Path, name: str | None = None) -> CodingSequence:
    """Read a coding sequence from a GenBank or EMBL file and check that it translates to what the file says.

    ``name`` is a gene, locus tag, protein id, standard name or label; left out, the file must hold one coding sequence.

    Raises
    ------
    DataError
        If no or several coding sequences fit, the feature is partial, read over the origin of a circle or from both
        strands, is not a whole number of codons from a start to a stop, its translation is not the one in the file, the
        record has no sequence, or stop codons of its genetic code may stand for amino acids.
    """
    file = Path(path)
    found: list[tuple[Any, Any]] = []
    known: list[str] = []
    for record in genbank_records(file):
        for feature in record.features:
            if feature.type == "CDS":
                names = [value for key in _KEYS for value in feature.qualifiers.get(key, [])]
                known += names[:1]
                if name is None or name in names:
                    found.append((record, feature))
    if len(found) != 1:
        asked = "a name" if name is None else f"one called {name!r}"
        listed = ", ".join(dict.fromkeys(known))[:200]
        raise DataError(f"{file} holds {len(found)} coding sequences where {asked} is asked for; they are {listed}.")
    return _checked(*found[0], file, name)


def _checked(record: Any, feature: Any, path: Path, name: str | None) -> CodingSequence:
    qualifiers = feature.qualifiers
    label = name or next((qualifiers[key][0] for key in _KEYS if key in qualifiers), "CDS")
    where = f"{path}, record {record.id}, coding sequence {label!r}"
    exact = all(type(edge).__name__ == "ExactPosition" for edge in (feature.location.start, feature.location.end))
    strands = {part.strand for part in feature.location.parts}
    if not exact or qualifiers.get("codon_start", ["1"])[0] != "1" or len(strands) != 1 or None in strands:
        raise DataError(f"{where} is partial, or read from both strands; effects are told of whole ones.")
    forward = strands == {1}
    if not record.seq.defined:
        raise DataError(f"{where}: the record has no sequence (no ORIGIN). Fetch it with its sequence.")
    codes = int(qualifiers.get("transl_table", ["1"])[0])
    if not stops_are_certain(codes):
        raise DataError(
            f"{where}: stop codons of genetic code {codes} may stand for amino acids; effects are not told."
        )
    text = str(record.seq).upper()
    coding = _spans(feature, len(text), forward=forward, where=where)
    made = CodingSequence(
        name=label,
        record_id=str(record.id),
        sense=text if forward else reverse_complement(text),
        forward=forward,
        exons=_transcript(record, feature, coding, forward=forward, where=where) or coding,
        coding=coding,
        codon_table=codes,
    )
    protein = translate(made.bases, table=made.codon_table, coding=True)
    told = qualifiers.get("translation", [protein])[0]
    if protein != told:
        at = next(
            (k for k, (a, b) in enumerate(zip(protein, told, strict=False)) if a != b), min(len(protein), len(told))
        )
        raise DataError(f"{where} does not translate to the protein in the file: they part at residue {at + 1}.")
    return made


def _spans(feature: Any, length: int, *, forward: bool, where: str) -> tuple[Span, ...]:
    """Return the parts of a feature along the strand it is read from."""
    parts = [(int(part.start), int(part.end)) for part in feature.location.parts]
    spans = parts if forward else [(length - end, length - begin) for begin, end in parts]
    if any(after[0] < before[1] for before, after in itertools.pairwise(spans)):
        raise DataError(f"{where}: its parts are not in order along one strand (over an origin, or slipping back).")
    joined: list[Span] = []
    for begin, end in spans:
        if joined and joined[-1][1] == begin:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return tuple(joined)


def _transcript(
    record: Any, feature: Any, coding: tuple[Span, ...], *, forward: bool, where: str
) -> tuple[Span, ...] | None:
    """Find the mRNA of the same gene that the coding sequence fits into."""
    gene = feature.qualifiers.get("gene")
    for other in record.features:
        if (
            other.type == "mRNA"
            and other.qualifiers.get("gene") == gene
            and other.location.strand == feature.location.strand
        ):
            exons = _spans(other, len(record.seq), forward=forward, where=where)
            inside = [exon for exon in exons if exon[1] > coding[0][0] and exon[0] < coding[-1][1]]
            if inside and _clipped(inside, coding[0][0], coding[-1][1]) == coding:
                return exons
    return None


def _clipped(exons: list[Span], low: int, high: int) -> tuple[Span, ...]:
    return tuple((max(begin, low), min(end, high)) for begin, end in exons)


def _place(spans: tuple[Span, ...], at: int) -> int | None:
    """Count the bases of spans before a place, None if it is in none of them."""
    before = 0
    for begin, end in spans:
        if begin <= at < end:
            return before + at - begin
        before += end - begin
    return None
