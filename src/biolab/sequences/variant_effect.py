"""What substitutions and small indels do to a coding sequence, in HGVS names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from biolab.core import DataError

from .coding_sequence import CodingSequence, Place
from .hgvs_coding import Change, hgvs_coding, moved_back, normalised
from .hgvs_protein import CodonChange, ProteinEffect, protein_effect
from .reading_frames import reverse_complement, translate

_COLUMNS: Final = {
    "start": pl.Int64,
    "reference": pl.String,
    "alternate": pl.String,
    "hgvs_c": pl.String,
    "hgvs_p": pl.String,
    "consequence": pl.String,
    "codon": pl.Int64,
}
_BASES: Final = frozenset("ACGT")


@dataclass(frozen=True, kw_only=True, eq=False)
class VariantEffects:
    """One row a variant, in the order given."""

    name: str
    record_id: str
    rows: pl.DataFrame

    @property
    def settings(self) -> dict[str, object]:
        """The coding sequence that variants are told on."""
        return {"coding_sequence": self.name, "record_id": self.record_id}

    @property
    def metrics(self) -> dict[str, float]:
        """How many variants have each consequence."""
        counts = self.rows["consequence"].value_counts()
        return {str(row[0]): float(row[1]) for row in counts.sort("consequence").iter_rows()}

    def table(self) -> pl.DataFrame:
        """Return the effects; `variant_effects` tells the columns."""
        return self.rows


def variant_effects(coding: CodingSequence, variants: pl.DataFrame | pl.LazyFrame) -> VariantEffects:
    """Name what variants do: ``variants`` has start (0-based on the record), reference and alternate, as `read_vcf`.

    Alleles are of the record's forward strand; a list of alternates must hold one. Columns: ``start``, ``reference``,
    ``alternate``, ``hgvs_c`` (null if a part lies outside the transcript), ``hgvs_p`` (in brackets, for it is
    predicted; null outside the transcript), ``consequence`` (Sequence Ontology), ``codon`` (the first one touched, from
    1). Indels follow the 3' rule on the gene with its introns; one that could as well stand wholly in an exon is
    translated there. A variant over the edge of an exon, or one or two bases into an intron, has p.? for its splicing
    is unknown, and so has one that takes an end of the coding sequence away with what lies outside the transcript; one
    deeper in an intron or in an untranslated region p.(=).

    Raises
    ------
    DataError
        If a column, a start or a reference is missing, an allele is not of A, C, G, T, or the reference is not what the
        record has there; with the row.

    References
    ----------
    den Dunnen et al. (2016), Human Mutation 37:564-569, doi:10.1002/humu.22981
    """
    schema = variants.collect_schema()
    missing = {"start", "reference", "alternate"} - set(schema.names())
    if missing:
        raise DataError(f"The variants have no column {sorted(missing)[0]!r}; expected start, reference and alternate.")
    if not schema["start"].is_integer() and schema["start"] != pl.Null:
        raise DataError(f"start is {schema['start']}; expected whole numbers, counted from 0.")
    rows: list[tuple[object, ...]] = []
    for number, (start, reference, alternate) in enumerate(
        variants.lazy().select("start", "reference", "alternate").collect().iter_rows()
    ):
        old, new = _alleles(coding, number, start, reference, alternate)
        rows.append((start, old, new, *_effect(coding, normalised(coding, start, old, new))))
    frame = pl.DataFrame(rows, schema=_COLUMNS, orient="row")
    return VariantEffects(name=coding.name, record_id=coding.record_id, rows=frame)


def _alleles(coding: CodingSequence, row: int, start: int, reference: str, alternate: object) -> tuple[str, str]:
    single = alternate[0] if isinstance(alternate, (list, pl.Series)) and len(alternate) == 1 else alternate
    if not isinstance(start, int) or not isinstance(reference, str):
        raise DataError(f"Row {row}: start is {start!r}, reference {reference!r}; expected a place and an allele.")
    if not isinstance(single, str):
        raise DataError(f"Row {row}: alternate is {alternate!r}; expected one allele, split rows with several first.")
    old, new = reference.upper(), single.upper()
    if not old or set(old + new) - _BASES:
        raise DataError(
            f"Row {row}: {reference!r} to {single!r}; expected alleles of A, C, G and T, reference not empty."
        )
    begin, end = coding.to_sense(start, start + len(old))
    if begin < 0 or end > len(coding.sense) or coding.sense[begin:end] != _sense(coding, old):
        found = coding.sense[max(begin, 0) : max(end, 0)]
        shown = found if coding.forward else _sense(coding, found)
        raise DataError(
            f"Row {row}: the reference at {start} is said to be {old!r}, {coding.record_id} has {shown!r} there. "
            "Is the start counted from 0, and on this record?"
        )
    return old, new


def _sense(coding: CodingSequence, text: str) -> str:
    return text if coding.forward else reverse_complement(text)


def _effect(coding: CodingSequence, change: Change) -> tuple[str | None, str | None, str, int | None]:
    if not change.reference and not change.alternate:
        return None, None, "no_change", None
    name = hgvs_coding(coding, change)
    if name is None:
        return None, *_reaching_out(coding, change), None
    change = next((one for one in moved_back(coding, change) if _codes(coding, one)), change)
    touched = _touched(change)
    places = [coding.place(at) for at in touched]
    codes = [coding.coding_place(at) for at in touched]
    first = next((code for code in codes if code is not None), None)
    codon = None if first is None else first // 3 + 1
    if any(place.region == "intron" for place in places):
        return name, *_splicing(places), codon
    if first is None or (not change.reference and None in codes):
        return name, "p.(=)", _untranslated(coding, touched), None
    effect = _protein(coding, change)
    return name, effect.hgvs, effect.consequence, codon


def _reaching_out(coding: CodingSequence, change: Change) -> tuple[str | None, str]:
    """Tell of a change that no name on the transcript fits, for part of it or all lies outside."""
    begin, end = coding.exons[0][0], coding.exons[-1][1]
    if change.end <= begin or change.start >= end or not change.reference:
        return None, "outside_transcript"
    if change.start <= begin and end <= change.end:
        return "p.?", "transcript_ablation"
    first, last = coding.coding[0][0], coding.coding[-1][1]
    if change.start < first < change.end:
        return "p.?", "start_lost"
    if change.start < last < change.end:
        return "p.?", "stop_lost"
    from_before = change.start < begin and change.end > coding.exons[0][1]
    if from_before or (change.end > end and change.start < coding.exons[-1][0]):
        return "p.?", "splice_region_variant"
    return "p.(=)", _untranslated(coding, range(change.start, change.end))


def _touched(change: Change) -> range:
    """Give the bases that change, for an insertion the two beside it."""
    return range(change.start, change.end) if change.reference else range(change.start - 1, change.start + 1)


def _codes(coding: CodingSequence, change: Change) -> bool:
    return all(coding.coding_place(at) is not None for at in _touched(change))


def _splicing(places: Sequence[Place]) -> tuple[str, str]:
    offsets = [place.offset for place in places]
    if any(place.region == "exon" for place in places) and len(places) > 1:
        return "p.?", "splice_region_variant"
    if any(0 < offset <= 2 for offset in offsets):
        return "p.?", "splice_donor_variant"
    if any(-2 <= offset < 0 for offset in offsets):
        return "p.?", "splice_acceptor_variant"
    return "p.(=)", "intron_variant"


def _untranslated(coding: CodingSequence, touched: range) -> str:
    return "5_prime_UTR_variant" if touched[0] < coding.coding[0][0] else "3_prime_UTR_variant"


def _protein(coding: CodingSequence, change: Change) -> ProteinEffect:
    """Translate the coding sequence with the change, on into what follows it, up to the first stop."""
    bases, reference, beyond = coding.bases, coding.protein, 0
    if change.reference:
        codes = [code for at in range(change.start, change.end) if (code := coding.coding_place(at)) is not None]
        begin, end = codes[0], codes[-1] + 1
        beyond = change.end - change.start - len(codes)  # bases of an untranslated region
        if beyond and change.start < coding.coding[0][0]:
            return ProteinEffect("p.(Met1?)", "start_lost")
    else:
        place = coding.coding_place(change.start)
        if place is None:
            raise AssertionError("an insertion between coding bases was asked for")
        begin = end = place
    text = bases[:begin] + change.alternate + bases[end:] + coding.downstream[beyond:]
    first = bases[:3] if begin >= 3 else text[:3]
    altered = translate(text, table=coding.codon_table, to_stop=False)
    altered = ("M" if first == bases[:3] else altered[:1]) + altered[1:]
    stop = altered.find("*")
    codons = CodonChange(
        first=begin // 3,
        last=-(-end // 3),
        added=len(change.alternate) - (end - begin),
        substitution=len(change.alternate) == 1 == end - begin,
    )
    return protein_effect(reference, altered if stop < 0 else altered[: stop + 1], codons)
