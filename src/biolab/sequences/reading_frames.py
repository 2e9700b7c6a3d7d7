"""Translation, and open reading frames on both strands."""

import warnings
from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError, did_you_mean
from biolab.core.arrays import Int

NUCLEOTIDES: Final = frozenset("ACGTUNRYSWKMBDHV")
ORFS: Final = {
    "record_id": pl.String,
    "start": pl.Int64,
    "end": pl.Int64,
    "strand": pl.String,
    "frame": pl.Int64,
    "codons": pl.Int64,
    "complete": pl.Boolean,
    "protein": pl.String,
}


def codon_table(number: int) -> tuple[frozenset[str], frozenset[str]]:
    """Return the start and stop codons of one of NCBI's genetic codes.

    >>> sorted(codon_table(1)[1])
    ['TAA', 'TAG', 'TGA']

    Raises
    ------
    ConfigError
        If there is no such code.
    """
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    if number not in unambiguous_dna_by_id:
        raise ConfigError(f"No genetic code {number!r}. {did_you_mean(str(number), map(str, unambiguous_dna_by_id))}")
    table = unambiguous_dna_by_id[number]
    return frozenset(table.start_codons), frozenset(table.stop_codons)


def stops_are_certain(table: int) -> bool:
    """Say whether no stop codon of a genetic code may also stand for an amino acid (27, 28 and 31 have such).

    >>> stops_are_certain(1), stops_are_certain(27)
    (True, False)

    Raises
    ------
    ConfigError
        If there is no such genetic code.
    """
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    return not codon_table(table)[1] & set(unambiguous_dna_by_id[table].forward_table)


def translate(sequence: str, *, table: int = 1, to_stop: bool = False, coding: bool = False) -> str:
    """Translate nucleotides to protein with one of NCBI's genetic codes; stops are ``*``.

    Ambiguous codons become X unless every reading gives one amino acid; up to two letters left over at the end are not
    translated. ``coding`` asks for a whole coding sequence: it must begin with a start codon (read as M), end with a
    stop codon (not written) and hold none between. Gaps of whole codons (---) stay gaps. In codes 27, 28 and 31 stop
    codons that may also stand for an amino acid are read as this.

    >>> translate("ATGGCCTAA"), translate("TTGGCCTAA", table=11, coding=True)
    ('MA*', 'MA')

    Raises
    ------
    DataError
        If a letter is no nucleotide, or ``coding`` is on and the sequence is not a whole coding sequence.
    ConfigError
        If there is no such genetic code, or ``to_stop`` is asked for where stop codons may stand for amino acids.
    """
    from Bio import BiopythonWarning
    from Bio.Data.CodonTable import TranslationError
    from Bio.Seq import Seq

    codon_table(table)
    if not isinstance(sequence, str):
        raise DataError(f"The sequence is {sequence!r}; expected text.")
    if other := set(sequence.upper()) - {*NUCLEOTIDES, "-"}:
        raise DataError(
            f"The sequence of {len(sequence)} letters cannot be translated: it holds {sorted(other)[0]!r}; expected "
            "nucleotides."
        )
    if to_stop and not stops_are_certain(table):
        raise ConfigError(
            f"In genetic code {table} stop codons may stand for an amino acid, so that none ends the protein for sure; "
            "translate without to_stop, then cut at the stop you know."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BiopythonWarning)  # letters left over at the end are documented
            return str(Seq(sequence).translate(table=table, to_stop=to_stop, cds=coding))
    except TranslationError as error:
        raise DataError(f"The sequence of {len(sequence)} letters cannot be translated: {error}.") from error


def open_reading_frames(
    records: pl.DataFrame | pl.LazyFrame, *, table: int = 1, minimum_codons: int = 30, alternative_starts: bool = False
) -> pl.DataFrame:
    """Find open reading frames on both strands of records with ``id`` and ``sequence``.

    A frame runs from the first start codon after a stop (or after the end of the sequence) to the next stop codon.
    Starts are ATG, with ``alternative_starts`` all of the code's. Columns: ``record_id``, ``start`` and ``end`` on the
    forward strand (0-based, end excluded, stop codon included), ``strand``, ``frame`` (0 to 2, from the 5' end of its
    strand), ``codons`` (without the stop), ``complete`` (off where the sequence ends before a stop), ``protein`` (the
    start codon as M). Sorted by record, start and strand. Each record is taken as linear.

    >>> records = pl.DataFrame({"id": ["x"], "sequence": ["CCATGAAATGATT"]})
    >>> open_reading_frames(records, minimum_codons=2).row(0)
    ('x', 2, 11, '+', 2, 2, True, 'MK')

    Raises
    ------
    ConfigError
        If there is no such genetic code.
    DataError
        If the records lack id or sequence, or a sequence is missing or holds a letter that is no nucleotide.
    """
    starts, stops = codon_table(table)
    starts = starts if alternative_starts else frozenset({"ATG"})
    rows: list[tuple[object, ...]] = []
    for record, sequence in nucleotide_records(records):
        found = _orfs(sequence, starts, stops, table, minimum_codons)
        rows += [(record, *row) for row in sorted(found)]
    return pl.DataFrame(rows, schema=ORFS, orient="row")


def nucleotide_records(records: pl.DataFrame | pl.LazyFrame) -> Iterator[tuple[str, str]]:
    """Yield id and sequence of records, in upper case and as DNA.

    Raises
    ------
    DataError
        If a column is missing, or a sequence is missing or holds a letter that is no nucleotide; with the record.
    """
    names = records.collect_schema().names()
    for name in ("id", "sequence"):
        if name not in names:
            raise DataError(f"The records have no column {name!r}; they have {', '.join(names)}.")
    for record, sequence in records.lazy().select("id", "sequence").collect().iter_rows():
        if sequence is None:
            raise DataError(f"Record {record!r} has no sequence; leave it out.")
        if other := set(sequence.upper()) - NUCLEOTIDES:
            raise DataError(
                f"Record {record!r} holds {sorted(other)[0]!r}; expected nucleotides. Take gaps and blanks out first."
            )
        yield record, sequence.upper().replace("U", "T")


def reverse_complement(sequence: str) -> str:
    """Return the other strand, ambiguity codes included.

    >>> reverse_complement("ACGTR")
    'YACGT'
    """
    from Bio.Seq import reverse_complement as complement

    return complement(sequence)


def _orfs(
    sequence: str, starts: frozenset[str], stops: frozenset[str], table: int, minimum: int
) -> list[tuple[int, int, str, int, int, bool, str]]:
    found: list[tuple[int, int, str, int, int, bool, str]] = []
    for strand, text in (("+", sequence), ("-", reverse_complement(sequence))):
        numbers = _codon_numbers(text)
        for frame in range(3):
            mine = numbers[frame::3]
            for first, last, complete in _spans(mine, _known(starts), _known(stops)):
                codons = last - first
                if codons < minimum:
                    continue
                begin, end = frame + 3 * first, frame + 3 * (last + complete)
                protein = "M" + translate(text[begin + 3 : begin + 3 * codons], table=table)
                if strand == "-":
                    begin, end = len(text) - end, len(text) - begin
                found.append((begin, end, strand, frame, codons, complete, protein))
    return found


def _codon_numbers(text: str) -> Int[np.ndarray, " c"]:
    """Give the codon at every place a number, 16 x first + 4 x second + third; -1 where a letter is unknown."""
    codes = np.full(256, -100, dtype=np.int64)
    codes[list(b"ACGT")] = range(4)
    letters = codes[np.frombuffer(text.encode(), dtype=np.uint8)]
    numbers = 16 * letters[:-2] + 4 * letters[1:-1] + letters[2:]
    return np.where(numbers < 0, -1, numbers)


def _known(codons: frozenset[str]) -> Int[np.ndarray, " c"]:
    return np.array([sum(4 ** (2 - k) * "ACGT".index(letter) for k, letter in enumerate(codon)) for codon in codons])


def _spans(
    codons: Int[np.ndarray, " c"], starts: Int[np.ndarray, " s"], stops: Int[np.ndarray, " t"]
) -> list[tuple[int, int, bool]]:
    """Return first codon, stop codon (or the end) and whether there is a stop, for each stretch between stops."""
    begin, stop = np.flatnonzero(np.isin(codons, starts)), np.flatnonzero(np.isin(codons, stops))
    ends = np.append(stop, codons.size)
    lower = np.concatenate([[0], stop + 1])
    place = np.searchsorted(begin, lower)
    spans: list[tuple[int, int, bool]] = []
    for end, at in zip(ends.tolist(), place.tolist(), strict=True):
        if at < begin.size and begin[at] < end:
            spans.append((int(begin[at]), end, end < codons.size))
    return spans
